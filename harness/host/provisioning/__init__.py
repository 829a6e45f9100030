"""The images of a run: what each is made from, and how it is found or made. Docker is spoken to in ``host.docker`` alone."""
