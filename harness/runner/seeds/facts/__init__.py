"""The facts that the content of test databases depends on, read from the files of the project and from Django."""
