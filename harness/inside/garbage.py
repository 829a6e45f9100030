"""Python's collection of cycles: seldom while the run is set up, and as ever where tests run.

To import a project and to migrate its databases makes objects by the hundred thousand, most of which stay.
"""

from __future__ import annotations

import gc

_SELDOM = (50_000, 20, 20)
_usual = gc.get_threshold()


def collect_seldom() -> None:
    """From here on, until ``collect_as_usual``."""
    gc.set_threshold(*_SELDOM)


def collect_as_usual() -> None:
    """As Python does, or as the project has set it; what is there now stays, and neither we nor a worker walks over it again."""
    gc.freeze()
    if gc.get_threshold() == _SELDOM:
        gc.set_threshold(*_usual)
