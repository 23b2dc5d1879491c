# SPDX-License-Identifier: GPL-2.0-or-later
"""perfdhcp's 250 clients, and a look by tshark at every frame that lanlet sends."""

import re
import struct
import tempfile
import unittest

from lan import dhcp, dns, outside, tap
from lan.client import Host
from lan.link import StreamClient
from lan.packet import address, mac
from lan.process import Lanlet
from lan.programs import check, need
from lan.wait import wait_until

GATEWAY = "192.168.122.1"


setUpModule = tap.need_tap


class PerfdhcpTest(unittest.TestCase):
    def test_250_clients_get_250_addresses_and_keep_them(self):
        need("perfdhcp")
        # One port gets at most seven eighths of the addresses: 444 of these.
        with Lanlet("--subnet", "192.168.122.0/23") as lanlet, tap.TapGuest(lanlet.stream, "52:54:00:00:00:01") as relay:
            relay.set_address("192.168.122.254")
            before = {}
            for _ in range(2):
                # It plays the relay agent 192.168.122.254 and draws each exchange's client from 250 by chance.
                out = relay.run("perfdhcp", "-4", "-l", "eth0", "-R", 250, "-n", 2000, "-r", 200, "-d", 5, "-W", 3000000, GATEWAY).stdout
                self.assertEqual(re.findall(r"drops: (\d+)", out), ["0", "0"], out)
                after = {client: ip for client, (_, ip, *_) in lanlet.leases().items()}
                self.assertGreater(len(after), 240)
                self.assertEqual(len(set(after.values())), len(after))
                self.assertEqual({client: after[client] for client in before}, before)
                before = after


class Perfdhcp6Test(unittest.TestCase):
    def test_1000_clients_get_1000_addresses_and_keep_them(self):
        need("perfdhcp")
        with Lanlet("--ipv6", "fd12:3456:789a::/64") as lanlet, tap.TapGuest(lanlet.stream, "52:54:00:00:00:01") as guest:
            wait_until(lambda: "fd12:" in guest.check("ip", "-6", "address", "show", "dev", "eth0", "-tentative"), "an address")
            before = {}
            for _ in range(2):
                # It draws each exchange's client, a DUID and a MAC within it, from 1000 by chance.
                out = guest.run("perfdhcp", "-6", "-l", "eth0", "-R", 1000, "-n", 5000, "-r", 500, "-d", 5, "-W", 3000000, "all").stdout
                self.assertEqual(re.findall(r"drops: (\d+)", out), ["0", "0"], out)
                leases = lanlet.api.get("/v1/leases")["leases"]
                after = {lease["client_id"]: lease["address"] for lease in leases}
                self.assertEqual(len(after), len(leases))
                self.assertEqual(len(set(after.values())), len(after))
                self.assertEqual({client: after.get(client, ip) for client, ip in before.items()}, before)
                before = after


class Recorder:
    """Frames to a capture file (pcap, Ethernet)."""

    def __init__(self, path):
        self.file = open(path, "wb")
        self.file.write(struct.pack("<IHHiIII", 0xA1B2C3D4, 2, 4, 0, 0, 1 << 18, 1))
        self.frames = 0

    def write(self, frame):
        self.file.write(struct.pack("<IIII", self.frames, 0, len(frame), len(frame)) + frame)
        self.frames += 1

    def close(self):
        self.file.close()


class RecordedLink(StreamClient):
    """A connection that records what it receives."""

    recorder = None

    def receive(self, timeout=10.0):
        frame = super().receive(timeout)
        self.recorder.write(frame)
        return frame


class TsharkTest(unittest.TestCase):
    def test_every_frame_that_lanlet_sends_is_well_formed(self):
        need("tshark")
        path = self.enterContext(tempfile.NamedTemporaryFile(suffix=".pcap")).name
        self.enterContext(outside.Outside())
        lanlet = self.enterContext(Lanlet("--dns", outside.ROUTER))
        RecordedLink.recorder = Recorder(path)
        host = self.enterContext(Host(lanlet.stream, mac(1)))
        host.link.close()
        host.link = RecordedLink(lanlet.stream)
        self.traffic(host)
        RecordedLink.recorder.close()
        self.assertGreater(RecordedLink.recorder.frames, 40)
        found = self.tshark(path, "_ws.expert.severity >= 6291456 || _ws.malformed || ip.checksum.status == 0 || udp.checksum.status == 0")
        self.assertEqual(found, "")

    @staticmethod
    def tshark(path, display_filter):
        options = ["-o", "ip.check_checksum:TRUE", "-o", "udp.check_checksum:TRUE", "-o", "tcp.check_checksum:TRUE"]
        command = ["tshark", "-n", "-r", path, *options, "-Y", display_filter, "-V"]
        return check(*command)

    @staticmethod
    def traffic(host):
        everything = bytes([1, 3, 6, 12, 15, 26, 28, 50, 51, 53, 54, 57, 58, 59, 119])
        host.lease(host_name=b"web", parameter_list=everything, client_id=b"\x01" + host.mac, max_size=struct.pack(">H", 1500))
        host.dhcp(dhcp.Message(host.mac, dhcp.INFORM, client=host.ip, options={dhcp.PARAMETER_LIST: everything}))
        wrong = {dhcp.REQUESTED_ADDRESS: address("10.1.2.3")}
        host.dhcp(dhcp.Message(host.mac, dhcp.REQUEST, options=wrong))  # NAK
        host.dhcp(dhcp.Message(host.mac, dhcp.DISCOVER, flags=0x8000))
        for size in (0, 56, 1472, 9000):
            host.ping(GATEWAY, size=size)
        for type_ in (dns.A, dns.AAAA, dns.TXT, dns.MX, dns.SOA, dns.SRV, 13, 35, 43, 44, 52, 257, dns.ANY):
            host.dns("www.example.test", type_)
            host.dns("web.lanlet.internal", type_)
        host.dns("nobody.lanlet.internal")
        host.dns("lanlet.internal", dns.SOA)
        host.dns(".".join(reversed("192.168.122.1".split("."))) + ".in-addr.arpa", dns.PTR)
        host.udp(outside.ROUTER, 7, b"echo")
        host.udp(outside.ROUTER, 7, bytes(5000))
        host.ping(outside.ROUTER)
        host.listen(0.3)
