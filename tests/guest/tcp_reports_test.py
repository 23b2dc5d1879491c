# SPDX-License-Identifier: GPL-2.0-or-later
"""What users of other NATs ran into with TCP: ends, options, windows and ports that are unusual."""

import hashlib
import itertools
import socket
import struct
import threading
import time
import unittest

from lan import outside, servers, tap
from lan.client import Host
from lan.packet import ICMP, Icmp, mac
from lan.process import Lanlet
from lan.programs import Program, check
from lan.tcp import ACK, CWR, ECE, FIN, MSS_1460, PSH, RST, SYN, URG, Connection, after

GATEWAY = "192.168.122.1"
PATIENCE = 20
TEN_MB = 10_000_000
SILENT = "198.51.100.78"  # a neighbour of the host that never answers
PROHIBITED = "192.0.2.77"

numbers = itertools.count(1)

HALF_CLOSE = """
import hashlib, socket, sys
first = sys.argv[3] == "first"
with socket.create_connection((sys.argv[1], int(sys.argv[2])), 60) as s:
    s.settimeout(60)
    digest, n = hashlib.sha256(), 0
    def receive():
        global n
        while data := s.recv(1 << 16):
            digest.update(data)
            n += len(data)
    if first:
        s.shutdown(socket.SHUT_WR)
        receive()
    else:
        receive()
        s.sendall(bytes(range(250)) * 40000)
        s.shutdown(socket.SHUT_WR)
    print(n, digest.hexdigest())
"""

DOWNLOADS = """
import hashlib, socket, sys, threading
results = []
def download(size):
    with socket.create_connection((sys.argv[1], 80), 60) as s:
        s.settimeout(60)
        s.sendall(b"GET /%d HTTP/1.0\\r\\n\\r\\n" % size)
        body = s.makefile("rb").read().split(b"\\r\\n\\r\\n", 1)[1]
        results.append(hashlib.sha256(body).hexdigest() == sys.argv[2])
threads = [threading.Thread(target=download, args=(int(sys.argv[3]),)) for _ in range(64)]
for t in threads: t.start()
for t in threads: t.join()
print(results.count(True))
"""

FAST_OPEN = """
import socket, sys
for _ in range(3):
    with socket.socket() as s:
        s.settimeout(20)
        s.sendto(b"only once", 0x20000000, (sys.argv[1], int(sys.argv[2])))  # MSG_FASTOPEN
        answer = s.recv(9, socket.MSG_WAITALL)
        s.shutdown(socket.SHUT_WR)
        print(answer.decode(), s.makefile("rb").read().decode())
"""

URGENT = """
import socket, sys
with socket.create_connection((sys.argv[1], int(sys.argv[2])), 20) as s:
    s.settimeout(20)
    s.setsockopt(socket.SOL_SOCKET, socket.SO_OOBINLINE, 1)
    s.send(b"abc")
    s.send(b"!", socket.MSG_OOB)
    s.send(b"def")
    s.shutdown(socket.SHUT_WR)
    print(s.makefile("rb").read().decode())
"""

# Sends without end; prints how many bytes the kernel of the peer has taken when it reads a line.
SEND = """
import fcntl, socket, struct, sys, termios, threading
listener = socket.create_server((sys.argv[1], 0))
print(listener.getsockname()[1], flush=True)
connection = listener.accept()[0]
sent = 0
def send():
    global sent
    try:
        while True:
            sent += connection.send(bytes(8192))
    except OSError:
        pass
threading.Thread(target=send, daemon=True).start()
for _ in sys.stdin:
    before = sent
    queued = struct.unpack("i", fcntl.ioctl(connection, termios.TIOCOUTQ, bytes(4)))[0]
    print(before - queued, flush=True)
"""

# Reads 4 KiB every 16 ms, a quarter of a megabyte a second, and prints how much it was every half of one.
READ_SLOWLY = """
import socket, sys, time
s = socket.socket()
s.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 16384)
s.connect((sys.argv[1], int(sys.argv[2])))
n = 0
while True:
    n += len(s.recv(4096, socket.MSG_WAITALL))
    if n % (1 << 19) == 0:
        print(n, flush=True)
    time.sleep(0.016)
"""

ENDS = """
import socket, struct, sys
how = sys.argv[3]
with socket.create_connection((sys.argv[1], int(sys.argv[2])), 20) as s:
    s.settimeout(20)
    s.sendall(b"go")
    if how != "unread":
        s.recv(4)
    else:
        s.recv(4, socket.MSG_PEEK)
    if how == "linger":
        s.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
"""

MANY = """
import socket, sys, time
held = [socket.create_connection((sys.argv[1], int(sys.argv[2])), 20) for _ in range(int(sys.argv[3]))]
print("ready", flush=True)
time.sleep(600)
"""


def setUpModule():
    tap.need_tap()


