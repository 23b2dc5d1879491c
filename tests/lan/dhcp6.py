# SPDX-License-Identifier: GPL-2.0-or-later
"""DHCPv6 messages for tests (RFC 8415)."""

import struct
from dataclasses import dataclass, field

SOLICIT, ADVERTISE, REQUEST, CONFIRM, RENEW, REBIND, REPLY, RELEASE, DECLINE = range(1, 10)
INFORMATION_REQUEST, RELAY_FORWARD, RELAY_REPLY = 11, 12, 13

CLIENT_ID, SERVER_ID, IA_NA, IA_TA, IA_ADDRESS, REQUESTED, PREFERENCE = range(1, 8)
RELAY_MESSAGE, STATUS, RAPID_COMMIT, INTERFACE_ID, DNS, SEARCH, FQDN, LINK_LAYER = 9, 13, 14, 18, 23, 24, 39, 79
SUCCESS, NO_ADDRESSES, NO_BINDING, NOT_ON_LINK, USE_MULTICAST = 0, 2, 3, 4, 5


def option(code, value=b""):
    return struct.pack(">HH", code, len(value)) + value


def options_of(data):
    """Code → value; of several, the last."""
    found = {}
    while data:
        code, length = struct.unpack(">HH", data[:4])
        found[code] = data[4 : 4 + length]
        data = data[4 + length :]
    return found


def association(iaid, *addresses):
    """An IA_NA with addresses."""
    inner = b"".join(option(IA_ADDRESS, a + bytes(8)) for a in addresses)
    return option(IA_NA, struct.pack(">III", iaid, 0, 0) + inner)


def duid_of(mac):
    """A DUID-LL (RFC 8415 §11.4)."""
    return b"\0\3\0\1" + mac


@dataclass
class Message:
    kind: int
    xid: bytes = b"\1\2\3"
    options: dict = field(default_factory=dict)

    @classmethod
    def parse(cls, data):
        return cls(data[0], data[1:4], options_of(data[4:]))

    @property
    def address(self):
        """The first address that is still valid, of the association."""
        inner = options_of(self.options[IA_NA][12:]) if IA_NA in self.options else {}
        value = inner.get(IA_ADDRESS)
        return value[:16] if value and any(value[20:24]) else None

    @property
    def status(self):
        value = self.options.get(STATUS)
        return struct.unpack(">H", value[:2])[0] if value else None

    @property
    def association_status(self):
        value = options_of(self.options[IA_NA][12:]).get(STATUS) if IA_NA in self.options else None
        return struct.unpack(">H", value[:2])[0] if value else None
