"""Where the servers of a run are: containers of an engine, or processes of this machine, with what each needs"""