def end_of(connection):
    """What comes before the end, and how that looks."""
    data = b""
    try:
        while piece := connection.recv(1 << 16):
            data += piece
        return data, "FIN"
    except ConnectionResetError:
        return data, "RST"


class TcpReports(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.outside = cls.enterClassContext(outside.Outside())
        check("ip", "link", "set", "lo", "up")
        check("ip", "neighbour", "replace", SILENT, "lladdr", "02:00:00:00:00:99", "dev", "uplink", "nud", "permanent")
        check("ip", "route", "replace", "prohibit", PROHIBITED)
        cls.lanlet = cls.enterClassContext(Lanlet())
        cls.guest = cls.enterClassContext(tap.TapGuest(cls.lanlet.stream, "52:54:00:00:00:01"))
        cls.guest.set_address("192.168.122.50")

    def setUp(self):
        number = next(numbers)
        self.host = self.enterContext(Host(self.lanlet.stream, mac(100 + number), f"192.168.122.{100 + number}"))
        self.listener = self.enterContext(socket.create_server(("0.0.0.0", 0)))
        self.listener.settimeout(PATIENCE)
        self.port = self.listener.getsockname()[1]

    def accept(self):
        connection = self.enterContext(self.listener.accept()[0])
        connection.settimeout(PATIENCE)
        return connection

    def in_background(self, function, *arguments):
        thread = threading.Thread(target=function, args=arguments, daemon=True)
        thread.start()
        self.addCleanup(thread.join, PATIENCE)

    def connection(self, remote=GATEWAY, port=None, **more):
        return Connection(self.host, remote, self.port if port is None else port, **more)

    def opened(self, **fields):
        """A connection to the listener, and what accepted it."""
        connection = self.connection()
        connection.open(**fields)
        return connection, self.accept()

    # --- ends ---

    def test_half_closed_by_the_guest_the_other_direction_goes_on(self):
        def serve():
            connection = self.accept()
            self.assertEqual(end_of(connection), (b"", "FIN"))
            connection.sendall(bytes(range(250)) * 40000)
            connection.close()

        self.in_background(serve)
        expected = hashlib.sha256(bytes(range(250)) * 40000).hexdigest()
        self.assertEqual(self.guest.python(HALF_CLOSE, GATEWAY, self.port, "first").split(), [str(TEN_MB), expected])

    def test_half_closed_by_the_host_the_other_direction_goes_on(self):
        results = []

        def serve():
            connection = self.accept()
            connection.shutdown(socket.SHUT_WR)
            results.append(end_of(connection))

        thread = threading.Thread(target=serve, daemon=True)
        thread.start()
        self.guest.python(HALF_CLOSE, GATEWAY, self.port, "last")
        thread.join(PATIENCE)
        self.assertTrue(results == [(bytes(range(250)) * 40000, "FIN")])

    def test_connections_of_a_guest_that_was_killed_are_reset_when_it_is_forgotten(self):
        """A minute later: before, a guest that connects again goes on with them."""
        with tap.TapGuest(self.lanlet.stream, "52:54:00:00:00:02") as guest:
            guest.set_address("192.168.122.51")
            process = guest.start_python(MANY, GATEWAY, self.port, 100)
            self.addCleanup(process.end)
            connections = [self.accept() for _ in range(100)]
            guest.process.end()  # the relay to its tap: no segment of the guest arrives any more
            for connection in connections:
                connection.settimeout(90)
                self.assertEqual(end_of(connection), (b"", "RST"))

    def test_an_end_looks_as_it_was_made(self):
        for how, looks in (("read", "FIN"), ("unread", "RST"), ("linger", "RST")):
            with self.subTest(how=how, by="guest"):
                answer = []

                def serve():
                    connection = self.accept()
                    connection.recv(2)
                    connection.sendall(b"data")
                    answer.append(end_of(connection)[1])

                thread = threading.Thread(target=serve, daemon=True)
                thread.start()
                self.guest.python(ENDS, GATEWAY, self.port, how)
                thread.join(PATIENCE)
                self.assertEqual(answer, [looks])
            with self.subTest(how=how, by="host"):
                guest = self.connection(source=41000 + len(how))
                guest.open()
                host = self.accept()
                guest.write(b"data")
                self.assertEqual(host.recv(4, socket.MSG_PEEK if how == "unread" else 0), b"data")
                if how == "linger":
                    host.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
                host.close()
                end = guest.receive(lambda s: s.flags & (FIN | RST))
                self.assertEqual("RST" if end.flags & RST else "FIN", looks)

    def test_a_guests_reset_is_a_reset_outside_at_any_time(self):
        with self.subTest("established"):
            guest, host = self.opened()
            guest.send(RST | ACK)
            self.assertEqual(end_of(host), (b"", "RST"))
        with self.subTest("after the guest's FIN"):
            guest = self.connection(source=40001)
            guest.open()
            host = self.accept()
            guest.finish()
            self.assertEqual(host.recv(1), b"")
            guest.send(RST | ACK)
            host.settimeout(0.2)
            with self.assertRaises(ConnectionError):
                for _ in range(100):
                    host.send(b"x")
                    time.sleep(0.05)
        with self.subTest("with data under way to it"):
            guest = self.connection(source=40002)
            guest.open()
            host = self.accept()
            host.sendall(bytes(100000))
            guest.receive(lambda s: s.payload)
            guest.send(RST | ACK)
            self.assertEqual(end_of(host), (b"", "RST"))

    def test_many_downloads_that_end_at_once_are_whole(self):
        size = 300000
        digest = hashlib.sha256(servers.blob(size)).hexdigest()
        self.assertEqual(self.guest.python(DOWNLOADS, outside.ROUTER, digest, size, timeout=120).strip(), "64")

    # --- opening ---

    def test_ports_of_the_gateway_without_a_service_refuse(self):
        for port in (22, 80, 8080):
            with self.subTest(port=port):
                self.assertTrue(self.connection(port=port, source=42000 + port).syn().flags & RST)
        answer = self.connection(port=53).syn()
        self.assertEqual(answer.flags & (SYN | ACK | RST), SYN | ACK)

    def test_no_connection_is_accepted_before_the_outside_has(self):
        with self.subTest("closed port"):
            self.assertTrue(self.connection(outside.ROUTER, 9).syn().flags & RST)
        with self.subTest("prohibited route"):
            self.connection(PROHIBITED, 80).send(SYN, options=MSS_1460)
            self.host.wait_for(lambda frame: (ip := self.host.ip_of(frame, ICMP)) and Icmp.parse(ip).type == 3)
        with self.subTest("nobody answers"):
            connection = self.connection(SILENT, 80)
            connection.send(SYN, options=MSS_1460)
            self.assertTrue(connection.silent(1.5))

    def test_a_syn_that_asks_for_ecn_is_answered_without(self):
        connection = self.connection()
        answer = connection.open(flags=SYN | ECE | CWR)
        self.assertFalse(answer.flags & (ECE | CWR))
        connection.write(b"data")
        self.assertEqual(self.accept().recv(4), b"data")
        for ecn in (1, 3):
            with self.subTest(tcp_ecn=ecn):
                if self.guest.run("sysctl", "-qw", f"net.ipv4.tcp_ecn={ecn}").returncode:
                    continue  # AccECN needs a newer kernel
                self.assertEqual(self.guest.python(
                    "import socket, sys; s = socket.create_connection((sys.argv[1], 7), 20); s.settimeout(20); s.sendall(b'hello');"
                    "print(s.recv(5).decode())", outside.ROUTER).strip(), "hello")
        self.guest.run("sysctl", "-qw", "net.ipv4.tcp_ecn=2")

    def test_data_of_a_fast_open_arrives_once(self):
        def serve():
            for _ in range(3):
                connection = self.accept()
                connection.sendall(connection.recv(9, socket.MSG_WAITALL))
                connection.sendall(end_of(connection)[0])  # what came behind it: nothing
                connection.close()

        self.in_background(serve)
        self.guest.check("sysctl", "-qw", "net.ipv4.tcp_fastopen=0x405")
        self.assertEqual(self.guest.python(FAST_OPEN, GATEWAY, self.port).split("\n"), ["only once "] * 3 + [""])

    def test_data_in_a_syn_is_taken_once(self):
        connection = self.connection()
        answer = connection.syn(payload=b"early")
        connection.expected = after(answer.sequence, 1)
        self.assertIn(answer.acknowledgement, (1001, 1006))
        connection.next = 1001
        connection.write(b"early")
        connection.write(b" late")
        connection.finish()
        self.assertEqual(end_of(self.accept()), (b"early late", "FIN"))

    def test_signatures_are_ignored(self):
        """RFC 2385, 5925: an end without keys sends no such option; the guest's kernel, which wants one, drops the answer."""
        for option in (b"\x13\x12" + bytes(16), b"\x1d\x10\1\1" + bytes(12)):
            with self.subTest(kind=option[0]):
                answer = self.connection(source=43000 + option[0]).syn(options=MSS_1460 + option)
                self.assertEqual(answer.flags & (SYN | ACK), SYN | ACK)
                self.assertNotIn(option[:2], answer.options)

    def test_any_maximum_segment_size_works(self):
        for mss, most in ((1, 88), (64, 88), (88, 88), (None, 536), (65495, 65495), ("twice", 1460)):
            with self.subTest(mss=mss):
                options = b"" if mss is None else MSS_1460 * 2 if mss == "twice" else b"\2\4" + struct.pack(">H", mss)
                guest = self.connection(source=next(numbers) + 44000)
                guest.open(options=options)
                host = self.accept()
                host.sendall(bytes(range(200)) * 15)
                self.assertEqual(guest.read(3000), bytes(range(200)) * 15)
                self.assertLessEqual(guest.largest, most)

    def test_a_port_in_time_wait_takes_a_new_connection(self):
        for stamps in (False, True):
            for larger in (True, False):
                with self.subTest(timestamps=stamps, larger=larger):
                    def options(value):
                        return MSS_1460 + (b"\1\1\x08\x0a" + struct.pack(">II", value, 0) if stamps else b"")

                    source = next(numbers) + 45000
                    guest = self.connection(source=source, isn=5000)
                    guest.open(options=options(1000))
                    host = self.accept()
                    host.close()
                    guest.wait_for_fin()  # the guest's end closes last, so TIME_WAIT is at lanlet's
                    guest.finish()
                    guest.receive(lambda s: s.acknowledgement == guest.next)
                    again = self.connection(source=source, isn=900000 if larger else 4000)
                    again.send(SYN, options=options(1001 if larger else 999))
                    answer = again.receive()
                    self.assertEqual(answer.flags & (SYN | ACK | RST), SYN | ACK if larger else ACK)
                    if larger:
                        again.next, again.expected = after(again.next, 1), after(answer.sequence, 1)
                        again.write(b"new")
                        self.assertEqual(self.accept().recv(3), b"new")

    def test_unusual_source_ports(self):
        zero = self.connection(source=0)
        zero.send(SYN, options=MSS_1460)
        self.assertTrue(zero.silent())
        to_zero = self.connection(port=0)
        to_zero.send(SYN, options=MSS_1460)
        self.assertTrue(to_zero.receive().flags & RST)
        for source in (1, 65535, self.port):
            with self.subTest(source=source):
                guest = self.connection(source=source)
                guest.open()
                guest.write(b"hello")
                self.assertEqual(self.accept().recv(5), b"hello")

    # --- windows and probes ---

    def test_a_shut_window_is_probed_until_it_opens_although_acks_are_lost(self):
        guest, host = self.opened()
        host.sendall(bytes(300000))
        first = guest.read(20000)
        guest.window = 0
        guest.send(ACK)
        self.host.listen(0.1)  # what was under way already is dropped
        probes = []
        while len(probes) < 4:
            guest.receive()
            probes.append(time.monotonic())
            guest.send(ACK)
        gaps = [later - earlier for earlier, later in zip(probes, probes[1:])]
        self.assertGreater(gaps[-1], 1.5 * gaps[0], gaps)
        guest.window = 65535  # the ACK that would say so is lost; the next probe's answer is not
        guest.receive()
        guest.send(ACK)
        self.assertTrue(first + guest.read(300000 - len(first)) == bytes(300000))

    def test_data_for_a_guest_that_reads_slowly_stays_with_its_sender(self):
        """What waits between the two is late by the time that the guest takes to read it, and its sender does not know."""
        sender = self.enterContext(Program(
            ["nsenter", "-t", self.outside.process.pid, "-n", "python3", "-c", SEND, outside.FAR], stdin=-1, stdout=-1))
        reader = self.guest.start("python3", "-c", READ_SLOWLY, outside.FAR, sender.read_line().strip(), stdout=-1)
        self.enterContext(reader)
        waiting = []
        for _ in range(4):
            read = int(reader.read_line())
            sender.stdin.write(b"\n")
            sender.stdin.flush()
            waiting.append(int(sender.read_line()) - read)
        self.assertLess(max(waiting), 192 * 1024, waiting)

    def test_a_keepalive_is_answered_while_the_peer_is_alive(self):
        guest, _ = self.opened()
        for _ in range(3):
            time.sleep(1.1)
            guest.send(ACK, sequence=after(guest.next, -1))
            answer = guest.receive()
            self.assertEqual((answer.flags, answer.acknowledgement), (ACK, guest.next))

    # --- urgent data ---

    def test_urgent_data_stays_in_the_stream(self):
        def serve():
            connection = self.accept()
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_OOBINLINE, 1)
            data, _ = end_of(connection)
            connection.send(data[:3])
            connection.send(data[3:4], socket.MSG_OOB)
            connection.send(data[4:])
            connection.close()

        self.in_background(serve)
        self.assertEqual(self.guest.python(URGENT, GATEWAY, self.port).strip(), "abc!def")

    def test_an_urgent_pointer_beyond_the_data_does_no_harm(self):
        guest, host = self.opened()
        guest.write(b"abc", ACK | PSH | URG, urgent=60000)
        guest.write(b"def")
        guest.finish()
        self.assertEqual(end_of(host), (b"abcdef", "FIN"))


if __name__ == "__main__":
    unittest.main()
