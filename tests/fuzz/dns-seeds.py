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


def answer_to(query, flags, behind=b""):
    return b"ID" + struct.pack("!H", flags) + query[4:] + behind


def udp_seeds():
    query = message([question("www.example.com", A)])
    record_a = record(b"\xc0\x0c", A, 1, 60, b"\xcb\0\x71\x09")
    one_answer = answer_to(query[:6] + b"\0\1" + query[8:], 0x8180, record_a)
    answers = {
        "good": one_answer,
        "servfail": answer_to(query, 0x8182),
        "nxdomain": answer_to(query, 0x8183),
        "too-big": one_answer + bytes(600),
        "no-question": answer_to(message([]), 0x8181),
        "wrong-id": b"XX" + one_answer[2:],
        "other-name": one_answer.replace(b"www", b"wwx"),
        "empty": b"",
    }
    return MESSAGES | {"answered-" + key: query + b"\xffEND" + data for key, data in answers.items()}


def stream(between, *messages):
    return bytes([between]) + b"".join(struct.pack("!H", len(m)) + m for m in messages)


def stream_seeds():
    local, outside = MESSAGES["a-local"], MESSAGES["outside"]
    return {
        "one-byte-pieces": stream(0x80, local, outside),
        "large-pieces": stream(0x8f, local, MESSAGES["ptr-guest"], outside, outside),
        "answered": stream(0x9f, outside, local, outside),
        "failed": stream(0xa3, outside, outside),
        "window-shut": stream(0x5f, *[local] * 120),
        "pipeline": stream(0x8f, *[outside] * 80),
        "pipeline-answered": stream(0x9f, *[outside] * 80),
        "reset": stream(0x0f, outside, outside[:20]),
        "length-zero": stream(0x8f, b""),
        "length-huge": b"\x8f\xff\xff" + bytes(100),
        "formerr": stream(0x8f, MESSAGES["two-questions"], MESSAGES["notify"]),
        "cut": stream(0x83, local)[:-3],
    }


write("dns-wire", MESSAGES)
write("dns", udp_seeds())
write("dns-stream", stream_seeds())
