"""What a request's text says: decoded, held against signatures, its parameters followed."""
