# SPDX-License-Identifier: GPL-2.0-or-later
"""Forwards, connect and the proxy to guests that are reached over IPv6."""

import contextlib
import os
import socket
import subprocess
import unittest

from lan import outside, tap
from lan.process import Lanlet
from lan.programs import needs
from lan.wait import PATIENCE, wait_until

PREFIX = "fd12:3456:789a::/64"
GATEWAY6 = "fd12:3456:789a::1"
GATEWAY = "192.168.122.1"
WEB_MAC = "52:54:00:00:00:01"
WEB6 = "fd12:3456:789a:0:5054:ff:fe00:1"  # which the kernel makes of the MAC (SLAAC)
WEB6_LINK = "fe80::5054:ff:fe00:1"
BOTH_MAC = "52:54:00:00:00:02"
BOTH = "192.168.122.52"
BOTH6 = "fd12:3456:789a:0:5054:ff:fe00:2"

# In the guest, at both families where it has them: ports 80 and 81; IPv6 only: port 82.  Each answer is the client's address in brackets,
# the port, and what was sent.  Port 8000: HTTP.
SERVE = """
import http.server, socket, socketserver, threading
def answer(client, server, data):
    address = client[0].removeprefix("::ffff:").partition("%")[0]
    return f"[{address}]:{client[1]} {server.server_address[1]} ".encode() + data
class Stream(socketserver.BaseRequestHandler):
    def handle(self):
        data = b""
        while piece := self.request.recv(65536):
            data += piece
        self.request.sendall(answer(self.client_address, self.server, data))
class Datagram(socketserver.BaseRequestHandler):
    def handle(self):
        self.request[1].sendto(answer(self.client_address, self.server, self.request[0]), self.client_address)
class Both:
    address_family = socket.AF_INET6
    def server_bind(self):
        self.socket.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, self.server_address[1] == 82)
        super().server_bind()
class Streams(Both, socketserver.ThreadingTCPServer):
    request_queue_size = 128
class Datagrams(Both, socketserver.ThreadingUDPServer):
    max_packet_size = 65535
class Web(Both, http.server.ThreadingHTTPServer):
    pass
class Page(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(200)
        self.end_headers()
        self.wfile.write(answer(self.client_address, self.server, b"page"))
    def log_message(self, *_):
        pass
threading.Thread(target=Web(("::", 8000), Page).serve_forever).start()
for port in range(80, 83):
    for kind, handler in ((Streams, Stream), (Datagrams, Datagram)):
        threading.Thread(target=kind(("::", port), handler).serve_forever).start()
print("ready", flush=True)
"""

setUpModule = tap.need_tap


class Guest(tap.TapGuest):
    """Has the addresses of IPv6 that its kernel makes."""

    def connect(self):
        super().connect()
        self.check("sh", "-c", "until ip -6 address show dev eth0 scope global -tentative | grep -q inet6; do sleep 0.1; done")


@contextlib.contextmanager
def serving(network, mac, ip=None):
    with Guest(network.stream, mac) as guest:
        if ip:
            guest.set_address(ip)
            guest.check("ping", "-c", "1", GATEWAY)
        with guest.start_python(SERVE):
            yield guest


def ask(kind, host, port, data="x", source="", family=None):
    """What a client of the host gets; its socket's own errors are raised."""
    family = family or (socket.AF_INET6 if ":" in host else socket.AF_INET)
    with socket.socket(family, socket.SOCK_STREAM if kind == "tcp" else socket.SOCK_DGRAM) as s:
        s.settimeout(PATIENCE)
        if source:
            s.bind((source, 0))
        s.connect((host, port))
        s.sendall(data.encode())
        if kind == "udp":
            return s.recv(65536).decode()
        s.shutdown(socket.SHUT_WR)
        return s.makefile("rb").read().decode()


def seen(answer):
    """The client's address as the guest saw it."""
    return answer[1:].partition("]")[0]


