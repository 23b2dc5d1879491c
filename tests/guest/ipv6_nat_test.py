# SPDX-License-Identifier: GPL-2.0-or-later
"""What guests reach over IPv6: the outside with the host's own address, the host's public services, and nothing else."""

import contextlib
import sys
import unittest

from lan import capture, no_inet6, outside, servers, tap
from lan.process import Lanlet
from lan.programs import needs
from lan.wait import wait_until

GATEWAY = "fd12:3456:789a::1"
PREFIX = "fd12:3456:789a::/64"

# Prints what a TCP connection brings, or the name of the exception.
ASK = """
import socket, sys
try:
    with socket.create_connection((sys.argv[1], int(sys.argv[2])), int(sys.argv[3])) as s:
        s.settimeout(8)
        s.sendall(b"GET /who HTTP/1.0\\r\\n\\r\\n")
        print(s.makefile("rb").read().decode().split("\\n")[-1])
except OSError as error:
    print(type(error).__name__, error.errno)
"""

FETCH = """
import hashlib, socket, sys
with socket.create_connection((sys.argv[1], 80), 20) as s:
    s.settimeout(60)
    s.sendall(b"GET /%d HTTP/1.0\\r\\n\\r\\n" % int(sys.argv[2]))
    print(hashlib.sha256(s.makefile("rb").read().split(b"\\r\\n\\r\\n", 1)[1]).hexdigest())
"""

PUT = """
import hashlib, os, socket, sys
body = os.urandom(3000000)
with socket.create_connection((sys.argv[1], 80), 20) as s:
    s.settimeout(60)
    s.sendall(b"PUT / HTTP/1.0\\r\\nContent-Length: %d\\r\\n\\r\\n" % len(body) + body)
    s.shutdown(socket.SHUT_WR)
    print(s.makefile("rb").read().endswith(hashlib.sha256(body).hexdigest().encode()))
"""

# Datagrams of these sizes to an echo server; prints whether each came back whole, and from where.
ECHO = """
import socket, sys
with socket.socket(socket.AF_INET6, socket.SOCK_DGRAM) as s:
    s.settimeout(20)
    for size in map(int, sys.argv[2:]):
        s.sendto(bytes(size), (sys.argv[1], 7))
        answer, sender = s.recvfrom(65535)
        print(answer.endswith(bytes(size)), answer[:len(answer) - size].decode().split()[0], sender[0])
"""

# Sends a datagram to a closed port; prints the error that comes back.
REFUSED = """
import errno, socket, sys
with socket.socket(socket.AF_INET6, socket.SOCK_DGRAM) as s:
    s.settimeout(20)
    s.setsockopt(socket.IPPROTO_IPV6, 25, 1)  # IPV6_RECVERR: tell also what may pass
    s.connect((sys.argv[1], 9))
    s.send(b"x")
    try:
        s.recv(1)
    except OSError as error:
        print(errno.errorcode.get(error.errno, "timeout"))
"""


setUpModule = tap.need_tap


def has_default_route(guest):
    return "default via fe80::1 dev eth0 proto ra" in guest.check("ip", "-6", "route")


class Guest(tap.TapGuest):
    def connect(self):
        super().connect()
        self.check("sh", "-c", "until ip -6 address show dev eth0 scope global -tentative | grep -q inet6; do sleep 0.1; done")

    def ask(self, address, port, patience=8):
        return self.python(ASK, address, str(port), str(patience)).strip()


