"""Carries reports, warnings and properties of pytest from the workers to the plugins of the coordinator"""
