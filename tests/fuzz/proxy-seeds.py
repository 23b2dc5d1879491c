#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""Writes the seeds of the target that takes what a proxy's client sends.

The seeds are kept in the tree; run this again only after changing it:  tests/fuzz/proxy-seeds.py
"""
import pathlib
import socket
import struct

CORPUS = pathlib.Path(__file__).parent / "corpus" / "proxy"
V4, NAME, V6 = 1, 3, 4


def request(kind, address, port, command=1, version=5):
    return struct.pack("!4B", version, command, 0, kind) + address + struct.pack("!H", port)


def name(text):
    return bytes([len(text)]) + text.encode()


def http(line, *fields):
    return "\r\n".join([line, *fields, "", ""]).encode()


SEEDS = {
    "greeting": b"\x05\x01\x00",
    "greeting-passwords": b"\x05\x02\x01\x02",
    "greeting-none-offered": b"\x05\x00",
    "greeting-and-request": b"\x05\x03\x00\x01\x02" + request(NAME, name("web"), 80),
    "socks4": b"\x04\x01\x00\x50\xc0\xa8\x7a\x32user\x00",
    "ipv4": request(V4, socket.inet_aton("192.168.122.50"), 22),
    "ipv6": request(V6, socket.inet_pton(socket.AF_INET6, "::ffff:192.168.122.50"), 22),
    "name": request(NAME, name("web.lanlet.internal"), 80) + b"early",
    "name-empty": request(NAME, name(""), 80),
    "name-long": request(NAME, name("a" * 255), 80),
    "name-binary": request(NAME, name("we\nb"), 80),
    "bind": request(V4, socket.inet_aton("192.168.122.50"), 22, command=2),
    "type-unknown": request(9, b"", 22),
    "cut": request(NAME, name("web"), 80)[:-1],
    "connect": http("CONNECT web:80 HTTP/1.1", "Host: web:80", "User-Agent: curl/7.88.1", "Proxy-Connection: Keep-Alive") + b"early",
    "connect-old": http("CONNECT 192.168.122.50:22 HTTP/1.0"),
    "connect-ipv6": http("CONNECT [::ffff:192.168.122.50]:22 HTTP/1.1", "Host: x"),
    "connect-bare-lf": b"CONNECT web:80 HTTP/1.1\nHost: web\n\n",
    "connect-no-port": http("CONNECT web HTTP/1.1"),
    "connect-port-large": http("CONNECT web:65536 HTTP/1.1"),
    "connect-folded": http("CONNECT web:80 HTTP/1.1", "A: b", " c"),
    "connect-space-before-colon": http("CONNECT web:80 HTTP/1.1", "A : b"),
    "connect-nul": http("CONNECT web:80 HTTP/1.1", "A: \0"),
    "connect-cut": http("CONNECT web:80 HTTP/1.1", "Host: web")[:-2],
    "get": http("GET http://web/ HTTP/1.1", "Host: web"),
    "tls": b"\x16\x03\x01\x02\x00\x01\x00",
}

CORPUS.mkdir(parents=True, exist_ok=True)
for label, data in SEEDS.items():
    (CORPUS / label).write_bytes(data)
