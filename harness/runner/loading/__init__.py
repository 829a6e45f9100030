"""Loads the project as its own commands do: by its ``manage.py``, or by a script of its own"""
