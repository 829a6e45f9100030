"""What a test in an isolated network reaches: the run's servers, and no service of the machine that the engine runs on.

``FAULTS_PEER`` is the port of one that listens on every address there, and an address of the machine.
"""

import os
import socket

from django.test import TestCase

from shop.models import Account

HOST, _, PORT = os.environ.get("FAULTS_PEER", "").partition(":")


class ReachTests(TestCase):
    def test_the_servers(self):
        self.assertFalse(Account.objects.exists())

    def test_the_machine(self):
        socket.create_connection((HOST, int(PORT)), timeout=3).close()

    def test_the_networks_gateway(self):
        own = socket.gethostbyname(socket.gethostname())
        socket.create_connection((f"{own.rpartition('.')[0]}.1", int(PORT)), timeout=3).close()
