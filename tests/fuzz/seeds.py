#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""Writes the seeds of the targets whose inputs are frames or records of a fixed form.

The seeds are kept in the tree; run this again only after changing it:  tests/fuzz/seeds.py
"""
import ipaddress
import pathlib
import struct

CORPUS = pathlib.Path(__file__).parent / "corpus"
GATEWAY = bytes.fromhex("525400a0b0c0")
GUEST = bytes.fromhex("525400123456")
GUEST_IP = bytes([192, 168, 122, 63])
GATEWAY_IP = bytes([192, 168, 122, 1])
OUTSIDE_IP = bytes([203, 0, 113, 9])


def checksum(data):
    if len(data) % 2:
        data += b"\0"
    total = sum(struct.unpack(f"!{len(data) // 2}H", data))
    while total >> 16:
        total = (total & 0xffff) + (total >> 16)
    return ~total & 0xffff


def eth(ethertype, payload, dst=GATEWAY, src=GUEST):
    return dst + src + struct.pack("!H", ethertype) + payload


def ipv4(protocol, payload, src=GUEST_IP, dst=OUTSIDE_IP, flags=0x4000, ident=842, ttl=64, options=b""):
    words = 5 + len(options) // 4
    head = struct.pack("!BBHHHBBH", 0x40 | words, 0, words * 4 + len(payload), ident, flags, ttl, protocol, 0) + src + dst + options
    return head[:10] + struct.pack("!H", checksum(head)) + head[12:] + payload


def with_checksum4(segment, at, protocol, src=GUEST_IP, dst=OUTSIDE_IP):
    value = checksum(src + dst + struct.pack("!BBH", 0, protocol, len(segment)) + segment)
    return segment[:at] + struct.pack("!H", value) + segment[at + 2:]


def udp(sport, dport, payload, **addresses):
    return with_checksum4(struct.pack("!HHHH", sport, dport, 8 + len(payload), 0) + payload, 6, 17, **addresses)


def tcp(flags, payload=b"", options=b"", seq=1000, ack=2000, **addresses):
    offset = (5 + len(options) // 4) << 4
    head = struct.pack("!HHIIBBHHH", 40000, 80, seq, ack, offset, flags, 64240, 0, 0) + options
    return with_checksum4(head + payload, 16, 6, **addresses)


def icmp(kind, code, rest, body):
    message = struct.pack("!BBHI", kind, code, 0, rest) + body
    return message[:2] + struct.pack("!H", checksum(message)) + message[4:]


def ipv6(protocol, payload, src=bytes.fromhex("fd" + "00" * 14 + "02"), dst=bytes.fromhex("fd" + "00" * 14 + "03")):
    return struct.pack("!IHBB", 0x60000000, len(payload), protocol, 64) + src + dst + payload


FIXED6 = bytes.fromhex("fe80" + "00" * 13 + "02")


def nd(kind, rest):
    return struct.pack("!BBH", kind, 0, 0) + rest


SYN_OPTIONS = bytes.fromhex("020405b40402080a000003e80000000001030307")
SACK_OPTIONS = bytes.fromhex("0101080a000003e8000007d00101050a000003e8000007d0")


def packet_seeds():
    arp = struct.pack("!HHBBH", 1, 0x0800, 6, 4, 1) + GUEST + GUEST_IP + bytes(6) + GATEWAY_IP
    ping = icmp(8, 0, 842 << 16 | 1, bytes(range(56)))
    quoted = ipv4(17, udp(5000, 6000, b"0123456789abcdef"))[:28]
    return {
        "arp-request": eth(0x0806, arp + bytes(18), dst=b"\xff" * 6),
        "arp-reply": eth(0x0806, arp[:6] + b"\0\2" + arp[8:]),
        "ping": eth(0x0800, ipv4(1, ping, dst=GATEWAY_IP)),
        "unreachable": eth(0x0800, ipv4(1, icmp(3, 4, 1400, quoted))),
        "udp": eth(0x0800, ipv4(17, udp(5000, 53, b"hello"))),
        "udp-empty-padded": eth(0x0800, ipv4(17, udp(5000, 53, b"")) + bytes(18)),
        "udp-no-checksum": eth(0x0800, ipv4(17, struct.pack("!HHHH", 5000, 53, 13, 0) + b"hello")),
        "dhcp-sized-broadcast": eth(0x0800, ipv4(17, udp(68, 67, bytes(300), src=bytes(4), dst=b"\xff" * 4), src=bytes(4),
                                                 dst=b"\xff" * 4), dst=b"\xff" * 6),
        "tcp-syn": eth(0x0800, ipv4(6, tcp(0x02, options=SYN_OPTIONS))),
        "tcp-sack": eth(0x0800, ipv4(6, tcp(0x10, options=SACK_OPTIONS))),
        "tcp-data": eth(0x0800, ipv4(6, tcp(0x18, b"GET / HTTP/1.1\r\n\r\n"))),
        "tcp-fin": eth(0x0800, ipv4(6, tcp(0x11))),
        "fragment-first": eth(0x0800, ipv4(17, udp(5000, 6000, bytes(1000))[:48], flags=0x2000)),
        "fragment-last": eth(0x0800, ipv4(17, bytes(40), flags=6)),
        "ip-options": eth(0x0800, ipv4(17, udp(5000, 6000, b"x"), options=bytes.fromhex("94040000" "0101" "0100"))),
        "ipv6": eth(0x86dd, bytes.fromhex("6000000000083a40") + bytes(31) + b"\1" + bytes(16)),
        "vlan": eth(0x8100, struct.pack("!HH", 5, 0x0800) + ipv4(17, udp(1, 2, b"tagged"))),
        "vlan-3-arp": eth(0x8100, bytes.fromhex("0000810000008100" "00000806") + arp, dst=b"\xff" * 6),
        "vlan-17": eth(0x8100, bytes.fromhex("00008100") * 16 + bytes.fromhex("00000806") + arp, dst=b"\xff" * 6),
        "arp-hardware-6": eth(0x0806, b"\0\6" + arp[2:], dst=b"\xff" * 6),
        "nd-solicitation": eth(0x86dd, ipv6(58, nd(135, bytes(4) + FIXED6 + b"\1\1" + GUEST))),
        "nd-extensions": eth(0x86dd, ipv6(0, b"\x3c\0" + bytes(6) + b"\x3a\0" + bytes(6) + nd(136, bytes(4) + FIXED6 + b"\2\1" + GUEST))),
        "nd-ambiguous": eth(0x86dd, ipv6(58, nd(134, bytes(12) + b"\1\1" + GUEST + b"\1\1" + GATEWAY))),
        "nd-fragment": eth(0x86dd, ipv6(44, b"\x3a\0" + bytes(6) + nd(136, bytes(4) + FIXED6 + b"\2\1" + GUEST))),
        "ipv6-udp": eth(0x86dd, ipv6(60, b"\x11\0" + bytes(6) + struct.pack("!HHHH", 5000, 6000, 12, 0) + b"abcd")),
        "runt": GATEWAY + GUEST[:3],
    }


def reassembly_seeds():
    """Records of reassembly-fuzz.c: (offset, length, more, id, port, contents)."""
    def records(*pieces):
        return b"".join(bytes([more | ident << 1 | port << 3 | variant << 7, offset // 8, length & 255, length >> 8])
                        for offset, length, more, ident, port, variant in pieces)

    in_order = [(0, 64, 1, 1, 0, 0), (64, 64, 1, 1, 0, 0), (128, 30, 0, 1, 0, 0)]
    timeout = bytes([0x70, 0, 0, 0])
    return {
        "in-order": records(*in_order),
        "reversed": records(*reversed(in_order)),
        "duplicate": records(in_order[0], *in_order),
        "overlap": records(in_order[0], (56, 64, 1, 1, 0, 0), *in_order[1:]),
        "same-range-other-bytes": records(in_order[0], (0, 64, 1, 1, 0, 1), *in_order[1:]),
        "two-ports": records(in_order[0], (64, 64, 0, 1, 1, 0), *in_order[1:]),
        "two-ends": records((128, 30, 0, 1, 0, 0), (512, 30, 0, 1, 0, 0), *in_order[:2]),
        "timeout": records(*in_order[:2]) + timeout + records(in_order[2]) + timeout,
        "tiny": records(*((i * 8, 8, 1, 2, 0, 0) for i in range(140))),
        "long": records((0, 1000, 1, 3, 0, 0), (1000, 1000, 1, 3, 0, 0), (2000, 999, 0, 3, 0, 0)),
    }


def gateway_seeds():
    """Records of gateway-fuzz.c: (port, time step, frame); port 3 unplugs."""
    def records(*sent):
        return b"".join(struct.pack("!BBH", port | 4, step, len(frame)) + frame for port, step, frame in sent)

    frames = packet_seeds()
    other = bytes.fromhex("525400abcdef")
    other_ip = bytes([192, 168, 122, 64])
    arp_of_other = eth(0x0806, struct.pack("!HHBBH", 1, 0x0800, 6, 4, 1) + other + other_ip + bytes(6) + GATEWAY_IP, dst=b"\xff" * 6,
                       src=other)
    claim = eth(0x0806, struct.pack("!HHBBH", 1, 0x0800, 6, 4, 2) + GUEST + GATEWAY_IP + other + other_ip, dst=b"\xff" * 6)
    to_other = eth(0x0800, ipv4(17, udp(1, 2, b"hello", dst=other_ip), dst=other_ip))
    large = eth(0x0800, ipv4(17, udp(1, 2, bytes(1400), dst=other_ip), dst=other_ip, flags=0), dst=other)
    large_df = eth(0x0800, ipv4(17, udp(1, 2, bytes(1400), dst=other_ip), dst=other_ip), dst=other)
    seeds = {name: records((0, 0, frame)) for name, frame in frames.items()}
    seeds["neighbours"] = records((1, 0, arp_of_other), (0, 1, frames["arp-request"]), (0, 0, to_other), (1, 1, frames["ping"]))
    seeds["unknown-neighbour"] = records((0, 0, to_other), (0, 10, to_other), (0, 10, to_other), (0, 20, to_other), (2, 0, arp_of_other))
    seeds["claims"] = records((0, 0, claim), (0, 0, eth(0x0800, bytes(46), src=GATEWAY)), (1, 200, claim))
    seeds["fragments"] = records((0, 0, frames["fragment-first"]), (0, 1, frames["fragment-last"]), (0, 255, frames["fragment-first"]),
                                 (0, 255, frames["ping"]), (0, 255, frames["ping"]))
    seeds["too-large"] = records((2, 0, arp_of_other), (0, 0, large), (0, 0, large_df))
    seeds["ttl"] = records((0, 0, eth(0x0800, ipv4(17, udp(1, 33434, b"trace"), ttl=1))))
    seeds["unplug"] = records((0, 0, frames["ping"]), (3, 0, b""), (1, 255, frames["udp"]), (1, 255, frames["udp"]),
                              (1, 255, frames["udp"]))
    seeds |= {name: records(*sent) for name, sent in gateway6_records().items()}
    return seeds


def gateway6_records():
    """The gateway has fe80::1 and fd00::1; the harness corrects checksums."""
    def address(text):
        return ipaddress.IPv6Address(text).packed

    def frame(protocol, payload, src, dst, hops=255, mac=GATEWAY, guest=GUEST):
        packet = struct.pack("!IHBB", 0x60000000, len(payload), protocol, hops) + address(src) + address(dst) + payload
        return eth(0x86dd, packet, dst=b"\x33\x33" + address(dst)[12:] if dst.startswith("ff") else mac, src=guest)

    def neighbour(kind, target, option=b"", flags=0):
        return struct.pack("!BBHI", kind, 0, 0, flags) + address(target) + option

    other = bytes.fromhex("525400abcdef")
    mine, its = b"\1\1" + GUEST, b"\2\1" + other
    ask = frame(58, neighbour(135, "fd00::1", mine), "fe80::63", "ff02::1:ff00:1")
    probe = frame(58, neighbour(135, "fe80::1"), "::", "ff02::1:ff00:1")
    claim = frame(58, neighbour(136, "fd00::1", b"\2\1" + GUEST, 0x20000000), "fd00::63", "ff02::1")
    here = frame(58, neighbour(136, "fd00::64", its, 0x60000000), "fd00::64", "fd00::1", guest=other)
    ping = frame(58, bytes.fromhex("8000000012340001") + bytes(56), "fd00::63", "fd00::1", 64)
    datagram = struct.pack("!HHHH", 1000, 2000, 13, 0) + b"hello"

    def fragment(at, more):
        head = bytes([58, 0]) + struct.pack("!HI", at | more, 7)
        return frame(44, head + (bytes.fromhex("8000d6fe12340001") + bytes(56))[at:at + 32], "fd00::63", "fd00::1", 64)

    to_other, outside = (frame(17, datagram, "fd00::63", dst, 64) for dst in ("fd00::64", "2a00::7"))
    behind = frame(60, bytes([17, 0, 1, 4, 0, 0, 0, 0]) + datagram, "fd00::63", "fd00::64", 64)
    large = frame(17, struct.pack("!HHHH", 1, 2, 1308, 0) + bytes(1300), "fd00::63", "fd00::64", 64)
    return {
        "nd6-ask": [(0, 0, ask)], "nd6-probe": [(0, 0, probe)], "nd6-claim": [(0, 0, claim), (0, 200, claim)], "ping6": [(0, 0, ping)],
        "fragments6": [(0, 0, fragment(0, True)), (0, 1, fragment(32, False)), (0, 0, fragment(0, True)), (0, 0, fragment(24, False)),
                       (0, 255, fragment(0, True)), (0, 255, ping), (0, 255, ping)],
        "router-solicitation6": [(0, 0, frame(58, bytes.fromhex("8500000000000000") + mine, "fe80::63", "ff02::2"))],
        "neighbours6": [(1, 0, here), (0, 0, to_other), (0, 0, behind), (2, 0, here), (0, 0, large)],
        "unknown-neighbour6": [(0, 0, to_other), (0, 10, to_other), (0, 10, to_other), (0, 20, to_other), (1, 0, here)],
        "outside6": [(0, 0, outside), (0, 0, frame(17, datagram, "fd00::63", "::ffff:127.0.0.1", 1)),
                     (0, 0, frame(17, datagram, "fd00::63", "2a00::7", 1)), (0, 0, frame(99, datagram, "fd00::63", "fd00::1", 64))],
    }


def igmp(kind, code, rest, src=GUEST_IP, dst=bytes([224, 0, 0, 22])):
    message = struct.pack("!BBH", kind, code, 0) + rest
    return message[:2] + struct.pack("!H", checksum(message)) + message[4:]


ROUTERS6 = bytes.fromhex("ff02" + "00" * 13 + "16")


def mld(kind, rest, src=FIXED6, dst=ROUTERS6):
    message = struct.pack("!BBH", kind, 0, 0) + rest
    value = checksum(src + dst + struct.pack("!II", len(message), 58) + message)
    return message[:2] + struct.pack("!H", value) + message[4:]


GROUP, GROUP6 = bytes([239, 1, 2, 3]), bytes.fromhex("ff05" + "00" * 13 + "aa")


def igmp_seeds():
    record = bytes([4, 0, 0, 0]) + GROUP
    sources = bytes([1, 1, 0, 2]) + GROUP + OUTSIDE_IP + GATEWAY_IP + b"aux."
    return {
        "query-1": igmp(0x11, 0, bytes(4)), "query-2": igmp(0x11, 100, GROUP), "query-3": igmp(0x11, 100, bytes(4) + b"\2\x7d\0\0"),
        "report-1": igmp(0x12, 0, GROUP), "report-2": igmp(0x16, 0, GROUP), "leave": igmp(0x17, 0, GROUP),
        "report-3": igmp(0x22, 0, b"\0\0\0\1" + record), "report-3-sources": igmp(0x22, 0, b"\0\0\0\2" + record + sources),
        "report-3-short": igmp(0x22, 0, b"\0\0\0\3" + record + sources), "report-3-empty": igmp(0x22, 0, bytes(4)),
    }


def mld_seeds():
    record = bytes([4, 0, 0, 0]) + GROUP6
    sources = bytes([5, 1, 0, 1]) + GROUP6 + FIXED6 + b"aux."
    return {
        "query-1": mld(130, b"\x27\x10\0\0" + bytes(16)), "query-2": mld(130, b"\x27\x10\0\0" + GROUP6 + b"\2\x7d\0\0"),
        "report-1": mld(131, bytes(4) + GROUP6), "done": mld(132, bytes(4) + GROUP6),
        "report-2": mld(143, b"\0\0\0\1" + record), "report-2-sources": mld(143, b"\0\0\0\2" + record + sources),
        "report-2-short": mld(143, b"\0\0\0\3" + record + sources), "report-2-empty": mld(143, bytes(4)),
    }


def switch_record(port, frame=b"", mend=0, tenths=0, partial=0, back=0, more=0, meta=0):
    return struct.pack("!BBH", port | mend << 2 | partial << 3 | back << 4 | more << 5 | meta << 6, tenths, len(frame)) + frame


def metadata(gso, start, offset, size):
    """The last bytes of a frame, as metadata.h reads them; the checksum is partial."""
    return struct.pack("!BHBH", 2 | gso << 2, start, offset, size)


def switch_seeds():
    broadcast, other = b"\xff" * 6, bytes.fromhex("525400000009")
    arp = struct.pack("!HHBBH", 1, 0x0800, 6, 4, 1) + GUEST + GUEST_IP + bytes(6) + GATEWAY_IP
    dhcp = bytes.fromhex("01010600") + bytes(24) + GUEST + bytes(206) + bytes.fromhex("63825363350101ff")
    dhcp = ipv4(17, udp(68, 67, dhcp, src=bytes(4), dst=broadcast[:4]), src=bytes(4), dst=broadcast[:4])
    advert = bytes.fromhex("8800000060000000") + bytes(16) + b"\2\1" + GUEST
    tag = struct.pack("!HHHH", 9, 0x8100, 7, 0x0800)
    large = ipv4(17, udp(5000, 6000, bytes(900)), flags=0)
    storm = eth(0x88b5, b"storm", dst=broadcast, src=other)
    mac4, mac6 = bytes.fromhex("01005e010203"), bytes.fromhex("3333000000aa")
    join = eth(0x0800, ipv4(2, igmp_seeds()["report-3"], dst=bytes([224, 0, 0, 22]), ttl=1, options=b"\x94\4\0\0"), dst=mac4, src=other)
    leave = eth(0x0800, ipv4(2, igmp_seeds()["leave"], dst=bytes([224, 0, 0, 2]), ttl=1), dst=mac4, src=other)
    asks = eth(0x0800, ipv4(2, igmp_seeds()["query-3"], dst=bytes([224, 0, 0, 1]), ttl=1), dst=mac4, src=other)
    stream = eth(0x0800, ipv4(17, udp(5000, 6000, b"video", dst=GROUP), dst=GROUP), dst=mac4, src=other)
    alert = bytes([58, 0, 5, 2, 0, 0, 1, 0])
    join6 = eth(0x86dd, ipv6(0, alert + mld_seeds()["report-2"], src=FIXED6, dst=ROUTERS6), dst=mac6, src=other)
    stream6 = eth(0x86dd, ipv6(17, bytes(12), dst=GROUP6), dst=mac6, src=other)
    train = [eth(0x0800, ipv4(6, tcp(0x10, bytes(8), seq=1000 + at), ident=at)) for at in (0, 8, 16)]
    train6 = [eth(0x86dd, ipv6(6, tcp(0x10, bytes(8), seq=1000 + at))) for at in (0, 8, 16)]
    offloads = [(0, 34, 16, 0), (1, 34, 16, 100), (2, 34, 16, 100), (1, 34, 6, 100), (0, 3, 100, 0), (0, 34, 16, 100)]
    supers = [eth(0x0800, ipv4(6, tcp(0x10, bytes(600) + metadata(*meta))), dst=broadcast, src=other) for meta in offloads]
    tunnel = eth(0x0800, ipv4(17, udp(5000, 4789, bytes(100) + metadata(0, 84, 16, 0))), dst=broadcast, src=other)
    many = b"".join(switch_record(1, join.replace(GROUP, bytes([239, 1, 3, n]))) for n in range(70))
    return {
        "multicast": switch_record(1, join) + switch_record(3, asks) + switch_record(2, stream, tenths=200) + switch_record(1, leave),
        "multicast-6": switch_record(1, join6) + switch_record(3, stream6, tenths=200) + switch_record(3, stream6, tenths=255),
        "multicast-groups": many,
        "pinned-arp": switch_record(0, eth(0x0806, arp, dst=broadcast)) + switch_record(0, eth(0x0806, arp, dst=broadcast, src=other)),
        "pinned-arp-sender": switch_record(0, eth(0x0806, arp.replace(GUEST, other), dst=broadcast)),
        "pinned-dhcp": switch_record(0, eth(0x0800, dhcp, dst=broadcast)),
        "pinned-dhcp-chaddr": switch_record(0, eth(0x0800, dhcp.replace(GUEST, other), dst=broadcast), mend=1),
        "pinned-neighbour": switch_record(0, eth(0x86dd, ipv6(58, advert), dst=broadcast)),
        "isolated": switch_record(1, eth(0x0800, large, dst=broadcast, src=other)) + switch_record(2, eth(0x0800, large, dst=other)),
        "tagged": switch_record(3, eth(0x88a8, tag + large, dst=broadcast, src=other))
        + switch_record(1, eth(0x88a8, tag + large, dst=other), partial=1),
        "batch": b"".join(switch_record(3, frame, mend=1, more=1) for frame in train) + switch_record(3, storm),
        "batch-ipv6": b"".join(switch_record(3, frame, mend=1, more=1) for frame in train6) + switch_record(3, storm),
        "batch-of-two-ports": b"".join(switch_record(1 + 2 * i, train[i], mend=1, more=1) for i in (0, 1)) + switch_record(1, storm),
        "batch-pinned": b"".join(switch_record(0, frame, mend=1, more=1) for frame in train) + switch_record(0, storm),
        "offloads": b"".join(switch_record(1 + i % 2, frame, meta=1) for i, frame in enumerate(supers)),
        "offload-in-tunnel": switch_record(1, tunnel, meta=1),
        "storm": switch_record(1, storm) * 40 + switch_record(1, storm, tenths=20),
        "probe-comes-back": switch_record(1, storm) + switch_record(1, back=1) + switch_record(3, back=1, tenths=255) * 3,
        "loop": switch_record(1, storm) + b"".join(switch_record(i % 4, back=1, tenths=i) for i in range(60)),
    }


def framing_seeds():
    """A cut, then the stream."""
    def stream(*frames):
        return b"".join(struct.pack("!I", len(f)) + f for f in frames)

    frames = packet_seeds()
    return {
        "three": bytes([70]) + stream(frames["ping"], frames["udp"], frames["arp-request"]),
        "rest-to-come": bytes([3]) + stream(frames["ping"], frames["udp"])[:-5],
        "runt": bytes([2]) + stream(frames["runt"]),
        "too-long": bytes([9]) + stream(frames["ping"]) + struct.pack("!I", 65554) + bytes(64),
        "half-a-length": bytes([1]) + stream(frames["ping"]) + b"\0\0",
    }


def oversize_seeds():
    """Heads of oversize-fuzz.c: checksum and gso kind, offloads, largest frame, csum start and offset, gso size; then a frame."""
    def head(checksum_kind=0, gso=0, offloads=0, max_frame=200, csum=(0, 0), gso_size=0):
        return struct.pack("!BBHHBH", checksum_kind | gso << 2, offloads, max_frame, csum[0], csum[1], gso_size)

    def tag(frame):
        return frame[:12] + struct.pack("!HH", 0x8100, 5) + frame[12:]

    data = bytes(i & 0xff for i in range(700))
    udp4 = eth(0x0800, ipv4(17, udp(5000, 6000, data), flags=0))
    tcp4 = eth(0x0800, ipv4(6, tcp(0x18, data, options=SYN_OPTIONS[8:18] + b"\1\1")))
    tcp6 = eth(0x86dd, ipv6(6, tcp(0x18, data)))
    udp6 = eth(0x86dd, ipv6(17, udp(5000, 6000, data)))
    return {
        "fits": head(max_frame=1514) + udp4,
        "fragments": head() + udp4,
        "fragments-tagged": head() + tag(udp4),
        "fragments-options": head() + eth(0x0800, ipv4(17, udp(1, 2, data), flags=0, options=bytes.fromhex("0107070400000000" "94040000"))),
        "fragment-again": head() + eth(0x0800, ipv4(17, data[:696], flags=0x2000 | 10)),
        "dont-fragment": head() + tcp4,
        "too-big-6": head() + udp6,
        "too-big-6-tagged": head() + tag(udp6),
        "partial": head(2, max_frame=1514, csum=(34, 6)) + udp4,
        "partial-fragments": head(2, csum=(34, 6)) + udp4,
        "tso4": head(2, 1, max_frame=300, csum=(34, 16), gso_size=120) + tcp4,
        "tso4-whole": head(2, 1, 3, max_frame=300, csum=(34, 16), gso_size=120) + tcp4,
        "tso4-checksum-only": head(2, 1, 1, max_frame=300, csum=(34, 16), gso_size=120) + tcp4,
        "tso6": head(2, 2, max_frame=300, csum=(54, 16), gso_size=120) + tcp6,
        "uso4-fragments": head(2, 3, max_frame=200, csum=(34, 6), gso_size=350) + udp4,
        "uso6": head(2, 3, max_frame=300, csum=(54, 6), gso_size=120) + udp6,
        "lldp": head(max_frame=100) + eth(0x88cc, data),
    }


def gro_seeds():
    """Batches of gro-fuzz.c, checksums repaired there; so tcp() may sum IPv4's pseudo-header for both families."""
    def batch(*frames):
        return b"".join(struct.pack("!H", 0x8000 | len(frame)) + frame for frame in frames)

    def data(at, length=8, flags=0x10, ident=842, **more):
        return eth(0x0800, ipv4(6, tcp(flags, bytes(range(length)), seq=1000 + at, **more), ident=ident))

    def data6(at, length=8, flags=0x10, first=0x60000000, hops=64, extension=b"", **more):
        segment = tcp(flags, bytes(range(length)), seq=1000 + at, **more)
        packet = ipv6(60 if extension else 6, extension + segment)
        return eth(0x86dd, struct.pack("!I", first) + packet[4:7] + bytes([hops]) + packet[8:])

    return {
        "ipv6-train": batch(data6(0), data6(8), data6(16)),
        "ipv6-push-last": batch(data6(0), data6(8, flags=0x18), data6(16)),
        "ipv6-short-last": batch(data6(0), data6(8, length=3), data6(11)),
        "ipv6-gap": batch(data6(0), data6(16), data6(8)),
        "ipv6-timestamps": batch(data6(0, options=SACK_OPTIONS[:12]), data6(8, options=SACK_OPTIONS[:12])),
        "ipv6-flow-label": batch(data6(0, first=0x60012345), data6(8, first=0x60012345), data6(16, first=0x60012346)),
        "ipv6-traffic-class": batch(data6(0), data6(8, first=0x60200000), data6(16, first=0x60200000)),
        "ipv6-hop-limit": batch(data6(0), data6(8, hops=63), data6(16, hops=63)),
        "ipv6-extension": batch(data6(0), data6(8, extension=b"\6\0\1\4" + bytes(4)), data6(16)),
        "ipv6-jumbogram": batch(data6(0), data6(8)[:18] + bytes(2) + data6(8)[20:], data6(16)),
        "ipv6-padded": batch(data6(0, length=4) + bytes(2), data6(4, length=4) + bytes(2)),
        "both-families": batch(data(0), data(8), data6(16), data6(24), data(32)),
        "train": batch(data(0), data(8, ident=843), data(16, ident=844)),
        "push-last": batch(data(0), data(8, flags=0x18), data(16)),
        "short-last": batch(data(0), data(8, length=3), data(11)),
        "gap": batch(data(0), data(16), data(8)),
        "timestamps": batch(data(0, options=SACK_OPTIONS[:12]), data(8, options=SACK_OPTIONS[:12])),
        "among-others": batch(data(0), eth(0x0800, ipv4(17, udp(5000, 53, b"x" * 8))), data(8), eth(0x0806, bytes(28)), b"", data(16)),
        "fin": batch(data(0), data(8), data(16, flags=0x11)),
        "no-data": batch(data(0, length=0), data(0, length=0)),
        "padded": batch(data(0, length=4) + bytes(2), data(4, length=4) + bytes(2)),
        "other-ack": batch(data(0), data(8, ack=3000)),
    }


