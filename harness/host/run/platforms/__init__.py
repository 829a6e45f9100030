"""The platforms of a run's servers, containers of an engine or processes of this machine, and what each needs"""
