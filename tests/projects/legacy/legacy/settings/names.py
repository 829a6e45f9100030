"""Names of databases and of aliases that must be quoted, kept in their case, or cut."""

from legacy.settings.shared import *
from legacy.settings.shared import replica, server

DATABASES = {
    "default": server(name="library.v2"),
    "Reading-Room.EU": {**replica(name="library.v2"), "TEST": {"MIRROR": "default"}},
    "quoted": server(name="o'hara's library"),
    "UPPER": server(name="LIBRARY_Upper"),
    "long": server(name="l" * 50 + "_sixty_three_"),
    "long too": server(name="l" * 50 + "_sixty_three-"),
    "spaced out": server(name="the library of 50% & more; --"),
    "bücher": server(name="bücherei"),
}
MIRRORS = {"Reading-Room.EU": "default"}
