# SPDX-License-Identifier: GPL-2.0-or-later
"""What a short connection costs in system calls, counted by strace: connect, one request, one answer, close."""

import os
import signal
import subprocess
import unittest
from pathlib import Path

from lan import outside, tap
from lan.process import Lanlet
from lan.programs import need
from lan.wait import PATIENCE

BATCHES = 10
CONNECTIONS = 96  # of a batch

# Connections of @sys.argv[2] threads, one after the other in each.
CONNECT = """
import socket, sys, threading

def work(times):
    for _ in range(times):
        with socket.create_connection((sys.argv[1], 7), 120) as s:
            s.settimeout(120)
            s.sendall(bytes(100))
            left = 100
            while left:
                left -= len(s.recv(left))

connections, at_once = int(sys.argv[2]), int(sys.argv[3])
threads = [threading.Thread(target=work, args=(connections // at_once,)) for _ in range(at_once)]
for t in threads:
    t.start()
for t in threads:
    t.join()
"""


def setUpModule():
    tap.need_tap()
    need("strace")
    tried = subprocess.run(["strace", "-o", os.devnull, "true"], capture_output=True, text=True, timeout=PATIENCE)
    if tried.returncode:
        raise unittest.SkipTest(f"strace may not trace here: {tried.stderr.strip()}")


class Traced(Lanlet):
    """Under strace."""

    def command(self, *options):
        # LeakSanitizer, where lanlet has it, is no friend of tracers.
        sanitizer = ":".join(filter(None, [os.environ.get("ASAN_OPTIONS"), "detect_leaks=0"]))
        return [
            "strace", "-f", "-qq", "-E", f"ASAN_OPTIONS={sanitizer}", "-o", str(self.directory / "calls"),
            *super().command(*options),
        ]

    def stop(self):
        """Ends lanlet, not strace."""
        strace = self.process.pid
        child, = Path(f"/proc/{strace}/task/{strace}/children").read_text().split()
        os.kill(int(child), signal.SIGTERM)
        return self.process.wait()

    def calls(self):
        """How many there were so far."""
        with open(self.directory / "calls", errors="replace") as lines:
            return sum(" resumed>" not in line for line in lines)


class SystemCallTest(unittest.TestCase):
    """
    The cheapest of several batches counts: whatever else the machine does makes answers come late, which is paid for with more
    wake-ups, but never saves one.
    """

    @classmethod
    def setUpClass(cls):
        cls.enterClassContext(outside.Outside())
        cls.lanlet = cls.enterClassContext(Traced())
        cls.guest = cls.enterClassContext(tap.TapGuest(cls.lanlet.stream, "52:54:00:00:00:01"))
        cls.guest.set_address("192.168.122.50")

    def assert_at_most(self, limit, at_once):
        batches = []
        for _ in range(BATCHES):
            before = self.lanlet.calls()
            self.guest.python(CONNECT, outside.ROUTER, CONNECTIONS, at_once, timeout=120)
            batches.append((self.lanlet.calls() - before) / CONNECTIONS)
        print(f"# {min(batches):.1f} system calls a connection, {at_once} at once", flush=True)
        self.assertLessEqual(min(batches), limit)

    def test_short_connections_with_eight_in_flight(self):
        self.assert_at_most(20, 8)

    def test_short_connections_one_at_a_time(self):
        self.assert_at_most(26, 1)