def vhost_message_seeds():
    """The number of descriptors, then a message."""
    def message(request, payload=b"", fds=0, flags=1):
        return struct.pack("=BIII", fds, request, flags, len(payload)) + payload

    regions = struct.pack("=4Q4Q", 0, 1 << 30, 0x7f0000000000, 0, 1 << 32, 1 << 30, 0x7f0040000000, 1 << 30)
    return {
        "get-features": message(1),
        "set-features": message(2, struct.pack("=Q", 1 << 32 | 1 << 30), flags=9),
        "set-owner": message(3),
        "memory-table": message(5, struct.pack("=II", 2, 0) + regions, 2),
        "memory-table-whole": message(5, struct.pack("=II", 1, 0) + regions + bytes(6 * 32), 1),
        "ring-size": message(8, struct.pack("=II", 0, 256)),
        "ring-address": message(9, struct.pack("=II4Q", 1, 0, 0x7f0000001000, 0x7f0000003000, 0x7f0000002000, 0)),
        "ring-base": message(10, struct.pack("=II", 1, 0xffff)),
        "get-ring-base": message(11, struct.pack("=II", 1, 0)),
        "kick": message(12, struct.pack("=Q", 1), 1),
        "call-none": message(13, struct.pack("=Q", 0x100)),
        "enable": message(18, struct.pack("=II", 1, 1)),
        "rarp": message(19, GUEST + bytes(2)),
        "get-config": message(24, struct.pack("=III", 0, 12, 0) + bytes(12)),
        "add-region": message(37, bytes(8) + regions[:32], 1),
        "inflight": message(31, bytes(24)),
        "reply": message(1, flags=5),
        "endless": message(2, bytes(8))[:9] + b"\xff" * 12,
    }


