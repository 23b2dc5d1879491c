# SPDX-License-Identifier: GPL-2.0-or-later
"""What both ends of a TCP connection see when lanlet ends."""

import signal
import socket
import unittest

from lan import outside, tap
from lan.process import Lanlet

GATEWAY = "192.168.122.1"
PATIENCE = 20

# Connects, sends a few bytes, and prints what the end of the connection looks like.
RECEIVE = """
import socket, sys
with socket.create_connection((sys.argv[1], int(sys.argv[2])), 20) as s:
    s.settimeout(20)
    s.sendall(b"hello")
    print("ready", flush=True)
    try:
        print("end" if s.recv(1) == b"" else "data", flush=True)
    except OSError as error:
        print(type(error).__name__, flush=True)
"""


def end_of(connection):
    """How the connection ends: "end" is an orderly one."""
    connection.settimeout(PATIENCE)
    try:
        return "end" if connection.recv(1) == b"" else "data"
    except OSError as error:
        return type(error).__name__


class TcpEndsTest(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        tap.need_tap()
        cls.enterClassContext(outside.Outside())

    def setUp(self):
        self.lanlet = Lanlet()
        self.lanlet.start()
        self.addCleanup(self.lanlet.kill)
        self.guest = self.enterContext(tap.TapGuest(self.lanlet.stream, "52:54:00:00:00:01"))
        self.guest.set_address("192.168.122.50")
        self.listener = self.enterContext(socket.create_server(("0.0.0.0", 0)))
        self.listener.settimeout(PATIENCE)

    def connect(self):
        """A connection of the guest: its program, and the socket that accepted."""
        process = self.guest.start(
            "python3", "-c", RECEIVE, GATEWAY, self.listener.getsockname()[1], stdout=-1, text=True)
        self.addCleanup(process.end)
        connection = self.enterContext(self.listener.accept()[0])
        connection.settimeout(PATIENCE)
        self.assertEqual(connection.recv(5), b"hello")
        process.expect("ready")
        return process, connection

    def test_a_stopped_lanlet_resets_both_ends(self):
        process, connection = self.connect()
        self.assertEqual(self.lanlet.stop(), 0)
        self.assertEqual(end_of(connection), "ConnectionResetError")
        process.expect("ConnectionResetError")

    def test_a_killed_lanlet_ends_no_connection_in_order(self):
        _, connection = self.connect()
        self.lanlet.stop(signal.SIGKILL)
        self.assertEqual(end_of(connection), "ConnectionResetError")

    def test_a_half_closed_connection_is_cut_as_well(self):
        _, connection = self.connect()
        connection.shutdown(socket.SHUT_WR)
        self.lanlet.stop(signal.SIGKILL)
        self.assertEqual(end_of(connection), "ConnectionResetError")

    def test_an_orderly_end_stays_orderly(self):
        process, connection = self.connect()
        connection.shutdown(socket.SHUT_WR)
        process.expect("end")
        self.assertEqual(end_of(connection), "end")


if __name__ == "__main__":
    unittest.main()
