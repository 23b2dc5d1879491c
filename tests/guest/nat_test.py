# SPDX-License-Identifier: GPL-2.0-or-later
"""What guests reach through the gateway: the outside, the host's public services, and nothing else."""

import contextlib
import socket
import subprocess
import sys
import tempfile
import time
import unittest
from pathlib import Path

from lan import outside, servers, tap
from lan.client import Host
from lan.packet import ICMP, TCP, UDP, Ipv4, Udp, address, mac
from lan.process import Lanlet
from lan.programs import check

GATEWAY = "192.168.122.1"

# Prints what a TCP connection brings, or the name of the exception.
CONNECT = """
import socket, sys
try:
    with socket.create_connection((sys.argv[1], int(sys.argv[2])), 8) as s:
        s.settimeout(8)
        s.sendall(b"GET /1000 HTTP/1.0\\r\\n\\r\\n")
        print("reached" if s.makefile("rb").read().endswith(bytes.fromhex(sys.argv[3])) else "other")
except Exception as error:
    print(type(error).__name__)
"""

HALF_CLOSE = """
import hashlib, socket, sys
with socket.create_connection((sys.argv[1], 80), 8) as s:
    body = b"x" * 100000
    s.sendall(b"PUT / HTTP/1.0\\r\\nContent-Length: %d\\r\\n\\r\\n" % len(body) + body)
    s.shutdown(socket.SHUT_WR)
    print(s.makefile("rb").read().endswith(hashlib.sha256(body).hexdigest().encode()))
"""

ECHO = """
import os, socket, sys, threading
data = os.urandom(300000)
with socket.create_connection((sys.argv[1], 7), 20) as s:
    s.settimeout(20)
    threading.Thread(target=lambda: (s.sendall(data), s.shutdown(socket.SHUT_WR))).start()
    print(s.makefile("rb").read() == data)
"""

UDP_ASK = """
import socket, sys
with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as s:
    s.settimeout(2)
    s.connect((sys.argv[1], int(sys.argv[2])))
    try:
        s.send(b"x" * int(sys.argv[3]))
        print(len(s.recv(65536)))
    except Exception as error:
        print(type(error).__name__)
"""


def setUpModule():
    tap.need_tap()
    servers.serve(servers.TcpServer, servers.Http, "0.0.0.0", 53)


