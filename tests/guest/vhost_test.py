# SPDX-License-Identifier: GPL-2.0-or-later
"""Linux guests on vhost-user, beside one on a stream socket."""

import re
import tempfile
import time
import unittest

from lan import outside, servers, vm
from lan.process import Lanlet

GATEWAY = "192.168.122.1"
ONE, TWO, THREE = (f"52:54:00:00:00:{number:02x}" for number in (1, 2, 3))

# Bits of virtio-net's features, by what ethtool calls them.
CSUM, GUEST_CSUM, GUEST_TSO4, GUEST_TSO6, HOST_TSO4, HOST_TSO6, MRG_RXBUF = 0, 1, 7, 8, 11, 12, 15
WITHOUT_OFFLOADS = {name: "off" for name in (
    "csum", "guest_csum", "gso", "guest_tso4", "guest_tso6", "guest_ecn", "guest_ufo", "host_tso4", "host_tso6", "host_ecn", "host_ufo",
    "mrg_rxbuf")}


setUpModule = vm.need_vm


def features(guest):
    bits = guest.check("cat /sys/class/net/eth0/device/features").strip()
    return {number for number, bit in enumerate(bits) if bit == "1"}


def steer(guest, queues):
    """Has processor N handle what comes by queue N.  The driver counts frames per queue only before Linux 6.10."""
    for queue in range(queues):
        guest.check(f"echo {1 << queue:x} >/sys/class/net/eth0/queues/rx-{queue}/rps_cpus")


def received(guest):
    """The number of frames received on each queue, after steer(): those that each processor handled."""
    return [int(line.split()[0], 16) for line in guest.check("cat /proc/net/softnet_stat").splitlines()]


def drops(lanlet):
    return {name: int(count) for name, count in re.findall(r"^(vhost-\S+) +(\d+)", lanlet.status(), re.M)}


class ThreeGuestsTest(unittest.TestCase):
    """Two guests on vhost-user, one of them without offloads, and one on a stream socket."""

    @classmethod
    def setUpClass(cls):
        cls.outside = cls.enterClassContext(outside.Outside())
        cls.lanlet = cls.enterClassContext(Lanlet("--dns", outside.ROUTER))
        cls.full = cls.enterClassContext(vm.Guest(vm.vhost_card(cls.lanlet.vhost, ONE), "full"))
        cls.plain = cls.enterClassContext(vm.Guest(vm.vhost_card(cls.lanlet.vhost, TWO, **WITHOUT_OFFLOADS), "plain"))
        cls.stream = cls.enterClassContext(vm.Guest(vm.card(cls.lanlet.stream, THREE), "stream"))
        cls.guests = (cls.full, cls.plain, cls.stream)
        cls.leases = {guest.name: guest.lease() for guest in cls.guests}
        for guest in cls.guests:
            guest.check("mkdir -p /www; dd if=/dev/urandom of=/www/blob bs=64k count=64 2>/dev/null; httpd -h /www")

    def test_offloads_are_what_was_asked_for(self):
        self.assertLessEqual({CSUM, GUEST_CSUM, GUEST_TSO4, GUEST_TSO6, HOST_TSO4, HOST_TSO6, MRG_RXBUF}, features(self.full))
        self.assertFalse({CSUM, GUEST_CSUM, GUEST_TSO4, GUEST_TSO6, HOST_TSO4, HOST_TSO6, MRG_RXBUF} & features(self.plain))

    def test_guests_have_the_ordinary_mtu(self):
        self.assertEqual(self.full.check("cat /sys/class/net/eth0/mtu").strip(), "1500")

    def test_guests_ping_the_gateway_and_one_another_by_name(self):
        for guest in self.guests:
            for target in (GATEWAY, *(other.name for other in self.guests if other is not guest)):
                with self.subTest(guest=guest.name, target=target):
                    self.assertIn("2 packets received", guest.check(f"ping -c 2 -i 0.2 {target}"))

    def test_large_datagrams_pass_in_fragments(self):
        for guest in self.guests:
            self.assertIn("2 packets received", guest.check(f"ping -c 2 -i 0.2 -s 8000 {GATEWAY}"))

    def test_downloads_are_whole(self):
        for guest in (self.full, self.plain):
            with self.subTest(guest=guest.name):
                out = guest.check(f"wget -q -O - http://{outside.ROUTER}/{servers.BLOB_SIZE} | sha256sum", 180)
                self.assertEqual(out.split()[0], servers.blob_sha256())

    def test_uploads_are_whole(self):
        size = 4 << 20
        request = f"PUT / HTTP/1.0\\r\\nContent-Length: {size}\\r\\n\\r\\n"
        for guest in (self.full, self.plain):
            with self.subTest(guest=guest.name):
                answer = guest.check(
                    f"(printf '{request}'; cat /www/blob; sleep 5) | nc {outside.ROUTER} 80 | tail -n 1; echo; sha256sum </www/blob", 120)
                received, sent = (word for word in answer.split() if len(word) == 64)
                self.assertEqual(received, sent)

    def test_files_pass_whole_between_all_guests(self):
        for server in self.guests:
            expected = server.check("sha256sum </www/blob").split()[0]
            for guest in self.guests:
                if guest is not server:
                    with self.subTest(server=server.name, guest=guest.name):
                        self.assertEqual(guest.check(f"wget -q -O - http://{server.name}/blob | sha256sum", 120).split()[0], expected)

    def test_no_ring_or_message_was_invalid(self):
        found = drops(self.lanlet)
        self.assertFalse({"vhost-ring", "vhost-message", "vhost-memory", "vhost-header", "vhost-buffer"} & set(found), found)


