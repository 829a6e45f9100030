raise RuntimeError("the library's own command does not run the example")
