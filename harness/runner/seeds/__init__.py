"""Cached test databases: the key of their content, their use in place of migrations, and their comparison with new ones."""