def vhost_ring_seeds():
    """Set-up of vhost-ring-fuzz.c, then memory: 8 descriptors, the available ring, the used ring."""
    guest = 0x40000000

    def memory(descriptors, heads, index=None, tail=b"", head=bytes([3, 0, 0, 255])):
        table = b"".join(struct.pack("<QIHH", guest + at, length, flags, following) for at, length, flags, following in descriptors)
        available = struct.pack("<HH", 0, len(heads) if index is None else index) + b"".join(struct.pack("<H", h) for h in heads)
        return head + table.ljust(128, b"\0") + available.ljust(22, b"\0") + b"\0\0" + bytes(72) + tail

    table = struct.pack("<QIHHQIHH", guest + 4096, 100, 1, 1, guest + 8000, 400, 0, 0)
    return {
        "one": memory([(4096, 100, 0, 0)], [0]),
        "chain": memory([(4096, 12, 1, 1), (5000, 1500, 0, 0)], [0, 0, 0]),
        "two-regions": memory([(8000, 500, 0, 0)], [0]),
        "to-driver": memory([(4096, 1526, 2, 0), (6000, 1526, 2, 0)], [0, 1], head=bytes([3, 6, 0, 255])),
        "indirect": memory([(256, 32, 4, 0)], [0], tail=bytes(256 - 224) + table, head=bytes([3, 1, 0, 255])),
        "loop": memory([(4096, 0, 1, 1), (4096, 0, 1, 0)], [0]),
        "outside": memory([(16000, 1000, 0, 0)], [0]),
        "far-ahead": memory([(4096, 100, 0, 0)], [0], index=9),
        "over-its-own-ring": memory([(0, 300, 0, 0)], [0] * 8, index=8),
        "base": memory([(4096, 100, 0, 0)], [0] * 8, index=260, head=bytes([3, 2, 255, 1])),
    }