class Forwards(unittest.TestCase):
    """On a host that has both families."""

    @classmethod
    def setUpClass(cls):
        cls.outside = cls.enterClassContext(outside.Outside(ipv6=True))
        forwards = [
            f"{kind} {text}" for kind in ("tcp", "udp") for text in (
                "8080 web:80", "[::1]:8080 web:80", f"*:9000-9002 {WEB_MAC}:80", f"*:9100 [{WEB6}]:80", f"*:9101 [{WEB6_LINK}]:80",
                "*:9200 both:80", f"*:9201 [{BOTH6}]:80", f"127.0.0.1:9300 [{GATEWAY6}]:80")
        ]
        options = [f"--forward={text}" for text in forwards]
        cls.lanlet = cls.enterClassContext(
            Lanlet("--ipv6", PREFIX, "--host", f"{WEB_MAC},web", "--host", f"{BOTH_MAC},{BOTH},both", *options))
        cls.web = cls.enterClassContext(serving(cls.lanlet, WEB_MAC))
        cls.both = cls.enterClassContext(serving(cls.lanlet, BOTH_MAC, BOTH))
        wait_until(lambda: "waiting" not in cls.lanlet.ask("forward"), "addresses of the guests")

    def each(self, *hosts):
        for kind in ("tcp", "udp"):
            for host in hosts:
                with self.subTest(kind=kind, host=host):
                    yield kind, host

    def test_guest_that_only_has_ipv6_is_reached_by_name_and_sees_the_gateway_for_loopback(self):
        for kind, host in self.each("127.0.0.1", "::1"):
            answer = ask(kind, host, 8080, "hello")
            self.assertEqual(seen(answer), GATEWAY6, answer)
            self.assertTrue(answer.endswith(" 80 hello"), answer)

    def test_guest_is_reached_by_mac_and_range(self):
        for kind, host in self.each("127.0.0.1", "::1", outside.UPLINK, outside.UPLINK6):
            answer = ask(kind, host, 9001, "hello")
            self.assertTrue(answer.endswith(" 81 hello"), answer)

    def test_guest_sees_the_address_of_a_client_of_its_own_family(self):
        for kind in ("tcp", "udp"):
            for port, source, want in ((9100, outside.UPLINK6, outside.UPLINK6), (9100, outside.UPLINK, GATEWAY6),
                                       (9101, outside.UPLINK6, "fe80::1"), (9200, outside.UPLINK, outside.UPLINK),
                                       (9200, outside.UPLINK6, GATEWAY), (9201, outside.UPLINK6, outside.UPLINK6)):
                with self.subTest(kind=kind, port=port, source=source):
                    self.assertEqual(seen(ask(kind, source, port, source=source)), want)

    def test_datagrams_of_every_size_arrive_between_the_families(self):
        for host in ("127.0.0.1", "::1", outside.UPLINK6):
            for size in (0, 1, 1400, 1453, 4000, 30000):
                with self.subTest(host=host, size=size):
                    self.assertTrue(ask("udp", host, 9100, "x" * size).endswith(" 80 " + "x" * size))

    def test_answers_leave_from_the_address_that_was_asked(self):
        with socket.socket(socket.AF_INET6, socket.SOCK_DGRAM) as s:
            s.settimeout(PATIENCE)
            s.bind(("::", 0))
            for asked in (outside.UPLINK6, "::1"):
                s.sendto(b"x", (asked, 9100))
                self.assertEqual(s.recvfrom(100)[1][:2], (asked, 9100))

    def test_guests_reach_a_forward_at_the_hosts_address(self):
        """Hairpin: another guest, and the guest itself."""
        program = "import socket\n" + "\n".join([
            "import sys",
            "s = socket.create_connection((sys.argv[1], 9100), 30)",
            "s.sendall(b'round'); s.shutdown(socket.SHUT_WR)",
            "print(s.makefile('rb').read().decode())",
        ])
        for guest in (self.web, self.both):
            wait_until(lambda: "proto ra" in guest.check("ip", "-6", "route", "show", "default"), "a default route")
            self.assertTrue(guest.python(program, outside.UPLINK6).strip().endswith(" 80 round"))

    def test_address_that_no_guest_can_have_is_refused(self):
        with self.assertRaises(ConnectionResetError):
            ask("tcp", "127.0.0.1", 9300)
        self.assertIn("no guest of this network can have the address", self.lanlet.ask("forward"))

    def test_api_and_listing_show_the_address_in_brackets(self):
        listed = self.lanlet.api.get("/v1/forwards")["forwards"]
        self.assertIn(f"[{WEB6}]:80", [f["guest"] for f in listed])
        self.assertIn(f"[{WEB6}]:80", self.lanlet.ask("forward"))
        body = {"protocol": "tcp", "host": "[::1]:8090", "guest": f"[{WEB6}]:80"}
        status, _, added = self.lanlet.api.request("POST", "/v1/forwards", body)
        self.assertEqual(status, 200, added)
        self.assertTrue(ask("tcp", "::1", 8090).endswith(" 80 x"))
        self.assertEqual(self.lanlet.api.request("DELETE", f"/v1/forwards/{added['id']}")[0], 204)


