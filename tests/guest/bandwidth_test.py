# SPDX-License-Identifier: GPL-2.0-or-later
"""Limits of bandwidth, seen by a guest with the kernel's TCP.  Times have lower bounds only: a loaded machine is slower, never faster."""

import socket
import subprocess
import sys
import threading
import time
import unittest

from lan import runner, tap
from lan.process import Lanlet, unprivileged
from lan.programs import LANLET
from lan.wait import PATIENCE

GATEWAY = "192.168.122.1"
SIZE = 2_000_000
BURST = 64 * 1024

DOWNLOAD = """
import socket, sys
s = socket.create_connection((sys.argv[1], int(sys.argv[2])))
n = 0
while n < int(sys.argv[3]):
    n += len(s.recv(65536))
s.sendall(b"x")
s.recv(1)
print(n)
"""
UPLOAD = """
import socket, sys
s = socket.create_connection((sys.argv[1], int(sys.argv[2])))
s.sendall(bytes(int(sys.argv[3])))
s.shutdown(socket.SHUT_WR)
s.recv(1)
"""


setUpModule = tap.need_tap


class Transfer(threading.Thread):
    """A server on the host that sends SIZE bytes to one client, or takes what it sends; `seconds` is from the first byte to the last."""

    def __init__(self, sends):
        super().__init__()
        self.sends = sends
        self.socket = socket.create_server(("127.0.0.1", 0))
        self.socket.settimeout(PATIENCE)
        self.taken = 0

    @property
    def port(self):
        return self.socket.getsockname()[1]

    def run(self):
        client, _ = self.socket.accept()
        with client, self.socket:
            begin = time.monotonic()
            if self.sends:
                client.sendall(bytes(SIZE))
                client.recv(1)
            else:
                while piece := client.recv(65536):
                    self.taken += len(piece)
            self.seconds = time.monotonic() - begin


class Bandwidth(unittest.TestCase):
    def transfer(self, sends, *options):
        """Moves SIZE bytes to (@sends) or from a guest of a network with @options; returns the seconds and the drops."""
        with Lanlet("--host-loopback", *options) as network:
            server = Transfer(sends)
            server.start()
            program = DOWNLOAD if sends else UPLOAD
            done = subprocess.run([*unprivileged(), LANLET, "exec", "--runtime-dir", str(network.runtime), "--",
                                   sys.executable, "-c", program, GATEWAY, str(server.port), str(SIZE)],
                                  stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=PATIENCE)
            server.join(PATIENCE)
            self.assertEqual(done.returncode, 0, done.stderr)
            if sends:
                self.assertEqual(int(done.stdout), SIZE)
            else:
                self.assertEqual(server.taken, SIZE)
            return server.seconds, network.status()

    def test_download_takes_its_time_and_loses_nothing(self):
        seconds, drops = self.transfer(True, "--bandwidth-in", "8M")
        self.assertGreater(seconds, (SIZE - 4 * BURST) / 1_000_000)
        self.assertNotRegex(drops, r"bandwidth +[1-9]")

    def test_upload_takes_its_time(self):
        seconds, _ = self.transfer(False, "--bandwidth-out", "8M")
        self.assertGreater(seconds, (SIZE - 4 * BURST) / 1_000_000)

    def test_other_direction_is_not_limited(self):
        seconds, drops = self.transfer(True, "--bandwidth-out", "2M")
        self.assertLess(seconds, SIZE / 250_000)
        self.assertNotRegex(drops, r"bandwidth +[1-9]")


if __name__ == "__main__":
    runner.main()
