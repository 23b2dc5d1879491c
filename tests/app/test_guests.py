# SPDX-License-Identifier: GPL-2.0-or-later
"""Declared guests: sockets of their own, names, and QEMU's arguments for them."""

import os
import re
import resource
import shlex
import socket
import stat
import subprocess
import threading

from lan import case, runner
from lan.client import Host
from lan.link import Packets, StreamClient
from lan.packet import BROADCAST, ETHERTYPE_ARP, Arp, Ethernet, address, text
from lan.programs import needs
from lan.wait import PATIENCE, wait_until

GATEWAY = "192.168.122.1"
WEB = b"\x52\x54\x00\x00\x00\x07"
OTHER = b"\x52\x54\x00\x00\x00\x09"
HOST = "52:54:00:00:00:07,192.168.122.7,web"


def arp_request(sender, own="192.168.122.7"):
    return Ethernet(BROADCAST, sender, ETHERTYPE_ARP, Arp(Arp.REQUEST, sender, address(own), bytes(6), address(GATEWAY)).emit()).emit()


class TestCase(case.TestCase):
    def socket(self, kind=socket.SOCK_STREAM):
        sock = socket.socket(socket.AF_UNIX, kind)
        self.addCleanup(sock.close)
        sock.settimeout(PATIENCE)
        return sock

    def connect(self, guest="web"):
        sock = self.socket()
        sock.connect(self.socket_path(f"guests/{guest}/stream.sock"))
        return StreamClient(sock)

    def assert_gateway_answers(self, link, mac=WEB, own="192.168.122.7"):
        self.assertEqual(len(Host(link, mac, own).resolve(address(GATEWAY))), 6)

    def guests(self):
        directory = self.socket_path("guests")
        return sorted(os.listdir(directory)) if os.path.isdir(directory) else []

    def all_ports(self, name):
        return [port for port in self.api.get("/v1/ports")["ports"] if port["name"] == name]

    def port(self, name="web"):
        return next(iter(self.all_ports(name)), None)

    def mac_for(self, *args):
        return re.search("mac=([0-9a-f:]+)", self.lanlet("qemu", *args).stdout)[1]


