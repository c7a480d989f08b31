"""What the user wrote: settings, rule files, secrets. Every problem is told at once."""
