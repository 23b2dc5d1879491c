# SPDX-License-Identifier: GPL-2.0-or-later
"""IPv6 and its neighbour discovery for tests, like packet.py."""

import ipaddress
import struct
from dataclasses import dataclass, field

from .packet import checksum

ETHERTYPE_IPV6 = 0x86DD
ICMP6 = 58
ROUTER_ADVERTISEMENT, SOLICITATION, ADVERTISEMENT = 134, 135, 136
ECHO6_REQUEST, ECHO6_REPLY = 128, 129
SOURCE_MAC, TARGET_MAC = 1, 2  # options
UNSPECIFIED = bytes(16)


def address6(text):
    return ipaddress.IPv6Address(text).packed


ALL_NODES = address6("ff02::1")


def link_local(mac):
    """RFC 4291 appendix A."""
    return b"\xfe\x80" + bytes(6) + bytes([mac[0] ^ 2]) + mac[1:3] + b"\xff\xfe" + mac[3:]


def solicited_node(ip):
    return address6("ff02::1:ff00:0")[:13] + ip[13:]


def multicast_mac(ip):
    return b"\x33\x33" + ip[12:]


@dataclass
class Ipv6:
    source: bytes
    destination: bytes
    next_header: int
    payload: bytes
    hops: int = 255

    @classmethod
    def parse(cls, data):
        length, next_header, hops = struct.unpack(">4xHBB", data[:8])
        if data[0] >> 4 != 6 or 40 + length > len(data):
            raise ValueError("a broken IPv6 header")
        return cls(data[8:24], data[24:40], next_header, data[40 : 40 + length], hops)

    def emit(self):
        return struct.pack(">IHBB", 6 << 28, len(self.payload), self.next_header, self.hops) + self.source + self.destination + self.payload


DESTINATION_OPTIONS, HOP_BY_HOP, FRAGMENT = 60, 0, 44


def behind_extension(ip, kind=DESTINATION_OPTIONS, length=8):
    """The packet with another extension header, which says nothing, in front of its payload."""
    padding = b"".join(b"\1" + bytes([min(left, 254) - 2]) + bytes(min(left, 254) - 2) for left in range(length - 2, 0, -254))
    return Ipv6(ip.source, ip.destination, kind, bytes([ip.next_header, length // 8 - 1]) + padding + ip.payload, ip.hops)


def fragments_of(ip, first):
    """The packet in two fragments, @first bytes in the first one, a multiple of 8; None: in one, which is the whole."""
    ends = [0, first, len(ip.payload)] if first else [0, len(ip.payload)]
    for begin, end in zip(ends, ends[1:]):
        header = bytes([ip.next_header, 0]) + struct.pack(">HI", begin | (end < len(ip.payload)), 0x1234)
        yield Ipv6(ip.source, ip.destination, FRAGMENT, header + ip.payload[begin:end], ip.hops)


@dataclass
class Icmp6:
    type: int
    code: int
    body: bytes

    @staticmethod
    def sum(source, destination, message):
        return checksum(source + destination + struct.pack(">II", len(message), ICMP6) + message)

    @classmethod
    def parse(cls, ip):
        if ip.next_header != ICMP6 or cls.sum(ip.source, ip.destination, ip.payload) != 0:
            raise ValueError("not ICMPv6, or a broken checksum")
        return cls(ip.payload[0], ip.payload[1], ip.payload[4:])

    def emit(self, source, destination):
        """As an IPv6 value."""
        message = struct.pack(">BBH", self.type, self.code, 0) + self.body
        total = self.sum(source, destination, message)
        return Ipv6(source, destination, ICMP6, message[:2] + struct.pack(">H", total) + message[4:])


@dataclass
class Neighbour:
    """A neighbour solicitation or advertisement (RFC 4861 §4.3, §4.4)."""

    type: int
    target: bytes
    mac: bytes = b""  # of the sender of a solicitation, of the target in an advertisement
    flags: int = 0

    SOLICITED, OVERRIDE = 0x40000000, 0x20000000

    @classmethod
    def parse(cls, icmp):
        if icmp.type not in (SOLICITATION, ADVERTISEMENT):
            raise ValueError("not about a neighbour")
        flags, target, options = struct.unpack(">I", icmp.body[:4])[0], icmp.body[4:20], icmp.body[20:]
        wanted = SOURCE_MAC if icmp.type == SOLICITATION else TARGET_MAC
        mac = options[2:8] if len(options) >= 8 and options[0] == wanted else b""
        return cls(icmp.type, target, mac, flags)

    def emit(self, source, destination):
        """As an IPv6 value."""
        option = SOURCE_MAC if self.type == SOLICITATION else TARGET_MAC
        body = struct.pack(">I", self.flags) + self.target + (bytes([option, 1]) + self.mac if self.mac else b"")
        return Icmp6(self.type, 0, body).emit(source, destination)


@dataclass
class RouterAdvertisement:
    mac: bytes
    prefix: bytes = address6("2001:db8:bad::")
    lifetime: int = 1800
    more: bytes = field(default=b"")  # options

    def emit(self, source):
        """As an IPv6 value to all nodes."""
        prefix = struct.pack(">BBBBIII", 3, 4, 64, 0xC0, 3600, 3600, 0) + self.prefix
        body = struct.pack(">BBHII", 64, 0, self.lifetime, 0, 0) + bytes([SOURCE_MAC, 1]) + self.mac + prefix + self.more
        return Icmp6(ROUTER_ADVERTISEMENT, 0, body).emit(source, ALL_NODES)