class Sockets(TestCase):
    def test_declared_guest_has_private_sockets_as_long_as_the_network_runs(self):
        process = self.start("--host", HOST, "--host", "52:54:00:00:00:08,192.168.122.8")
        self.assertEqual(self.guests(), ["web"])
        for name in ("guests", "guests/web"):
            self.assertEqual(stat.S_IMODE(os.stat(self.socket_path(name)).st_mode), 0o700)
        self.assertEqual(sorted(os.listdir(self.socket_path("guests/web"))), ["dgram.sock", "stream.sock", "vhost.sock"])
        for name in os.listdir(self.socket_path("guests/web")):
            mode = os.stat(self.socket_path("guests/web/" + name)).st_mode
            self.assertTrue(stat.S_ISSOCK(mode))
            self.assertEqual(stat.S_IMODE(mode), 0o600)
        process.stop()
        self.assertFalse(os.path.exists(self.socket_path("guests")))

    def test_port_has_the_guest_s_name_and_takes_its_mac_only(self):
        process = self.start("--host", HOST)
        link = self.connect()
        link.send(arp_request(OTHER))
        link.send(arp_request(OTHER))
        wait_until(lambda: self.port() and self.port()["drops"].get("pinned-mac") == 2, "the drops")
        self.assertEqual(process.text().count("warning: port web: frame from 52:54:00:00:00:09 dropped: this port is for the MAC "
                                              "52:54:00:00:00:07 only, which the guest's network card should have\n"), 1)
        self.assert_gateway_answers(link)
        self.assertEqual((self.port()["pinned"], self.port()["kind"], self.port()["guarded"]), ("52:54:00:00:00:07", "stream", True))
        self.assertIn("\nweb: pinned to 52:54:00:00:00:07\n", self.lanlet("status").stdout)

    def test_datagrams_to_the_guest_s_own_socket_are_its_port(self):
        self.start("--host", HOST)
        sock = self.socket(socket.SOCK_DGRAM)
        sock.bind(self.path("guest"))
        self.assert_gateway_answers(Packets(sock, self.socket_path("guests/web/dgram.sock")))
        self.assertEqual((self.port()["pinned"], self.port()["kind"]), ("52:54:00:00:00:07", "dgram"))

    def test_vhost_user_socket_is_the_guest_s_port(self):
        self.start("--host", HOST)
        self.socket().connect(self.socket_path("guests/web/vhost.sock"))
        sock = self.socket()
        sock.connect(self.socket_path("guests/web/vhost.sock"))
        wait_until(self.port, "the port")
        self.assertEqual((self.port()["pinned"], self.port()["kind"]), ("52:54:00:00:00:07", "vhost-user"))

    def test_second_connection_is_the_same_guest_and_the_last_to_speak_is_reached(self):
        """QEMU that restarts before its old connection has ended, or that migrates, which has both ends connected."""
        self.start("--host", HOST)
        first, second = (Host(self.connect(), WEB) for _ in range(2))
        other = Host(self.socket_path("stream.sock"), OTHER)
        self.addCleanup(other.close)
        other.lease()
        for guest in (first, second, first, second):
            guest.neighbours.clear()
            self.assertEqual(text(guest.lease().yours), "192.168.122.7")
            for destination in (GATEWAY, text(other.ip)):
                self.ping(guest, other, destination)
            other.neighbours.clear()
            self.ping(other, guest, "192.168.122.7")
        self.assertEqual(self.ports().count("web"), 2)
        self.assertEqual([port["conflict"] for port in self.all_ports("web")], [None, None])

    def ping(self, guest, other, destination):
        """Two hosts of one thread: the other lives while the one waits."""
        thread = threading.Thread(target=other.listen, args=(0.5,))
        thread.start()
        try:
            guest.ping(destination)
        finally:
            thread.join()

    def test_properties_of_a_guest_are_its_port_s(self):
        self.start("--host", HOST + ",guard=off,dhcp-server=on,router=on")
        self.connect()
        wait_until(self.port, "the port")
        port = self.port()
        self.assertEqual((port["guarded"], port["dhcp_server"], port["router"]), (False, True, True))

    def test_guest_that_is_not_guarded_may_show_any_mac(self):
        config = self.write("config/lanlet/default.conf", "[network]\nhost = %s,guard=off\n" % HOST)
        self.start()
        self.assert_gateway_answers(self.connect(), OTHER, "192.168.122.50")
        self.assertNotIn("pinned", self.port())
        asker = Host(self.socket_path("stream.sock"), b"\x52\x54\x00\x00\x00\x11", "192.168.122.60")
        self.addCleanup(asker.close)
        for name in ("web", "Web.lanlet.internal"):
            self.assertEqual([text(answer.data) for answer in asker.dns(name).answers], ["192.168.122.50"])
        for lines, pinned in (("host = %s\nguard = off\n", False), ("host = %s\nguard = on\n", True)):
            with open(config, "w") as file:
                file.write("[network]\n" + lines % HOST)
            self.assertEqual(self.lanlet("reload").returncode, 0)
            self.connect()
            wait_until(lambda pinned=pinned: pinned in ["pinned" in port for port in self.all_ports("web")], "the port")

    def test_sockets_of_a_killed_process_are_replaced_or_removed(self):
        first = self.start("--host", HOST, "--host", "52:54:00:00:00:08,192.168.122.8,db")
        first.kill()
        self.assertEqual(self.guests(), ["db", "web"])
        self.start("--host", HOST)
        self.assertEqual(self.guests(), ["web"])
        self.assert_gateway_answers(self.connect())

    def test_descriptors_are_left_for_flows(self):
        hosts = [word for number in range(40) for word in ("--host", "52:54:00:00:01:%02x,vm%d" % (number, number))]
        process = self.start(*hosts, preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_NOFILE, (256, 256)))
        self.assertEqual(len(self.guests()), 21)
        self.assertIn("19 of the declared guests cannot have sockets of their own", process.text())
        self.assertIn("too few descriptors (ulimit -n)", process.text())

    def test_name_too_long_for_a_socket_s_path_is_logged_and_attaches_where_all_do(self):
        name = "a" * 63
        process = self.start("--host", "52:54:00:00:00:08,192.168.122.8," + name, "--runtime-dir", self.path("d" * 30), "--host", HOST)
        self.assertIn("1 of the declared guests cannot have sockets of their own", process.text())
        self.assertEqual(os.listdir(self.path("d" * 30, "guests")), ["web"])
        done = self.lanlet("qemu", "--runtime-dir", self.path("d" * 30), "--guest", name)
        self.assertEqual((done.returncode, done.stdout), (2, ""))
        self.assertIn("a socket's path may have 107: choose a shorter name, or a shorter directory with --runtime-dir", done.stderr)


