"""`postroom quarantine`: messages that could not be decided."""
