"""Loads the project as its own commands do: by its ``manage.py``, or a script of its own, up to its settings and tests"""