class NatTest(unittest.TestCase):
    mtu = 1500

    @classmethod
    def setUpClass(cls):
        cls.outside = cls.enterClassContext(outside.Outside(ipv6=True))
        cls.everywhere = servers.serve(servers.TcpServer6, servers.Http, "::", 0)
        cls.loopback = servers.serve(servers.TcpServer6, servers.Http, "::1", 0)
        cls.lanlet = cls.enterClassContext(Lanlet("--ipv6", PREFIX))
        cls.guest = cls.enterClassContext(Guest(cls.lanlet.stream, "52:54:00:00:00:01", mtu=cls.mtu))
        cls.wait_for_route()

    def test_connection_leaves_with_the_hosts_address(self):
        self.assertEqual(self.guest.ask(outside.FAR6, 80), outside.UPLINK6)

    def test_download_and_upload_arrive_whole(self):
        size = 5_000_000
        self.assertEqual(self.guest.python(FETCH, outside.FAR6, str(size)).strip(), servers.blob_sha256(size))
        self.assertEqual(self.guest.python(PUT, outside.FAR6).strip(), "True")

    def test_datagrams_are_answered_from_the_address_asked(self):
        for line in self.guest.python(ECHO, outside.FAR6, "0", "1", "1200", "4000", "30000").splitlines():
            whole, seen, sender = line.split()
            self.assertEqual((whole, sender), ("True", outside.FAR6))
            self.assertIn(outside.UPLINK6, seen)

    def test_datagram_to_a_closed_port_is_answered_with_the_hosts_error(self):
        self.assertEqual(self.guest.python(REFUSED, outside.FAR6).strip(), "ECONNREFUSED")

    @needs("ping")
    def test_pings_are_answered_by_the_address_asked(self):
        for size in 0, 56, 1452, 4000, 65507:
            self.assertIn(f"bytes from {outside.FAR6}", self.guest.check("ping", "-c", "1", "-W", "20", "-s", size, outside.FAR6), size)

    @needs("dig")
    def test_names_are_answered_over_tcp(self):
        for server in f"@{GATEWAY}", "@fe80::1%eth0":
            self.assertEqual(self.guest.check("dig", "-6", "+tcp", "+short", server, "gateway", "AAAA").split(), [GATEWAY])

    @needs("tshark")
    def test_every_packet_is_well_formed(self):
        with capture.Capture(self.lanlet) as recorded:
            self.guest.python(FETCH, outside.FAR6, "300000")
            self.guest.python(ECHO, outside.FAR6, "1", "1000")
            self.guest.python(REFUSED, outside.FAR6)
            self.guest.run("ping", "-c", "1", "-t", "2", "-W", "20", outside.FAR6)
            self.guest.run("ping", "-c", "1", "-s", "3000", "-W", "20", outside.FAR6)
            recorded.finish()
            self.assertEqual(capture.complaints(recorded.path), "")

    def test_closed_port_outside_refuses(self):
        self.assertEqual(self.guest.ask(outside.FAR6, 9), "ConnectionRefusedError 111")

    def test_destination_without_a_route_is_unreachable_at_once(self):
        self.outside_route("del")
        try:
            self.assertEqual(self.guest.ask("2a00:1450:4001:9::9", 80), "OSError 101")
            # The guest is told within three seconds; the route that comes back must not be the one that is about to go.
            wait_until(lambda: not has_default_route(self.guest), lambda: self.guest.check("ip", "-6", "route"))
        finally:
            self.outside_route("add")
            self.wait_for_route()

    @classmethod
    def wait_for_route(cls):
        wait_until(lambda: has_default_route(cls.guest), lambda: cls.guest.check("ip", "-6", "route"))

    @staticmethod
    def outside_route(what):
        outside.run("ip", "-6", "route", what, "default", "via", outside.ROUTER6)

    def test_gateway_is_the_host_without_its_loopback(self):
        self.assertEqual(self.guest.ask(GATEWAY, self.everywhere), outside.UPLINK6)
        self.assertEqual(self.guest.ask(GATEWAY, self.loopback), "ConnectionRefusedError 111")

    def test_martians_do_not_leave(self):
        for address in ("::ffff:127.0.0.1", "2001:db8::1", "64:ff9b::7f00:1"):
            self.assertRegex(self.guest.ask(address, self.loopback, 1), "Error|Timeout")