def rtnetlink_seeds():
    def attribute(kind, data):
        return struct.pack("=HH", 4 + len(data), kind) + data + bytes(-len(data) % 4)

    def message(kind, fixed, *attributes):
        body = fixed + b"".join(attributes)
        return struct.pack("=IHHII", 16 + len(body), kind, 0, 0, 0) + body

    v6 = bytes.fromhex("20010db8" + "00" * 11 + "07")
    own, peer = bytes([192, 0, 2, 7]), bytes([192, 0, 2, 8])
    address4, address6 = struct.pack("=BBBBI", 2, 24, 0, 0, 3), struct.pack("=BBBBI", 10, 64, 0, 0, 3)
    default4, route6 = struct.pack("=BBBBBBBBI", 2, 0, 0, 0, 254, 3, 0, 1, 0), struct.pack("=BBBBBBBBI", 10, 3, 0, 0, 254, 3, 0, 1, 0)
    removed = message(21, address4, attribute(1, own), attribute(2, own), attribute(3, b"eth0\0"))
    added = message(20, address4, attribute(1, peer), attribute(2, own))
    return {
        "address-removed": removed,
        "address-comes-back": removed + added,
        "address6": message(20, address6, attribute(1, v6)) + message(21, address6, attribute(1, v6)),
        "default-route": message(25, default4, attribute(5, peer), attribute(4, bytes(4))),
        "route6": message(24, route6, attribute(1, bytes.fromhex("20") + bytes(15))),
        "overrun": message(4, b""),
        "many": b"".join(message(21, address4, attribute(2, bytes([192, 0, 2, n]))) for n in range(18)),
    }


