# SPDX-License-Identifier: GPL-2.0-or-later
"""VDE in both roles: other programs at lanlet's switch, and lanlet at other switches."""

import unittest

from lan import tap, vde, vm
from lan.process import Lanlet
from lan.programs import need
from lan.wait import wait_until

GATEWAY = "192.168.122.1"
ONE, TWO = "52:54:00:00:00:01", "52:54:00:00:00:02"


def setUpModule():
    vm.need_vm()
    need("vde_switch", "vde_plug", "dpipe")


class NeighbourTest(unittest.TestCase):
    """A guest at Debian's vde_switch, which is joined to lanlet, and one at lanlet."""

    def check_both_guests(self, lanlet, near, far):
        near_lease, far_lease = near.lease(), far.lease()
        self.assertEqual(far_lease["router"], GATEWAY)
        lanlet.wait_for_lease(TWO)
        self.assertIn("2 packets received", far.check(f"ping -c 2 -i 0.2 {GATEWAY}"))
        self.assertIn("2 packets received", far.check(f"ping -c 2 -i 0.2 {near_lease['ip']}"))
        self.assertIn("2 packets received", near.check(f"ping -c 2 -i 0.2 -s 8000 {far_lease['ip']}"))
        expected = vde.serve(near)
        self.assertEqual(far.check(f"wget -q -O - http://{near_lease['ip']}/blob | sha256sum", 180).split()[0], expected)
        expected = vde.serve(far)
        self.assertEqual(near.check(f"wget -q -O - http://{far_lease['ip']}/blob | sha256sum", 180).split()[0], expected)

    def test_lanlet_joins_vde_switch(self):
        switch = self.enterContext(vde.Switch())
        lanlet = self.enterContext(Lanlet("--vde", f"vde://{switch.path}"))
        near = self.enterContext(vm.Guest(vm.card(lanlet.stream, ONE), "near"))
        far = self.enterContext(vm.Guest(vm.vde_card(switch.path, TWO), "far"))
        self.check_both_guests(lanlet, near, far)
        # vde_switch cuts frames at 1518 bytes.  What may not be fragmented is answered with what fits, and then it is.
        self.assertEqual(near.lease("-O mtu")["mtu"], "65520")
        near.run("ping -c 1 -W 5 -s 8000 far")
        self.assertIn("2 packets received", near.check("ping -c 2 -i 0.2 -s 8000 far"))
        for guest, other in ((near, far), (far, near)):
            expected = other.check("sha256sum </www/blob").split()[0]
            self.assertEqual(guest.check(f"wget -q -O - http://{other.name}/blob | sha256sum", 180).split()[0], expected)

    def test_vde_switch_is_connected_to_lanlet_by_two_vde_plugs(self):
        lanlet = self.enterContext(Lanlet())
        switch = self.enterContext(vde.Switch())
        self.enterContext(vde.Cable(lanlet.vde, switch.path))
        near = self.enterContext(vm.Guest(vm.vde_card(lanlet.vde, ONE), "near"))
        far = self.enterContext(vm.Guest(vm.vde_card(switch.path, TWO), "far"))
        self.check_both_guests(lanlet, near, far)

    def test_vde_switch_that_comes_back_is_joined_again(self):
        switch = self.enterContext(vde.Switch())
        lanlet = self.enterContext(Lanlet("--vde", f"vde://{switch.path}"))
        for joined in (1, 2, 3):
            wait_until(lambda: lanlet.text().count(f"joined vde://{switch.path}") == joined, "a join")
            switch.stop()
            wait_until(lambda: lanlet.text().count("ended; trying again") == joined, "the end")
            switch.__enter__()
        self.assertIn("2 packets received", self.enterContext(
            vm.Guest(vm.vde_card(switch.path, TWO), "far")).check(
                f"udhcpc -i eth0 -s /udhcpc.script -n -q -t 30 -T 2; ping -c 2 {GATEWAY}", 120))


class ClientsTest(unittest.TestCase):
    def test_namespace_of_vdens(self):
        need("vdens")
        tap.need_tap()
        lanlet = self.enterContext(Lanlet())
        out = vde.run_in_namespace(lanlet.vde, "ip link set vde0 up; ip address add 192.168.122.77/24 dev vde0; "
                                               f"ping -c 2 -i 0.2 -s 4000 {GATEWAY}")
        self.assertIn("2 received", out)
        self.assertIn('attached by "vdens', lanlet.text())
