"""A test that tries to forge results of others: how far it gets, and how it ends. Each attack is a test of the project.

Attacks that need a user of their own to be kept out (``/proc`` of the runner) are tried in the container: see tests/faults.
"""

import hashlib

from harness.protocol.events import RunAborted, RunFinished
from harness.protocol.messages import RunSpec
from tests.runner.conversation import Conversation, MakeProject

ATTACKS = """
import ctypes, gc, hashlib, io, json, mmap, os, re, signal, stat, time, unittest

FORGED = b'{"v":1,"seq":9999,"at":1.0,"slot":1,"final":true,"type":"AttemptFinished",' \\
    b'"test":"tests.ZVictimTests.test_fails","n":1,"outcome":"PASSED","duration":0.1}\\n'

def write(path, data):
    try:
        fd = os.open(path, os.O_WRONLY | os.O_NONBLOCK)
    except OSError:
        return
    try:
        os.write(fd, data)
    except OSError:
        pass
    finally:
        os.close(fd)

class AAttacks(unittest.TestCase):
    def test_1_writes_events_to_whatever_the_runner_has_open(self):
        for pid in (os.getppid(), 1):
            try:
                names = os.listdir(f"/proc/{pid}/fd")
            except OSError:
                continue
            for name in names:
                path = f"/proc/{pid}/fd/{name}"
                try:
                    is_pipe = stat.S_ISFIFO(os.stat(path).st_mode)
                except OSError:
                    continue
                if is_pipe and pid != 1:
                    write(path, b"half a line")
                    write(path, FORGED)
                    write(path, b'{"type":"Stop","reason":"forged","exit_code":0}\\n')

    def test_2_finds_no_key_in_its_memory(self):
        secrets = set(os.environ["SECRETS"].split())
        found = []
        with open("/proc/self/maps") as maps, open("/proc/self/mem", "rb", 0) as memory:
            for line in maps.read().splitlines():
                span, mode = line.split()[:2]
                start, end = (int(part, 16) for part in span.split("-"))
                if mode.startswith("rw") and end - start < 1 << 28:
                    try:
                        memory.seek(start)
                        data = memory.read(end - start)
                    except (OSError, ValueError):
                        continue
                    for match in re.finditer(rb"[0-9a-f]{32,128}", data):
                        text = match[0]
                        for at in range(len(text) - 31):
                            if hashlib.sha256(text[at:at + 32]).hexdigest() in secrets:
                                found.append(line)
        self.assertEqual(found, [])

    def test_3_looks_at_every_object(self):
        for thing in gc.get_objects():
            if isinstance(thing, (memoryview, mmap.mmap)):
                try:
                    bytes(thing)
                except ValueError:
                    pass

    def test_4_stops_no_other_worker(self):
        with open("/proc/self/maps") as maps:
            for line in maps:
                if "/memfd:stop" in line:
                    start = int(line.split("-")[0], 16)
                    libc = ctypes.CDLL(None, use_errno=True)
                    self.assertEqual(libc.mprotect(ctypes.c_void_p(start), mmap.PAGESIZE, 3), -1)
                    break
            else:
                self.fail("there is no such memory")
        for name in os.listdir("/proc/self/fd"):
            try:
                if "memfd:stop" in os.readlink(f"/proc/self/fd/{name}"):
                    with self.assertRaises(OSError):
                        os.pwrite(int(name), b"1", 0)
            except FileNotFoundError:
                pass

    def test_5_has_the_captures_of_its_own_slot_alone(self):
        slots = set()
        for name in os.listdir("/proc/self/fd"):
            try:
                slots.update(re.findall(r"memfd:slot-(\\d+)", os.readlink(f"/proc/self/fd/{name}")))
            except FileNotFoundError:
                pass
        self.assertEqual(len(slots), 1)

class BTests(unittest.TestCase):
    def test_passes(self):
        pass

class ZVictimTests(unittest.TestCase):
    def test_fails(self):
        self.fail("honest")
"""


def test_no_attack_changes_what_becomes_of_another_test(project: MakeProject) -> None:
    folder = project({"tests.py": ATTACKS})
    keys = Conversation.make_keys()
    env = {"SECRETS": " ".join(hashlib.sha256(key).hexdigest() for key in keys)}
    with Conversation(folder, env=env, keys=keys) as conversation:
        conversation.begin(RunSpec(settings="settings", labels=("tests",), workers=2, timeout_s=60.0))
        journal = conversation.finish()
    assert journal.outcomes() == {
        "AAttacks.test_1_writes_events_to_whatever_the_runner_has_open": "PASSED",
        "AAttacks.test_2_finds_no_key_in_its_memory": "PASSED",
        "AAttacks.test_3_looks_at_every_object": "PASSED",
        "AAttacks.test_4_stops_no_other_worker": "PASSED",
        "AAttacks.test_5_has_the_captures_of_its_own_slot_alone": "PASSED",
        "BTests.test_passes": "PASSED",
        "ZVictimTests.test_fails": "FAILED",
    }, [journal.all(RunAborted), [attempt.failures for attempt in journal.attempts]]
    assert journal.one(RunFinished) == RunFinished(1)