class Waiting(unittest.TestCase):
    def test_client_waits_until_the_guest_has_an_address(self):
        with Lanlet("--ipv6", PREFIX, "--host", f"{WEB_MAC},web", "--forward=tcp 8080 web:80") as lanlet:
            with socket.create_connection(("127.0.0.1", 8080), PATIENCE) as s:
                s.settimeout(PATIENCE)
                s.sendall(b"early")
                s.shutdown(socket.SHUT_WR)
                self.assertRegex(lanlet.ask("forward"), r"web:80 +waiting")
                with tap.TapGuest(lanlet.stream, WEB_MAC) as guest, guest.start_python(SERVE):
                    self.assertTrue(s.makefile("rb").read().decode().endswith(" 80 early"))


class Offline(unittest.TestCase):
    """The host has no address but those of loopback, so that guests have no default route of IPv6."""

    def test_clients_on_loopback_are_answered(self):
        with Lanlet("--ipv6", PREFIX, *(f"--forward={kind} *:8080 [{WEB6}]:80" for kind in ("tcp", "udp"))) as lanlet:
            with serving(lanlet, WEB_MAC):
                for kind in ("tcp", "udp"):
                    for host in ("127.0.0.1", "::1"):
                        with self.subTest(kind=kind, host=host):
                            self.assertTrue(ask(kind, host, 8080).endswith(" 80 x"))


class OnlyIpv6(unittest.TestCase):
    """--ipv6-only: what is reserved for IPv4 is no address of the guest."""

    @classmethod
    def setUpClass(cls):
        cls.enterClassContext(outside.Outside(ipv6=True))
        forwards = [f"--forward={kind} *:8080 both:80" for kind in ("tcp", "udp")]
        cls.lanlet = cls.enterClassContext(Lanlet("--ipv6", PREFIX, "--ipv6-only", "--host", f"{BOTH_MAC},{BOTH},both", *forwards))
        cls.enterClassContext(serving(cls.lanlet, BOTH_MAC))
        wait_until(lambda: "waiting" not in cls.lanlet.ask("forward"), "an address of the guest")

    def test_clients_of_both_families_are_seen_by_their_own_address(self):
        for kind in ("tcp", "udp"):
            for source, want in ((outside.UPLINK6, outside.UPLINK6), (outside.UPLINK, f"64:ff9b::{outside.UPLINK}"),
                                 ("127.0.0.1", GATEWAY6), ("::1", GATEWAY6)):
                with self.subTest(kind=kind, source=source):
                    answer = seen(ask(kind, source, 8080, source=source))
                    self.assertEqual(socket.inet_pton(socket.AF_INET6, answer), socket.inet_pton(socket.AF_INET6, want))

    def test_connect_reaches_the_guest_by_name(self):
        done = self.lanlet.run("connect", "both", "80", stdin=None, input="hello")
        self.assertTrue(done.stdout.endswith(" 80 hello"), done)


