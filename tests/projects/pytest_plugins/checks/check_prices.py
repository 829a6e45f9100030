import subprocess
import sys

from shop.prices import rounded


def test_rounded(record_property, record_testsuite_property, record_xml_attribute):
    record_property("ticket", "A-12")
    record_testsuite_property("arch", "arm64")
    record_xml_attribute("assertions", 1)
    assert rounded(1.6) == 2


def test_negative():
    assert rounded(-1) == 0


def test_in_a_process():
    code = "from shop.prices import in_a_process_of_its_own as f; print(f())"
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True).stdout == "seen\n"
