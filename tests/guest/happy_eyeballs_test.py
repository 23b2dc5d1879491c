# SPDX-License-Identifier: GPL-2.0-or-later
"""Programs that know addresses of both families (RFC 8305) never wait for IPv6 that does not work."""

import unittest

from lan import outside, tap
from lan.process import Lanlet
from lan.programs import need
from lan.wait import wait_until

PREFIX = "fd12:3456:789a::/64"
MAC = "52:54:00:00:00:01"
ADDRESS = "192.168.122.50"
FALL_BACK = 40  # seconds after which curl tries IPv4 beside IPv6, much longer than a request takes


def setUpModule():
    tap.need_tap()
    need("curl")


def has_default_route(guest):
    return "proto ra" in guest.check("ip", "-6", "route", "show", "default")


class HappyEyeballs(unittest.TestCase):
    def begin(self, **host):
        self.enterContext(outside.Outside(**host))
        lanlet = self.enterContext(Lanlet("--ipv6", PREFIX))
        guest = self.enterContext(tap.TapGuest(lanlet.stream, MAC))
        guest.set_address(ADDRESS)
        guest.check("sh", "-c", "until ip -6 address show dev eth0 scope global -tentative | grep -q inet6; do sleep 0.1; done")
        return guest

    def fetched_from(self, guest):
        """The server's address that curl used.  It tries IPv6 first, and falls back to IPv4 only when it is told that IPv6 fails."""
        done = guest.check(
            "curl", "-sS", "-o", "/dev/null", "-w", "%{remote_ip} %{time_total}", "--happy-eyeballs-timeout-ms", FALL_BACK * 1000,
            "--resolve", f"both.example:80:[{outside.FAR6}],{outside.FAR}", "http://both.example/who")
        address, seconds = done.split()
        self.assertLess(float(seconds), FALL_BACK / 2)
        return address

    def route(self, what):
        outside.run("ip", "-6", "route", what, "default", "via", outside.ROUTER6)

    def test_host_with_ipv6_is_used_with_ipv6(self):
        guest = self.begin(ipv6=True)
        wait_until(lambda: has_default_route(guest), "a default route")
        self.assertEqual(self.fetched_from(guest), outside.FAR6)

    def test_host_without_ipv6_costs_no_time(self):
        guest = self.begin()
        self.assertEqual(self.fetched_from(guest), outside.FAR)
        # Also a guest that believes to have a way.
        guest.check("ip", "-6", "route", "add", "default", "via", "fe80::1", "dev", "eth0")
        self.assertEqual(self.fetched_from(guest), outside.FAR)

    def test_host_that_gets_and_loses_ipv6(self):
        guest = self.begin(ipv6=True)
        wait_until(lambda: has_default_route(guest), "a default route")
        self.route("del")
        self.assertEqual(self.fetched_from(guest), outside.FAR)  # the guest may not have been told yet
        wait_until(lambda: not has_default_route(guest), "the loss of the route")
        self.assertEqual(self.fetched_from(guest), outside.FAR)
        self.route("add")
        wait_until(lambda: has_default_route(guest), "the route again")
        self.assertEqual(self.fetched_from(guest), outside.FAR6)
