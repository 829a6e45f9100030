"""Migrated seeds: files in the cache from which servers start with templates and clones, and what the last run has remembered."""
