# SPDX-License-Identifier: GPL-2.0-or-later
"""The switch between sockets of different kinds: frames unchanged, isolation, pinning, storm control."""

import os
import re
import socket
import struct
import time
import unittest

from lan import dhcp, link
from lan.client import Host
from lan.packet import (
    BROADCAST, ETHERTYPE_ARP, ETHERTYPE_IPV4, ICMP, UDP, UNREACHABLE, Arp, Ethernet, Icmp, Ipv4, Udp, address, mac, text,
)
from lan.process import Lanlet
from lan.wait import wait_until

GATEWAY = "192.168.122.1"
PATIENCE = 30.0  # seconds
TAGGED, UNKNOWN = 0x8100, 0x88B6


class TestCase(unittest.TestCase):
    def network(self, *options, fds=()):
        return self.enterContext(Lanlet(*options, fds=fds))

    def host(self, network, number):
        host = self.enterContext(Host(network.stream, mac(number)))
        host.lease()
        return host

    def dropped(self, network, reason):
        found = re.search(rf"(?m)^ *{reason} +(\d+)", network.status())
        return int(found[1]) if found else 0


class UnlikePortsTest(TestCase):
    def setUp(self):
        self.lanlet = self.network("--no-gateway")
        self.links = {
            "stream": link.StreamClient(self.lanlet.stream),
            "seqpacket": link.seqpacket(self.lanlet.seqpacket),
            "dgram": link.dgram(self.lanlet.dgram, self.lanlet.directory / "own"),
            "vde": link.VdeClient(self.lanlet.vde, self.lanlet.directory / "client"),
        }
        for end in self.links.values():
            self.addCleanup(end.close)
        for number, end in enumerate(self.links.values(), 1):
            end.send(Ethernet(BROADCAST, mac(number), UNKNOWN, b"here I am".ljust(46, b"\0")).emit())

    def wait_for(self, end, frame):
        wait_until(lambda: end.receive(PATIENCE) == frame, "the frame", PATIENCE)

    def test_frames_of_any_type_and_size_pass_unchanged(self):
        names = list(self.links)
        for ethertype in (TAGGED, UNKNOWN, 0x0000, 0xFFFF):
            for size in (46, 1500, 1504, 9000, 65500):
                for number, name in enumerate(names):
                    other = (number + 1) % len(names)
                    for destination in (mac(other + 1), BROADCAST):
                        frame = Ethernet(destination, mac(number + 1), ethertype, os.urandom(size)).emit()
                        with self.subTest(ethertype=hex(ethertype), size=size, way=f"{name} to {names[other]}"):
                            self.links[name].send(frame)
                            self.wait_for(self.links[names[other]], frame)

    def test_short_frames_arrive_padded_with_zeros(self):
        """To 60 bytes (IEEE 802.3 §4.2.8): QEMU's pcnet and ne2k_pci drop shorter ones."""
        names = list(self.links)
        for size in (0, 1, 28, 45):
            for number, name in enumerate(names):
                other = (number + 1) % len(names)
                for destination in (mac(other + 1), BROADCAST):
                    frame = Ethernet(destination, mac(number + 1), UNKNOWN, b"\xff" * size).emit()
                    with self.subTest(size=size, way=f"{name} to {names[other]}"):
                        self.links[name].send(frame)
                        self.wait_for(self.links[names[other]], frame.ljust(60, b"\0"))


class ShortAnswersTest(TestCase):
    """What the gateway and the host send to a guest is not shorter either."""

    def test_answers_of_the_gateway_have_60_bytes(self):
        network = self.network()
        links = {
            "stream": link.StreamClient(network.stream),
            "seqpacket": link.seqpacket(network.seqpacket),
            "dgram": link.dgram(network.dgram, network.directory / "own"),
            "vde": link.VdeClient(network.vde, network.directory / "client"),
        }
        for number, (name, end) in enumerate(links.items(), 1):
            with self.subTest(link=name), Host(end, mac(number)) as host:
                frames = []
                receive = end.receive
                end.receive = lambda timeout, receive=receive, frames=frames: frames.append(receive(timeout)) or frames[-1]
                host.lease()
                host.ping(GATEWAY, size=4)
                kinds = {Ethernet.parse(frame).ethertype for frame in frames}
                self.assertLessEqual({ETHERTYPE_ARP, ETHERTYPE_IPV4}, kinds)
                self.assertEqual([frame.hex() for frame in frames if len(frame) < 60], [])
                reply = next(frame for frame in frames if Ethernet.parse(frame).ethertype == ETHERTYPE_ARP)
                self.assertEqual(reply[42:], bytes(18))