class Reach(unittest.TestCase):
    """connect and the proxy."""

    @classmethod
    def setUpClass(cls):
        cls.lanlet = cls.enterClassContext(
            Lanlet("--ipv6", PREFIX, "--host", f"{WEB_MAC},web", "--host", f"{BOTH_MAC},{BOTH},both", "--forward=proxy 1080"))
        cls.enterClassContext(serving(cls.lanlet, WEB_MAC))
        cls.enterClassContext(serving(cls.lanlet, BOTH_MAC, BOTH))
        for guest in ("web", "both"):
            cls.lanlet.ask("connect", guest, "82", "--wait", "30", stdin=None, input="")

    def connect(self, guest, port="80"):
        done = self.lanlet.run("connect", guest, port, stdin=None, input="hello")
        self.assertTrue(done.stdout.endswith(f" {port} hello"), done)
        return seen(done.stdout)

    def test_connect_finds_the_guest_by_name_mac_and_address(self):
        for guest in ("web", "web.lanlet", WEB_MAC, WEB6, BOTH6):
            with self.subTest(guest=guest):
                self.assertEqual(self.connect(guest), GATEWAY6)
        self.assertEqual(self.connect(WEB6_LINK), "fe80::1")
        self.assertEqual(self.connect("both"), GATEWAY)

    def test_service_that_listens_at_ipv6_only_is_found(self):
        self.assertEqual(self.connect("both", "82"), GATEWAY6)

    def test_refusal_is_told(self):
        for guest in ("both", "web", WEB6):
            with self.subTest(guest=guest):
                self.assertEqual(self.lanlet.run("connect", guest, "9", stdin=None, input="").returncode, 7)

    def test_silent_address_and_addresses_of_no_guest_are_told(self):
        self.assertEqual(self.lanlet.run("connect", "fd12:3456:789a::77", "80", stdin=None, input="").returncode, 8)
        for address in (GATEWAY6, "fd00::1", "::1", "::", "ff02::1", "fe80::1", "2a00::1"):
            with self.subTest(address=address):
                done = self.lanlet.run("connect", address, "80", stdin=None, input="")
                self.assertIn("no guest can have this address", done.stderr)

    def socks(self, address_type, address):
        with socket.create_connection(("127.0.0.1", 1080), PATIENCE) as s:
            s.settimeout(PATIENCE)
            s.sendall(b"\x05\x01\x00")
            self.assertEqual(s.recv(2), b"\x05\x00")
            s.sendall(b"\x05\x01\x00" + bytes([address_type]) + address + (80).to_bytes(2, "big"))
            reply = s.recv(10, socket.MSG_WAITALL)
            if reply[1] == 0:
                s.sendall(b"hello")
                s.shutdown(socket.SHUT_WR)
                self.assertTrue(s.makefile("rb").read().endswith(b" 80 hello"))
            return reply[1]

    def test_socks_takes_ipv6_addresses_and_names(self):
        self.assertEqual(self.socks(4, socket.inet_pton(socket.AF_INET6, WEB6)), 0)
        self.assertEqual(self.socks(3, bytes([len(WEB6)]) + WEB6.encode()), 0)
        self.assertEqual(self.socks(3, b"\x03web"), 0)
        self.assertEqual(self.socks(4, socket.inet_pton(socket.AF_INET6, GATEWAY6)), 2)
        self.assertEqual(self.socks(4, socket.inet_pton(socket.AF_INET6, "::1")), 2)
        self.assertEqual(self.socks(4, socket.inet_pton(socket.AF_INET6, f"::ffff:{BOTH}")), 0)

    def test_http_connect_takes_ipv6_addresses_and_names(self):
        for host, want in ((f"[{WEB6}]", "200"), ("web", "200"), (f"[{GATEWAY6}]", "403"), ("[::1]", "403")):
            with self.subTest(host=host), socket.create_connection(("127.0.0.1", 1080), PATIENCE) as s:
                s.settimeout(PATIENCE)
                s.sendall(f"CONNECT {host}:80 HTTP/1.1\r\nHost: {host}:80\r\n\r\n".encode())
                stream = s.makefile("rb")
                self.assertEqual(stream.readline().split()[1].decode(), want)

    @needs("curl")
    def test_curl_reaches_guests_through_the_proxy(self):
        for kind in ("socks5h", "http"):
            with self.subTest(kind=kind):
                done = subprocess.run(
                    ["curl", "-sS", "-g", "-p", "--proxy", f"{kind}://127.0.0.1:1080", f"http://[{WEB6}]:8000/"],
                    capture_output=True, text=True, timeout=PATIENCE, env={**os.environ, "no_proxy": ""})
                self.assertTrue(done.stdout.endswith(" 8000 page"), done)
