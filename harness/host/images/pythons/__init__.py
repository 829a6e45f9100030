"""Interpreters of CPython for a runner's image where no image of one can be had: found, installed, packed"""