class LargePacketsTest(NatTest):
    mtu = 65520


class LonelyLanlet(Lanlet):
    """In a network namespace of its own, which is as the kernel makes it: no addresses, no routes, no ping sockets."""

    def command(self, *options):
        return ["unshare", "-n", *super().command(*options)]


class AskingGuest:
    """A guest that asks outside by IPv6 although it has not been told of a way."""

    @contextlib.contextmanager
    def asking_guest(self, lanlet):
        with lanlet, Guest(lanlet.stream, "52:54:00:00:00:01") as guest:
            guest.check("ip", "-6", "route", "add", "default", "via", "fe80::1", "dev", "eth0")
            yield guest

    def assert_unreachable(self, guest):
        self.assertEqual(guest.ask(outside.FAR6, 80), "OSError 101")
        self.assertEqual(guest.python(REFUSED, outside.FAR6).strip(), "ENETUNREACH")


class NoIpv6Test(AskingGuest, unittest.TestCase):
    """A host without IPv6."""

    def test_errors_come_at_once(self):
        with outside.Outside(), self.asking_guest(Lanlet("--ipv6", PREFIX)) as guest:
            self.assert_unreachable(guest)
            self.assertIn("unreachable: No route", guest.run("ping", "-c", "1", "-W", "20", outside.FAR6).stdout)

    def test_pings_are_prohibited_at_once_without_ping_sockets(self):
        lanlet = LonelyLanlet("--ipv6", PREFIX)
        with self.asking_guest(lanlet) as guest:
            self.assert_unreachable(guest)
            said = guest.run("ping", "-c", "1", "-W", "20", outside.FAR6).stdout
            self.assertIn("unreachable: Administratively prohibited", said)
            self.assertIn("net.ipv4.ping_group_range", lanlet.text())


class RouteTest(unittest.TestCase):
    def test_guests_are_told_when_the_host_gets_and_loses_its_route(self):
        with outside.Outside(ipv6=True), Lanlet("--ipv6", PREFIX) as lanlet, tap.TapGuest(lanlet.stream, "52:54:00:00:00:01") as guest:
            wait_until(lambda: has_default_route(guest), lambda: guest.check("ip", "-6", "route"))
            NatTest.outside_route("del")
            wait_until(lambda: not has_default_route(guest), "the loss of the route")
            NatTest.outside_route("add")
            wait_until(lambda: has_default_route(guest), "the route again")
            lanlet.stop()
            wait_until(lambda: not has_default_route(guest), "the end of the router")


class Nat64Guest(tap.TapGuest):
    """Has an address and a route by router advertisements only."""

    def connect(self):
        super().connect()
        wait_until(lambda: has_default_route(self), "the route")
        self.check("sh", "-c", "until ip -6 address show dev eth0 scope global -tentative | grep -q inet6; do sleep 0.1; done")


