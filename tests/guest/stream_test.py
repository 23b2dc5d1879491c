# SPDX-License-Identifier: GPL-2.0-or-later
"""stream.sock and the switch behind it: many clients, and hostile ones."""

import contextlib
import os
import random
import select
import signal
import struct
import subprocess
import time
import unittest

from lan import dhcp
from lan.client import Host
from lan.link import StreamClient
from lan.packet import BROADCAST, ETHERTYPE_ARP, ETHERTYPE_IPV4, UDP, Arp, Ethernet, Ipv4, Udp, address, mac, mac_text, text
from lan.process import Lanlet

GATEWAY = "192.168.122.1"


class StreamTest(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.lanlet = cls.enterClassContext(Lanlet())
        cls.number = 0

    def host(self, leased=True):
        """A host with a MAC address that no other test has."""
        type(self).number += 1
        host = self.enterContext(Host(self.lanlet.stream, mac(self.number)))
        if leased:
            host.lease()
        return host

    def assert_alive(self):
        self.host().ping(GATEWAY)
        self.assertTrue(self.lanlet.is_running())

    def test_two_hundred_clients_at_once_get_their_own_address(self):
        hosts = [self.host(leased=False) for _ in range(200)]
        for host, xid in [(host, host.discover()) for host in hosts]:
            host.lease_offered(xid)
        self.assertEqual(len({host.ip for host in hosts}), 200)
        for host in hosts:
            host.listen(0)  # all the broadcasts of the others
        for host, other in zip(hosts, hosts[1:], strict=False):
            host.ping(GATEWAY)
            host.send_frame(BROADCAST, ETHERTYPE_ARP, host.arp_request(other.ip))
            other.wait_for(lambda frame: frame.ethertype == ETHERTYPE_ARP and Arp.parse(frame.payload).target == other.ip)
            self.assertEqual(host.resolve(other.ip), other.mac)

    def test_frame_split_at_any_byte_is_one_frame(self):
        host = self.host()
        frame = Ethernet(BROADCAST, host.mac, ETHERTYPE_ARP, host.arp_request(address(GATEWAY))).emit()
        data = struct.pack(">I", len(frame)) + frame
        for cut in range(1, len(data)):
            host.link.socket.sendall(data[:cut])
            time.sleep(0.001)
            host.link.socket.sendall(data[cut:])
            self.assertTrue(host.wait_for(lambda got: got.ethertype == ETHERTYPE_ARP and Arp.parse(got.payload).operation == Arp.REPLY))

    def test_frames_joined_in_one_write_are_many_frames(self):
        host = self.host()
        frame = Ethernet(BROADCAST, host.mac, ETHERTYPE_ARP, host.arp_request(address(GATEWAY))).emit()
        host.link.socket.sendall((struct.pack(">I", len(frame)) + frame) * 50)
        for _ in range(50):
            host.wait_for(lambda got: got.ethertype == ETHERTYPE_ARP and Arp.parse(got.payload).operation == Arp.REPLY)

    def test_largest_frame_passes_between_two_clients(self):
        one, two = self.host(), self.host()
        payload = os.urandom(65535 - 28)
        # Packets over 1500 bytes go in fragments to a station that has not shown that it takes them.
        two.send_frame(one.mac, ETHERTYPE_IPV4, Udp(2000, 1000, payload).emit(two.ip, one.ip).emit())
        two.ping(GATEWAY)
        one.send_frame(two.mac, ETHERTYPE_IPV4, Udp(1000, 2000, payload).emit(one.ip, two.ip).emit())
        ip = two.wait_for(lambda frame: frame.source == one.mac and two.ip_of(frame, UDP))
        self.assertEqual(Udp.parse(ip).payload, payload)

    def test_invalid_length_closes_that_client_only(self):
        other = self.host()
        for length in (0, 1, 13, 65535 + 15 + 4096, 1 << 20, 0x7FFFFFFF, 0xFFFFFFFF):
            with self.subTest(length=length):
                client = self.enterContext(contextlib.closing(StreamClient(self.lanlet.stream)))
                client.socket.sendall(struct.pack(">I", length) + b"x" * 64)
                with self.assertRaises(EOFError):
                    while True:
                        client.receive(5)
                other.ping(GATEWAY)

    def test_client_that_sends_garbage_affects_no_other(self):
        other = self.host()
        client = self.enterContext(contextlib.closing(StreamClient(self.lanlet.stream)))
        client.socket.settimeout(0.2)
        rng = random.Random(2)
        with contextlib.suppress(OSError):  # closed on us, or not read: both may be
            for _ in range(2000):
                client.socket.sendall(rng.randbytes(rng.randrange(1, 3000)))
        other.ping(GATEWAY)
        self.assert_alive()

    def test_malformed_packets_affect_no_other_client(self):
        """Valid frames to the gateway with any of their bytes overwritten, cut at any length."""
        host, other = self.host(), self.host()
        gateway = host.resolve(address(GATEWAY))
        rng = random.Random(3)
        discover = dhcp.Message(host.mac, dhcp.DISCOVER).emit()
        seeds = [
            Ethernet(BROADCAST, host.mac, ETHERTYPE_IPV4, Udp(68, 67, discover).emit(dhcp.NOWHERE, b"\xff" * 4).emit()).emit(),
            Ethernet(gateway, host.mac, ETHERTYPE_IPV4, Udp(40000, 53, os.urandom(40)).emit(host.ip, address(GATEWAY)).emit()).emit(),
            Ethernet(gateway, host.mac, ETHERTYPE_IPV4, Ipv4(host.ip, address(GATEWAY), 1, os.urandom(32)).emit()).emit(),
            Ethernet(gateway, host.mac, ETHERTYPE_IPV4, Ipv4(host.ip, address("203.0.113.5"), 6, os.urandom(40)).emit()).emit(),
            Ethernet(BROADCAST, host.mac, ETHERTYPE_ARP, host.arp_request(address(GATEWAY))).emit(),
        ]
        for number in range(4000):
            frame = bytearray(rng.choice(seeds))
            for _ in range(rng.randrange(1, 6)):
                frame[rng.randrange(12, len(frame))] = rng.randrange(256)
            del frame[rng.randrange(14, len(frame) + 1) :]
            host.link.send(bytes(frame))
            if number % 100 == 0:
                host.listen(0)
        other.ping(GATEWAY)
        self.assert_alive()

    def test_client_that_stops_reading_is_not_noticed_by_others(self):
        one, two, stalled = self.host(), self.host(), self.host()
        before = self.lanlet.resident_bytes()
        started = time.monotonic()
        flood = Udp(1000, 2000, bytes(60000)).emit(one.ip, b"\xff" * 4).emit()
        for _ in range(2000):  # 120 MB of broadcasts: more than any queue should hold
            one.send_frame(BROADCAST, ETHERTYPE_IPV4, flood)
            while select.select([two.link], [], [], 0)[0]:
                two.listen(0)
        one.ping(GATEWAY)
        self.assertLess(time.monotonic() - started, 60)
        self.assertLess(self.lanlet.resident_bytes() - before, 32 << 20)
        stalled.listen(0.5)
        stalled.ping(GATEWAY)

    def test_connecting_again_keeps_the_lease(self):
        host = self.host()
        host.close()
        again = self.enterContext(Host(self.lanlet.stream, host.mac))
        self.assertEqual(again.lease().yours, host.ip)

    def test_address_of_a_host_that_moved_to_another_connection_is_reached_there(self):
        one, two = self.host(), self.host()
        one.close()
        again = self.enterContext(Host(self.lanlet.stream, one.mac, text(one.ip)))
        again.ping(GATEWAY)
        two.neighbours[one.ip] = one.mac
        two.send_frame(one.mac, ETHERTYPE_IPV4, Udp(1, 2, b"to you").emit(two.ip, one.ip).emit())
        self.assertEqual(Udp.parse(again.wait_for(lambda frame: frame.source == two.mac and again.ip_of(frame, UDP))).payload, b"to you")

    def test_unicast_to_a_known_host_goes_to_it_alone(self):
        one, two, third = self.host(), self.host(), self.host()
        one.send_frame(two.mac, ETHERTYPE_IPV4, Udp(1, 2, b"for two").emit(one.ip, two.ip).emit())
        two.wait_for(lambda frame: frame.source == one.mac)
        self.assertEqual([frame for frame in third.listen(0.2) if frame.source == one.mac and frame.destination == two.mac], [])

    def test_unicast_to_an_unknown_host_goes_to_all(self):
        one, two, third = self.host(), self.host(), self.host()
        one.send_frame(mac(0x777777), ETHERTYPE_IPV4, Udp(1, 2, b"who").emit(one.ip, address("192.168.122.250")).emit())
        for host in (two, third):
            host.wait_for(lambda frame: frame.destination == mac(0x777777))

    def test_multicast_goes_to_all_but_the_sender(self):
        one, two = self.host(), self.host()
        group = bytes.fromhex("01005e0000fb")
        one.send_frame(group, ETHERTYPE_IPV4, Udp(5353, 5353, b"mdns").emit(one.ip, address("224.0.0.251")).emit())
        two.wait_for(lambda frame: frame.destination == group)
        self.assertEqual([frame for frame in one.listen(0.2) if frame.destination == group], [])

    def test_guest_cannot_take_the_gateways_mac(self):
        victim, thief = self.host(), self.host()
        gateway = victim.resolve(address(GATEWAY))
        claim = Arp(Arp.REQUEST, gateway, thief.ip, b"\0" * 6, victim.ip)
        thief.link.send(Ethernet(BROADCAST, gateway, ETHERTYPE_ARP, claim.emit()).emit())
        thief.link.send(Ethernet(victim.mac, gateway, ETHERTYPE_IPV4, Udp(1, 2, b"boo").emit(thief.ip, victim.ip).emit()).emit())
        self.assertEqual([frame for frame in victim.listen(0.3) if b"boo" in frame.payload], [])
        victim.ping(GATEWAY)

    def test_guest_cannot_claim_the_gateways_address(self):
        victim, thief = self.host(), self.host()
        gateway = victim.resolve(address(GATEWAY))
        claim = Arp(Arp.REPLY, thief.mac, address(GATEWAY), victim.mac, victim.ip)
        thief.send_frame(victim.mac, ETHERTYPE_ARP, claim.emit())
        thief.send_frame(BROADCAST, ETHERTYPE_ARP, Arp(Arp.REQUEST, thief.mac, address(GATEWAY), b"\0" * 6, address(GATEWAY)).emit())
        victim.listen(0.3)
        self.assertEqual(victim.neighbours[address(GATEWAY)], gateway)

    def test_gateway_answers_pings_of_every_size(self):
        host = self.host()
        for size in (0, 1, 56, 1472, 8000, 65507 - 8):
            with self.subTest(size=size):
                self.assertEqual(host.ping(GATEWAY, size=size).ttl, 64)

    def test_packet_with_expired_ttl_is_answered(self):
        host = self.host()
        packet = Udp(40000, 33434, b"probe").emit(host.ip, address("203.0.113.5"))
        packet.ttl = 1
        host.send_ip(packet)
        ip = host.wait_for(lambda frame: host.ip_of(frame, 1))
        self.assertEqual((ip.source, ip.payload[0], ip.payload[1]), (address(GATEWAY), 11, 0))
        self.assertEqual(Ipv4.parse(ip.payload[8:] + bytes(200)).destination, address("203.0.113.5"))

    def test_ten_thousand_mac_addresses_of_one_client_do_not_stop_others(self):
        liar, other = self.host(), self.host()
        for number in range(10000):
            source = b"\x02\x00\x00" + number.to_bytes(3, "big")
            liar.link.send(Ethernet(mac(0x777777), source, 0x88B5, bytes(46)).emit())
            if number % 100 == 0:
                other.listen(0)
        other.ping(GATEWAY)
        self.assertLess(self.lanlet.resident_bytes(), 256 << 20)


class ProcessTest(unittest.TestCase):
    def test_leases_survive_kill_9(self):
        with Lanlet() as lanlet:
            before = {}
            for number in range(1, 21):
                with Host(lanlet.stream, mac(number)) as host:
                    before[host.mac] = host.lease(host_name=b"guest%d" % number).yours
            lanlet.wait_for_lease(mac_text(mac(20)))
            with Host(lanlet.stream, mac(30), "192.168.122.250") as host:
                gateway = host.resolve(address(GATEWAY))
            lanlet.kill()
            lanlet.start()
            for number in range(20, 0, -1):
                with Host(lanlet.stream, mac(number)) as host:
                    self.assertEqual(host.lease().yours, before[host.mac])
            with Host(lanlet.stream, mac(30), "192.168.122.250") as host:
                self.assertEqual(host.resolve(address(GATEWAY)), gateway)

    def test_address_survives_a_lost_lease_file(self):
        with Lanlet() as lanlet:
            with Host(lanlet.stream, mac(1)) as host:
                before = host.lease().yours
            lanlet.stop()
            (lanlet.state / "leases").unlink()
            lanlet.start()
            with Host(lanlet.stream, mac(1)) as host:
                self.assertEqual(host.lease().yours, before)

    def test_damaged_lease_file_is_set_aside_with_a_warning(self):
        with Lanlet() as lanlet:
            with Host(lanlet.stream, mac(1)) as host:
                host.lease()
            lanlet.stop()
            (lanlet.state / "leases").write_bytes(b"\xff\x00garbage\n" * 10)
            lanlet.start()
            with Host(lanlet.stream, mac(1)) as host:
                host.lease()
            self.assertRegex(lanlet.text(), "(?i)warning.*leases|leases.*damaged")
            self.assertGreater(len([path for path in lanlet.state.iterdir() if path.name.startswith("leases")]), 1)

    def test_second_instance_of_a_name_is_refused(self):
        with Lanlet() as lanlet:
            second = subprocess.run(lanlet.command(), capture_output=True, text=True, timeout=20)
            self.assertNotEqual(second.returncode, 0)
            self.assertRegex(second.stderr, "(?i)already|in use|running")
            with Host(lanlet.stream, mac(1)) as host:
                host.lease()

    def test_two_networks_of_different_names_run_side_by_side(self):
        with Lanlet(name="one") as one, Lanlet(name="two") as two:
            with Host(one.stream, mac(1)) as first, Host(two.stream, mac(1)) as second:
                self.assertEqual(first.lease().yours, second.lease().yours)
                self.assertNotEqual(first.resolve(address(GATEWAY)), second.resolve(address(GATEWAY)))

    def test_runtime_directory_is_private(self):
        with Lanlet() as lanlet:
            self.assertEqual(lanlet.runtime.stat().st_mode & 0o777, 0o700)
            self.assertEqual(lanlet.state.stat().st_mode & 0o777, 0o700)

    def test_sigterm_and_sigint_end_it_cleanly(self):
        for number in (signal.SIGTERM, signal.SIGINT):
            with self.subTest(number=number), Lanlet() as lanlet:
                lanlet.process.send_signal(number)
                self.assertEqual(lanlet.process.wait(20), 0)
                self.assertFalse(lanlet.stream.exists())

    def test_idle_costs_nothing(self):
        with Lanlet() as lanlet, Host(lanlet.stream, mac(1)) as host:
            host.lease()
            before = lanlet.cpu_seconds()
            time.sleep(2)
            self.assertLess(lanlet.cpu_seconds() - before, 0.1)
