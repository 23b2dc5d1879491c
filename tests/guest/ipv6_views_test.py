# SPDX-License-Identifier: GPL-2.0-or-later
"""What commands, the API and captures show of a guest that has IPv6 only."""

import subprocess
import unittest

from lan import capture, outside, tap
from lan.process import Lanlet
from lan.programs import needs
from lan.wait import PATIENCE, wait_until

PREFIX = "fd12:3456:789a::/64"
WEB_MAC = "52:54:00:00:00:01"
WEB6 = "fd12:3456:789a:0:5054:ff:fe00:1"

# Holds a connection and a datagram mapping open, once it has printed "ready".
HOLD = """
import socket, sys, time
s = socket.create_connection((sys.argv[1], 80), 30)
u = socket.socket(socket.AF_INET6, socket.SOCK_DGRAM)
u.settimeout(30)
u.sendto(b"x", (sys.argv[1], 7))
u.recv(100)
print("ready", flush=True)
time.sleep(600)
"""

setUpModule = tap.need_tap


class Views(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.enterClassContext(outside.Outside(ipv6=True))
        cls.lanlet = cls.enterClassContext(Lanlet("--ipv6", PREFIX, "--host", f"{WEB_MAC},web"))
        cls.web = cls.enterClassContext(tap.TapGuest(cls.lanlet.stream, WEB_MAC))
        wait_until(lambda: "proto ra" in cls.web.check("ip", "-6", "route", "show", "default"), "a default route")
        cls.address = cls.lanlet.ask("wait", "web", "--ipv6", "--timeout", str(PATIENCE)).strip()
        cls.enterClassContext(cls.web.start_python(HOLD, outside.FAR6))

    def test_wait_prints_the_address(self):
        self.assertEqual(self.address, WEB6)
        self.assertEqual(self.lanlet.ask("wait", WEB_MAC, "--ipv6", "--timeout", str(PATIENCE)).strip(), WEB6)

    def test_flows_are_found_by_name_and_address(self):
        for words in ([], ["--guest", "web"], ["--guest", "WEB"], ["--guest", WEB6], ["--remote", outside.FAR6], ["--port", "7"]):
            with self.subTest(words=words):
                listed = self.lanlet.ask("flows", *words)
                self.assertRegex(listed, r"udp +web:\d+ +-> +\[2a00:1450:4001:5::5\]:7 ")
        self.assertIn("tcp", self.lanlet.ask("flows", "--guest", "web", "--protocol", "tcp"))
        self.assertEqual(len(self.lanlet.ask("flows", "--remote", "2a00::1").splitlines()), 1)
        self.assertIn("there is no guest called nobody", self.lanlet.ask("flows", "--guest", "nobody", code=5))

    def test_api_lists_flows(self):
        found = self.lanlet.api.get(f"/v1/flows?guest={WEB6}&remote={outside.FAR6}&port=80")["flows"]
        self.assertEqual([(f["guest"]["address"], f["guest_name"], f["remote"]["address"]) for f in found], [(WEB6, "web", outside.FAR6)])

    def test_pings_are_flows_of_icmp(self):
        self.web.check("ping", "-c", "1", outside.FAR6)
        self.assertRegex(self.lanlet.ask("flows", "--protocol", "icmp"), r"icmp +web")

    def test_top_shows_the_guest(self):
        self.assertIn("web", self.lanlet.ask("top", "--interval", "0.2"))

    def test_guest_that_appears_is_an_event(self):
        with self.lanlet.begin("events", "--after", "0") as events:
            line = next(line for line in events.stdout if WEB6 in line)
        self.assertRegex(line, rf"guest-seen +{WEB6} +{WEB_MAC} +web")

    def test_metrics_count_the_flows(self):
        self.assertRegex(self.lanlet.api.request("GET", "/metrics")[2], r"lanlet_flows_tcp\{[^}]*\} [1-9]")

    def test_doctor_finds_nothing_wrong(self):
        done = self.lanlet.run("doctor")
        self.assertNotIn("IPv6", "".join(line for line in done.stdout.splitlines() if "warn" in line or "fail" in line))

    @needs("tshark")
    def test_captures_are_filtered_by_guest_and_address(self):
        for words in (["web"], [WEB6], [WEB_MAC, "icmp6"], ["ip6"], [f"host {WEB6}"], ["icmp6"]):
            with self.subTest(words=words), capture.Capture(self.lanlet, *words) as recorded:
                self.web.check("ping", "-c", "1", outside.FAR6)
                recorded.finish()
                shown = subprocess.run(
                    ["tshark", "-r", recorded.path, "-Y", "icmpv6.type == 128"], capture_output=True, text=True, timeout=PATIENCE).stdout
                self.assertIn(WEB6, shown)
        with capture.Capture(self.lanlet, "ip") as recorded:
            self.web.check("ping", "-c", "1", outside.FAR6)
            recorded.finish()
            shown = subprocess.run(["tshark", "-r", recorded.path, "-Y", "ipv6"], capture_output=True, text=True, timeout=PATIENCE)
            self.assertEqual(shown.stdout, "")
