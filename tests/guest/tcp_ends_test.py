# SPDX-License-Identifier: GPL-2.0-or-later
"""What the ends of a TCP connection see when lanlet ends, or when the peer is dead."""

import contextlib
import select
import signal
import socket
import time
import unittest

from lan import outside, tap
from lan.packet import ETHERTYPE_IPV4, TCP, Ethernet, Ipv4, address
from lan.process import Lanlet
from lan.programs import check
from lan.tcp import RST

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

# Prints how the connection ends, after a byte that was echoed, with the options NAME=VALUE.  "send": sends one more when told.
WATCH = """
import errno, socket, sys
with socket.create_connection((sys.argv[1], 7), 20) as s:
    s.settimeout(30)
    s.sendall(b"x")
    s.recv(1)
    for option in sys.argv[3:]:
        name, value = option.split("=")
        s.setsockopt(socket.SOL_SOCKET if name.startswith("SO_") else socket.IPPROTO_TCP, getattr(socket, name), int(value))
    print("ready", flush=True)
    sys.stdin.readline()
    try:
        if sys.argv[2] == "send":
            s.sendall(b"x")
        print(s.recv(1))
    except OSError as error:
        print(errno.errorcode.get(error.errno, "silence"))
"""


def end_of(connection):
    """How the connection ends: "end" is an orderly one."""
    connection.settimeout(PATIENCE)
    try:
        return "end" if connection.recv(1) == b"" else "data"
    except OSError as error:
        return type(error).__name__


def frames_of(capture):
    """What a packet socket has received."""
    with contextlib.suppress(BlockingIOError):
        while frame := capture.recv(1 << 16):
            yield Ethernet.parse(frame)


def is_probe(frame):
    """Whether it is a TCP segment for the outside that has no data and resets nothing."""
    if frame.ethertype != ETHERTYPE_IPV4:
        return False
    ip = Ipv4.parse(frame.payload)
    if (ip.protocol, ip.destination) != (TCP, address(outside.FAR)):
        return False
    header = (ip.payload[12] >> 4) * 4
    return len(ip.payload) == header and not ip.payload[13] & RST


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

    # --- dead peers ---

    def watch(self, *arguments):
        process = self.guest.start("python3", "-c", WATCH, outside.FAR, *arguments, stdin=-1, stdout=-1)
        self.addCleanup(process.end)
        process.expect("ready")
        return process

    def cut_cable(self):
        """The outside gets nothing any more, and nobody is told."""
        where = (outside.ROUTER, "dev", "uplink")
        check("ip", "neighbour", "replace", *where, "lladdr", "02:00:00:00:00:99", "nud", "permanent")
        self.addCleanup(check, "ip", "neighbour", "delete", *where)

    def test_keepalives_of_a_guest_find_a_dead_peer_and_leave_at_its_interval(self):
        process = self.watch("listen", "TCP_KEEPIDLE=1", "TCP_KEEPINTVL=1", "TCP_KEEPCNT=3", "SO_KEEPALIVE=1")
        self.cut_cable()
        with socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(0x0003)) as capture:
            capture.bind(("uplink", 0))
            capture.setblocking(False)
            process.stdin.write(b"go\n")
            process.stdin.flush()
            process.expect("ETIMEDOUT")
            probes = sum(is_probe(frame) for frame in frames_of(capture))
        self.assertIn(probes, (2, 3))  # two within half a second, on a busy machine, leave as one

    def test_a_guests_user_timeout_counts_while_its_peer_is_dead(self):
        process = self.watch("send", "TCP_USER_TIMEOUT=2000")
        self.cut_cable()
        time.sleep(0.1)  # what is sent at once after an answer is acknowledged without asking the peer
        process.stdin.write(b"go\n")
        process.stdin.flush()
        process.expect("ETIMEDOUT")

    def test_a_guest_that_sends_keepalives_to_a_live_peer_stays_connected(self):
        process = self.watch("send", "TCP_KEEPIDLE=1", "TCP_KEEPINTVL=1", "TCP_KEEPCNT=1", "SO_KEEPALIVE=1")
        self.assertFalse(select.select([process.stdout], [], [], 4)[0])
        process.stdin.write(b"go\n")
        process.stdin.flush()
        process.expect("b'x'")


if __name__ == "__main__":
    unittest.main()