class Changes(TestCase):
    def test_sockets_come_and_go_with_a_reservation_and_connections_stay(self):
        self.start()
        self.assertEqual(self.guests(), [])
        self.assertEqual(self.lanlet("reserve", "52:54:00:00:00:07", "192.168.122.7", "web").returncode, 0)
        self.assertEqual(self.guests(), ["web"])
        entry, = self.api.get("/v1/reservations")["reservations"]
        self.assertEqual(entry["sockets"], self.socket_path("guests/web"))
        link = self.connect()
        self.assert_gateway_answers(link)
        self.assertEqual(self.lanlet("reserve", "--remove", "52:54:00:00:00:07").returncode, 0)
        self.assertEqual(self.guests(), [])
        self.assertFalse(os.path.exists(self.socket_path("guests")))
        self.assert_gateway_answers(link)
        self.assertIsNotNone(self.port())

    def test_reload_makes_and_removes_sockets(self):
        config = self.write("config/lanlet/default.conf", "[network]\nhost = %s\n" % HOST)
        self.start()
        link = self.connect()
        with open(config, "w") as file:
            file.write("[network]\nhost = 52:54:00:00:00:08,db\n")
        self.assertEqual(self.lanlet("reload").returncode, 0)
        self.assertEqual(self.guests(), ["db"])
        self.assert_gateway_answers(link)
        self.assert_gateway_answers(self.connect("db"), b"\x52\x54\x00\x00\x00\x08", "192.168.122.9")

    def test_changed_mac_is_in_effect_for_the_next_connection(self):
        self.start()
        for mac in ("52:54:00:00:00:07", "52:54:00:00:00:09"):
            self.lanlet("reserve", "--remove", "52:54:00:00:00:07")
            self.assertEqual(self.lanlet("reserve", mac, "web").returncode, 0)
        self.assert_gateway_answers(self.connect(), OTHER)

    def test_reservation_has_properties_and_survives_a_restart(self):
        process = self.start()
        self.assertEqual(self.lanlet("reserve", "52:54:00:00:00:07", "web", "--guard", "off", "--router").returncode, 0)
        process.stop()
        self.start()
        self.assertEqual(self.lanlet("reserve").stdout.split("\n")[1].split(),
                         ["52:54:00:00:00:07", "-", "web", "guard=off,router", "added"])
        entry, = self.api.get("/v1/reservations")["reservations"]
        self.assertEqual((entry["address"], entry["name"], entry["guard"], entry["router"], entry["dhcp_server"]),
                         (None, "web", "off", True, False))
        self.connect()
        wait_until(self.port, "the port")
        self.assertEqual((self.port()["guarded"], self.port()["router"]), (False, True))

    def test_reservation_has_a_tag_and_a_lease_time(self):
        self.start("--host", "52:54:00:00:00:01,192.168.122.5,lease-time=infinite", "--dhcp-range",
                   "192.168.122.10-192.168.122.20 192.168.122.30-192.168.122.40,2h")
        self.assertEqual(self.lanlet("reserve", "52:54:00:00:00:07", "--tag", "lab", "--lease-time", "2h").returncode, 0)
        self.assertEqual(self.lanlet("reserve").stdout.split("\n")[2].split(),
                         ["52:54:00:00:00:07", "-", "-", "tag=lab,lease-time=7200", "added"])
        found = [(entry["tag"], entry["lease_time"]) for entry in self.api.get("/v1/reservations")["reservations"]]
        self.assertEqual(found, [(None, "infinite"), ("lab", "7200")])
        self.assertIn("expected", self.lanlet("reserve", "52:54:00:00:00:08", "--lease-time", "9").stderr)
        self.assertIn("missing ADDRESS or NAME", self.lanlet("reserve", "52:54:00:00:00:08").stderr)
        self.assertIn("missing ADDRESS: lanlet reserve CLIENT ADDRESS [NAME]", self.lanlet("reserve", "id:abc").stderr)
        network = self.api.get("/v1/network")
        self.assertEqual([(r["first"], r["last"], r["lease_time"]) for r in network["dhcp_ranges"]],
                         [("192.168.122.10", "192.168.122.20", 3600), ("192.168.122.30", "192.168.122.40", 7200)])
        self.assertIsNone(network["tftp_root"])

    def test_property_without_a_name_is_refused(self):
        why = ("guard, dhcp-server, router, bandwidth-in and bandwidth-out are properties of the guest's own sockets, "
               "which it has only with a NAME")
        self.assertIn(why, self.lanlet("run", "--host", "52:54:00:00:00:07,192.168.122.7,router=on").stderr)
        self.start()
        self.assertIn(why, self.lanlet("reserve", "52:54:00:00:00:07", "192.168.122.7", "--router").stderr)
        self.assertIn("missing MAC and NAME", self.lanlet("reserve", "--guard", "off").stderr)
        self.assertEqual(self.api.get("/v1/reservations")["reservations"], [])


