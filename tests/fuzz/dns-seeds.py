#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""Writes the seeds of the targets that take DNS messages.

The seeds are kept in the tree; run this again only after changing it:  tests/fuzz/dns-seeds.py
"""
import pathlib
import struct

CORPUS = pathlib.Path(__file__).parent / "corpus"
A, NS, SOA, PTR, AAAA, OPT, AXFR, ANY = 1, 2, 6, 12, 28, 41, 252, 255


def name(text):
    labels = [label.encode() for label in text.split(".") if label]
    return b"".join(bytes([len(label)]) + label for label in labels) + b"\0"


def question(text, kind, dns_class=1):
    return name(text) + struct.pack("!HH", kind, dns_class)


def record(owner, kind, dns_class, ttl, data):
    return owner + struct.pack("!HHIH", kind, dns_class, ttl, len(data)) + data


def opt(size=1232, flags=0, options=b""):
    return record(b"\0", OPT, size, flags, options)


def message(questions, flags=0x0100, answers=(), authorities=(), additionals=(), ident=0x1234):
    sections = (questions, answers, authorities, additionals)
    return struct.pack("!HH4H", ident, flags, *map(len, sections)) + b"".join(b"".join(s) for s in sections)


COOKIE = struct.pack("!HH", 10, 8) + b"cookie!!"
MESSAGES = {
    "a-local": message([question("web.lanlet.internal", A)]),
    "a-bare": message([question("WEB", A)]),
    "aaaa-local": message([question("web.lanlet.internal", AAAA)], additionals=[opt()]),
    "any-gateway": message([question("gateway.lanlet.internal", ANY)]),
    "soa-apex": message([question("lanlet.internal", SOA)]),
    "ns-apex": message([question("lanlet.internal", NS)]),
    "nxdomain": message([question("nosuch.lanlet.internal", A)]),
    "ptr-gateway": message([question("1.122.168.192.in-addr.arpa", PTR)]),
    "ptr-guest": message([question("63.122.168.192.in-addr.arpa", PTR)], additionals=[opt(flags=0x8000)]),
    "ptr-short": message([question("122.168.192.in-addr.arpa", PTR)]),
    "localhost": message([question("localhost", AAAA)]),
    "chaos": message([question("version.bind", 16, 3)]),
    "chaos-local": message([question("web", 16, 3)]),
    "axfr": message([question("lanlet.internal", AXFR)]),
    "badvers": message([question("web", A)], additionals=[opt(flags=1 << 16)]),
    "two-opts": message([question("web", A)], additionals=[opt(), opt()]),
    "two-questions": message([question("web", A), question("db", A)]),
    "no-question": message([], additionals=[opt(options=COOKIE)]),
    "notify": message([question("lanlet.internal", SOA)], flags=4 << 11),
    "outside": message([question("www.Example.COM", A)], additionals=[opt(4096, 0x8000, COOKIE)]),
    "outside-no-edns": message([question("example.com", 15)]),
    "root-ns": message([question("", NS)]),
    "binary-label": struct.pack("!HH4H", 1, 0x0100, 1, 0, 0, 0) + b"\4\0\xff. \x0elanlet-is-long\0" + struct.pack("!HH", 1, 1),
    "answer": message([question("www.example.com", A)], flags=0x8180, answers=[record(b"\xc0\x0c", A, 1, 60, b"\xcb\0\x71\x09")]),
    "answer-truncated": message([question("www.example.com", A)], flags=0x8380),
    "answer-no-question": message([], flags=0x8181),
    "pointer-loop": message([b"\1a\xc0\x0c" + struct.pack("!HH", 1, 1)]),
    "pointer-owner": message([question("a.b", A)], additionals=[record(b"\xc0\x0e", A, 1, 0, bytes(4))]),
    "long-name": message([question(".".join(["x" * 63] * 3 + ["y" * 61]), A)]),
    "header-only": message([]),
}


def write(target, seeds):
    folder = CORPUS / target
    folder.mkdir(parents=True, exist_ok=True)
    for key, data in seeds.items():
        (folder / key).write_bytes(data)


write("dns-wire", MESSAGES)
