"""Plain data that host and runner exchange: standard library only, no I/O."""
