# SPDX-License-Identifier: GPL-2.0-or-later
"""Two hosts, a lanlet on each, joined to one network by libvdeplug."""

import os
import subprocess
import unittest

from lan import outside, vde, vm
from lan.process import Lanlet
from lan.programs import Program, Session
from lan.wait import PATIENCE, wait_until

GATEWAY = "192.168.122.1"
ONE, TWO = "52:54:00:00:00:01", "52:54:00:00:00:02"


setUpModule = vm.need_vm


class OtherHost(Session):
    """A second host: a network namespace at the far end of a cable, with a lanlet in it."""

    NEAR, FAR = "10.99.0.1", "10.99.0.2"

    def launch(self):
        return Program(["unshare", "-n", "sleep", "infinity"])

    def connect(self):
        own = os.readlink("/proc/self/ns/net")
        wait_until(lambda: os.readlink(f"/proc/{self.process.pid}/ns/net") != own, "the namespace")
        outside.run("ip", "link", "add", "near", "type", "veth", "peer", "name", "far", "netns", str(self.process.pid))
        for prefix, name, address in (([], "near", self.NEAR), (self.inside(), "far", self.FAR)):
            outside.run(*prefix, "ip", "address", "add", f"{address}/24", "dev", name)
            outside.run(*prefix, "ip", "link", "set", name, "up")
            outside.run(*prefix, "ip", "route", "add", "239.0.0.0/8", "dev", name)
            outside.run(*prefix, "ip", "link", "set", "lo", "up")

    def inside(self):
        return ["nsenter", "-t", str(self.process.pid), "-n"]

    def __exit__(self, *_):
        super().__exit__()
        subprocess.run(["ip", "link", "delete", "near"], capture_output=True, timeout=PATIENCE)  # gone, perhaps, with its peer


class LanletElsewhere(Lanlet):
    def __init__(self, host, *options, **more):
        super().__init__(*options, **more)
        self.host = host

    def command(self, *options):
        return [*self.host.inside(), *super().command(*options)]


class SpanningTest(unittest.TestCase):
    """Two hosts, a lanlet on each, one network: the gateway and DHCP of one serve the guests of both."""

    def check_span(self, near_url, far_url):
        host = self.enterContext(OtherHost())
        near = self.enterContext(Lanlet("--vde", near_url))
        far = self.enterContext(LanletElsewhere(host, "--vde", far_url, "--no-dhcp", "--no-gateway"))
        one = self.enterContext(vm.Guest(vm.card(near.stream, ONE), "one"))
        two = self.enterContext(vm.Guest(vm.card(far.stream, TWO), "two"))
        for lanlet in (near, far):
            wait_until(lambda lanlet=lanlet: "joined " in lanlet.text(), "the other side")
        leases = {guest.name: guest.lease() for guest in (one, two)}
        self.assertEqual(leases["two"]["router"], GATEWAY)
        near.wait_for_lease(TWO)
        self.assertFalse((far.state / "leases").exists() and TWO in far.leases())
        for guest, other in ((one, "two"), (two, "one")):
            for target in (GATEWAY, other):
                self.assertIn("2 packets received", guest.check(f"ping -c 2 -i 0.2 {target}"))
            self.assertIn("2 packets received", guest.check(f"ping -c 2 -i 0.2 -s 4000 {leases[other]['ip']}"))
        expected = vde.serve(one)
        self.assertEqual(two.check("wget -q -O - http://one/blob | sha256sum", 180).split()[0], expected)
        expected = vde.serve(two)
        self.assertEqual(one.check("wget -q -O - http://two/blob | sha256sum", 180).split()[0], expected)

    def test_by_udp(self):
        self.check_span(f"udp://{OtherHost.NEAR}:5555->{OtherHost.FAR}:5555", f"udp://{OtherHost.FAR}:5555->{OtherHost.NEAR}:5555")

    def test_by_vxlan(self):
        self.check_span("vxlan://239.1.2.3/vni=7", "vxlan://239.1.2.3/vni=7")

    def test_host_that_speaks_vxlan_by_its_kernel(self):
        host = self.enterContext(OtherHost())
        made = subprocess.run([*host.inside(), "ip", "link", "add", "vx", "type", "vxlan", "id", "7", "group", "239.1.2.3", "dev", "far",
                               "dstport", "4789"], capture_output=True, text=True, timeout=PATIENCE)
        if made.returncode:
            self.skipTest(f"this kernel has no VXLAN: {made.stderr.strip()}")
        lanlet = self.enterContext(Lanlet("--vde", "vxlan://239.1.2.3/vni=7"))
        wait_until(lambda: "joined " in lanlet.text(), "the group")
        outside.run(*host.inside(), "ip", "address", "add", "192.168.122.77/24", "dev", "vx")
        outside.run(*host.inside(), "ip", "link", "set", "vx", "up")
        out = outside.run(*host.inside(), "ping", "-c", "3", "-i", "0.2", "-W", "20", GATEWAY)
        self.assertIn(" 0% packet loss", out)

    def test_by_vxvde(self):
        self.check_span("vxvde://239.1.2.3", "vxvde://239.1.2.3")
