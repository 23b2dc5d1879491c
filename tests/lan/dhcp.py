# SPDX-License-Identifier: GPL-2.0-or-later
"""DHCP messages for tests (RFC 2131, RFC 2132)."""

import struct
from dataclasses import dataclass, field

DISCOVER, OFFER, REQUEST, DECLINE, ACK, NAK, RELEASE, INFORM = range(1, 9)

MASK, ROUTER, DNS, HOST_NAME, DOMAIN, MTU, BROADCAST_ADDRESS = 1, 3, 6, 12, 15, 26, 28
REQUESTED_ADDRESS, LEASE_TIME, MESSAGE_TYPE, SERVER_ID, PARAMETER_LIST = 50, 51, 53, 54, 55
MAX_SIZE, T1, T2, CLIENT_ID, RELAY_AGENT, DOMAIN_SEARCH = 57, 58, 59, 61, 82, 119

COOKIE = b"\x63\x82\x53\x63"
NOWHERE = b"\0" * 4


@dataclass
class Message:
    mac: bytes
    kind: int = 0
    operation: int = 1
    xid: bytes = b"\0\0\0\0"
    flags: int = 0
    client: bytes = NOWHERE  # ciaddr
    yours: bytes = NOWHERE  # yiaddr
    server: bytes = NOWHERE  # siaddr
    relay: bytes = NOWHERE  # giaddr
    options: dict = field(default_factory=dict)  # code → bytes

    @classmethod
    def parse(cls, data):
        operation, xid, flags, client, yours, server, relay, mac = struct.unpack(">B3x4s2xH4s4s4s4s6s", data[:34])
        if data[236:240] != COOKIE:
            raise ValueError("no DHCP cookie")
        options, at = {}, 240
        while data[at] != 255:
            if data[at] == 0:
                at += 1
                continue
            code, length = data[at], data[at + 1]
            options[code] = options.get(code, b"") + data[at + 2 : at + 2 + length]
            at += 2 + length
        kind = options.get(MESSAGE_TYPE, b"\0")[0]
        return cls(mac, kind, operation, xid, flags, client, yours, server, relay, options)

    def emit(self):
        head = struct.pack(
            ">BBBB4sHH4s4s4s4s6s", self.operation, 1, 6, 0, self.xid, 0, self.flags,
            self.client, self.yours, self.server, self.relay, self.mac)
        options = {MESSAGE_TYPE: bytes([self.kind]), **self.options}
        body = b"".join(bytes([code, len(value)]) + value for code, value in options.items())
        return (head.ljust(236, b"\0") + COOKIE + body + b"\xff").ljust(300, b"\0")