class Nat64Test(unittest.TestCase):
    """Guests without IPv4, on a host without IPv6."""

    @classmethod
    def setUpClass(cls):
        cls.outside = cls.enterClassContext(outside.Outside())
        cls.loopback = servers.serve(servers.TcpServer, servers.Http, "127.0.0.1", 0)
        cls.lanlet = cls.enterClassContext(Lanlet("--ipv6-only", "--dns", outside.ROUTER))
        cls.guest = cls.enterClassContext(Nat64Guest(cls.lanlet.stream, "52:54:00:00:00:01"))
        cls.gateway = cls.lanlet.api.get("/v1/network")["ipv6_gateway"]

    def ask(self, address, port, patience=8):
        return self.guest.python(ASK, address, str(port), str(patience)).strip()

    def test_ipv4_destination_is_reached_with_the_hosts_address(self):
        self.assertEqual(self.ask(f"64:ff9b::{outside.FAR}", 80), outside.UPLINK)

    def test_download_and_upload_arrive_whole(self):
        size = 5_000_000
        self.assertEqual(self.guest.python(FETCH, f"64:ff9b::{outside.FAR}", str(size)).strip(), servers.blob_sha256(size))
        self.assertEqual(self.guest.python(PUT, f"64:ff9b::{outside.FAR}").strip(), "True")

    def test_datagrams_are_answered_from_the_address_asked(self):
        lines = self.guest.python(ECHO, f"64:ff9b::{outside.ROUTER}", "1", "1400", "4000", "30000").splitlines()
        self.assertEqual([line.split()[0] for line in lines], ["True"] * 4)
        self.assertEqual({line.split()[-1] for line in lines}, {"64:ff9b::c633:6401"})

    @needs("ping")
    def test_pings_are_answered_by_the_address_asked(self):
        far = "64:ff9b::cb00:7105"
        for size in 0, 56, 1452, 4000, 65507:
            self.assertIn(f"bytes from {far}", self.guest.check("ping", "-c", "1", "-W", "20", "-s", size, far), size)

    def test_refusals_come_as_icmpv6(self):
        self.assertEqual(self.ask(f"64:ff9b::{outside.FAR}", 9), "ConnectionRefusedError 111")
        self.assertEqual(self.guest.python(REFUSED, f"64:ff9b::{outside.FAR}").strip(), "ECONNREFUSED")

    def test_embedded_address_passes_the_checks_of_ipv4(self):
        for address in ("127.0.0.1", "0.0.0.0", "224.0.0.1", "255.255.255.255", "192.168.122.77"):
            for prefix in ("64:ff9b::", "64:ff9b:1::"):
                self.assertRegex(self.ask(prefix + address, self.loopback, 1), "Error|Timeout")
        self.assertEqual(self.ask("64:ff9b::169.254.169.254", 80), "PermissionError 13")

    def test_private_addresses_are_in_a_prefix_of_their_own(self):
        outside.run("ip", "address", "add", "10.99.0.1/32", "dev", "lo")
        try:
            port = servers.serve(servers.TcpServer, servers.Http, "10.99.0.1", 0)
            self.assertEqual(self.ask("64:ff9b:1::10.99.0.1", port), "10.99.0.1")
            self.assertRegex(self.ask("64:ff9b::10.99.0.1", port, 1), "Error|Timeout")
        finally:
            outside.run("ip", "address", "del", "10.99.0.1/32", "dev", "lo")

    @needs("rdisc6")
    def test_prefix_is_advertised(self):
        text = self.guest.check("rdisc6", "-1", "-w", "5000", "eth0")
        self.assertRegex(text, r"Router lifetime\s*:\s*300 ")

    @needs("dig")
    def test_names_with_ipv4_addresses_only_get_addresses_in_the_prefix(self):
        def dig(*words):
            return self.guest.check("dig", f"@{self.gateway}", "+short", *words).split()
        self.assertEqual(dig("four.example.test", "AAAA"), ["64:ff9b::c633:6401"])
        self.assertEqual(dig("four-alias.example.test", "AAAA"), ["four.example.test.", "64:ff9b::c633:6401"])
        self.assertEqual(dig("+tcp", "four.example.test", "AAAA"), ["64:ff9b::c633:6401"])
        self.assertEqual(dig("www.example.test", "AAAA"), ["2001:db8::5"])
        self.assertEqual(dig("four.example.test", "A"), [outside.ROUTER])
        self.assertEqual(dig("+dnssec", "+cd", "four.example.test", "AAAA"), [])
        self.assertEqual(dig("none.example.test", "AAAA"), [])
        self.assertEqual(sorted(dig("ipv4only.arpa", "AAAA")), ["64:ff9b::c000:aa", "64:ff9b::c000:ab"])

    def test_guest_downloads_by_name_from_a_server_with_ipv4_only(self):
        self.guest.resolv_conf.write_text(f"nameserver {self.gateway}\n")
        self.assertEqual(self.ask("four.example.test", 80), outside.UPLINK)

    def test_gateway_is_there_for_names(self):
        self.assertIn("gateway.lanlet.internal", self.guest.check("dig", f"@{self.gateway}", "-x", self.gateway, "+short"))


