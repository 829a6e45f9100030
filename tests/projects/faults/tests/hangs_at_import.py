"""A module that hangs at its import, whatever is raised in it."""

import contextlib
import time

while True:
    with contextlib.suppress(BaseException):
        time.sleep(1000)
