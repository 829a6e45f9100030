"""The statements of each test: recorded, rendered, explained."""
