# SPDX-License-Identifier: GPL-2.0-or-later
"""DNS messages for tests (RFC 1035): questions, and answers whose records are opaque."""

import struct
from dataclasses import dataclass, field

A, NS, CNAME, SOA, PTR, MX, TXT, AAAA, SRV, OPT, ANY = 1, 2, 5, 6, 12, 15, 16, 28, 33, 41, 255
NOERROR, FORMERR, SERVFAIL, NXDOMAIN, NOTIMP, REFUSED = range(6)
RESPONSE, AUTHORITATIVE, TRUNCATED, RECURSION_DESIRED, RECURSION_AVAILABLE = 0x8000, 0x0400, 0x0200, 0x0100, 0x0080


def emit_name(name):
    labels = [label.encode() for label in name.rstrip(".").split(".") if label]
    return b"".join(bytes([len(label)]) + label for label in labels) + b"\0"


def parse_name(data, at):
    """The name at this offset, and the offset behind it."""
    labels, end = [], None
    while data[at]:
        if data[at] >= 0xC0:
            end = end or at + 2
            at = struct.unpack(">H", data[at : at + 2])[0] & 0x3FFF
            continue
        labels.append(data[at + 1 : at + 1 + data[at]].decode())
        at += 1 + data[at]
    return ".".join(labels), end or at + 1


@dataclass
class Record:
    name: str
    type: int
    data: bytes
    ttl: int = 60
    cls: int = 1

    def emit(self):
        return emit_name(self.name) + struct.pack(">HHIH", self.type, self.cls, self.ttl, len(self.data)) + self.data


@dataclass
class Message:
    id: int
    name: str
    type: int
    flags: int = RECURSION_DESIRED
    answers: list = field(default_factory=list)
    additional: list = field(default_factory=list)

    @property
    def rcode(self):
        return self.flags & 15

    @classmethod
    def parse(cls, data):
        id_, flags, questions, answers, authority, additional = struct.unpack(">6H", data[:12])
        name, at = parse_name(data, 12) if questions else ("", 12)
        type_ = 0
        if questions:
            (type_,) = struct.unpack(">H", data[at : at + 2])
            at += 4
        records = []
        for _ in range(answers + authority + additional):
            owner, at = parse_name(data, at)
            record_type, record_class, ttl, length = struct.unpack(">HHIH", data[at : at + 10])
            record_data = data[at + 10 : at + 10 + length]
            if record_type in (NS, CNAME, PTR):
                record_data = emit_name(parse_name(data, at + 10)[0])  # without compression
            records.append(Record(owner, record_type, record_data, ttl, record_class))
            at += 10 + length
        return cls(id_, name, type_, flags, records[:answers], records[answers + authority :])

    def emit(self):
        head = struct.pack(">6H", self.id, self.flags, 1, len(self.answers), 0, len(self.additional))
        question = emit_name(self.name) + struct.pack(">HH", self.type, 1)
        return head + question + b"".join(record.emit() for record in self.answers + self.additional)
