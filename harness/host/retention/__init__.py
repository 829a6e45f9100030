"""The images that are kept: when each was last used, which may go, and their list."""
