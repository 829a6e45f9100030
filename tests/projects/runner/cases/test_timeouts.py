import threading
import time
import unittest


def wait_in_a_thread():
    time.sleep(600)


class Tests(unittest.TestCase):
    def test_1_waits(self):
        print("printed while waiting")
        threading.Thread(target=wait_in_a_thread, daemon=True).start()
        self.wait_in_the_test()

    def wait_in_the_test(self):
        time.sleep(600)

    def test_2_after(self):
        pass


class SetUpTests(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        time.sleep(600)

    def test_1(self):
        pass
