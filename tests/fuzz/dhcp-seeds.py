#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""Writes the seeds of the DHCP targets.

The seeds are kept in the tree; run this again only after changing it:  tests/fuzz/dhcp-seeds.py
"""
import pathlib
import struct

CORPUS = pathlib.Path(__file__).parent / "corpus"
MAC = bytes.fromhex("525400123456")
OTHER_MAC = bytes.fromhex("525400abcdef")
GATEWAY = bytes([192, 168, 122, 1])
GUEST = bytes([192, 168, 122, 63])
UDHCPC = bytes([1, 3, 6, 12, 15, 28, 42])
NETWORKD = bytes([1, 3, 6, 12, 15, 26, 33, 119, 121, 51, 58, 59])


def option(code, value):
    return bytes([code, len(value)]) + value


def message(kind, *options, mac=MAC, ciaddr=bytes(4), giaddr=bytes(4), flags=0, sname=b"", file=b"", end=b"\xff", hardware=(1, 6)):
    head = struct.pack("!BBBBIHH", 1, *hardware, 0, 0x3c5a11d2, 3, flags) + ciaddr + bytes(8) + giaddr + mac + bytes(10)
    head += sname.ljust(64, b"\0") + file.ljust(128, b"\0")
    return head + bytes.fromhex("63825363") + option(53, bytes([kind])) + b"".join(options) + end


def client_id(mac=MAC):
    return option(61, b"\1" + mac)


def wire_seeds():
    return {
        "discover-udhcpc": message(1, client_id(), option(57, b"\2\x40"), option(55, UDHCPC), option(60, b"udhcp 1.35.0"), flags=0x8000),
        "discover-named": message(1, option(12, b"web"), option(55, NETWORKD), option(51, b"\0\0\x0e\x10")),
        "discover-duid": message(1, option(61, b"\xff\x12\x34\x56\x78\0\2\0\0\xab\x11" + bytes(range(8))), option(57, b"\5\xdc")),
        "request-selecting": message(3, client_id(), option(50, GUEST), option(54, GATEWAY)),
        "request-reboot": message(3, client_id(), option(50, GUEST)),
        "request-renewing": message(3, client_id(), ciaddr=GUEST),
        "decline": message(4, option(50, GUEST), option(54, GATEWAY)),
        "release": message(7, option(54, GATEWAY), ciaddr=GUEST),
        "inform": message(8, option(55, NETWORKD), ciaddr=GUEST),
        "relayed": message(1, option(82, option(1, b"port 7") + option(2, b"switch")), giaddr=GUEST),
        "relayed-split": message(1, option(82, option(1, b"a" * 200)), option(82, b"b" * 250), giaddr=GUEST),
        "overloaded": message(3, option(52, b"\3"), file=option(50, GUEST) + b"\xff", sname=option(54, GATEWAY) + b"\xff"),
        "split-client-id": message(1, option(61, b"\0abc"), option(52, b"\1"), option(61, b"def"), file=option(61, b"ghi") + b"\xff"),
        "fqdn-text": message(1, option(81, b"\1\0\0web.example.com"), option(12, b"other")),
        "fqdn-encoded": message(1, option(81, b"\5\0\0\3web\7example\3com\0")),
        "no-end": message(1, end=b""),
        "padded": message(1, b"\0\0\0", option(57, b"\0\1"), end=b"\xff" + bytes(60)),
        "bootp": message(1)[:236] + bytes(64),
        "infiniband": message(1, hardware=(32, 0)),
    }


def step_message(data):
    return b"\0" + struct.pack("!H", len(data)) + data


def life_seeds():
    """Lists of steps, see dhcp-fuzz.c; pool .10 to .17."""
    ten = bytes([192, 168, 122, 10])
    probe, hour = b"\1\x28", b"\2\x3d"

    def request(ip=ten, mac=MAC, **fields):
        return step_message(message(3, option(50, ip), option(12, b"web"), option(55, NETWORKD), mac=mac, **fields))

    def discover(mac=MAC):
        return step_message(message(1, client_id(mac), option(55, UDHCPC), option(12, b"web"), mac=mac))

    return {
        "lease": discover() + probe + request() + hour + discover(),
        "conflict": discover(OTHER_MAC) + b"".join(b"\3" + bytes([n, 9]) for n in range(10, 18)) + probe + discover() + probe,
        "two-guests": request() + request(mac=OTHER_MAC) + request(bytes([192, 168, 122, 11]), mac=OTHER_MAC) + hour
        + request(mac=OTHER_MAC),
        "release": request() + step_message(message(7, option(54, GATEWAY), ciaddr=ten)) + discover(OTHER_MAC) + probe,
        "decline": request() + step_message(message(4, option(50, ten), option(54, GATEWAY))) + discover() + probe,
        "renew": request() + b"\2\x1e" + step_message(message(3, client_id(), ciaddr=ten)) + hour,
        "reserve": request(bytes([192, 168, 122, 12])) + b"\4\7" + request() + discover() + probe + b"\4\0" + request(),
        "relay": step_message(message(1, option(82, b"\1\6port 7"), giaddr=bytes([192, 168, 122, 200]))) + probe,
        "inform": step_message(message(8, option(55, NETWORKD), ciaddr=GUEST)),
        "full": b"".join(request(bytes([192, 168, 122, n]), mac=MAC[:5] + bytes([n])) for n in range(10, 18)) + discover() + probe,
        "garbage": step_message(b"\1\1\6" + bytes(50)) + step_message(b"") + discover()[:40],
    }


def client_seeds():
    """Records of dhcp-client-fuzz.c: (seconds before, message); the target puts the transaction id in."""
    def record(seconds, reply, mend=1):
        udp = struct.pack("!HHHH", 67, 68, 8 + len(reply), 0) + reply
        ip = struct.pack("!BBHHHBBH", 0x45, 0, 20 + len(udp), 1, 0, 64, 17, 0) + GATEWAY + b"\xff" * 4 + udp
        frame = MAC + bytes.fromhex("525400a0b0c00800") + ip
        return struct.pack("!BBH", mend, seconds, len(frame)) + frame

    def reply(kind, *options, address=GUEST):
        body = message(kind, option(54, GATEWAY), *options)
        return b"\2" + body[1:16] + address + body[20:]

    lease = [option(51, b"\0\0\0\x3c"), option(1, b"\xff\xff\xff\0"), option(3, GATEWAY), option(6, GATEWAY * 4),
             option(15, b"lab.internal"), option(26, b"\xff\xf0")]
    offer, ack, nak = record(0, reply(2)), record(0, reply(5, *lease)), record(0, reply(6, address=bytes(4)))
    renew = record(31, reply(5, *lease))
    return {
        "lease": offer + ack,
        "renewed": offer + ack + renew + renew,
        "lost": offer + ack + record(255, reply(2)) + ack,
        "refused": offer + nak + offer + ack + record(31, reply(6)),
        "times": offer + record(0, reply(5, *lease, option(58, b"\0\0\0\1"), option(59, b"\0\0\0\2"))) + renew,
        "infinite": offer + record(0, reply(5, option(51, b"\xff" * 4))),
        "domain": offer + record(0, reply(5, option(15, b"a\nnameserver 6.6.6.6"))),
        "not-for-us": record(0, reply(2), mend=0),
        "garbage": record(0, b"\2\1\6" + bytes(40)) + record(9, b""),
    }


def lease_text_seeds():
    first = b"1441525677 52:54:00:75:dd:1a 192.168.122.6 ubuntu *\n"
    second = b"0 52:54:00:12:34:56 192.168.122.63 * 01:52:54:00:12:34:56\n"
    return {
        "two": first + second,
        "cut-short": first + second[:-5],
        "rubbish": first + b"\0\xff rubbish\n\n" + second,
        "long-name": b"1 2:3:4:5:6:7 10.0.0.1 " + b"n" * 255 + b" " + b":".join([b"ab"] * 255) + b"\n",
        "dhcpv6": first + b"duid 00:01:00:01:2a:bb:cc:dd:52:54:00:12:34:56\n",
    }


def write(target, seeds):
    folder = CORPUS / target
    folder.mkdir(parents=True, exist_ok=True)
    for name, data in seeds.items():
        (folder / name).write_bytes(data)


write("dhcp-wire", wire_seeds())
write("dhcp", life_seeds())
write("dhcp-client", client_seeds())
write("lease-text", lease_text_seeds())
