"""The proxy between replicas and their primaries, for ``--replica-lag``: its program, and the conversation with it."""
