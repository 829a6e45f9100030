"""Files that no run collects unless it names them: each ends the run in a way of its own."""
