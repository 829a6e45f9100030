"""Tunes Python's cycle collector: it runs rarely while the run is set up, and as usual while tests run.

Importing a project and migrating its databases makes hundreds of thousands of objects, most of which stay.
"""

from __future__ import annotations

import gc

_SELDOM = (50_000, 20, 20)
_usual = gc.get_threshold()


def collect_seldom() -> None:
    """Collect rarely, until ``collect_as_usual`` is called."""
    gc.set_threshold(*_SELDOM)


def collect_as_usual() -> None:
    """Restore the usual thresholds, unless the project set its own. Present objects are frozen: no collection visits them."""
    gc.freeze()
    if gc.get_threshold() == _SELDOM:
        gc.set_threshold(*_usual)
