"""The folder that ``PYTHONPATH`` names for processes that tests start; it has ``sitecustomize`` alone"""
