"""The set-ups and tear-downs that the fixtures of ``conftest.py`` record in this process."""

SETTINGS_CHANGED = []
"""An entry for each time that the settings of the databases were changed, in this process or in the one it was forked from."""
RUNNING = []
"""The autouse fixtures of the test that runs: empty between two tests."""
