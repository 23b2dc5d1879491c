# SPDX-License-Identifier: GPL-2.0-or-later
"""Linux guests on every link: alone, restarted, and all on one network."""

import socket
import subprocess
import tempfile
import unittest

from lan import outside, servers, tap, vm
from lan.process import Lanlet, unprivileged
from lan.programs import LANLET, Program, check

GATEWAY = "192.168.122.1"


def mac(number):
    return f"52:54:00:00:00:{number:02x}"


setUpModule = vm.need_vm


def knows_vde():
    return "vde" in check("qemu-system-x86_64", "-M", "none", "-netdev", "help").split()


class TestCase(unittest.TestCase):
    def pair(self, kind):
        """The two ends of a socket pair, as descriptors to pass on."""
        ends = socket.socketpair(socket.AF_UNIX, kind)
        for end in ends:
            self.addCleanup(end.close)
        return [end.fileno() for end in ends]

    def guest(self, card, name, fds=()):
        return self.enterContext(vm.Guest(card, name, fds=fds))

    def serve(self, guest):
        """Serves 4 MB in the guest; returns their checksum."""
        guest.check("mkdir -p /www; dd if=/dev/urandom of=/www/blob bs=64k count=64 2>/dev/null; httpd -h /www")
        return guest.check("sha256sum </www/blob").split()[0]

    def assert_reaches(self, guest, target):
        self.assertIn("2 packets received", guest.check(f"ping -c 2 -i 0.2 -W 20 {target}", 90))

    def assert_reach_each_other(self, guests):
        sums = {guest.name: self.serve(guest) for guest in guests}
        for server in guests:
            for client in guests:
                if client is server:
                    continue
                with self.subTest(client=client.name, server=server.name):
                    self.assert_reaches(client, server.name)
                    got = client.check(f"wget -q -O - http://{server.name}/blob | sha256sum", 180).split()[0]
                    self.assertEqual(got, sums[server.name])


class OneNetworkTest(TestCase):
    """stream, dgram, VDE and vhost-user on one switch."""

    def test_guests_on_all_links_reach_each_other_and_the_outside(self):
        self.enterContext(outside.Outside())
        lanlet = self.enterContext(Lanlet("--dns", outside.ROUTER))
        cards = {
            "stream": vm.card(lanlet.stream, mac(1)),
            "dgram": vm.dgram_card(lanlet.runtime / "own", lanlet.dgram, mac(2)),
            "vhost": vm.vhost_card(lanlet.vhost, mac(3)),
        }
        if knows_vde():
            cards["vde"] = vm.netdev_card(f"vde,sock={lanlet.vde}", mac(4))
        guests = [self.guest(card, name) for name, card in cards.items()]
        for guest in guests:
            guest.lease()
        for name in cards:
            self.assertTrue(any(port.startswith(name) for port in lanlet.ports()), name)
        self.assert_reach_each_other(guests)
        for guest in guests:
            with self.subTest(outside=guest.name):
                got = guest.check(f"wget -q -O - http://{outside.ROUTER}/{4 << 20} | sha256sum", 180).split()[0]
                self.assertEqual(got, servers.blob_sha256(4 << 20))
                self.assertIn("2 packets received", guest.check(f"ping -c 2 -i 0.2 -W 20 -s 8000 {GATEWAY}", 90))


class DatagramTest(TestCase):
    def test_guests_on_one_datagram_socket_reach_each_other(self):
        lanlet = self.enterContext(Lanlet())
        guests = [self.guest(vm.dgram_card(lanlet.runtime / name, lanlet.dgram, mac(number)), name)
                  for number, name in enumerate(("one", "two"))]
        for guest in guests:
            guest.lease()
        self.assert_reach_each_other(guests)
        self.assertEqual(len([port for port in lanlet.ports() if port.startswith("dgram")]), 2)

    def test_guest_that_qemu_starts_anew_at_its_path_has_its_address_again(self):
        lanlet = self.enterContext(Lanlet())
        ips = []
        for _ in range(2):
            with vm.Guest(lanlet.qemu_arguments("web", "--dgram"), "web") as guest:
                ips.append(guest.lease()["ip"])
                self.assert_reaches(guest, GATEWAY)
        self.assertEqual(ips[0], ips[1])

    def test_guest_outlives_kill_9_of_lanlet(self):
        lanlet = self.enterContext(Lanlet())
        guest = self.guest(lanlet.qemu_arguments("web", "--dgram"), "web")
        ip = guest.lease()["ip"]
        lanlet.wait_for_lease(guest.mac)
        lanlet.kill()
        lanlet.start()
        guest.check(f"ping -c 1 -W 20 {GATEWAY} || ping -c 3 -W 10 {GATEWAY}", 90)
        self.assertEqual(guest.lease()["ip"], ip)

    def test_udp_between_two_addresses(self):
        ours, theirs = "127.0.0.1:5601", "127.0.0.1:5602"  # of this test's own namespace
        lanlet = self.enterContext(Lanlet("--udp", f"{ours},{theirs},name=web"))
        host, port = theirs.split(":")
        peer_host, peer_port = ours.split(":")
        guest = self.guest(vm.netdev_card(
            f"dgram,local.type=inet,local.host={host},local.port={port},remote.type=inet,remote.host={peer_host},remote.port={peer_port}",
            mac(1)), "web")
        self.assertNotIn("mtu", guest.lease("-O mtu"))
        self.assert_reaches(guest, GATEWAY)
        self.assertIn("web", lanlet.ports())


