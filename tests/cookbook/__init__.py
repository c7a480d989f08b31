"""The recipes of the cookbook do what the cookbook says of them."""