class EngineTests:
    """Run for every engine."""

    @classmethod
    def setUpClass(cls):
        cls.outside = cls.enterClassContext(outside.Outside())
        cls.everywhere = servers.serve(servers.TcpServer, servers.Http, "0.0.0.0", 0)
        cls.loopback = servers.serve(servers.TcpServer, servers.Http, "127.0.0.1", 0)
        cls.everywhere_udp = servers.serve(servers.UdpServer, servers.UdpEcho, "0.0.0.0", 0)
        cls.loopback_udp = servers.serve(servers.UdpServer, servers.UdpEcho, "127.0.0.1", 0)
        cls.lanlet = cls.enterClassContext(Lanlet("--engine", cls.ENGINE))
        cls.guest = cls.enterClassContext(tap.TapGuest(cls.lanlet.stream, "52:54:00:00:00:01"))
        cls.guest.set_address("192.168.122.50")

    def connect(self, ip, port, guest=None):
        return (guest or self.guest).python(CONNECT, ip, port, servers.blob(1000)[-20:].hex()).strip()

    def udp(self, ip, port, size=10):
        return self.guest.python(UDP_ASK, ip, port, size).strip()

    def test_tcp_reaches_outside(self):
        self.assertEqual(self.connect(outside.ROUTER, 80), "reached")
        self.assertEqual(self.connect(outside.FAR, 80), "reached")

    def test_half_closed_connection_still_answers(self):
        self.assertEqual(self.guest.python(HALF_CLOSE, outside.ROUTER).strip(), "True")

    def test_both_directions_at_once(self):
        self.assertEqual(self.guest.python(ECHO, outside.ROUTER).strip(), "True")

    def test_closed_port_outside_refuses(self):
        self.assertEqual(self.connect(outside.ROUTER, 9), "ConnectionRefusedError")

    def test_udp_of_every_size_is_answered(self):
        for size in (0, 1, 1400, 1473, 9000):
            with self.subTest(size=size):
                self.assertGreater(int(self.udp(outside.ROUTER, 7, size)), size)

    def test_gateway_reaches_services_that_listen_on_all_addresses(self):
        self.assertEqual(self.connect(GATEWAY, self.everywhere), "reached")
        self.assertGreater(int(self.udp(GATEWAY, self.everywhere_udp)), 10)

    def test_gateway_does_not_reach_services_on_loopback(self):
        self.assertEqual(self.connect(GATEWAY, self.loopback), "ConnectionRefusedError")
        self.assertIn(self.udp(GATEWAY, self.loopback_udp), ("TimeoutError", "ConnectionRefusedError"))

    def test_no_destination_reaches_loopback(self):
        for ip in ("0.0.0.0", "0.0.0.1", "127.0.0.1", "127.1.2.3", "192.168.122.0", "192.168.122.255", "240.0.0.1"):
            with self.subTest(ip=ip), Host(self.lanlet.stream, mac(7), "192.168.122.57") as host:
                # By hand: the guest's own kernel would not send these.
                gateway = host.resolve(address(GATEWAY))
                for port, marker in ((self.loopback_udp, b"in"), (self.everywhere_udp, b"all")):
                    host.send_frame(gateway, 0x0800, Udp(4000, port, marker).emit(host.ip, address(ip)).emit())
                syn = (4000).to_bytes(2, "big") + self.loopback.to_bytes(2, "big") + bytes(8) + b"\x50\x02\xff\xff" + bytes(4)
                host.send_frame(gateway, 0x0800, Ipv4(host.ip, address(ip), TCP, syn).emit())
                back = [host.ip_of(frame, UDP) or host.ip_of(frame, TCP) for frame in host.listen(0.4)]
                self.assertEqual([packet for packet in back if packet], [])

    def test_metadata_and_link_local_addresses_are_closed_and_the_guest_is_told(self):
        for ip in (*outside.METADATA, outside.LINK_LOCAL):
            with self.subTest(ip=ip):
                self.assertEqual(self.connect(ip, 80), "OSError")  # no route to host
                self.assertEqual(self.udp(ip, 7), "OSError")
                with Host(self.lanlet.stream, mac(6), "192.168.122.56") as host, self.assertRaises(TimeoutError):
                    host.ping(ip, timeout=0.2)
        self.assertRegex(self.lanlet.status(), r"(?m)^metadata +\d+ ")
        self.assertRegex(self.lanlet.status(), r"(?m)^link-local +\d+ ")

    def test_gateways_dns_is_lanlets_not_the_hosts(self):
        self.assertNotEqual(self.connect(GATEWAY, 53), "reached")

    def test_ping_goes_outside(self):
        with Host(self.lanlet.stream, mac(8), "192.168.122.58") as host:
            for target in (outside.ROUTER, outside.FAR):
                ttl = host.ping(target, size=1400).ttl
                if self.TELLS_TTL:
                    self.assertEqual(ttl, 63)

    def test_source_outside_the_segment_is_dropped(self):
        with Host(self.lanlet.stream, mac(9), "192.168.122.59") as host:
            gateway = host.resolve(address(GATEWAY))
            for source in ("10.1.2.3", "127.0.0.1", "0.0.0.0", "192.168.122.255", GATEWAY):
                host.send_frame(gateway, 0x0800, Udp(4000, 7, b"spoof").emit(address(source), address(outside.ROUTER)).emit())
            self.assertEqual([frame for frame in host.listen(0.4) if host.ip_of(frame, UDP) or host.ip_of(frame, ICMP)], [])

    def test_more_than_sixteen_guests_reach_outside_at_once(self):
        hosts = [self.enterContext(Host(self.lanlet.stream, mac(100 + n), f"192.168.122.{100 + n}")) for n in range(40)]
        for _ in range(2):
            for n, host in enumerate(hosts):
                self.assertTrue(host.udp(outside.ROUTER, 7, b"from %d" % n).endswith(b"from %d" % n))
            for host in reversed(hosts):
                host.ping(outside.ROUTER)


class SlirpTest(EngineTests, unittest.TestCase):
    ENGINE = "libslirp"
    TELLS_TTL = False  # it reads echo replies without asking how far they came


class NativeTest(EngineTests, unittest.TestCase):
    ENGINE = "native"
    TELLS_TTL = True


class HostLoopbackTest(unittest.TestCase):
    def test_loopback_is_reached_when_asked_for(self):
        with outside.Outside(), Lanlet("--host-loopback") as lanlet, tap.TapGuest(lanlet.stream, "52:54:00:00:00:01") as guest:
            port = servers.serve(servers.TcpServer, servers.Http, "127.0.0.1", 0)
            guest.set_address("192.168.122.50")
            self.assertEqual(guest.python(CONNECT, GATEWAY, port, servers.blob(1000)[-20:].hex()).strip(), "reached")


