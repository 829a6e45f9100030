"""Tests that open connections to the primary all the time, and send no statement over them. Two run at once."""

import time

from django.db import connection
from django.test import TransactionTestCase


class ConnectingTests:
    def test_connects(self):
        ends_at = time.monotonic() + 30
        while time.monotonic() < ends_at:
            connection.close()
            connection.ensure_connection()


for _number in range(12):
    _name = f"Connecting{_number}Tests"
    globals()[_name] = type(_name, (ConnectingTests, TransactionTestCase), {"__module__": __name__})
