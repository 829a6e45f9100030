"""Tests as Django up to 1.5 found them: beside the models, by a module's ``suite()``, and in docstrings."""