class Conflicts(TestCase):
    """Two ports with one MAC or address are told."""

    def two_guests(self, mac, own):
        """One has MAC 7 and address .7, the other then shows @mac and @own; both listen."""
        process = self.start(*("--fd", "%d,name=one" % self.ends[0][1].fileno(), "--fd", "%d,name=two" % self.ends[1][1].fileno()),
                             pass_fds=[end.fileno() for _, end in self.ends])
        one, two = (Host(StreamClient(ours), host_mac, host_own)
                    for (ours, _), host_mac, host_own in zip(self.ends, (WEB, mac), ("192.168.122.7", own)))
        one.resolve(address(GATEWAY))
        two.send_frame(BROADCAST, ETHERTYPE_ARP, two.arp_request(address(GATEWAY)))
        one.listen(1)  # it answers when it is asked
        two.send_frame(BROADCAST, ETHERTYPE_ARP, two.arp_request(address(GATEWAY)))
        wait_until(lambda: self.port("two")["conflict"] and self.port("one")["conflict"], "the conflict")
        return process

    def setUp(self):
        super().setUp()
        self.ends = [socket.socketpair() for _ in range(2)]
        for end in sum(self.ends, ()):
            self.addCleanup(end.close)

    def check(self, process, what, address_told):
        for name, other in (("one", "two"), ("two", "one")):
            conflict = self.port(name)["conflict"]
            self.assertEqual((conflict["port"], conflict["address"]), (other, address_told))
            self.assertIn(f"\n{name}: the {what} is also at port {other}\n", self.lanlet("ports").stdout)
            self.assertIn(f"\n{name}: the {what} is also at port {other}\n", self.lanlet("status").stdout)
        done = self.lanlet("doctor")
        self.assertRegex(done.stdout, r"(?m)^problem +conflicts: port \w+: the %s is also at port \w+$" % re.escape(what))
        self.assertEqual(done.returncode, 1)
        event = next(event for event in self.api.events(after=0) if event["event"] == "conflict")
        self.assertEqual((event["port"], event["other_port"], event.get("address")), ("two", "one", address_told))
        wait_until(lambda: "port two uses the " + what in process.text(), "the log line")

    def test_two_ports_with_one_mac(self):
        self.check(self.two_guests(WEB, "192.168.122.50"), "MAC 52:54:00:00:00:07", None)

    def test_two_ports_with_one_address(self):
        self.check(self.two_guests(OTHER, "192.168.122.7"), "address 192.168.122.7", "192.168.122.7")

    def test_network_without_conflicts_is_in_good_order(self):
        self.start("--host", HOST)
        self.assert_gateway_answers(self.connect())
        self.assertIsNone(self.port()["conflict"])
        self.assertRegex(self.lanlet("doctor").stdout, r"(?m)^good +conflicts: ")