class DescriptorTest(TestCase):
    """A parent process starts both and passes each an end of a socket pair."""

    def check(self, kind, netdev, mtu):
        ours, theirs = self.pair(kind)
        lanlet = self.enterContext(Lanlet("--fd", f"{ours},name=web,mac={mac(1)}", fds=[ours]))
        guest = self.guest(vm.netdev_card(netdev(theirs), mac(1)), "web", [theirs])
        self.assertEqual(guest.lease("-O mtu").get("mtu"), mtu)
        self.assert_reaches(guest, GATEWAY)
        self.assertIn("web", lanlet.ports())

    def test_stream_with_an_address_of_type_fd(self):
        self.check(socket.SOCK_STREAM, lambda fd: f"stream,addr.type=fd,addr.str={fd}", "65520")

    def test_socket_with_a_stream_descriptor(self):
        self.check(socket.SOCK_STREAM, lambda fd: f"socket,fd={fd}", "65520")

    def test_dgram_with_a_local_end_of_type_fd(self):
        self.check(socket.SOCK_DGRAM, lambda fd: f"dgram,local.type=fd,local.str={fd}", "65520")

    def test_vhost_user_by_a_listening_descriptor(self):
        """QEMU 7.2 takes no descriptor for its vhost-user end."""
        directory = self.enterContext(tempfile.TemporaryDirectory())
        with socket.socket(socket.AF_UNIX) as listener:
            listener.bind(f"{directory}/vhost")
            listener.listen(1)
            lanlet = self.enterContext(Lanlet("--fd", f"{listener.fileno()},type=vhost", fds=[listener.fileno()]))
        guest = self.guest(vm.vhost_card(f"{directory}/vhost", mac(1)), "web")
        guest.lease()
        self.assert_reaches(guest, GATEWAY)
        self.assertTrue(any(port.startswith("vhost") for port in lanlet.ports()))


class ServerTest(TestCase):
    """QEMU listens and lanlet connects."""

    def test_guest_that_listens_outlives_restarts_of_lanlet(self):
        lanlet = Lanlet()
        path = lanlet.directory / "guest.sock"
        lanlet.options = ("--connect", f"{path},name=web,mac={mac(1)}")
        self.enterContext(lanlet)
        guest = self.guest(vm.netdev_card(f"stream,server=on,addr.type=unix,addr.path={path}", mac(1)), "web")
        ip = guest.lease()["ip"]
        lanlet.wait_for_lease(guest.mac)
        self.assertIn("web", lanlet.ports())
        for end in (lanlet.stop, lanlet.kill):
            end()
            lanlet.start()
            guest.check(f"ping -c 1 -W 20 {GATEWAY} || ping -c 3 -W 10 {GATEWAY}", 90)
            self.assertEqual(guest.lease()["ip"], ip)

    def test_lanlet_finds_a_guest_that_starts_later_and_again(self):
        lanlet = Lanlet()
        path = lanlet.directory / "guest.sock"
        lanlet.options = ("--connect", str(path))
        self.enterContext(lanlet)
        for _ in range(2):
            with vm.Guest(vm.netdev_card(f"stream,server=on,addr.type=unix,addr.path={path}", mac(1)), "web") as guest:
                guest.lease()
                self.assert_reaches(guest, GATEWAY)


class TapTest(TestCase):
    """A monitor that knows taps only, as Firecracker, in the namespace of `lanlet exec`; QEMU's tap netdev plays it."""

    def words(self, lanlet, *command):
        return [
            *unprivileged(), LANLET, "exec", "--runtime-dir", str(lanlet.runtime), "--", *command,
        ]

    def test_tap_bridged_to_a_namespace_of_the_network_connects_a_guest(self):
        tap.need_tap()
        lanlet = self.enterContext(Lanlet())
        trial = subprocess.run(self.words(lanlet, "ip", "link", "add", "br0", "type", "bridge"), capture_output=True, text=True, timeout=60)
        if trial.returncode:
            self.skipTest(f"no bridge for ordinary users here: {trial.stderr.strip()}")
        script = (
            "ip addr flush dev eth0;"
            "ip link add br0 type bridge && ip link set eth0 master br0 && ip link set br0 up &&"
            "ip tuntap add tap0 mode tap && ip link set tap0 master br0 up &&"
            "exec qemu-system-x86_64 -accel tcg -nodefaults -display none -no-user-config -boot n -m 160"
            f" -netdev tap,id=n,ifname=tap0,script=no,downscript=no -device virtio-net-pci,netdev=n,mac={mac(9)}")
        monitor = self.enterContext(Program(self.words(lanlet, "sh", "-c", script)))
        self.addCleanup(monitor.terminate)  # exec passes it on to QEMU
        lanlet.wait_for_lease(mac(9), vm.BOOT_PATIENCE)  # its boot ROM's
