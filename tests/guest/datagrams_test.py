# SPDX-License-Identifier: GPL-2.0-or-later
"""UDP and ICMP as other programs' users have found them broken: fragments, checksums, empty datagrams, errors, marks, bursts."""

import contextlib
import os
import re
import select
import socket
import struct
import tempfile
import time
import unittest

from lan import dns, link, outside, tap
from lan.client import Host
from lan.packet import (
    BROADCAST, ECHO_REPLY, ECHO_REQUEST, ICMP, TCP, TIME_EXCEEDED, UDP, UNREACHABLE, Icmp, Ipv4, Udp, address, checksum, mac,
    pseudo_header,
)
from lan.process import Lanlet
from lan.programs import check, needs
from lan.tcp import RST, SYN, Segment

GATEWAY = "192.168.122.1"
GUEST = "192.168.122.50"
RAW = "192.168.122.57"
SECOND = "198.51.100.22"  # another address of the uplink
NOWHERE = "192.0.2.77"  # no route leads there
SILENT = "198.51.100.99"  # on the uplink's network, and nobody has it
PATIENCE = 20.0
QUIET = 0.5  # how long nothing must come
FRAGMENT = 1480  # bytes of layer 4 in a fragment

UDP_SEGMENT = 103
IP_RECVTOS = 13

# Asks by UDP with payloads of the sizes given, and prints of each how much of the payload came back in the answer.
ASK = """
import os, socket, sys
with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as s:
    s.settimeout(20)
    s.connect((sys.argv[1], int(sys.argv[2])))
    for size in map(int, sys.argv[3:]):
        data = os.urandom(size)
        s.send(data)
        answer = s.recv(65536)
        print(size if answer.endswith(data) else -len(answer))
"""

# Sends bursts that the kernel cuts (UDP_SEGMENT), as QUIC does.
SEGMENTS = """
import socket, sys
with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as s:
    s.setsockopt(socket.IPPROTO_UDP, 103, 1200)
    s.connect((sys.argv[1], int(sys.argv[2])))
    s.send(b"x" * (16 * 1200 + 77))
    s.send(b"y" * 1200)
"""


setUpModule = tap.need_tap


def cpu_share(lanlet, seconds=QUIET):
    before = lanlet.cpu_seconds()
    time.sleep(seconds)
    return (lanlet.cpu_seconds() - before) / seconds


class Server(socket.socket):
    """A UDP server on all addresses of the host, which guests reach at the gateway's."""

    def __init__(self, at="0.0.0.0", port=0):
        super().__init__(socket.AF_INET, socket.SOCK_DGRAM)
        self.bind((at, port))
        self.settimeout(PATIENCE)
        self.port = self.getsockname()[1]


