"""What a site's requests have always been like, route by route and parameter by parameter."""
