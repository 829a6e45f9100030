raise RuntimeError("a test module that raises while it is imported")
