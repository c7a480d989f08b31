"""The tests; they mirror daemon/postroom."""
