# SPDX-License-Identifier: GPL-2.0-or-later
"""VXLAN and Geneve between guests, whose kernels may leave the checksums of packets inside to their network cards."""

import subprocess
import unittest
from pathlib import Path

from lan import servers, tap, vm
from lan.offload_tap import OffloadTapGuest
from lan.process import Lanlet

SIZE = servers.BLOB_SIZE
PATIENCE = 240.0  # seconds for one transfer; two on an idle machine
FAR = "10.9.0.{}"  # addresses inside of the tunnel

IP = "/bin/ip"  # iproute2's: busybox's shell would run its own, which ignores what it does not know

# What `ip link add` takes behind the device's type.
TUNNELS = {
    "vxlan": "vxlan id 42 dstport 4789 local {ours} remote {theirs} dev eth0",
    "vxlan with UDP checksums": "vxlan id 42 dstport 4789 local {ours} remote {theirs} dev eth0 udpcsum",
    "geneve": "geneve id 42 remote {theirs}",
    "geneve with UDP checksums": "geneve id 42 remote {theirs} udpcsum",
}

TESTS = Path(__file__).parents[1]
# In a guest: serves as `outside` does.
SERVE = f"""
import signal, sys
sys.path.insert(0, {str(TESTS)!r})
from lan import servers
servers.serve_everything("0.0.0.0")
print("ready", flush=True)
signal.pause()
"""
# Downloads SIZE bytes from the URL and uploads as many; prints both checksums.
EXCHANGE = """
import hashlib, sys, urllib.request
url, size = sys.argv[1], int(sys.argv[2])
blob = urllib.request.urlopen(f"{url}/{size}", timeout=120).read()
print(hashlib.sha256(blob).hexdigest())
print(urllib.request.urlopen(urllib.request.Request(url, blob, method="PUT"), timeout=120).read().decode())
"""


def false_offloads(lanlet):
    """Frames that were dropped because of their offload metadata."""
    return next(drop["count"] for drop in lanlet.api.get("/v1/drops")["drops"] if drop["reason"] == "offload")


class MachinesTest(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        vm.need_vm(vm.all_drivers())
        cls.lanlet = cls.enterClassContext(Lanlet())
        cards = {
            "one": vm.vhost_card(cls.lanlet.vhost, "52:54:00:00:00:01"),
            "two": vm.vhost_card(cls.lanlet.vhost, "52:54:00:00:00:02"),
            "stream": vm.card(cls.lanlet.stream, "52:54:00:00:00:03"),
        }
        cls.guests = [
            cls.enterClassContext(vm.Guest(card, name, programs=["ip"], kernel=vm.all_drivers())) for name, card in cards.items()
        ]
        cls.ips = [guest.lease()["ip"] for guest in cls.guests]
        for guest in cls.guests:
            guest.check(f"mkdir -p /www && dd if=/dev/urandom of=/www/blob bs=64k count={SIZE >> 16} 2>/dev/null && httpd -h /www")
        cls.sums = [guest.check("sha256sum </www/blob").split()[0] for guest in cls.guests]

    def tunnel(self, kind, ends):
        """Between the two guests with these numbers, until the test ends."""
        for number in ends:
            other = ends[1 - ends.index(number)]
            guest = self.guests[number]
            words = TUNNELS[kind].format(ours=self.ips[number], theirs=self.ips[other])
            guest.check(f"{IP} link add tun0 type {words} && ip addr add {FAR.format(number + 1)}/24 dev tun0 && ip link set tun0 up")
            self.addCleanup(guest.check, "ip link delete tun0")

    def assert_carries(self, kind, ends):
        self.tunnel(kind, ends)
        for number in ends:
            other = ends[1 - ends.index(number)]
            with self.subTest(to=self.guests[number].name):
                self.guests[number].check(f"ping -c 2 -i 0.2 -W 10 {FAR.format(other + 1)}")
                out = self.guests[number].check(f"wget -q -O - http://{FAR.format(other + 1)}/blob | sha256sum", PATIENCE)
                self.assertEqual(out.split()[0], self.sums[other])
        self.assertEqual(false_offloads(self.lanlet), 0)


def case_for(kind, ends):
    return lambda self: self.assert_carries(kind, ends)


for _kind in TUNNELS:
    for _name, _ends in {"vhost_user_guests": (0, 1), "vhost_user_and_stream": (0, 2)}.items():
        setattr(MachinesTest, f"test_{_kind.replace(' ', '_')}_between_{_name}", case_for(_kind, _ends))


class OffloadTest(unittest.TestCase):
    """Namespaces of this machine's kernel, on cards to which it leaves the checksums of packets inside of VXLAN."""

    @classmethod
    def setUpClass(cls):
        tap.need_tap()
        made = subprocess.run("ip link add tun0 type vxlan id 42 dstport 4789".split(), capture_output=True)
        if made.returncode:
            raise unittest.SkipTest(f"no VXLAN in this kernel: {made.stderr.decode().strip()}")
        subprocess.run(["ip", "link", "delete", "tun0"], check=True)
        cls.lanlet = cls.enterClassContext(Lanlet())

    def guest(self, kind, socket, number):
        guest = self.enterContext(kind(socket, f"52:54:00:00:00:{number:02x}"))
        ours, theirs = (f"192.168.122.{10 + end}" for end in (number, 3 - number))
        guest.set_address(ours)
        words = TUNNELS["vxlan"].format(ours=ours, theirs=theirs)
        guest.check("ip", "link", "add", "tun0", "type", *words.split())
        guest.check("ip", "address", "add", f"{FAR.format(number)}/24", "dev", "tun0")
        guest.check("ip", "link", "set", "tun0", "up")
        return guest

    def assert_carries(self, one, two):
        with two.start_python(SERVE):
            out = one.python(EXCHANGE, f"http://{FAR.format(2)}", SIZE, timeout=PATIENCE)
        self.assertEqual(out.split(), [servers.blob_sha256(SIZE)] * 2)
        self.assertEqual(false_offloads(self.lanlet), 0)

    def test_offloaded_checksums_inside_reach_a_vhost_user_guest(self):
        self.assert_carries(self.guest(OffloadTapGuest, self.lanlet.vhost, 1), self.guest(OffloadTapGuest, self.lanlet.vhost, 2))

    def test_offloaded_checksums_inside_reach_a_stream_guest(self):
        self.assert_carries(self.guest(OffloadTapGuest, self.lanlet.vhost, 1), self.guest(tap.TapGuest, self.lanlet.stream, 2))
