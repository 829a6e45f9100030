"""Child processes on Linux: started, watched, ended, together with all that they start."""
