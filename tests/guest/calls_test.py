# SPDX-License-Identifier: GPL-2.0-or-later
"""What a short connection costs in system calls, counted by strace: connect, one request, one answer, close."""

import collections
import os
import re
import signal
import subprocess
import unittest
from pathlib import Path

from lan import outside, tap
from lan.process import Lanlet
from lan.programs import need
from lan.wait import PATIENCE

CONNECTIONS = 960
WAIT = re.compile(r"\d+ +epoll_p?wait")
READ = re.compile(r"\d+ +(recvfrom|recvmsg|recvmmsg|read)\(\d+<UNIX-STREAM")  # of the guest's socket
IDLE = re.compile(r"\d+ +(epoll_p?wait.*|<\.\.\. epoll_p?wait resumed>.*) = 0$|" + READ.pattern[5:] + ".* = -1 EAGAIN")

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
    """A lanlet that runs under strace."""

    def command(self, *options):
        # LeakSanitizer, where lanlet has it, is no friend of tracers.
        sanitizer = ":".join(filter(None, [os.environ.get("ASAN_OPTIONS"), "detect_leaks=0"]))
        return [
            "strace", "-f", "-qq", "-yy", "-E", f"ASAN_OPTIONS={sanitizer}", "-o", str(self.directory / "calls"),
            *super().command(*options),
        ]

    def stop(self):
        """Ends lanlet and lets strace finish."""
        strace = self.process.pid
        child, = Path(f"/proc/{strace}/task/{strace}/children").read_text().split()
        os.kill(int(child), signal.SIGTERM)
        return self.process.wait()

    def calls(self):
        """Counts the system calls so far by name."""
        count = collections.Counter()
        with open(self.directory / "calls", errors="replace") as lines:
            for line in lines:
                if " resumed>" not in line:
                    count["wait" if WAIT.match(line) else "read" if READ.match(line) else "other"] += 1
                count["idle"] += bool(IDLE.match(line))
        return count


class SystemCallTest(unittest.TestCase):
    """
    What a connection costs depends on how its frames arrive.  On an idle machine the guest's kernel sends two or three at once,
    which cost one epoll_wait and one read of the guest's socket; on a busy one each arrives by itself, and 21 calls become 29.
    So these two are counted apart: the limit holds for the sum of all other calls and of the waits and reads that a connection
    needs when nothing is late.  Waits and reads have limits of their own, and none may have been for nothing.
    """

    @classmethod
    def setUpClass(cls):
        cls.enterClassContext(outside.Outside())
        cls.lanlet = cls.enterClassContext(Traced())
        cls.guest = cls.enterClassContext(tap.TapGuest(cls.lanlet.stream, "52:54:00:00:00:01"))
        cls.guest.set_address("192.168.122.50")

    def assert_at_most(self, limit, at_once, least_waits_and_reads):
        before = self.lanlet.calls()
        self.guest.python(CONNECT, outside.ROUTER, CONNECTIONS, at_once, timeout=120)
        calls = {kind: (n - before[kind]) / CONNECTIONS for kind, n in self.lanlet.calls().items()}
        print(f"# calls a connection, {at_once} at once: {calls}", flush=True)
        self.assertLessEqual(calls["other"] + least_waits_and_reads, limit)
        self.assertLess(calls["idle"], 0.5)
        # The guest sends seven frames.  Each costs one read and one wait at most, and events of the host's socket a few waits.
        self.assertLessEqual(calls["read"], 8)
        self.assertLessEqual(calls["wait"], 13)

    def test_short_connections_with_eight_in_flight(self):
        self.assert_at_most(20, 8, 2)

    def test_short_connections_one_at_a_time(self):
        self.assert_at_most(26, 1, 7)