class ClosedDestinationsTest(unittest.TestCase):
    def test_options_open_metadata_and_link_local_addresses_and_a_reload_closes_them(self):
        with tempfile.TemporaryDirectory() as directory, outside.Outside():
            config = Path(directory, "lab.conf")
            config.write_text("[network]\nmetadata = true\n")
            with Lanlet("--config", config) as lanlet, tap.TapGuest(lanlet.stream, "52:54:00:00:00:01") as guest:
                guest.set_address("192.168.122.50")
                first, second = outside.METADATA[0], outside.LINK_LOCAL

                def reached(ip):
                    return guest.python(CONNECT, ip, 80, servers.blob(1000)[-20:].hex()).strip() == "reached"
                self.assertIn("metadata open", lanlet.status())
                self.assertEqual((reached(first), reached(second)), (True, False))
                config.write_text("[network]\nlink-local = true\n")
                lanlet.ask("reload")
                self.assertIn("link-local open", lanlet.status())
                self.assertEqual((reached(first), reached(second)), (False, True))
                config.write_text("[network]\n")
                lanlet.ask("reload")
                self.assertEqual((reached(first), reached(second)), (False, False))
                network = lanlet.api.get("/v1/network")
                self.assertEqual((network["metadata"], network["link_local"]), (False, False))

    def test_lanlets_own_name_server_may_be_at_a_closed_address(self):
        with outside.Outside():
            for ip in (outside.METADATA[0], outside.LINK_LOCAL):
                with self.subTest(ip=ip), Lanlet("--dns", f"{ip}:{outside.DNS_PORT}") as lanlet, Host(lanlet.stream, mac(1)) as guest:
                    guest.lease()
                    self.assertEqual(guest.dns("www.example.test").rcode, 0)


# Waits for data that does not come, and says how that ends.
WAIT_FOR_THE_END = """
import socket, sys
with socket.create_connection((sys.argv[1], 7), 20) as s:
    s.settimeout(60)
    print("ready", flush=True)
    try:
        print(s.recv(1))
    except Exception as error:
        print(type(error).__name__, flush=True)
"""

# Asks from one socket for each line of its input.
ASK = """
import socket, sys
s = socket.socket(socket.AF_INET, getattr(socket, sys.argv[2]))
s.settimeout(20)
s.connect((sys.argv[1], 7))
for line in sys.stdin:
    s.send(line.strip().encode())
    print(s.recv(100).decode()[-len(line.strip()):], flush=True)
"""


class AddressTests:
    """The host moves to another address, as a laptop does."""

    def move(self, before, after):
        check("ip", "-batch", "-", input=f"address delete {before}/24 dev uplink\naddress add {after}/24 dev uplink\n"
                                         f"route add default via {outside.ROUTER}\n")

    def asker(self, guest, kind):
        """A function that has the guest send a word from one socket, and waits for its answer."""
        process = self.enterContext(
            guest.start(sys.executable, "-c", ASK, outside.ROUTER, kind, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True))

        def ask(word):
            process.stdin.write(word + "\n")
            process.stdin.flush()
            process.expect(word)
        return ask

    def test_flows_of_the_old_address_end_and_new_ones_leave_from_the_new_one(self):
        with outside.Outside(), Lanlet("--engine", self.ENGINE) as lanlet, tap.TapGuest(lanlet.stream, "52:54:00:00:00:01") as guest:
            guest.set_address("192.168.122.50")
            waits = self.enterContext(guest.start_python(WAIT_FOR_THE_END, outside.ROUTER))
            ask = self.asker(guest, "SOCK_DGRAM")
            ask("before")
            self.move(outside.UPLINK, "198.51.100.3")
            moved = time.monotonic()
            waits.expect("ConnectionResetError")
            self.assertLess(time.monotonic() - moved, 3)  # in less than half a second on a machine with time
            ask("after")
            self.assertEqual(guest.python(TALK, outside.ROUTER, 1), "talked\n")
            self.assertIn("the host has lost 198.51.100.2: 1 flows from there ended", lanlet.text())
            self.move("198.51.100.3", outside.UPLINK)
            self.assertEqual(guest.python(TALK, outside.ROUTER, 1), "talked\n")

    def test_address_that_comes_back_at_once_ends_nothing(self):
        with outside.Outside(), Lanlet("--engine", self.ENGINE) as lanlet, tap.TapGuest(lanlet.stream, "52:54:00:00:00:01") as guest:
            guest.set_address("192.168.122.50")
            ask = self.asker(guest, "SOCK_STREAM")
            ask("before")
            self.move(outside.UPLINK, outside.UPLINK)
            for _ in range(10):
                ask("after")
                time.sleep(0.1)
            self.assertNotIn("has lost", lanlet.text())


