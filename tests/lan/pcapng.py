# SPDX-License-Identifier: GPL-2.0-or-later
"""Reads captures: pcapng, block by block and as strict as its specification, and what tcpdump -w writes."""

import struct
from dataclasses import dataclass, field

SECTION, INTERFACE, STATISTICS, PACKET = 0x0A0D0D0A, 1, 5, 6
INBOUND, OUTBOUND = 1, 2
CHECKSUM_NOT_READY, SEGMENTATION = 1 << 9, 1 << 11


@dataclass
class Record:
    interface: str
    when: int  # ns since 1970
    data: bytes
    length: int  # on the wire
    flags: int
    comment: str
    lost: int

    @property
    def direction(self):
        return self.flags & 3


@dataclass
class Capture:
    options: dict = field(default_factory=dict)  # of the section
    interfaces: list = field(default_factory=list)  # of dictionaries
    records: list = field(default_factory=list)
    statistics: dict = field(default_factory=dict)  # interface's number → (received, lost), the last ones

    @property
    def lost(self):
        """As the records tell it."""
        return sum(record.lost for record in self.records)


def parse_options(data):
    options = {}
    while data:
        code, length = struct.unpack_from("<HH", data)
        value, data = data[4 : 4 + length], data[4 + (length + 3) // 4 * 4 :]
        assert len(value) == length, "an option runs out of its block"
        if code == 0:
            assert not data and not length, "something behind opt_endofopt"
            return options
        options[code] = value
    return options


def parse_packet(capture, body):
    number, high, low, captured, length = struct.unpack_from("<5I", body)
    assert captured <= length and number < len(capture.interfaces)
    options = parse_options(body[20 + (captured + 3) // 4 * 4 :])
    capture.records.append(Record(
        capture.interfaces[number]["name"], high << 32 | low, body[20 : 20 + captured], length,
        int.from_bytes(options[2], "little"), options[1].decode(), int.from_bytes(options.get(4, b""), "little")))


def parse(data):
    """AssertionError when it does not end with a whole block, or a block is not what it has to be."""
    capture = Capture()
    while data:
        type_, length = struct.unpack_from("<II", data)
        assert length % 4 == 0 and 12 <= length <= len(data), f"a block of {length} bytes, of which {len(data)} are there"
        body, (again,) = data[8 : length - 4], struct.unpack_from("<I", data, length - 4)
        assert again == length
        data = data[length:]
        if type_ == SECTION:
            assert not capture.options and struct.unpack_from("<IHH", body) == (0x1A2B3C4D, 1, 0)
            capture.options = parse_options(body[16:])
        elif type_ == INTERFACE:
            linktype, _, snaplen = struct.unpack_from("<HHI", body)
            options = parse_options(body[8:])
            assert linktype == 1 and options[9] == b"\x09"
            capture.interfaces.append({
                "name": options[2].decode(), "description": options[3].decode(), "snaplen": snaplen,
                "filter": options[11][1:].decode() if 11 in options else None})
        elif type_ == PACKET:
            parse_packet(capture, body)
        elif type_ == STATISTICS:
            options = parse_options(body[12:])
            capture.statistics[int.from_bytes(body[:4], "little")] = tuple(int.from_bytes(options[code], "little") for code in (4, 5))
        else:
            raise AssertionError(f"a block of type {type_}")
    return capture


def parse_pcap(data):
    """The frames of a file of tcpdump's."""
    magic, _, _, _, _, _, linktype = struct.unpack_from("<IHHiIII", data)
    assert magic in (0xA1B2C3D4, 0xA1B23C4D) and linktype == 1
    data = data[24:]
    frames = []
    while data:
        captured, length = struct.unpack_from("<II", data, 8)
        assert captured == length
        frames.append(data[16 : 16 + captured])
        data = data[16 + captured :]
    return frames
