ORIGIN = "a folder of the project"
