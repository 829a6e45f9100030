"""Plain data that host and inside exchange: standard library only, no I/O."""
