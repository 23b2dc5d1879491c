# SPDX-License-Identifier: GPL-2.0-or-later
"""Ethernet, ARP, IPv4, UDP and ICMP for tests: bytes to values and back, written apart from lanlet's own code."""

import ipaddress
import struct
from dataclasses import dataclass

BROADCAST = b"\xff" * 6
ETHERTYPE_IPV4, ETHERTYPE_ARP = 0x0800, 0x0806
ICMP, TCP, UDP = 1, 6, 17
ECHO_REPLY, UNREACHABLE, ECHO_REQUEST, TIME_EXCEEDED = 0, 3, 8, 11


def address(text):
    """An IPv4 address as its four bytes."""
    return ipaddress.IPv4Address(text).packed


def text(packed):
    return str(ipaddress.IPv4Address(packed))


def mac(number):
    """A MAC address of QEMU's range."""
    return b"\x52\x54\x00" + number.to_bytes(3, "big")


def mac_text(packed):
    return packed.hex(":")


def checksum(data):
    """RFC 1071."""
    if len(data) % 2:
        data += b"\0"
    total = sum(struct.unpack(f">{len(data) // 2}H", data))
    while total > 0xFFFF:
        total = (total & 0xFFFF) + (total >> 16)
    return total ^ 0xFFFF


@dataclass
class Ethernet:
    destination: bytes
    source: bytes
    ethertype: int
    payload: bytes

    @classmethod
    def parse(cls, data):
        return cls(data[:6], data[6:12], *struct.unpack(">H", data[12:14]), data[14:])

    def emit(self):
        return self.destination + self.source + struct.pack(">H", self.ethertype) + self.payload


@dataclass
class Arp:
    operation: int
    sender_mac: bytes
    sender: bytes
    target_mac: bytes
    target: bytes

    REQUEST, REPLY = 1, 2

    @classmethod
    def parse(cls, data):
        return cls(*struct.unpack(">6xH6s4s6s4s", data[:28]))

    def emit(self):
        return struct.pack(
            ">HHBBH6s4s6s4s", 1, ETHERTYPE_IPV4, 6, 4,
            self.operation, self.sender_mac, self.sender, self.target_mac, self.target)


@dataclass
class Ipv4:
    source: bytes
    destination: bytes
    protocol: int
    payload: bytes
    ttl: int = 64
    identification: int = 0
    fragment: int = 0  # flags and offset, as on the wire
    options: bytes = b""
    tos: int = 0  # DSCP and ECN

    DONT_FRAGMENT, MORE_FRAGMENTS = 0x4000, 0x2000

    @classmethod
    def parse(cls, data):
        """Raises ValueError when the header's checksum or the total length is wrong."""
        header_len = (data[0] & 15) * 4
        tos, total, identification, fragment, ttl, protocol, _, source, destination = struct.unpack(">xBHHHBBH4s4s", data[:20])
        if checksum(data[:header_len]) != 0 or not header_len <= total <= len(data):
            raise ValueError("a broken IPv4 header")
        return cls(source, destination, protocol, data[header_len:total], ttl, identification, fragment, data[20:header_len], tos)

    def emit(self):
        header_len = 20 + len(self.options)
        header = struct.pack(
            ">BBHHHBBH4s4s", 0x40 | header_len // 4, self.tos, header_len + len(self.payload), self.identification,
            self.fragment, self.ttl, self.protocol, 0, self.source, self.destination) + self.options
        return header[:10] + struct.pack(">H", checksum(header)) + header[12:] + self.payload


def pseudo_header(ip, length):
    return ip.source + ip.destination + struct.pack(">BBH", 0, ip.protocol, length)


@dataclass
class Udp:
    source: int
    destination: int
    payload: bytes

    @classmethod
    def parse(cls, ip):
        """From an IPv4 value.  Raises ValueError when checksum or length is wrong."""
        source, destination, length, received = struct.unpack(">HHHH", ip.payload[:8])
        if not 8 <= length <= len(ip.payload):
            raise ValueError("a broken UDP length")
        if received and checksum(pseudo_header(ip, length) + ip.payload[:length]) != 0:
            raise ValueError("a broken UDP checksum")
        return cls(source, destination, ip.payload[8:length])

    def emit(self, source, destination):
        """As an IPv4 value."""
        length = 8 + len(self.payload)
        ip = Ipv4(source, destination, UDP, b"")
        bare = struct.pack(">HHHH", self.source, self.destination, length, 0) + self.payload
        sum_ = checksum(pseudo_header(ip, length) + bare) or 0xFFFF
        ip.payload = bare[:6] + struct.pack(">H", sum_) + bare[8:]
        return ip


@dataclass
class Tcp:
    source: int
    destination: int
    sequence: int = 0
    acknowledgement: int = 0
    flags: int = 0
    payload: bytes = b""

    SYN, RST, ACK = 2, 4, 16

    @classmethod
    def parse(cls, ip):
        """From an IPv4 value; without options."""
        source, destination, sequence, acknowledgement, offset, flags = struct.unpack(">HHIIBB", ip.payload[:14])
        if checksum(pseudo_header(ip, len(ip.payload)) + ip.payload) != 0:
            raise ValueError("a broken TCP checksum")
        return cls(source, destination, sequence, acknowledgement, flags, ip.payload[(offset >> 4) * 4 :])

    def emit(self, source, destination):
        """As an IPv4 value."""
        ip = Ipv4(source, destination, TCP, b"")
        bare = struct.pack(">HHIIBBHHH", self.source, self.destination, self.sequence, self.acknowledgement,
                           5 << 4, self.flags, 65535, 0, 0) + self.payload
        ip.payload = bare[:16] + struct.pack(">H", checksum(pseudo_header(ip, len(bare)) + bare)) + bare[18:]
        return ip


@dataclass
class Icmp:
    type: int
    code: int
    rest: bytes  # the header's second word: id and sequence of an echo
    payload: bytes = b""

    @classmethod
    def parse(cls, ip):
        if checksum(ip.payload) != 0:
            raise ValueError("a broken ICMP checksum")
        return cls(ip.payload[0], ip.payload[1], ip.payload[4:8], ip.payload[8:])

    def emit(self, source, destination):
        """As an IPv4 value."""
        bare = struct.pack(">BBH", self.type, self.code, 0) + self.rest + self.payload
        return Ipv4(source, destination, ICMP, bare[:2] + struct.pack(">H", checksum(bare)) + bare[4:])
