"""The making of the templates by Django: its steps timed, and migrations that the routers do not allow left out"""
