"""What tests print, on their own and through others."""

import io
import logging
import os
import subprocess
import sys
import unittest
import warnings

from expectations import expect


class OutputTests(unittest.TestCase):
    @expect("PASSED")
    def test_prints_and_passes(self):
        print("printed by a test that passes")

    @expect("FAILED")
    def test_prints_and_fails(self):
        print("printed to stdout")
        print("printed to stderr", file=sys.stderr)
        self.fail("after printing")

    @expect("FAILED")
    def test_writes_to_the_descriptors(self):
        os.write(1, b"written to descriptor 1\n")
        os.write(2, b"written to descriptor 2\n")
        self.fail("after writing")

    @expect("FAILED")
    def test_runs_a_program_that_prints(self):
        program = "import sys; print('printed by a child'); print('complained by a child', file=sys.stderr)"
        subprocess.run([sys.executable, "-c", program], check=True)
        self.fail("after the child")

    @expect("FAILED")
    def test_prints_megabytes(self):
        for number in range(20_000):
            print(f"{number:06} " + "x" * 93)
        self.fail("after two megabytes")

    @expect("FAILED")
    def test_prints_what_is_no_text(self):
        os.write(1, bytes(range(256)) * 4 + b"\xed\xa0\x80 \n")
        self.fail("after strange bytes")

    @expect("FAILED")
    def test_prints_no_newline(self):
        print("no newline", end="")
        self.fail("after half a line")

    @expect("PASSED")
    def test_prints_what_looks_like_a_report(self):
        os.write(1, b'{"v":1,"seq":1,"at":0,"slot":1,"type":"RunFinished","failures":0}\n')
        print("Ran 1 test in 0.000s\n\nOK")
        print("::error::injected\n##[error]injected")

    @expect("PASSED")
    def test_logs(self):
        logging.getLogger("outcomes").error("logged by a test that passes")

    @expect("FAILED")
    def test_logs_and_fails(self):
        logging.getLogger("outcomes").error("logged by a test that fails")
        self.fail("after logging")

    @expect("PASSED")
    def test_warns(self):
        warnings.warn("warned by a test that passes", UserWarning, stacklevel=1)

    @expect("PASSED")
    def test_leaves_another_stdout_behind(self):
        self.addCleanup(setattr, sys, "stdout", sys.stdout)
        sys.stdout = io.StringIO()
        print("to nowhere")
