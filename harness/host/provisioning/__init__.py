"""The images of a run: their origins, and how each is found or made. Only ``host.docker`` speaks to Docker."""
