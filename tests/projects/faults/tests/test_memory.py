"""A test that takes more memory than the container has."""

import unittest


class MemoryTests(unittest.TestCase):
    def test_1_before(self):
        pass

    def test_2_takes_all(self):
        taken = [bytearray(50_000_000) for _ in range(60)]
        for block in taken:
            block[::4096] = b"x" * len(block[::4096])
