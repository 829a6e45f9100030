"""Two aliases of one database, which differ in their options alone."""

from legacy.settings.shared import *
from legacy.settings.shared import server

DATABASES = {
    "default": server(),
    "reporting": server(OPTIONS={"options": "-c search_path=reporting,public"}),
}
SHARED = {"reporting": "default"}
