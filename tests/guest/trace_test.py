# SPDX-License-Identifier: GPL-2.0-or-later
"""traceroute and mtr of a guest over a path of several hops, and path MTU discovery on it.

    guest ── lanlet ── (ROUTER) ── a cable that carries less ── (DISTANT)
"""

import subprocess
import unittest

from lan import outside, tap
from lan.process import Lanlet
from lan.programs import Program, Session, needs

GATEWAY = "192.168.122.1"
NEAR = "192.0.2.1"  # ROUTER's address on the far cable
DISTANT = "192.0.2.9"
WAY = [GATEWAY, outside.ROUTER, DISTANT]
NARROW = 1400  # bytes that the far cable carries

# Sends with DF set until the kernel has learned what the way carries, or half a minute is over; prints what it knows then.
LEARN_MTU = """
import socket, sys, time
IP_MTU_DISCOVER, IP_PMTUDISC_DO, IP_MTU = 10, 2, 14
with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as s:
    s.setsockopt(socket.IPPROTO_IP, IP_MTU_DISCOVER, IP_PMTUDISC_DO)
    s.connect((sys.argv[1], 9))
    end = time.monotonic() + 30
    while s.getsockopt(socket.IPPROTO_IP, IP_MTU) == 1500 and time.monotonic() < end:
        try:
            s.send(bytes(1450))
        except OSError:
            pass
        time.sleep(0.1)
    print(s.getsockopt(socket.IPPROTO_IP, IP_MTU))
"""


setUpModule = tap.need_tap


class Distant(Session):
    """A third namespace behind Outside's, which becomes a router."""

    def __init__(self, router):
        self.router = router

    def launch(self):
        return Program(["unshare", "-n", "sh", "-c", "echo unshared; exec sleep infinity"], stdout=subprocess.PIPE)

    def connect(self):
        self.process.expect("unshared")
        router, distant = self.router.process.pid, self.process.pid
        self.inside(router, f"""
            ip link add narrow type veth peer name far netns {distant}
            ip address add {NEAR}/24 dev narrow
            ip link set narrow mtu {NARROW} up
            echo 1 > /proc/sys/net/ipv4/ip_forward""")
        self.inside(distant, f"""
            ip address add {DISTANT}/24 dev far
            ip link set far mtu {NARROW} up
            ip route add default via {NEAR}""")
        for pid in router, distant:
            self.inside(pid, "echo 0 > /proc/sys/net/ipv4/icmp_ratemask")

    @staticmethod
    def inside(pid, script):
        outside.run("nsenter", "-t", str(pid), "-n", "sh", "-e", "-c", script)


class TraceTest(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.enterClassContext(Distant(cls.enterClassContext(outside.Outside())))
        cls.lanlet = cls.enterClassContext(Lanlet())
        cls.guest = cls.enterClassContext(tap.TapGuest(cls.lanlet.stream, "52:54:00:00:00:01"))
        cls.guest.set_address("192.168.122.50")

    def traceroute(self, *options):
        """The address that answered at each hop; one probe for each, without a time limit."""
        text = self.guest.check("traceroute", "-n", "-q", "1", "-w", "20,0,0", "-m", "6", *options, DISTANT, timeout=200)
        return [line.split()[1] for line in text.splitlines()[1:]]

    def mtr(self, *options):
        """(host, loss) hop by hop."""
        text = self.guest.check("mtr", "-n", "-r", "-c", "2", "-m", "6", "-Z", "10", "-G", "8", *options, DISTANT, timeout=200)
        lines = [line.split() for line in text.splitlines() if "|--" in line]
        return [(words[1], words[2]) for words in lines]

    @needs("traceroute")
    def test_traceroute_by_udp(self):
        self.assertEqual(self.traceroute(), WAY)

    @needs("traceroute")
    def test_traceroute_by_icmp(self):
        self.assertEqual(self.traceroute("-I"), WAY)

    @needs("traceroute")
    def test_traceroute_by_tcp(self):
        self.assertEqual(self.traceroute("-T", "-p", "80"), WAY)

    @needs("mtr")
    def test_mtr_by_icmp(self):
        self.assertEqual(self.mtr(), [(hop, "0.0%") for hop in WAY])

    @needs("mtr")
    def test_mtr_by_udp(self):
        self.assertEqual(self.mtr("-u"), [(hop, "0.0%") for hop in WAY])

    @needs("mtr")
    def test_mtr_by_tcp(self):
        self.assertEqual(self.mtr("-T", "-P", "80"), [(hop, "0.0%") for hop in WAY])

    def test_path_mtu_is_learned(self):
        self.assertEqual(self.guest.python(LEARN_MTU, DISTANT).strip(), str(NARROW))