class DifferentMtusTest(TestCase):
    """A guest's card may not take what its port does, so it gets large packets only when it has shown that it takes them."""

    SIZE = 3000

    def setUp(self):
        self.network_ = self.network()
        self.sender, self.receiver = self.host(self.network_, 1), self.host(self.network_, 2)
        self.sender.neighbours[self.receiver.ip] = self.receiver.mac

    def send(self, fragment=0):
        ip = Udp(5, 6, bytes(self.SIZE)).emit(self.sender.ip, self.receiver.ip)
        ip.fragment, ip.identification = fragment, 77
        self.sender.send_ip(ip)

    def receive(self):
        """The next packet from the sender."""

        def packet(frame):
            ip = Host.ip_of(frame, UDP)
            return ip if ip and ip.source == self.sender.ip else None

        return self.receiver.wait_for(packet)

    def error(self):
        """The MTU that the sender is told by fragmentation needed (RFC 1191 §4)."""

        def told(frame):
            ip = Host.ip_of(frame, ICMP)
            return ip if ip and Icmp.parse(ip).type == UNREACHABLE else None

        ip = self.sender.wait_for(told)
        icmp = Icmp.parse(ip)
        self.assertEqual((text(ip.source), icmp.code), (GATEWAY, 4))
        self.assertEqual(icmp.payload[16:20], self.receiver.ip)
        return int.from_bytes(icmp.rest[2:], "big")

    def test_guest_gets_fragments_of_1500_until_it_has_sent_more(self):
        self.send()
        got = [self.receive() for _ in range(3)]
        self.assertEqual([20 + len(ip.payload) for ip in got], [1500, 1500, 68])
        self.receiver.ping(GATEWAY, size=self.SIZE)
        self.send()
        self.assertEqual(len(self.receive().payload), 8 + self.SIZE)

    def test_sender_is_told_the_mtu_when_it_forbids_fragments(self):
        self.send(Ipv4.DONT_FRAGMENT)
        self.assertEqual(self.error(), 1500)
        self.assertEqual(self.dropped(self.network_, "frag-needed"), 1)
        self.receiver.ping(GATEWAY, size=self.SIZE)
        self.send(Ipv4.DONT_FRAGMENT)
        self.assertEqual(len(self.receive().payload), 8 + self.SIZE)

    def test_guest_that_starts_or_comes_back_has_to_show_it_again(self):
        self.receiver.ping(GATEWAY, size=self.SIZE)
        self.receiver.lease()
        self.send(Ipv4.DONT_FRAGMENT)
        self.assertEqual(self.error(), 1500)
        self.receiver.ping(GATEWAY, size=self.SIZE)
        self.receiver.close()
        self.receiver = self.enterContext(Host(self.network_.stream, self.receiver.mac, text(self.receiver.ip)))
        self.receiver.ping(GATEWAY)
        self.send(Ipv4.DONT_FRAGMENT)
        self.assertEqual(self.error(), 1500)


class IsolationTest(TestCase):
    def test_isolated_guests_reach_the_gateway_and_not_one_another(self):
        network = self.network("--isolate")
        one, two = self.host(network, 1), self.host(network, 2)
        one.ping(GATEWAY)
        two.ping(GATEWAY)
        two.listen(0)
        one.send_frame(BROADCAST, ETHERTYPE_ARP, one.arp_request(two.ip))
        echo = Icmp(8, 0, bytes(4), b"x" * 32).emit(one.ip, two.ip)
        one.send_frame(two.mac, ETHERTYPE_IPV4, echo.emit())
        one.send_frame(one.resolve(address(GATEWAY)), ETHERTYPE_IPV4, echo.emit())  # by way of the gateway
        one.ping(GATEWAY)  # behind all that
        two.ping(GATEWAY)
        self.assertEqual([frame for frame in two.listen(1) if frame.source == one.mac or self.is_from(frame, one)], [])
        self.assertGreater(self.dropped(network, "isolated"), 0)

    @staticmethod
    def is_from(frame, host):
        return frame.ethertype == ETHERTYPE_IPV4 and (ip := Ipv4.parse(frame.payload)).protocol == ICMP and ip.source == host.ip