class LibslirpTest(AskingGuest, unittest.TestCase):
    """An engine without IPv6, on a host that has it."""

    def test_errors_come_at_once_and_ipv4_goes_on(self):
        with outside.Outside(ipv6=True), self.asking_guest(Lanlet("--ipv6", PREFIX, "--engine", "libslirp")) as guest:
            self.assert_unreachable(guest)
            self.assertIn("unreachable: No route", guest.run("ping", "-c", "1", "-W", "20", outside.FAR6).stdout)
            self.assertNotIn("proto ra", guest.check("ip", "-6", "route", "show", "default"))
            guest.set_address("192.168.122.50")
            self.assertEqual(guest.ask(outside.FAR, 80), outside.UPLINK)


class OldKernelLanlet(Lanlet):
    def command(self, *options):
        return [sys.executable, no_inet6.__file__, *super().command(*options)]


@unittest.skipIf(no_inet6.SOCKET_CALL is None, "the number of socket() is not known for this machine")
class NoInet6Test(AskingGuest, unittest.TestCase):
    """A kernel without AF_INET6."""

    def assert_said_once(self, lanlet):
        self.assertEqual(lanlet.text().count("has no IPv6 sockets"), 1, lanlet.text())

    def test_errors_come_at_once(self):
        lanlet = OldKernelLanlet("--ipv6", PREFIX)
        with outside.Outside(), self.asking_guest(lanlet) as guest:
            self.assert_unreachable(guest)
            self.assertIn("unreachable: No route", guest.run("ping", "-c", "1", "-W", "20", outside.FAR6).stdout)
            self.assert_said_once(lanlet)

    def test_ipv4_goes_on(self):
        lanlet = OldKernelLanlet("--ipv6", PREFIX)
        with outside.Outside(), self.asking_guest(lanlet) as guest:
            guest.set_address("192.168.122.50")
            self.assertEqual(guest.ask(outside.FAR, 80), outside.UPLINK)
            self.assertIn(f"bytes from {outside.FAR}", guest.check("ping", "-c", "1", "-W", "20", outside.FAR))

    def test_nat64_needs_no_ipv6_of_the_host(self):
        lanlet = OldKernelLanlet("--ipv6-only", "--ipv6", PREFIX)
        with outside.Outside(), lanlet, Nat64Guest(lanlet.stream, "52:54:00:00:00:01") as guest:
            self.assertEqual(guest.python(ASK, f"64:ff9b::{outside.FAR}", "80", "8").strip(), outside.UPLINK)
            lines = guest.python(ECHO, f"64:ff9b::{outside.ROUTER}", "1", "1400", "4000").splitlines()
            self.assertEqual([line.split()[0] for line in lines], ["True"] * 3)
            self.assertEqual(guest.python(REFUSED, f"64:ff9b::{outside.FAR}").strip(), "ECONNREFUSED")
            self.assertEqual(guest.python(REFUSED, outside.FAR6).strip(), "ENETUNREACH")
            self.assertIn("bytes from", guest.check("ping", "-c", "1", "-W", "20", f"64:ff9b::{outside.FAR}"))
            self.assert_said_once(lanlet)


class HostLoopbackTest(unittest.TestCase):
    def test_loopback_is_reached_when_asked_for(self):
        port = servers.serve(servers.TcpServer6, servers.Http, "::1", 0)
        with Lanlet("--ipv6", PREFIX, "--host-loopback") as lanlet, Guest(lanlet.stream, "52:54:00:00:00:01") as guest:
            self.assertEqual(guest.ask(GATEWAY, port), "::1")


if __name__ == "__main__":
    unittest.main()