class Raw(Host):
    """A guest made of bytes."""

    def send_udp(self, destination, port, payload, source=40000, **fields):
        ip = Udp(source, port, payload).emit(self.ip, address(destination))
        for name, value in fields.items():
            setattr(ip, name, value)
        self.send_ip(ip)
        return ip

    def send_fragments(self, ip, backwards=False):
        pieces = [ip.payload[at : at + FRAGMENT] for at in range(0, len(ip.payload), FRAGMENT)]
        fragments = []
        for i, piece in enumerate(pieces):
            more = Ipv4.MORE_FRAGMENTS if i + 1 < len(pieces) else 0
            fragments.append(Ipv4(ip.source, ip.destination, ip.protocol, piece, identification=77, fragment=more | i * FRAGMENT // 8))
        for fragment in reversed(fragments) if backwards else fragments:
            self.send_ip(fragment)

    def wait_for_ip(self, protocol, wanted=lambda ip: True, timeout=PATIENCE):
        """The next IPv4 packet, fragments put together."""
        parts = {}

        def packet(frame):
            ip = self.ip_of(frame, protocol)
            if not ip or ip.destination != self.ip:
                return None
            if ip.fragment & 0x3FFF:
                parts.setdefault(ip.identification, []).append(ip)
                ip = whole(parts[ip.identification])
            return ip if ip and wanted(ip) else None

        return self.wait_for(packet, timeout)

    def wait_for_udp(self, timeout=PATIENCE):
        ip = self.wait_for_ip(UDP, timeout=timeout)
        return ip, Udp.parse(ip)

    def wait_for_error(self, timeout=PATIENCE):
        """An ICMP error: its IPv4 value, the ICMP value, and the quoted header, whose checksum is right."""
        ip = self.wait_for_ip(ICMP, lambda ip: Icmp.parse(ip).type in (UNREACHABLE, TIME_EXCEEDED), timeout)
        icmp = Icmp.parse(ip)
        quoted = icmp.payload
        assert checksum(quoted[: (quoted[0] & 15) * 4]) == 0, "a quoted header with a wrong checksum"
        return ip, icmp, quoted

    def hears(self, protocol):
        """What comes within a while."""
        return [ip for ip in (self.ip_of(frame, protocol) for frame in self.listen(QUIET)) if ip and ip.destination == self.ip]


def whole(parts):
    """The packet of these fragments, or None while some are missing."""
    parts = sorted(parts, key=lambda ip: ip.fragment & 0x1FFF)
    payload = b""
    for ip in parts:
        if (ip.fragment & 0x1FFF) * 8 != len(payload):
            return None
        payload += ip.payload
    last = parts[-1]
    if last.fragment & Ipv4.MORE_FRAGMENTS:
        return None
    return Ipv4(last.source, last.destination, last.protocol, payload, last.ttl, tos=last.tos)


class Datagrams(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.outside = cls.enterClassContext(outside.Outside())
        check("ip", "address", "add", f"{SECOND}/24", "dev", "uplink")
        cls.lanlet = cls.enterClassContext(Lanlet("--forward", f"udp *:5353 {RAW}:53"))
        cls.guest = cls.enterClassContext(tap.TapGuest(cls.lanlet.stream, "52:54:00:00:00:01"))
        cls.guest.set_address(GUEST)
        cls.large = cls.enterClassContext(tap.TapGuest(cls.lanlet.stream, "52:54:00:00:00:02", mtu=65520))
        cls.large.set_address("192.168.122.51")

    def raw(self, where=None):
        host = self.enterContext(Raw(where or self.lanlet.stream, mac(7), RAW))
        host.resolve(address(GATEWAY))
        return host

    def server(self, *where):
        return self.enterContext(Server(*where))

    def stopped(self):
        """How many packets were counted that must not leave the segment."""
        return sum(map(int, re.findall(r"(?m)^(?:local-multicast|martian-destination) +(\d+) ", self.lanlet.status())))

    # --- sizes and fragments

    def test_datagrams_of_all_sizes_come_back_whole_over_a_cable_of_1500_bytes(self):
        sizes = [1472, 1473, 8000, 65000]
        for guest in (self.guest, self.large):
            with self.subTest(mtu=guest.mtu):
                self.assertEqual(guest.python(ASK, outside.ROUTER, 7, *sizes).split(), [str(size) for size in sizes])

    def test_largest_datagram_goes_both_ways(self):
        data = os.urandom(65507)
        server, host = self.server(), self.raw()
        host.send_fragments(Udp(40000, server.port, data).emit(host.ip, address(GATEWAY)))
        received, client = server.recvfrom(65536)
        self.assertEqual(received, data)
        server.sendto(data, client)
        self.assertEqual(host.wait_for_udp()[1].payload, data)

    def test_fragments_in_reverse_order_are_put_together(self):
        server, host = self.server(), self.raw()
        data = os.urandom(8000)
        host.send_fragments(Udp(40000, server.port, data).emit(host.ip, address(GATEWAY)), backwards=True)
        self.assertEqual(server.recv(65536), data)

    @needs("ping")
    def test_largest_ping_is_answered(self):
        for guest in (self.guest, self.large):
            with self.subTest(mtu=guest.mtu):
                self.assertIn(" 1 received", guest.run("ping", "-c1", "-W10", "-s65507", outside.ROUTER).stdout)

    # --- checksums

    def test_datagram_without_checksum_is_accepted(self):
        server, host = self.server(), self.raw()
        for destination, port in ((GATEWAY, server.port), (outside.UPLINK, server.port)):
            ip = Udp(40000, port, b"no sum").emit(host.ip, address(destination))
            ip.payload = ip.payload[:6] + bytes(2) + ip.payload[8:]
            host.send_ip(ip)
            self.assertEqual(server.recv(100), b"no sum")
        question = dns.Message(1, "gateway.lanlet.internal", dns.A)
        ip = Udp(40001, 53, question.emit()).emit(host.ip, address(GATEWAY))
        ip.payload = ip.payload[:6] + bytes(2) + ip.payload[8:]
        host.send_ip(ip)
        answer, udp = host.wait_for_udp()
        self.assertEqual(dns.Message.parse(udp.payload).id, 1)
        self.assertNotEqual(answer.payload[6:8], bytes(2))

    def test_datagrams_to_guests_have_a_checksum_that_is_never_zero(self):
        """A computed sum of 0 is sent as 0xffff (RFC 768): of these payloads, one has that sum."""
        server, host = self.server(), self.raw()
        host.send_udp(GATEWAY, server.port, b"?")
        client = server.recvfrom(100)[1]
        bare = struct.pack(">HHHH", server.port, 40000, 10, 0)
        rest = checksum(pseudo_header(Ipv4(address(GATEWAY), host.ip, UDP, b""), 10) + bare)
        for payload in (struct.pack(">H", rest), b"ab"):
            server.sendto(payload, client)
            ip, udp = host.wait_for_udp()
            self.assertEqual(udp.payload, payload)
            self.assertNotEqual(ip.payload[6:8], bytes(2))
            self.assertEqual(checksum(pseudo_header(ip, 10) + ip.payload), 0)

    # --- empty datagrams

    def test_empty_datagrams_are_delivered_and_leave_lanlet_idle(self):
        server = self.server()
        with contextlib.ExitStack() as stack:
            own = stack.enter_context(tempfile.TemporaryDirectory(prefix="lanlet-"))
            ends = [
                self.lanlet.stream, link.seqpacket(self.lanlet.seqpacket), link.dgram(self.lanlet.dgram, os.path.join(own, "guest")),
            ]
            for i, end in enumerate(ends):
                with self.subTest(end=i), Raw(end, mac(7), RAW) as host:
                    host.resolve(address(GATEWAY))
                    host.send_udp(GATEWAY, server.port, b"")
                    data, client = server.recvfrom(100)
                    self.assertEqual(data, b"")
                    server.sendto(b"", client)
                    self.assertEqual(host.wait_for_udp()[1].payload, b"")
                    for _ in range(10):
                        host.send_udp(GATEWAY, 53, b"")
                    self.assertLess(cpu_share(self.lanlet), 0.5)
                    host.dns("gateway")

    def test_empty_datagrams_pass_a_forward_and_leave_lanlet_idle(self):
        host, client = self.raw(), self.server()
        client.sendto(b"", (outside.UPLINK, 5353))
        ip, udp = host.wait_for_udp()
        self.assertEqual((udp.payload, udp.destination), (b"", 53))
        host.send_ip(Udp(53, udp.source, b"").emit(host.ip, ip.source))
        self.assertEqual(client.recv(100), b"")
        self.assertLess(cpu_share(self.lanlet), 0.5)

    def test_empty_frames_leave_links_open(self):
        """An empty datagram of a link is no frame, and no end."""
        with tempfile.TemporaryDirectory(prefix="lanlet-") as own:
            with Raw(link.dgram(self.lanlet.dgram, os.path.join(own, "guest")), mac(7), RAW) as host:
                host.resolve(address(GATEWAY))
                host.link.send(b"")
                self.assertTrue(host.ping(GATEWAY))
        self.assertLess(cpu_share(self.lanlet), 0.5)

    # --- addresses of the host

    def test_forward_answers_from_the_address_that_was_asked(self):
        host = self.raw()
        for asked in (outside.UPLINK, SECOND, outside.UPLINK, "127.0.0.1"):
            for client in (self.server(), self.server()):
                client.sendto(b"q", (asked, 5353))
                ip, udp = host.wait_for_udp()
                host.send_ip(Udp(53, udp.source, b"a").emit(host.ip, ip.source))
                data, source = client.recvfrom(100)
                self.assertEqual((data, source), (b"a", (asked, 5353)))

    # --- what does not exist

    def test_ping_of_an_address_without_a_route_is_answered_with_an_error(self):
        host = self.raw()
        check("ip", "route", "add", "unreachable", f"{NOWHERE}/32")
        try:
            with self.assertRaises(TimeoutError):
                host.ping(NOWHERE, timeout=QUIET)
            host.send_ip(Icmp(ECHO_REQUEST, 0, bytes(4), b"x" * 8).emit(host.ip, address(NOWHERE)))
            ip, icmp, _ = host.wait_for_error()
            self.assertEqual((ip.source, icmp.type), (address(GATEWAY), UNREACHABLE))
        finally:
            check("ip", "route", "delete", "unreachable", f"{NOWHERE}/32")

    def test_ping_of_an_address_that_nobody_has_is_not_answered(self):
        host = self.raw()
        host.send_ip(Icmp(ECHO_REQUEST, 0, bytes(4), b"x" * 8).emit(host.ip, address(SILENT)))
        replies = [ip for ip in host.hears(ICMP) if Icmp.parse(ip).type == ECHO_REPLY]
        self.assertEqual(replies, [])

    # --- quotes in errors

    def test_errors_quote_the_packet_that_the_guest_sent(self):
        host = self.raw()
        sent = [
            (lambda n: host.send_udp(outside.ROUTER, 9, b"closed", 41000 + n, identification=0x4321, tos=0x28), UNREACHABLE),
            (lambda n: host.send_udp(outside.ROUTER, 7, b"too far", 41000 + n, ttl=1, identification=0x4321, tos=0x28), TIME_EXCEEDED),
            (lambda n: host.send_udp(outside.ROUTER, 9, b"options", 41000 + n, options=b"\x94\x04\x00\x00", tos=0x28,
                                     identification=0x4321), UNREACHABLE),
        ]
        for n, (send, kind) in enumerate(sent):
            with self.subTest(n=n):
                ip = send(n)
                _, icmp, quoted = host.wait_for_error()
                self.assertEqual((icmp.type, icmp.code), (kind, 3 if kind == UNREACHABLE else 0))
                header = (quoted[0] & 15) * 4
                self.assertEqual(quoted[12:20], ip.source + ip.destination)
                self.assertEqual(quoted[header : header + 6], ip.payload[:6])  # ports and length
                self.assertEqual(struct.unpack(">xBxxH", quoted[:6]), (0x28, 0x4321))
                self.assertEqual(struct.unpack(">H", quoted[2:4])[0], header + len(ip.payload))

    def test_error_of_a_datagram_that_is_too_large_tells_the_mtu_and_quotes_it(self):
        host = self.raw()
        check("ip", "link", "set", "uplink", "mtu", 1400)
        try:
            ip = host.send_udp(outside.ROUTER, 7, bytes(1450), 42000, fragment=Ipv4.DONT_FRAGMENT, identification=0x1111)
            _, icmp, quoted = host.wait_for_error()
            self.assertEqual((icmp.type, icmp.code, icmp.rest), (UNREACHABLE, 4, struct.pack(">HH", 0, 1400)))
            self.assertEqual(quoted[4:8], struct.pack(">HH", 0x1111, Ipv4.DONT_FRAGMENT))
            self.assertEqual(quoted[20:24], ip.payload[:4])
        finally:
            check("ip", "link", "set", "uplink", "mtu", 1500)

    # --- TTL

    def test_ttl_counts_down_at_the_gateway_and_outside(self):
        host = self.raw()
        for ttl, source, kind in ((1, GATEWAY, TIME_EXCEEDED), (2, outside.ROUTER, ECHO_REPLY)):
            echo = Icmp(ECHO_REQUEST, 0, struct.pack(">HH", 7, ttl), b"x" * 8).emit(host.ip, address(outside.ROUTER))
            echo.ttl = ttl
            host.send_ip(echo)
            ip = host.wait_for_ip(ICMP)
            self.assertEqual((ip.source, Icmp.parse(ip).type), (address(source), kind))

    def test_ttl_of_udp_and_tcp_counts_down_as_well(self):
        host = self.raw()
        router = address(outside.ROUTER)
        with self.subTest("UDP"):
            host.send_udp(outside.ROUTER, 9, b"x", ttl=1)
            ip, icmp, _ = host.wait_for_error()
            self.assertEqual((ip.source, icmp.type), (address(GATEWAY), TIME_EXCEEDED))
            host.send_udp(outside.ROUTER, 9, b"x", ttl=2)  # a closed port
            ip, icmp, _ = host.wait_for_error()
            self.assertEqual((ip.source, icmp.type), (router, UNREACHABLE))
        with self.subTest("TCP"):
            for ttl in (1, 2):
                ip = Segment(40000 + ttl, 9, 1000, 0, SYN).emit(host.ip, router)
                ip.ttl = ttl
                host.send_ip(ip)
                if ttl == 1:
                    ip, icmp, _ = host.wait_for_error()
                    self.assertEqual((ip.source, icmp.type), (address(GATEWAY), TIME_EXCEEDED))
                else:
                    self.assertTrue(Segment.parse(host.wait_for_ip(TCP)).flags & RST)

    # --- roaming

    def test_mapping_is_kept_when_a_peer_moves_and_the_guest_follows(self):
        """Roaming, as with WireGuard: the guest's port outside stays, and another port of a known address gets in."""
        host, one = self.raw(), self.server()
        host.send_udp(GATEWAY, one.port, b"hello", 51820)
        client = one.recvfrom(100)[1]
        with self.subTest("another port of the same address"):
            two = self.server(client[0])
            two.sendto(b"moved", client)
            ip, udp = host.wait_for_udp()
            self.assertEqual((udp.payload, udp.source, ip.source), (b"moved", two.port, address(GATEWAY)))
            host.send_udp(GATEWAY, two.port, b"follows", 51820)
            self.assertEqual(two.recvfrom(100), (b"follows", client))
        with self.subTest("another address"):
            three = self.server(SECOND)
            three.sendto(b"stranger", client)
            self.assertEqual(host.hears(UDP), [])
            host.send_udp(SECOND, three.port, b"known", 51820)
            self.assertEqual(three.recvfrom(100)[1][1], client[1])
            three.sendto(b"welcome", client)
            self.assertEqual(host.wait_for_udp()[1].payload, b"welcome")

    # --- bursts and marks

    def test_segments_of_a_burst_keep_their_sizes(self):
        server = self.server()
        for guest in (self.guest, self.large):
            guest.python(SEGMENTS, GATEWAY, server.port)
            sizes = [len(server.recv(2000)) for _ in range(18)]
            self.assertEqual(sizes, [1200] * 16 + [77, 1200])

    def test_bursts_of_a_server_keep_their_sizes(self):
        server, host = self.server(), self.raw()
        host.send_udp(GATEWAY, server.port, b"?")
        client = server.recvfrom(100)[1]
        server.setsockopt(socket.IPPROTO_UDP, UDP_SEGMENT, 1200)
        for _ in range(4):
            server.sendto(b"x" * (16 * 1200 + 77), client)
            self.assertEqual([len(host.wait_for_udp()[1].payload) for _ in range(17)], [1200] * 16 + [77])

    def test_dscp_and_ecn_go_both_ways(self):
        server, host = self.server(), self.raw()
        server.setsockopt(socket.IPPROTO_IP, IP_RECVTOS, 1)
        for tos in (0x01, 0x02, 0x03, 0xB8, 0x00):
            host.send_udp(GATEWAY, server.port, b"?", tos=tos)
            _, control, _, client = server.recvmsg(100, 100)
            self.assertEqual([data[0] for _, kind, data in control if kind == socket.IP_TOS], [tos])
            server.setsockopt(socket.IPPROTO_IP, socket.IP_TOS, tos)
            server.sendto(b"!", client)
            self.assertEqual(host.wait_for_udp()[0].tos, tos)

    def test_dscp_and_ecn_pass_a_forward_both_ways(self):
        host, client = self.raw(), self.server()
        client.setsockopt(socket.IPPROTO_IP, IP_RECVTOS, 1)
        for tos in (0x02, 0xB9, 0x00):
            client.setsockopt(socket.IPPROTO_IP, socket.IP_TOS, tos)
            client.sendto(b"?", (outside.UPLINK, 5353))
            ip, udp = host.wait_for_udp()
            self.assertEqual(ip.tos, tos)
            answer = Udp(53, udp.source, b"!").emit(host.ip, ip.source)
            answer.tos = tos
            host.send_ip(answer)
            control = client.recvmsg(100, 100)[1]
            self.assertEqual([data[0] for _, kind, data in control if kind == socket.IP_TOS], [tos])

    # --- groups

    def test_broadcast_and_multicast_stay_on_the_segment_and_get_no_error(self):
        """To the gateway's MAC they are counted; to a group's they are the segment's business."""
        host = self.raw()
        gateway = host.resolve(address(GATEWAY))
        everywhere = self.server()
        for destination in ("192.168.122.255", "255.255.255.255", "224.0.0.251", "239.1.2.3", "192.168.122.0"):
            for link_address in (gateway, BROADCAST):
                with self.subTest(destination=destination, link_address=link_address):
                    before = self.stopped()
                    ip = Udp(40000, everywhere.port, b"all").emit(host.ip, address(destination))
                    host.send_frame(link_address, 0x0800, ip.emit())
                    heard = [frame for frame in host.listen(QUIET) if host.ip_of(frame, ICMP) or host.ip_of(frame, UDP)]
                    self.assertEqual(heard, [])
                    self.assertFalse(select.select([everywhere], [], [], 0)[0])
                    self.assertEqual(self.stopped() - before, int(link_address == gateway))
