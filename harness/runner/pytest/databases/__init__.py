"""Makes the test databases of a pytest run by the fixtures of the project: templates, and databases of a worker alone."""
