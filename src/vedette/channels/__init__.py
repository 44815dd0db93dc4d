"""Where incidents are told: who is told, when, and by which channel."""
