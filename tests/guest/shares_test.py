# SPDX-License-Identifier: GPL-2.0-or-later
"""One port takes as much as it can of DHCP and DNS.  Guests behind other ports do not notice."""

import contextlib
import os
import socket
import threading
import time
import unittest

from lan import dhcp, dns
from lan.client import Host
from lan.packet import ETHERTYPE_IPV4, UDP, Udp, address, mac
from lan.process import Lanlet

POOL = 253
SERVER = "127.0.0.1"


class DhcpShares(unittest.TestCase):
    def setUp(self):
        self.network = self.enterContext(Lanlet())
        self.greedy = self.guest(0)

    def guest(self, number):
        return self.enterContext(Host(self.network.stream, mac(number)))

    def drops(self, reason):
        return {drop["reason"]: drop["count"] for drop in self.network.api.get("/v1/drops")["drops"]}.get(reason, 0)

    def invent(self, first, count, wait=0.2):
        """Sends DISCOVERs for MACs from number @first on; the offers."""
        offers = []
        for number in range(first, first + count):
            self.greedy.dhcp_send(dhcp.Message(mac(number), dhcp.DISCOVER, flags=0x8000))
        for frame in self.greedy.listen(wait):
            ip = self.greedy.ip_of(frame, UDP)
            udp = ip and Udp.parse(ip)
            if udp and udp.source == 67 and (offer := dhcp.Message.parse(udp.payload)).kind == dhcp.OFFER:
                offers.append(offer)
        return offers

    def accept(self, offers):
        for offer in offers:
            chosen = {dhcp.REQUESTED_ADDRESS: offer.yours, dhcp.SERVER_ID: offer.options[dhcp.SERVER_ID]}
            self.greedy.dhcp_send(dhcp.Message(offer.mac, dhcp.REQUEST, flags=0x8000, options=chosen))

    def seconds_to_lease(self, number):
        start = time.monotonic()
        self.guest(number).lease()
        return time.monotonic() - start

    def test_port_that_leases_all_it_can_leaves_an_eighth(self):
        for first in range(1000, 1600, 100):
            self.accept(self.invent(first, 100, 0.5))
        leases = len(self.network.api.get("/v1/leases")["leases"])
        self.assertGreater(leases, POOL // 2)
        self.assertLessEqual(leases, POOL * 7 // 8)
        self.assertGreater(self.drops("dhcp-share"), 0)
        for number in range(1, 6):
            self.assertLess(self.seconds_to_lease(number), 2)

    def test_newcomer_gets_a_lease_at_once_after_a_flood_of_discovers(self):
        for first in range(1000, 6000, 1000):
            self.invent(first, 1000)
        self.assertLess(self.seconds_to_lease(1), 2)

    def decline_in_turn(self, macs, times):
        """Each of @macs declines @times addresses; how many different ones."""
        declined = set()
        for _ in range(times):
            for self.greedy.mac in macs:
                self.greedy.ip = dhcp.NOWHERE
                self.greedy.lease()
                declined.add(self.greedy.ip)
                message = dhcp.Message(self.greedy.mac, dhcp.DECLINE, options={dhcp.REQUESTED_ADDRESS: self.greedy.ip})
                self.greedy.dhcp_send(message)
        return len(declined)

    def test_port_sets_few_addresses_aside(self):
        self.assertGreaterEqual(self.decline_in_turn([mac(number) for number in range(4)], 3), 8)
        self.assertEqual(self.drops("dhcp-share"), 4)

    def test_mac_sets_fewer_addresses_aside_than_its_port(self):
        self.assertLessEqual(self.decline_in_turn([mac(0)], 12), 4)
        self.assertEqual(self.drops("dhcp-share"), 9)

    def test_guest_that_renews_all_the_time_does_not_rewrite_the_lease_file_all_the_time(self):
        self.greedy.lease()
        other = self.guest(1)
        other.lease()
        inodes, path = set(), self.network.state / "leases"
        end = time.monotonic() + 2
        for i in range(1 << 20):
            if time.monotonic() > end:
                break
            self.greedy.dhcp_send(dhcp.Message(self.greedy.mac, dhcp.REQUEST, client=self.greedy.ip,
                                               options={dhcp.HOST_NAME: b"name-%d" % i}))
            inodes.add(os.stat(path).st_mtime_ns)
        self.assertLess(len(inodes), 40)
        other.ping("192.168.122.1")
        self.assertLess(self.seconds_to_lease(2), 2)


class SlowServer(threading.Thread):
    """A name server that answers with 192.0.2.1 after 100 ms."""

    def __init__(self):
        super().__init__(daemon=True)
        self.socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1 << 20)
        self.socket.bind((SERVER, 0))
        self.port = self.socket.getsockname()[1]

    def answer(self, query, client):
        message = query[:2] + b"\x81\x80" + query[4:6] + b"\0\1\0\0\0\0" + query[12:] + b"\xc0\x0c\0\1\0\1\0\0\0\x05\0\4\xc0\0\2\1"
        with contextlib.suppress(OSError):
            self.socket.sendto(message, client)

    def run(self):
        waiting = []
        while self.socket.fileno() >= 0:
            self.socket.settimeout(0.01)
            with contextlib.suppress(TimeoutError, OSError):
                waiting.append((time.monotonic() + 0.1, *self.socket.recvfrom(4096)))
            while waiting and waiting[0][0] <= time.monotonic():
                self.answer(*waiting.pop(0)[1:])


class DnsShares(unittest.TestCase):
    def setUp(self):
        server = SlowServer()
        server.start()
        self.addCleanup(server.socket.close)
        self.network = self.enterContext(Lanlet("--dns", f"{SERVER}:{server.port}"))

    def guest(self, number):
        host = self.enterContext(Host(self.network.stream, mac(number)))
        host.lease()
        return host

    def test_queries_from_many_addresses_do_not_push_out_those_of_another_port(self):
        greedy, victim = self.guest(1), self.guest(2)
        gateway = greedy.resolve(greedy.gateway)
        stop = threading.Event()

        def flood():
            number = 0
            while not stop.is_set():
                for _ in range(32):
                    number += 1
                    query = dns.Message(number % 65536, f"x{number}.example.org", dns.A).emit()
                    source = address(f"192.168.122.{50 + number % 150}")
                    packet = Udp(1024 + number % 60000, 53, query).emit(source, greedy.gateway)
                    greedy.send_frame(gateway, ETHERTYPE_IPV4, packet.emit())
                stop.wait(0.005)

        thread = threading.Thread(target=flood)
        thread.start()
        try:
            time.sleep(0.5)
            for number in range(10):
                answer = victim.dns(f"host{number}.example.com", timeout=2)
                self.assertEqual(answer.answers[0].data, address("192.0.2.1"))
        finally:
            stop.set()
            thread.join()
