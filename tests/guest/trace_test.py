# SPDX-License-Identifier: GPL-2.0-or-later
"""traceroute, tracepath and mtr of a guest over a path of several hops, and path MTU discovery on it: IPv4, IPv6, and NAT64.

    guest ── lanlet ── (ROUTER) ── a cable that carries less ── (DISTANT)
"""

import ipaddress
import subprocess
import unittest

from lan import outside, tap
from lan.process import Lanlet
from lan.programs import Program, Session, needs
from lan.wait import wait_until

GATEWAY = "192.168.122.1"
NEAR = "192.0.2.1"  # ROUTER's address on the far cable
DISTANT = "192.0.2.9"
NEAR6, DISTANT6 = "2a00:1450:4001:9::1", "2a00:1450:4001:9::9"
PREFIX = "fd12:3456:789a::/64"
GATEWAY6 = "fd12:3456:789a::1"
NARROW = 1400  # bytes that the far cable carries

# Sends with DF set until the kernel has learned what the way carries, or half a minute is over; prints what it knows then.
LEARN_MTU = """
import socket, sys, time
v6 = ":" in sys.argv[1]
level, discover, mtu = (socket.IPPROTO_IPV6, 23, 24) if v6 else (socket.IPPROTO_IP, 10, 14)  # IPV6_MTU_DISCOVER, IPV6_MTU; IP_…
PMTUDISC_DO = 2
with socket.socket(socket.AF_INET6 if v6 else socket.AF_INET, socket.SOCK_DGRAM) as s:
    s.setsockopt(level, discover, PMTUDISC_DO)
    s.connect((sys.argv[1], 9))
    end = time.monotonic() + 30
    while s.getsockopt(level, mtu) == 1500 and time.monotonic() < end:
        try:
            s.send(bytes(1440))
        except OSError:
            pass
        time.sleep(0.1)
    print(s.getsockopt(level, mtu))
"""


setUpModule = tap.need_tap


class Distant(Session):
    """A third namespace behind Outside's, which becomes a router."""

    def __init__(self, router, ipv6=False):
        self.router = router
        self.ipv6 = ipv6

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
        if self.ipv6:
            self.inside(router, f"""
                ip address add {NEAR6}/64 dev narrow nodad
                echo 1 > /proc/sys/net/ipv6/conf/all/forwarding""")
            self.inside(distant, f"""
                ip address add {DISTANT6}/64 dev far nodad
                ip route add default via {NEAR6}""")
        for pid in router, distant:
            self.inside(pid, "echo 0 > /proc/sys/net/ipv4/icmp_ratemask; echo 0 > /proc/sys/net/ipv6/icmp/ratelimit")

    @staticmethod
    def inside(pid, script):
        outside.run("nsenter", "-t", str(pid), "-n", "sh", "-e", "-c", script)


class TraceTest(unittest.TestCase):
    options = ()
    ipv6 = False
    distant = DISTANT
    path_mtu = NARROW

    @classmethod
    def setUpClass(cls):
        cls.enterClassContext(Distant(cls.enterClassContext(outside.Outside(ipv6=cls.ipv6)), cls.ipv6))
        cls.lanlet = cls.enterClassContext(Lanlet(*cls.options))
        cls.guest = cls.enterClassContext(tap.TapGuest(cls.lanlet.stream, "52:54:00:00:00:01"))
        cls.set_address()

    @classmethod
    def set_address(cls):
        cls.guest.set_address("192.168.122.50")

    def way(self):
        return [GATEWAY, outside.ROUTER, DISTANT]

    def traceroute(self, *options):
        """The address that answered at each hop; one probe for each, without a time limit."""
        text = self.guest.check("traceroute", "-n", "-q", "1", "-w", "20,0,0", "-m", "6", *options, self.distant, timeout=200)
        return [line.split()[1] for line in text.splitlines()[1:]]

    def mtr(self, *options):
        """(host, loss) hop by hop."""
        text = self.guest.check("mtr", "-n", "-r", "-c", "2", "-m", "6", "-Z", "10", "-G", "8", *options, self.distant, timeout=200)
        lines = [line.split() for line in text.splitlines() if "|--" in line]
        return [(words[1], words[2]) for words in lines]

    @needs("traceroute")
    def test_traceroute_by_udp(self):
        self.assertEqual(self.traceroute(), self.way())

    @needs("traceroute")
    def test_traceroute_by_icmp(self):
        self.assertEqual(self.traceroute("-I"), self.way())

    @needs("traceroute")
    def test_traceroute_by_tcp(self):
        self.assertEqual(self.traceroute("-T", "-p", "80"), self.way())

    @needs("mtr")
    def test_mtr_by_icmp(self):
        self.assertEqual(self.mtr(), [(hop, "0.0%") for hop in self.way()])

    @needs("mtr")
    def test_mtr_by_udp(self):
        self.assertEqual(self.mtr("-u"), [(hop, "0.0%") for hop in self.way()])

    @needs("mtr")
    def test_mtr_by_tcp(self):
        self.assertEqual(self.mtr("-T", "-P", "80"), [(hop, "0.0%") for hop in self.way()])

    def test_path_mtu_is_learned(self):
        self.assertEqual(self.guest.python(LEARN_MTU, self.distant).strip(), str(self.path_mtu))

    @needs("tracepath")
    def test_tracepath_shows_hops_and_mtu(self):
        text = self.guest.check("tracepath", "-n", "-m", "6", self.distant, timeout=200)
        hops = [line.split()[1] for line in text.splitlines() if line[:3].strip().rstrip("?:").isdigit() and "no reply" not in line]
        self.assertEqual([hop for hop in dict.fromkeys(hops) if hop != "[LOCALHOST]"], self.way(), text)
        self.assertRegex(text, rf"Resume: pmtu {self.path_mtu} hops {len(self.way())} ")


class Trace6Test(TraceTest):
    options = ("--ipv6", PREFIX)
    ipv6 = True
    distant = DISTANT6

    @classmethod
    def set_address(cls):
        wait_until(lambda: "default via fe80::1" in cls.guest.check("ip", "-6", "route"), "the route")
        cls.guest.check("sh", "-c", "until ip -6 address show dev eth0 scope global -tentative | grep -q inet6; do sleep 0.1; done")

    def way(self):
        return [GATEWAY6, outside.ROUTER6, DISTANT6]


class Trace64Test(Trace6Test):
    """Guests without IPv4 trace an IPv4 path, on a host without IPv6."""

    options = ("--ipv6-only", "--ipv6", PREFIX)
    ipv6 = False
    distant = f"64:ff9b::{DISTANT}"
    path_mtu = NARROW + 20

    def way(self):
        prefix = int(ipaddress.ip_address("64:ff9b::"))
        return [GATEWAY6] + [str(ipaddress.ip_address(prefix + int(ipaddress.ip_address(hop)))) for hop in (outside.ROUTER, DISTANT)]