def dhcp6_seeds():
    """Records of dhcp6-fuzz.c."""
    def option(code, value):
        return struct.pack("!HH", code, len(value)) + value

    def message(kind, *options):
        return struct.pack("!I", kind << 24 | 0x123456) + b"".join(options)

    def records(*sent):
        return b"".join(struct.pack("!BH", control, len(data)) + data for control, data in sent)

    client, server = option(1, b"\0\3\0\1" + GUEST), option(2, b"\0\3\0\1" + GATEWAY)
    address = option(5, FIXED6 + struct.pack("!II", 60, 60))
    ia, wanted = option(3, struct.pack("!III", 1, 0, 0) + address), option(6, struct.pack("!HHH", 23, 24, 32))
    solicit = message(1, client, option(8, b"\0\0"), wanted, option(3, struct.pack("!III", 1, 0, 0)))
    relayed = struct.pack("!BB", 12, 0) + FIXED6 * 2 + option(18, b"eth1") + option(79, b"\0\1" + GUEST) + option(9, solicit)
    return {
        "solicit": records((0, solicit)), "rapid": records((0, message(1, client, ia, option(14, b"")))),
        "renew": records(*((2, message(kind, client, server, ia)) for kind in (3, 5, 8, 9))),
        "rebind": records((0, message(6, client, ia, ia)), (0, message(4, client, ia))),
        "unicast": records((3, message(5, client, server, ia)), (1, solicit)),
        "information": records((0, message(11, wanted))),
        "other-ias": records((0, message(1, client, option(4, b"\0\0\0\1"), option(25, bytes(12))))),
        "relayed": records((1, relayed)), "relayed-twice": records((1, struct.pack("!BB", 12, 1) + FIXED6 * 2 + option(9, relayed))),
    }


