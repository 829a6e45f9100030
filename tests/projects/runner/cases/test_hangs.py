import subprocess
import time
import unittest


class FirstTests(unittest.TestCase):
    def test_hangs(self):
        subprocess.run(["sleep", "600"])


class SecondTests(unittest.TestCase):
    def test_hangs(self):
        time.sleep(600)
