# SPDX-License-Identifier: GPL-2.0-or-later
"""Headers that IPv6 guests may put in front of what they send to the outside: extensions, flow labels, fragments."""

import contextlib
import os
import struct
import unittest

from lan import outside
from lan.link import StreamClient
from lan.packet import UDP, Ethernet, checksum, mac
from lan.packet6 import (
    ADVERTISEMENT, ETHERTYPE_IPV6, FRAGMENT, HOP_BY_HOP, Icmp6, Ipv6, Neighbour, address6, behind_extension, fragments_of,
)
from lan.process import Lanlet

PREFIX = "fd12:3456:789a::/64"
GATEWAY_MAC = mac(0xFF)
MAC = mac(1)
GUEST = address6("fd12:3456:789a::77")
ECHO_PORT = 7


class Guest:
    """Sends packets as they are; answers neighbour solicitations."""

    def __init__(self, lanlet, destination):
        self.link = StreamClient(lanlet.stream)
        self.destination = address6(destination)

    def close(self):
        self.link.close()

    def datagram(self, payload):
        """To the echo server, with a checksum."""
        length = 8 + len(payload)
        head = struct.pack(">HHH", 40000, ECHO_PORT, length)
        total = checksum(GUEST + self.destination + struct.pack(">II", length, UDP) + head + b"\0\0" + payload)
        return Ipv6(GUEST, self.destination, UDP, head + struct.pack(">H", total or 0xFFFF) + payload, 64)

    def send(self, *packets):
        for ip in packets:
            self.link.send(Ethernet(GATEWAY_MAC, MAC, ETHERTYPE_IPV6, ip if isinstance(ip, bytes) else ip.emit()).emit())

    def answer_to(self, payload, timeout=20.0):
        """Waits for the echo of it; the echoes that came before."""
        others = []
        while True:
            frame = Ethernet.parse(self.link.receive(timeout))
            if frame.ethertype != ETHERTYPE_IPV6:
                continue
            ip = Ipv6.parse(frame.payload)
            with contextlib.suppress(ValueError):
                asked = Neighbour.parse(Icmp6.parse(ip))
                if asked.target == GUEST:
                    told = Neighbour(ADVERTISEMENT, GUEST, MAC, Neighbour.SOLICITED | Neighbour.OVERRIDE)
                    self.send(told.emit(GUEST, ip.source))
            if ip.next_header == UDP and ip.source == self.destination:
                if ip.payload.endswith(payload):
                    return others
                others.append(ip)


class HeadersTest(unittest.TestCase):
    options = ("--ipv6", PREFIX)
    ipv6 = True
    destination = outside.FAR6

    @classmethod
    def setUpClass(cls):
        cls.enterClassContext(outside.Outside(ipv6=cls.ipv6))
        cls.lanlet = cls.enterClassContext(Lanlet(*cls.options, "--gateway-mac", "52:54:00:00:00:ff"))

    def setUp(self):
        self.guest = self.enterContext(contextlib.closing(Guest(self.lanlet, self.destination)))
        self.payload = os.urandom(1200)
        self.datagram = self.guest.datagram(self.payload)

    def assert_answered(self, *packets):
        self.guest.send(*packets)
        self.assertEqual(self.guest.answer_to(self.payload), [])

    def assert_dropped(self, *packets):
        """What comes after them is answered first."""
        self.guest.send(*packets)
        later = os.urandom(100)
        self.guest.send(self.guest.datagram(later))
        self.assertEqual(self.guest.answer_to(later), [])

    def test_extension_headers_are_skipped(self):
        self.assert_answered(behind_extension(behind_extension(self.datagram), HOP_BY_HOP))

    def test_more_extension_headers_than_have_room_are_dropped(self):
        self.assert_dropped(behind_extension(behind_extension(self.datagram, length=256), length=256))

    def test_flow_labels_do_no_harm(self):
        for label in 1, 0x12345, 0xFFFFF:
            self.assert_answered(struct.pack(">I", 6 << 28 | label) + self.datagram.emit()[4:])

    def test_fragments_in_any_order_are_put_together(self):
        self.assert_answered(*reversed(list(fragments_of(self.datagram, 640))))

    def test_fragments_of_extension_headers_are_put_together(self):
        self.assert_answered(*(behind_extension(ip) for ip in fragments_of(behind_extension(self.datagram), 640)))

    def test_fragment_that_is_the_whole_is_passed_on(self):
        """RFC 6946, RFC 8021: translators made them."""
        self.assert_answered(*fragments_of(self.datagram, None))

    def test_overlapping_fragments_are_dropped(self):
        first, last = fragments_of(self.datagram, 640)
        evil = Ipv6(GUEST, self.datagram.destination, FRAGMENT, bytes([UDP, 0]) + struct.pack(">HI", 8 | 1, 0x1234) + bytes(16), 64)
        self.assert_dropped(first, evil, last)

    def test_fragments_without_all_headers_are_dropped(self):
        """RFC 7112."""
        self.assert_dropped(*fragments_of(behind_extension(self.datagram, length=64), 16))


class Nat64HeadersTest(HeadersTest):
    options = ("--ipv6-only", "--ipv6", PREFIX)
    ipv6 = False
    destination = f"64:ff9b::{outside.ROUTER}"


if __name__ == "__main__":
    unittest.main()
