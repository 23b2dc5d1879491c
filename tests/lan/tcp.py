# SPDX-License-Identifier: GPL-2.0-or-later
"""A guest's end of a TCP connection, a segment at a time."""

import struct
import time
from dataclasses import dataclass

from .client import PATIENCE
from .packet import TCP, Ipv4, address, checksum, pseudo_header

FIN, SYN, RST, PSH, ACK, URG, ECE, CWR = 1, 2, 4, 8, 16, 32, 64, 128
MSS_1460 = b"\2\4\5\xb4"
WRAP = 1 << 32


def after(number, distance):
    return (number + distance) % WRAP


@dataclass
class Segment:
    source: int
    destination: int
    sequence: int
    acknowledgement: int
    flags: int
    window: int = 65535
    urgent: int = 0
    options: bytes = b""
    payload: bytes = b""

    @classmethod
    def parse(cls, ip):
        """From an IPv4 value.  Raises ValueError when the checksum is wrong."""
        data = ip.payload
        source, destination, sequence, acknowledgement, offset, flags, window, _, urgent = struct.unpack(">HHIIBBHHH", data[:20])
        if checksum(pseudo_header(ip, len(data)) + data) != 0:
            raise ValueError("a broken TCP checksum")
        end = (offset >> 4) * 4
        return cls(source, destination, sequence, acknowledgement, flags, window, urgent, data[20:end], data[end:])

    def emit(self, source, destination):
        """As an IPv4 value."""
        ip = Ipv4(source, destination, TCP, b"")
        options = self.options + b"\1" * (-len(self.options) % 4)
        bare = struct.pack(
            ">HHIIBBHHH", self.source, self.destination, self.sequence, self.acknowledgement,
            (5 + len(options) // 4) << 4, self.flags, self.window, 0, self.urgent) + options + self.payload
        ip.payload = bare[:16] + struct.pack(">H", checksum(pseudo_header(ip, len(bare)) + bare)) + bare[18:]
        return ip


class Connection:
    """From @host, a client.Host, to @port of @remote.  Nothing is sent unless a method is called, not even ACKs."""

    def __init__(self, host, remote, port, source=40000, isn=1000):
        self.host, self.remote = host, address(remote)
        self.port, self.source = port, source
        self.next, self.expected = isn, 0
        self.window = 65535
        self.largest = 0  # payload of a segment received

    def send(self, flags, payload=b"", **fields):
        segment = Segment(
            self.source, self.port, fields.pop("sequence", self.next),
            fields.pop("acknowledgement", self.expected if flags & ACK else 0), flags, payload=payload,
            **{"window": self.window, **fields})
        self.host.send_ip(segment.emit(self.host.ip, self.remote))

    def receive(self, wanted=lambda segment: True, timeout=PATIENCE):
        """The next segment of the connection that is wanted."""

        def segment_of(frame):
            ip = self.host.ip_of(frame, TCP)
            if not ip or (ip.source, ip.destination) != (self.remote, self.host.ip):
                return None
            segment = Segment.parse(ip)
            ours = (segment.source, segment.destination) == (self.port, self.source)
            return segment if ours and wanted(segment) else None

        return self.host.wait_for(segment_of, timeout)

    def silent(self, seconds=0.5, wanted=lambda segment: True):
        """Whether no such segment comes."""
        try:
            self.receive(wanted, seconds)
        except TimeoutError:
            return True
        return False

    def syn(self, options=MSS_1460, flags=SYN, payload=b"", **fields):
        """Sends a SYN; returns the answer."""
        self.send(flags, payload, options=options, **fields)
        return self.receive(lambda segment: segment.flags & (SYN | RST))

    def open(self, **fields):
        """The whole handshake; the SYN-ACK."""
        answer = self.syn(**fields)
        assert answer.flags & (SYN | ACK | RST) == SYN | ACK, f"{answer} instead of a SYN-ACK"
        self.next, self.expected = after(self.next, 1), after(answer.sequence, 1)
        self.send(ACK)
        return answer

    def write(self, payload, flags=ACK | PSH, **fields):
        self.send(flags, payload, **fields)
        self.next = after(self.next, len(payload))

    def finish(self):
        """Sends FIN."""
        self.send(FIN | ACK)
        self.next = after(self.next, 1)

    def read(self, size, timeout=PATIENCE):
        """@size bytes or what is more in the last segment, acknowledged as they come."""
        data, deadline = b"", time.monotonic() + timeout
        while len(data) < size:
            segment = self.receive(lambda s: s.payload, max(0.0, deadline - time.monotonic()))
            if segment.sequence == self.expected:
                data += segment.payload
                self.expected = after(self.expected, len(segment.payload))
                self.largest = max(self.largest, len(segment.payload))
            self.send(ACK)
        return data

    def wait_for_fin(self):
        segment = self.receive(lambda s: s.flags & FIN and after(s.sequence, len(s.payload)) == self.expected)
        self.expected = after(self.expected, 1)
        self.send(ACK)
        return segment
