"""`postroom quarantine`: messages that were put aside."""
