# SPDX-License-Identifier: GPL-2.0-or-later
"""Loops between real switches: one port is blocked, reported, and used again when the other cable is pulled."""

import socket
import threading
import time
import unittest

from lan import vde
from lan.client import Host
from lan.packet import BROADCAST, ETHERTYPE_ARP, address, mac, text
from lan.process import Lanlet
from lan.programs import need
from lan.wait import wait_until

PATIENCE = 90.0  # seconds; each segment waits 3 for those that are to act first
STORM_LIMIT = 1000  # broadcasts per second that a port may bring, while a loop is not found yet
ONE, TWO = "192.168.122.201", "192.168.122.202"


def ports(network):
    return {port["name"]: port for port in network.api.get("/v1/ports")["ports"]}


class LoopTest(unittest.TestCase):
    def network(self, *options, fds=()):
        """A network without a gateway, as a switch."""
        return self.enterContext(Lanlet("--no-gateway", "--storm-limit", str(STORM_LIMIT), *options, fds=fds))

    def blocked(self):
        return [(network, name) for network in self.networks for name, port in ports(network).items() if port["blocked"]]

    def frames(self):
        return sum(port["rx_frames"] for network in self.networks for port in ports(network).values())

    def two_cables(self, other, *networks):
        """Between the first network's vde/ and another switch's; they become vde1 and vde2 in each of the networks."""
        cables = []
        for number in (1, 2):
            cables.append(self.enterContext(vde.Cable(networks[0].vde, other)))
            wait_until(lambda: all(f"vde{number}" in ports(network) for network in networks), "both ends of the cable")
        return cables

    def hosts(self, near, far):
        return self.enterContext(Host(near.stream, mac(1), ONE)), self.enterContext(Host(far.stream, mac(2), TWO))

    def broadcast(self, host):
        """An ARP request for an address that no host has: it floods, and nothing answers."""
        host.send_frame(BROADCAST, ETHERTYPE_ARP, host.arp_request(address("192.168.122.250")))

    def wait_for_cut(self, began):
        """The loop is cut at one port of one network; the two."""
        wait_until(lambda: len(self.blocked()) == 1, "one blocked port", PATIENCE)
        self.assertLess(self.frames(), STORM_LIMIT * (time.monotonic() - began + 2) * sum(len(ports(n)) for n in self.networks))
        network, name = self.blocked()[0]
        self.assertRegex(network.ask("ports"), rf"(?m)^{name}: blocked: a loop, what is sent to port \S+ comes back here")
        self.assertIn(f"port {name}: blocked: a loop", network.text())
        return network, name

    def assert_quiet(self):
        """Asserts that no frame circulates any more."""

        def few():
            first = self.frames()
            time.sleep(3)
            return self.frames() - first < 30  # probes, queries for multicast

        wait_until(few, "the end of what goes round", PATIENCE)

    def assert_loop_is_cut(self, one, two):
        """Asserts that one port of the networks of @one and @two is blocked; returns where."""
        began = time.monotonic()
        self.broadcast(one)
        where = self.wait_for_cut(began)
        self.assert_quiet()
        one.listen(0)
        two.listen(0)
        self.broadcast(one)

        def is_it(frame):
            return frame.source == one.mac and frame.ethertype == ETHERTYPE_ARP

        two.wait_for(is_it, PATIENCE)
        self.assertEqual([frame for frame in two.listen(2) if is_it(frame)], [])
        self.assert_ping(one, two)
        self.assert_ping(two, one)
        return where

    def assert_ping(self, host, other):
        """Both hosts live in this process: a thread serves the other one meanwhile."""
        done = threading.Event()

        def live():
            while not done.is_set():
                other.listen(0.1)

        thread = threading.Thread(target=live, daemon=True)
        thread.start()
        try:
            host.ping(text(other.ip), timeout=PATIENCE)
        finally:
            done.set()
            thread.join(PATIENCE)

    def wait_for_event(self, network, port, wanted):
        with network.begin("events", "--after", "0") as events:
            while wanted not in (line := events.read_line(PATIENCE)) or port not in line:
                pass

    def test_two_networks_joined_by_two_cables_use_one_and_then_the_other(self):
        near, far = self.network(), self.network()
        self.networks = [near, far]
        cables = self.two_cables(far.vde, near, far)
        one, two = self.hosts(near, far)
        network, name = self.assert_loop_is_cut(one, two)
        self.assertEqual(name, "vde2")  # the one that came last
        self.wait_for_event(network, name, "port-blocked")
        cables[0].stop()
        wait_until(lambda: not self.blocked(), "a network without a blocked port", PATIENCE)
        self.wait_for_event(network, name, "port-unblocked")
        self.assert_ping(one, two)
        self.assert_ping(two, one)

    def test_two_udp_cables(self):
        addresses = [("127.0.0.1:5701", "127.0.0.1:5702"), ("127.0.0.1:5703", "127.0.0.1:5704")]  # of this test's own namespace
        near = self.network(*(word for ours, theirs in addresses for word in ("--udp", f"{ours},{theirs}")))
        far = self.network(*(word for ours, theirs in addresses for word in ("--udp", f"{theirs},{ours}")))
        self.networks = [near, far]
        self.assert_loop_is_cut(*self.hosts(near, far))

    def test_two_stream_cables(self):
        pairs = [socket.socketpair() for _ in range(2)]
        for end in (end for pair in pairs for end in pair):
            self.addCleanup(end.close)
        self.networks = []
        for side in range(2):
            fds = [pair[side].fileno() for pair in pairs]
            self.networks.append(self.network(*(word for fd in fds for word in ("--fd", str(fd))), fds=fds))
        self.assert_loop_is_cut(*self.hosts(*self.networks))

    def test_network_that_connects_to_another_by_two_kinds_of_sockets(self):
        near = self.network()
        far = self.network("--connect", str(near.stream), "--vde", f"vde://{near.vde}")
        self.networks = [near, far]
        wait_until(lambda: len(ports(near)) == 2 and "vde1" in ports(near), "two cables")
        self.assertEqual(sorted(port["kind"] for port in ports(near).values()), ["stream", "vde"])
        self.assert_loop_is_cut(*self.hosts(near, far))

    def test_network_that_joins_one_vde_switch_twice(self):
        near = self.network()
        far = self.network("--vde", f"vde://{near.vde}", "--vde", f"vde://{near.vde}/../vde")
        self.networks = [near, far]
        wait_until(lambda: {"vde1", "vde2"} <= set(ports(near)), "two cables")
        self.assert_loop_is_cut(*self.hosts(near, far))

    def test_two_cables_to_vde_switch_which_knows_nothing_of_loops(self):
        need("vde_switch", "dpipe", "vde_plug")
        switch = self.enterContext(vde.Switch())
        near, far = self.network(), self.network("--vde", f"vde://{switch.path}")
        self.networks = [near, far]
        wait_until(lambda: any(name.startswith("plug") for name in ports(far)), "the plug")
        cables = self.two_cables(switch.path, near)
        one, two = self.hosts(near, far)
        self.assertEqual(self.assert_loop_is_cut(one, two), (near, "vde2"))
        cables[0].stop()
        wait_until(lambda: not self.blocked(), "a network without a blocked port", PATIENCE)
        self.assert_ping(one, two)
