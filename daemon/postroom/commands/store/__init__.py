"""`postroom store`: the store as something owned."""
