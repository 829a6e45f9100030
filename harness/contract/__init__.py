"""Plain data that passes through the wall between host and inside: standard library only, no I/O."""
