"""Mirrors and their replicas: positions, and the wait until a replica has caught up."""
