"""The statements of each test: recorded, rendered, explained, and counted by server and table."""
