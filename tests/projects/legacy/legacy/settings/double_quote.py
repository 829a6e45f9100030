"""A double quote in a name, which servers allow and Django's own ``CREATE DATABASE`` does not escape."""

from legacy.settings.shared import *
from legacy.settings.shared import server

DATABASES = {"default": server(name='the "great" library')}