class Qemu(TestCase):
    def test_guest_is_declared_by_its_arguments_and_found_by_its_name(self):
        self.start()
        words = shlex.split(self.lanlet("qemu", "--guest", "web").stdout)
        self.assertTrue(words[1].endswith("addr.path=" + self.socket_path("guests/web/stream.sock")))
        mac = self.mac_for("--guest", "web")
        entry, = self.api.get("/v1/reservations")["reservations"]
        self.assertEqual((entry["mac"], entry["address"], entry["name"]), (mac, None, "web"))
        host = Host(self.connect(), bytes.fromhex(mac.replace(":", "")))
        lease = text(host.lease(host_name=b"localhost").yours)
        self.assertEqual(self.lanlet("wait", "web", "--timeout", "5").returncode, 0)
        self.assertRegex(self.lanlet("leases").stdout, r"(?m)^%s .*\bweb\b" % re.escape(lease))

    def test_declared_guest_keeps_its_mac(self):
        self.start("--host", HOST)
        for way, end in (((), "guests/web/stream.sock"), (("--vhost-user",), "guests/web/vhost.sock"),
                         (("--dgram",), "guests/web/dgram.sock"),
                         (("--vde",), "vde")):
            line = self.lanlet("qemu", "--guest", "Web", *way).stdout
            self.assertIn(self.socket_path(end), line)
            self.assertIn("mac=52:54:00:00:00:07\n", line)
        self.assert_fails(2, "guest web is declared with the MAC 52:54:00:00:00:07 (see lanlet reserve)", "qemu", "--guest", "web", "--mac",
                          "52:54:00:00:00:01")

    def test_network_that_does_not_run_yet_knows_the_guest_when_it_starts(self):
        first = self.lanlet("qemu", "--guest", "web")
        self.assertEqual((first.returncode, first.stderr), (0, ""))
        self.write("config/lanlet/default.conf", "[network]\nhost = 52:54:00:00:00:08,192.168.122.8,db\n")
        self.assertEqual(self.mac_for("--guest", "db"), "52:54:00:00:00:08")
        self.assertEqual(self.lanlet("qemu", "--guest", "web").stdout, first.stdout)
        process = self.start()
        self.assertNotIn("warning: network", process.text())
        self.assertEqual(self.guests(), ["db", "web"])
        self.assertEqual(self.lanlet("qemu", "--guest", "web").stdout, first.stdout)

    def test_socket_that_activates_the_network_is_used_while_it_does_not_run(self):
        os.makedirs(self.socket_path(""))
        self.socket().bind(self.socket_path("stream.sock"))
        self.assertIn("addr.path=" + self.socket_path("stream.sock") + " ", self.lanlet("qemu", "--guest", "web").stdout)

    def test_name_that_cannot_be_declared_is_a_warning(self):
        self.start("--name", "db,192.168.122.20", "--host", "52:54:00:00:00:05,192.168.122.5")
        for guest, mac, why in (("my/vm", (), "a name has letters, digits, and inner hyphens and underscores"),
                                ("db", (), "name: db is also the name of a"),
                                ("web", ("--mac", "52:54:00:00:00:05"), "its MAC is reserved already")):
            done = self.lanlet("qemu", "--guest", guest, *mac)
            self.assertEqual(done.returncode, 0)
            self.assertIn("lanlet: warning: guest %s will not be found by this name: " % guest, done.stderr)
            self.assertIn(why, done.stderr)
            self.assertIn(self.socket_path("stream.sock"), done.stdout)


@needs("qemu-system-x86_64")
class QemuItself(TestCase):
    def test_qemu_connects_to_the_guest_s_own_sockets(self):
        self.start()
        for options in ((), ("--vhost-user", "--memory", "64M"), ("--dgram",)):
            with self.subTest(options=options):
                qemu = self.program("qemu-system-x86_64", "-accel", "tcg", "-nodefaults", "-display", "none", "-boot", "n",
                                    *shlex.split(self.lanlet("qemu", "--guest", "web", *options).stdout))
                wait_until(lambda qemu=qemu: not qemu.is_running() or (self.port() and self.port()["rx_frames"]), "a frame of the boot ROM")
                self.assertTrue(qemu.is_running(), "QEMU ended")
                qemu.end()
                wait_until(lambda: self.port() is None or self.port()["kind"] == "dgram", "the end of the port")


class PrintedLines(TestCase):
    def expand(self, shell, line):
        return subprocess.run([shell, "-c", "printf '%s\\n' " + line], capture_output=True, text=True, check=True).stdout.splitlines()

    def test_line_that_is_pasted_twice_makes_two_guests(self):
        with open(self.path("out"), "w") as file:
            self.start("--runtime-dir", self.path("a 'b"), stdout=file)
        with open(self.path("out")) as file:
            lines = [line.strip() for line in file if line.startswith("    -")]
        self.assertEqual(len(lines), 4)
        for shell in ("bash", "sh"):
            for line in lines:
                with self.subTest(shell=shell, line=line):
                    once, twice = self.expand(shell, line), self.expand(shell, line)
                    self.assertEqual(len(once), len(shlex.split(re.sub(r"\$\(.*?urandom( \|[^)]*)?\)+", "x", line))))
                    macs = [re.search(r",mac=(52:54:00(:[0-9a-f]{2}){3})$", words[-1])[1] for words in (once, twice)]
                    self.assertNotEqual(*macs)
                    if "dgram" in line:
                        ends = [re.search(r"local.path=([^,]*/a 'b/guest-[0-9a-f]{12}\.sock),remote", words[1])[1]
                                for words in (once, twice)]
                        self.assertNotEqual(*ends)


if __name__ == "__main__":
    runner.main()
