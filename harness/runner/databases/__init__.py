"""The databases of the workers: templates, clones, and the flush between tests."""