def dhcp6_client_seeds():
    """Records of dhcp6-client-fuzz.c."""
    def option(code, value):
        return struct.pack("!HH", code, len(value)) + value

    def to_client(protocol, payload):
        gateway = bytes.fromhex("fe80" + "00" * 13 + "01")
        head = struct.pack("!IHBB", 6 << 28, len(payload), protocol, 255)
        return eth(0x86DD, head + gateway + FIXED6 + payload, dst=GUEST, src=GATEWAY)

    def answer(kind, *options):
        message = struct.pack("!I", kind << 24) + option(1, b"\0\3\0\1" + GUEST) + b"".join(options)
        return to_client(17, struct.pack("!HHHH", 547, 546, 8 + len(message), 0) + message)

    def records(*received):
        return b"".join(struct.pack("!BBH", 1, seconds, len(frame)) + frame for seconds, frame in received)

    prefix, leased = bytes.fromhex("fd" + "00" * 15), bytes.fromhex("fd" + "00" * 14 + "09")
    body = struct.pack("!BBHII", 64, 0xC0, 300, 0, 0) + b"\1\1" + GATEWAY + struct.pack("!BBBBIII", 3, 4, 64, 0xC0, 7200, 1800, 0) + prefix
    body += struct.pack("!BBHI", 5, 1, 0, 1400) + struct.pack("!BBHI", 25, 3, 0, 300) + leased
    body += struct.pack("!BBHI", 31, 2, 0, 300) + b"\3lan\0\0\0\0"
    advertisement = to_client(58, struct.pack("!BBH", 134, 0, 0) + body)
    found = to_client(58, struct.pack("!BBHI", 136, 0, 0, 0xE0000000) + bytes.fromhex("fe80" + "00" * 13 + "01") + b"\2\1" + GATEWAY)
    server = option(2, b"\0\3\0\1" + GATEWAY)
    bound = option(3, struct.pack("!III", 1, 0, 0) + option(5, leased + struct.pack("!II", 60, 60)))
    refused = option(3, struct.pack("!III", 1, 0, 0) + option(13, b"\0\2"))
    names = option(23, leased) + option(24, b"\3lan\0")
    return {
        "advertised": records((0, found), (0, advertisement)),
        "rapid": records((0, advertisement), (0, answer(7, server, option(14, b""), bound, names))),
        "offered": records((0, advertisement), (0, answer(2, server, bound, names)), (0, answer(7, server, bound, names))),
        "renewed": records((0, advertisement), (0, answer(7, server, option(14, b""), bound)), (40, answer(7, server, bound))),
        "refused": records((0, advertisement), (0, answer(2, server, bound)), (0, answer(7, server, refused))),
        "lost": records((0, advertisement), (0, answer(7, server, option(14, b""), bound)), (90, found)),
    }


def write(target, seeds):
    folder = CORPUS / target
    folder.mkdir(parents=True, exist_ok=True)
    for name, data in seeds.items():
        (folder / name).write_bytes(data)


write("packet", packet_seeds())
write("slirp-translate", {name: frame for name, frame in packet_seeds().items() if name.startswith(("ip-", "ping", "tcp", "udp", "unr"))})
write("reassembly", reassembly_seeds())
write("gateway", gateway_seeds())
write("dhcp6", dhcp6_seeds())
write("dhcp6-client", dhcp6_client_seeds())
write("igmp", igmp_seeds())
write("mld", mld_seeds())
write("switch", switch_seeds())
write("framing", framing_seeds())
write("oversize", oversize_seeds())
write("gro", gro_seeds())
write("vhost-message", vhost_message_seeds())
write("vhost-ring", vhost_ring_seeds())
write("rtnetlink", rtnetlink_seeds())
