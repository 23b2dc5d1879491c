# SPDX-License-Identifier: GPL-2.0-or-later
"""What users of other NATs ran into with UDP and ICMP."""

import struct
import unittest

from lan import outside, tap
from lan.client import Host
from lan.packet import ECHO_REPLY, ICMP, TIME_EXCEEDED, UDP, UNREACHABLE, Icmp, Ipv4, Udp, address, checksum, mac
from lan.process import Lanlet
from lan.programs import check

GATEWAY = "192.168.122.1"
UNREACHABLE_NET = "192.0.2.77"  # the host has a route that says so
SILENT = "198.51.100.77"  # of the cable; no machine answers ARP there


class DatagramReports(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        tap.need_tap()
        cls.enterClassContext(outside.Outside())
        check("ip", "route", "add", "unreachable", "192.0.2.0/25")
        cls.addClassCleanup(check, "ip", "route", "delete", "unreachable", "192.0.2.0/25")
        cls.lanlet = cls.enterClassContext(Lanlet())

    def setUp(self):
        self.host = self.enterContext(Host(self.lanlet.stream, mac(9), "192.168.122.59"))

    def count(self, reason):
        return next((d["count"] for d in self.lanlet.api.get("/v1/drops")["drops"] if d["reason"] == reason), 0)

    def icmp(self, timeout=20.0):
        """The next ICMP message, and the packet that has it."""
        ip = self.host.wait_for(lambda frame: self.host.ip_of(frame, ICMP), timeout)
        return Icmp.parse(ip), ip

    def send(self, destination, port, payload, source=40000, **ip_fields):
        ip = Udp(source, port, payload).emit(self.host.ip, address(destination))
        for name, value in ip_fields.items():
            setattr(ip, name, value)
        self.host.send_ip(ip)
        return ip

    def datagram(self, timeout=20.0):
        return self.host.wait_for(lambda frame: self.host.ip_of(frame, UDP), timeout)

    def test_fragments_in_any_order_are_one_datagram(self):
        whole = Udp(40001, 7, bytes(1400)).emit(self.host.ip, address(outside.ROUTER)).payload
        pieces = [(at, whole[at:at + 480]) for at in range(0, len(whole), 480)]
        for at, piece in reversed(pieces):
            more = Ipv4.MORE_FRAGMENTS if at + len(piece) < len(whole) else 0
            self.host.send_ip(Ipv4(self.host.ip, address(outside.ROUTER), UDP, piece, identification=7, fragment=more | at // 8))
        self.assertTrue(Udp.parse(self.datagram()).payload.endswith(bytes(1400)))

    def test_datagram_without_a_checksum_is_carried_and_answered_with_one(self):
        query = b"\x12\x34\x01\0\0\x01\0\0\0\0\0\0\x07gateway\0\0\x01\0\x01"
        for ip, port, payload in ((outside.ROUTER, 7, b"x"), (GATEWAY, 53, query)):
            with self.subTest(ip=ip):
                packet = Udp(40002, port, payload).emit(self.host.ip, address(ip))
                packet.payload = packet.payload[:6] + b"\0\0" + packet.payload[8:]
                self.host.send_ip(packet)
                answer = self.datagram()
                self.assertNotEqual(answer.payload[6:8], b"\0\0")
                Udp.parse(answer)

    def test_empty_datagrams_are_datagrams(self):
        self.send(outside.ROUTER, 7, b"")
        self.assertRegex(Udp.parse(self.datagram()).payload, rb"^[0-9.]+:\d+ $")
        before = self.lanlet.cpu_seconds()
        for _ in range(10):
            self.send(GATEWAY, 53, b"")
        self.host.listen(1)
        self.assertLess(self.lanlet.cpu_seconds() - before, 0.5)
        self.host.dns("gateway")

    def test_ping_of_nobody_is_not_answered(self):
        for ip, told in ((UNREACHABLE_NET, True), (SILENT, False)):
            with self.subTest(ip=ip):
                self.host.send_ip(Icmp(8, 0, b"\0\1\0\1", b"x" * 8).emit(self.host.ip, address(ip)))
                try:
                    message, _ = self.icmp(20.0 if told else 0.5)
                    self.assertEqual(message.type, UNREACHABLE)
                except TimeoutError:
                    self.assertFalse(told)

    def test_errors_quote_what_the_guest_sent(self):
        for options in (b"", b"\x94\x04\0\0"):  # router alert
            with self.subTest(options=options):
                sent = self.send(outside.ROUTER, 9, b"anyone?", source=40003, identification=0x1234, tos=0x28, options=options)
                message, _ = self.icmp()
                self.assertEqual((message.type, message.code), (UNREACHABLE, 3))
                quoted = message.payload
                header_len = (quoted[0] & 15) * 4
                self.assertEqual(checksum(quoted[:header_len]), 0)
                self.assertEqual(quoted[12:20], sent.source + sent.destination)
                self.assertEqual(quoted[header_len:header_len + 6], sent.payload[:6])  # ports and length
                self.assertEqual(struct.unpack(">H", quoted[2:4])[0], header_len + len(sent.payload))

    def test_hops_are_counted_by_one(self):
        for ttl, type_, source in ((1, TIME_EXCEEDED, GATEWAY), (2, ECHO_REPLY, outside.ROUTER)):
            ping = Icmp(8, 0, b"\0\1\0\1").emit(self.host.ip, address(outside.ROUTER))
            ping.ttl = ttl
            self.host.send_ip(ping)
            message, ip = self.icmp()
            self.assertEqual((message.type, ip.source), (type_, address(source)))

    def test_broadcast_and_multicast_are_not_carried_and_not_answered(self):
        gateway = self.host.resolve(address(GATEWAY))
        before = self.count("local-multicast") + self.count("martian-destination")
        targets = ("255.255.255.255", "192.168.122.255", "192.168.122.0", "224.0.0.251", "239.1.2.3")
        for ip in targets:
            self.host.send_frame(gateway, 0x0800, Udp(40004, 9, b"all").emit(self.host.ip, address(ip)).emit())
        self.assertEqual([frame for frame in self.host.listen(0.5) if self.host.ip_of(frame, ICMP) or self.host.ip_of(frame, UDP)], [])
        self.assertEqual(self.count("local-multicast") + self.count("martian-destination") - before, len(targets))
