"""Migrated seeds on the engine: volumes that servers start from, and the data of a server that is saved."""