class PinningTest(TestCase):
    """The port is pinned to one MAC and the guest uses another: in the frame's source, or only inside the frame."""

    def setUp(self):
        ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        self.addCleanup(ours.close)
        self.addCleanup(theirs.close)
        pinned = ":".join(f"{byte:02x}" for byte in mac(1))
        self.lanlet = self.network("--fd", f"{ours.fileno()},mac={pinned},name=web", fds=[ours.fileno()])
        self.link = link.Packets(theirs)

    def assert_refused(self, frame):
        before = self.dropped(self.lanlet, "pinned-mac")
        self.link.send(frame)
        ask = Arp(Arp.REQUEST, mac(1), address("192.168.122.77"), bytes(6), address(GATEWAY)).emit()
        self.link.send(Ethernet(BROADCAST, mac(1), ETHERTYPE_ARP, ask).emit())
        for answer in iter(self.answer, mac(1)):  # a later frame is answered, so this one was not
            self.assertNotEqual(answer, mac(2))
        self.assertEqual(self.dropped(self.lanlet, "pinned-mac"), before + 1)

    def answer(self):
        """The destination of the gateway's next answer by ARP or DHCP."""
        while True:
            frame = Ethernet.parse(self.link.receive())
            if frame.ethertype == ETHERTYPE_ARP and (arp := Arp.parse(frame.payload)).operation == Arp.REPLY:
                return arp.target_mac
            if frame.ethertype == ETHERTYPE_IPV4 and (ip := Ipv4.parse(frame.payload)).protocol == UDP:
                return dhcp.Message.parse(Udp.parse(ip).payload).client

    def discover(self, client):
        message = dhcp.Message(client, dhcp.DISCOVER)
        message.xid = b"abcd"
        return Udp(68, 67, message.emit()).emit(dhcp.NOWHERE, b"\xff" * 4).emit()

    def test_frames_arp_and_dhcp_of_another_mac_are_refused(self):
        lie = Arp(Arp.REQUEST, mac(2), address("192.168.122.78"), bytes(6), address(GATEWAY)).emit()
        for name, frame in {
            "frame": Ethernet(BROADCAST, mac(2), UNKNOWN, bytes(46)),
            "ARP in another's frame": Ethernet(BROADCAST, mac(2), ETHERTYPE_ARP, lie),
            "ARP in its own frame": Ethernet(BROADCAST, mac(1), ETHERTYPE_ARP, lie),
            "DHCP in its own frame": Ethernet(BROADCAST, mac(1), ETHERTYPE_IPV4, self.discover(mac(2))),
        }.items():
            with self.subTest(name):
                self.assert_refused(frame.emit())


class StormTest(TestCase):
    def test_broadcasts_beyond_the_limit_are_dropped_and_unicast_is_not(self):
        limit, sent = 100, 2000
        network = self.network("--storm-limit", str(limit))
        one, two = self.host(network, 1), self.host(network, 2)
        one.ping(GATEWAY)  # whose MAC it knows from then on
        two.listen(0)
        began = time.monotonic()
        for number in range(sent):
            one.link.send(Ethernet(BROADCAST, one.mac, UNKNOWN, struct.pack(">I", number).ljust(46, b"\0")).emit())
        one.ping(GATEWAY, timeout=PATIENCE)  # behind all of them
        most = limit * (time.monotonic() - began + 2)
        passed = sent - self.dropped(network, "storm")
        self.assertTrue(limit // 2 <= passed < most, passed)  # a second's worth at once, but for what the lease took
        for _ in range(passed):
            two.wait_for(lambda frame: frame.ethertype == UNKNOWN, PATIENCE)
        self.assertEqual([frame for frame in two.listen(1) if frame.ethertype == UNKNOWN], [])