class NativeAddressTest(AddressTests, unittest.TestCase):
    ENGINE = "native"


class SlirpAddressTest(AddressTests, unittest.TestCase):
    ENGINE = "libslirp"


# Sends from more ports than lanlet may have sockets, again and again; each round prints a line.
FLOOD = """
import socket, sys, time
sockets = [socket.socket(socket.AF_INET, socket.SOCK_DGRAM) for _ in range(900)]
while True:
    for s in sockets:
        try:
            s.sendto(b"flood", (sys.argv[1], 9))
        except OSError:
            pass
    print("sent", flush=True)
    time.sleep(0.2)
"""

# One connection that goes on, and new ones meanwhile.  Prints a line for each time both worked.
TALK = """
import socket, sys
with socket.create_connection((sys.argv[1], 7), 60) as s:
    s.settimeout(60)
    for _ in range(int(sys.argv[2])):
        s.sendall(b"ping")
        assert s.recv(4) == b"ping"
        with socket.create_connection((sys.argv[1], 7), 60) as other:
            other.settimeout(60)
            other.sendall(b"new")
            assert other.recv(3) == b"new"
        print("talked", flush=True)
"""


PORT_RANGE = Path("/proc/sys/net/ipv4/ip_local_port_range")  # that the host gives to programs that ask for any port


class HostPortsTest(unittest.TestCase):
    def setUp(self):
        self.addCleanup(PORT_RANGE.write_text, PORT_RANGE.read_text())
        PORT_RANGE.write_text("40000 40199")

    def test_guest_that_takes_every_udp_port_leaves_half_of_them_to_the_host(self):
        with outside.Outside(), Lanlet() as lanlet, Host(lanlet.stream, mac(1)) as guest:
            guest.lease()
            for port in range(40000, 40200):
                guest.send_ip(Udp(port, 9, b"flood").emit(guest.ip, address(outside.ROUTER)))
            guest.ping(GATEWAY)
            with contextlib.ExitStack() as sockets:
                for _ in range(100):
                    s = sockets.enter_context(socket.socket(socket.AF_INET, socket.SOCK_DGRAM))
                    s.connect((outside.ROUTER, 9))
            status = lanlet.status()
            self.assertIn("host ports: 75 of 100 in use by guests", status)
            self.assertIn("host-ports", status)


class FewDescriptors(Lanlet):
    """A network with a hard limit of descriptors that one guest can reach."""

    def command(self, *options):
        return ["prlimit", "--nofile=256:1000", *super().command(*options)]


class DescriptorLimitTest(unittest.TestCase):
    def test_guest_that_takes_every_descriptor_stops_no_other_guest(self):
        with outside.Outside(), FewDescriptors() as lanlet, tap.TapGuest(lanlet.stream, "52:54:00:00:00:02") as neighbour:
            self.assertIn("Max open files            1000 ", Path(f"/proc/{lanlet.process.pid}/limits").read_text())
            neighbour.set_address("192.168.122.51")
            with tap.TapGuest(lanlet.stream, "52:54:00:00:00:01") as greedy:
                greedy.set_address("192.168.122.50")
                flood = self.enterContext(greedy.start(sys.executable, "-c", FLOOD, outside.ROUTER, stdout=subprocess.PIPE))
                for _ in range(2):
                    flood.expect("sent")
                self.assertEqual(neighbour.python(TALK, outside.ROUTER, 20), "talked\n" * 20)
                talk = self.enterContext(
                    neighbour.start(sys.executable, "-c", TALK, outside.ROUTER, 200, stdout=subprocess.PIPE, text=True))
                talk.expect("talked")
            flood.end()
            self.assertEqual(talk.communicate(timeout=120)[0], "talked\n" * 199)
            with tap.TapGuest(lanlet.stream, "52:54:00:00:00:03") as newcomer:
                newcomer.set_address("192.168.122.52")
                self.assertEqual(newcomer.python(TALK, outside.ROUTER, 5), "talked\n" * 5)
            self.assertIn("engine-limit", lanlet.status())