class LifeTest(unittest.TestCase):
    def test_guest_outlives_kill_9_of_lanlet(self):
        lanlet = self.enterContext(Lanlet())
        guest = self.enterContext(vm.Guest(vm.vhost_card(lanlet.vhost, ONE, reconnect=True), "one"))
        lease = guest.lease()
        lanlet.wait_for_lease(ONE)
        lanlet.kill()
        lanlet.start()
        guest.check(f"ping -c 1 -W 15 {GATEWAY} || ping -c 3 -W 5 {GATEWAY}", 60)
        self.assertEqual(guest.lease()["ip"], lease["ip"])

    def test_driver_is_unloaded_and_loaded_again(self):
        lanlet = self.enterContext(Lanlet())
        guest = self.enterContext(vm.Guest(vm.vhost_card(lanlet.vhost, ONE), "one"))
        lease = guest.lease()
        for _ in range(3):
            guest.check("rmmod virtio_net && insmod /modules/*virtio_net.ko")
            guest.check("ip link set eth0 up")
            self.assertEqual(guest.lease()["ip"], lease["ip"])

    def test_busy_polling_serves_all_and_ends_when_nothing_comes(self):
        self.enterContext(outside.Outside())
        lanlet = self.enterContext(Lanlet("--dns", outside.ROUTER, "--busy-poll", "500"))
        one = self.enterContext(vm.Guest(vm.vhost_card(lanlet.vhost, ONE), "one"))
        two = self.enterContext(vm.Guest(vm.card(lanlet.stream, TWO), "two"))
        for guest in (one, two):
            guest.lease()
            out = guest.check(f"wget -q -O - http://{outside.ROUTER}/{servers.BLOB_SIZE} | sha256sum", 180)
            self.assertEqual(out.split()[0], servers.blob_sha256())
            self.assertIn("20 packets received", guest.check(f"ping -c 20 -i 0.01 {GATEWAY}"))
        before = lanlet.cpu_seconds()
        time.sleep(3)
        self.assertLess(lanlet.cpu_seconds() - before, 1)

    def test_guest_reboots(self):
        lanlet = self.enterContext(Lanlet())
        guest = self.enterContext(vm.Guest(vm.vhost_card(lanlet.vhost, ONE), "one"))
        lease = guest.lease()
        for _ in range(2):
            guest.reboot()
            self.assertEqual(guest.lease()["ip"], lease["ip"])
            self.assertIn("2 packets received", guest.check(f"ping -c 2 -i 0.2 {GATEWAY}"))

    def test_qemu_may_be_the_server(self):
        directory = self.enterContext(tempfile.TemporaryDirectory(prefix="lanlet-vhost-"))
        path = f"{directory}/guest.sock"
        lanlet = self.enterContext(Lanlet("--vhost-connect", path))  # long before anybody listens
        with vm.Guest(vm.vhost_card(path, ONE, server=True), "one") as guest:
            lease = guest.lease()
            lanlet.wait_for_lease(ONE)
            lanlet.kill()
            lanlet.start()
            guest.check(f"ping -c 1 -W 30 {GATEWAY} || ping -c 3 -W 10 {GATEWAY}", 120)
        with vm.Guest(vm.vhost_card(path, ONE, server=True), "one") as guest:  # another one, at the same place
            self.assertEqual(guest.lease()["ip"], lease["ip"])

    def test_each_processor_of_a_guest_gets_the_answers_to_what_it_sends(self):
        self.enterContext(outside.Outside())
        lanlet = self.enterContext(Lanlet("--dns", outside.ROUTER))
        guest = self.enterContext(vm.Guest([*vm.vhost_card(lanlet.vhost, ONE, queues=2), "-smp", "2"], "one"))
        guest.lease()
        steer(guest, 2)
        self.assertEqual(guest.check("ls /sys/class/net/eth0/queues | grep -c tx").strip(), "2")
        guest.check(f"ping -c 1 {GATEWAY}")
        for cpu in (0, 1):
            before = received(guest)
            # Questions by UDP, each from a port of its own.
            asked = f"for i in $(seq 20); do nslookup -type=a $i.example.test {GATEWAY}; done | grep -c NXDOMAIN"
            self.assertEqual(guest.check(f"taskset {1 << cpu} sh -c '{asked}'").strip(), "20")
            grown = [now - then for now, then in zip(received(guest), before)]
            self.assertGreaterEqual(grown[cpu], 20, grown)
            self.assertLess(grown[1 - cpu], 20, grown)

    def test_firmware_gets_a_lease(self):
        lanlet = self.enterContext(Lanlet())
        with vm.NetworkBoot(vm.vhost_card(lanlet.vhost, ONE)) as machine:
            pattern = r"net0: (192\.168\.122\.\d+)/255\.255\.255\.0 gw 192\.168\.122\.1"
            found = machine.wait_for(lambda: re.search(pattern, machine.console()), "iPXE's lease")
            self.assertEqual(lanlet.wait_for_lease(machine.mac)[1], found[1])
