"""A template that is on the project's own server alone."""

from config.shared import *
from config.shared import database

DATABASES = {"default": database("odd", TEST={"TEMPLATE": "template_of_ours"})}
