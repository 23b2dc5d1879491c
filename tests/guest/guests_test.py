# SPDX-License-Identifier: GPL-2.0-or-later
"""Two Linux guests on one network, used as a user of lanlet does."""

import re
import subprocess
import unittest
from pathlib import Path

from lan import dns, outside, servers, vm
from lan.process import Lanlet

GATEWAY = "192.168.122.1"
ONE = "52:54:00:00:00:01"


setUpModule = vm.need_vm


def shell_bytes(data):
    """A printf format that prints these bytes."""
    return "".join(f"\\{byte:03o}" for byte in data)


class TwoGuestsTest(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.outside = cls.enterClassContext(outside.Outside())
        cls.lanlet = cls.enterClassContext(Lanlet("--dns", outside.ROUTER))
        cls.one = cls.enterClassContext(vm.Guest(vm.card(cls.lanlet.stream, ONE), "one"))
        cls.two = cls.enterClassContext(vm.Guest(cls.lanlet.qemu_arguments("two"), "two"))
        cls.leases = {"one": cls.one.lease(), "two": cls.two.lease()}

    def test_lease_tells_what_a_guest_needs(self):
        lease = self.leases["one"]
        self.assertRegex(lease["ip"], r"^192\.168\.122\.\d+$")
        self.assertEqual(lease["mask"], "24")
        self.assertEqual(lease["router"], GATEWAY)
        self.assertEqual(lease["dns"], GATEWAY)
        self.assertEqual(lease["serverid"], GATEWAY)
        self.assertEqual(lease["domain"], "lanlet.internal")
        self.assertEqual(lease["lease"], "3600")

    def test_each_guest_has_an_address_of_its_own(self):
        self.assertNotEqual(self.leases["one"]["ip"], self.leases["two"]["ip"])
        self.assertNotIn(GATEWAY, [lease["ip"] for lease in self.leases.values()])

    def test_leases_are_in_the_file(self):
        _, ip, name, _ = self.lanlet.wait_for_lease(ONE)
        self.assertEqual((ip, name), (self.leases["one"]["ip"], "one"))

    def test_lease_is_the_same_when_asked_again(self):
        self.assertEqual(self.one.lease()["ip"], self.leases["one"]["ip"])

    def test_guest_resolves_its_own_and_the_others_name(self):
        for name, lease in self.leases.items():
            for form in (name, f"{name}.lanlet.internal"):
                self.assertIn(f"Address: {lease['ip']}\n", self.one.check(f"nslookup -type=a {form}. {GATEWAY}"))
        self.assertIn(f"({self.leases['two']['ip']})", self.one.check("ping -c 1 two"))

    def test_address_resolves_to_the_name(self):
        answer = self.one.check(f"nslookup {self.leases['two']['ip']} {GATEWAY}")
        self.assertIn("name = two.lanlet.internal", answer)

    def test_guests_ping_each_other_and_the_gateway(self):
        for guest, target in ((self.one, self.leases["two"]["ip"]), (self.two, self.leases["one"]["ip"]), (self.one, GATEWAY)):
            self.assertIn("3 packets received, 0% packet loss", guest.check(f"ping -c 3 -i 0.2 {target}"))

    def test_large_datagrams_pass_in_fragments(self):
        for target in (self.leases["two"]["ip"], GATEWAY):
            self.assertIn("2 packets received", self.one.check(f"ping -c 2 -i 0.2 -s 8000 {target}"))

    def test_large_packets_pass_whole_when_the_guest_asks_for_the_mtu(self):
        self.assertEqual(self.two.lease("-O mtu")["mtu"], "65520")
        self.addCleanup(self.two.check, "ip link set eth0 mtu 1500")
        one = self.leases["one"]["ip"]
        self.two.run(f"ping -c 1 -W 5 -s 30000 {one}")  # that guest has not shown that it takes so much: the sender learns its MTU
        for target in (GATEWAY, one):
            self.assertIn("2 packets received", self.two.check(f"ping -c 2 -i 0.2 -s 30000 {target}"))
        out = self.two.check(f"wget -q -O - http://{outside.ROUTER}/{1 << 20} | sha256sum")
        self.assertEqual(out.split()[0], servers.blob_sha256(1 << 20))

    def test_guest_pings_an_address_outside(self):
        out = self.one.check(f"ping -c 3 -i 0.2 {outside.FAR}")
        self.assertIn("3 packets received", out)
        self.assertIn("ttl=63", out)

    def test_traceroute_shows_the_way(self):
        out = self.one.check(f"traceroute -n -q 1 -m 4 {outside.FAR}")
        self.assertRegex(out, rf" 1  {GATEWAY} .*\n 2  {outside.FAR} ")

    def test_guest_downloads_20_megabytes_whole(self):
        for at in (outside.ROUTER, outside.FAR):
            out = self.one.check(f"wget -q -O - http://{at}/{servers.BLOB_SIZE} | sha256sum", 180)
            self.assertEqual(out.split()[0], servers.blob_sha256())

    def test_both_guests_download_at_once(self):
        size = 5 << 20
        guests = (self.one, self.two)
        for guest in guests:
            guest.start(f"wget -q -O - http://{outside.ROUTER}/{size} | sha256sum")
        for _, out in [guest.finish(120) for guest in guests]:
            self.assertEqual(out.split()[0], servers.blob_sha256(size))

    def test_guest_uploads_to_outside(self):
        size = 4 << 20
        request = f"PUT / HTTP/1.0\\r\\nContent-Length: {size}\\r\\n\\r\\n"
        self.one.check(f"dd if=/dev/urandom of=/tmp/up bs=64k count={size >> 16} 2>/dev/null")
        answer = self.one.check(f"(printf '{request}'; cat /tmp/up; sleep 3) | nc {outside.ROUTER} 80 | tail -n 1", 120)
        self.assertEqual(answer.strip(), self.one.check("sha256sum </tmp/up").split()[0])

    def test_udp_goes_both_ways(self):
        size = 40 << 10
        out = self.one.check(f"tftp -g -r {size} -l - {outside.ROUTER} | sha256sum")
        self.assertEqual(out.split()[0], servers.blob_sha256(size))

    def test_name_of_outside_resolves_by_the_upstream_server(self):
        self.assertIn(f"Address: {outside.FAR}\n", self.one.check(f"nslookup -type=a www.example.test. {GATEWAY}"))
        self.assertIn("NXDOMAIN", self.one.run(f"nslookup -type=a missing.example.test. {GATEWAY}")[1])

    def test_download_by_name(self):
        out = self.one.check("wget -q -O - http://www.example.test/1000 | sha256sum")
        self.assertEqual(out.split()[0], servers.blob_sha256(1000))

    def test_long_answer_comes_over_tcp(self):
        question = dns.Message(0x4242, "big.example.test", dns.TXT).emit()
        query = shell_bytes(len(question).to_bytes(2, "big") + question)
        answer = bytes.fromhex(self.one.check(f"(printf '{query}'; sleep 2) | nc {GATEWAY} 53 | xxd -p | tr -d '\\n'").strip())
        self.assertEqual(int.from_bytes(answer[:2], "big"), len(answer) - 2)
        self.assertEqual(len(dns.Message.parse(answer[2:]).answers), 20)

    def test_guests_reach_each_others_services(self):
        self.two.check("mkdir -p /www; dd if=/dev/urandom of=/www/blob bs=64k count=64 2>/dev/null; httpd -h /www")
        sums = self.one.check("wget -q -O - http://two/blob | sha256sum").split() + self.two.check("sha256sum </www/blob").split()
        self.assertEqual(sums[0], sums[2])

    def test_refused_connection_is_refused_at_once(self):
        status, out = self.one.run(f"nc -w 10 {outside.ROUTER} 9 </dev/null", 9)
        self.assertNotEqual(status, 0, out)
        self.assertIn("refused", out)


class ReconnectTest(unittest.TestCase):
    """The network ends below a running guest; QEMU 7.2 does not tell the guest."""

    def setUp(self):
        self.lanlet = self.enterContext(Lanlet())
        self.guest = self.enterContext(vm.Guest(vm.card(self.lanlet.stream, ONE, hub=True), "one"))
        self.lease = self.guest.lease()
        self.gateway_mac = self.neighbour()

    def neighbour(self):
        # QEMU connects in the background: a frame sent right after netdev_add() may find no connection yet.
        self.guest.check(f"ping -c 3 -W 5 {GATEWAY}")
        return self.guest.check(f"ip neigh show {GATEWAY}").split()[4]

    def test_guest_whose_cable_is_pulled_and_put_back_goes_on(self):
        self.guest.unplug()
        self.guest.plug(self.lanlet.stream)
        self.assertEqual(self.neighbour(), self.gateway_mac)
        self.assertEqual(self.guest.lease()["ip"], self.lease["ip"])

    def test_guest_outlives_kill_9_of_lanlet_with_its_lease(self):
        self.lanlet.wait_for_lease(ONE)
        self.lanlet.kill()
        self.guest.unplug()
        self.lanlet.start()
        self.guest.plug(self.lanlet.stream)
        self.assertEqual(self.neighbour(), self.gateway_mac)
        self.assertEqual(self.lanlet.wait_for_lease(ONE)[1], self.lease["ip"])
        self.assertEqual(self.guest.lease()["ip"], self.lease["ip"])


class NetworkBootTest(unittest.TestCase):
    def test_ipxe_gets_a_lease(self):
        with Lanlet() as lanlet, vm.NetworkBoot(lanlet.qemu_arguments("pxe")) as machine:
            pattern = r"net0: (192\.168\.122\.\d+)/255\.255\.255\.0 gw 192\.168\.122\.1"
            found = machine.wait_for(lambda: re.search(pattern, machine.console()), "iPXE's lease")
            self.assertEqual(lanlet.wait_for_lease(machine.mac)[1], found[1])


class TryTest(unittest.TestCase):
    def test_demo_of_contrib_try_succeeds(self):
        with outside.Outside():
            done = subprocess.run([Path(__file__).with_name("demo.py")], capture_output=True, text=True, timeout=300)
        self.assertEqual((done.returncode, done.stderr), (0, ""), done.stdout)
        self.assertIn(f"router ({outside.ROUTER})", done.stdout)
        self.assertIn("every byte right", done.stdout)
