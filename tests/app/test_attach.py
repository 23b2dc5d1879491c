# SPDX-License-Identifier: GPL-2.0-or-later
"""Transports other than a connection to stream.sock, with a peer of the test at the other end."""

import os
import re
import socket
import subprocess
import unittest

from lan import case, runner
from lan.client import Host
from lan.link import Packets, StreamClient, VdeClient
from lan.packet import BROADCAST, ETHERTYPE_ARP, Arp, Ethernet, address
from lan.programs import LANLET, needs
from lan.wait import PATIENCE, wait_until

GATEWAY = "192.168.122.1"
OWN = "192.168.122.77"


def arp_request(sender):
    """An ARP request for the gateway's MAC, as broadcast."""
    return Ethernet(BROADCAST, sender, ETHERTYPE_ARP, Arp(Arp.REQUEST, sender, address(OWN), bytes(6), address(GATEWAY)).emit()).emit()


class TestCase(case.TestCase):
    def socket(self, kind, family=socket.AF_UNIX):
        sock = socket.socket(family, kind)
        self.addCleanup(sock.close)
        sock.settimeout(PATIENCE)
        return sock

    def pair(self, kind):
        """A socket pair: the test's end, and the descriptor number for lanlet's."""
        ours, theirs = socket.socketpair(socket.AF_UNIX, kind)
        for sock in (ours, theirs):
            self.addCleanup(sock.close)
            sock.settimeout(PATIENCE)
        return ours, theirs

    def wait_for_port(self, pattern):
        wait_until(lambda: any(re.fullmatch(pattern, name) for name in self.ports()), "port " + pattern)

    def wait_for_no_port(self, pattern):
        wait_until(lambda: not any(re.fullmatch(pattern, name) for name in self.ports()), "the end of port " + pattern)

    def assert_gateway_answers(self, link, mac=b"\x52\x54\x00\x00\x00\x01"):
        """Asserts that the gateway answers ARP on this link."""
        self.assertEqual(len(Host(link, mac, OWN).resolve(address(GATEWAY))), 6)


class Descriptors(TestCase):
    def start_with(self, *socks, **options):
        """Starts lanlet with @socks, each a (socket, options) pair."""
        args = [word for sock, text in socks for word in ("--fd", "%d%s" % (sock.fileno(), text))]
        return self.start(*args, pass_fds=[sock.fileno() for sock, _ in socks], **options)

    def test_ends_of_socket_pairs_are_ports_until_the_other_end_closes(self):
        kinds = [(socket.SOCK_STREAM, StreamClient, "stream"), (socket.SOCK_SEQPACKET, Packets, "seqpacket"),
                 (socket.SOCK_DGRAM, Packets, "dgram")]
        pairs = [self.pair(kind) for kind, _, _ in kinds]
        self.start_with(*((theirs, ",name=p%d" % i) for i, (_, theirs) in enumerate(pairs)))
        for i, ((ours, theirs), (_, link, _)) in enumerate(zip(pairs, kinds)):
            theirs.close()
            self.assertIn("p%d" % i, self.ports())
            self.assert_gateway_answers(link(ours), bytes([0x52, 0x54, 0, 0, 1, i]))
        for ours, _ in pairs:
            ours.close()
        self.wait_for_no_port("p[01]")

    def test_port_is_pinned_to_the_mac_that_was_given(self):
        ours, theirs = self.pair(socket.SOCK_SEQPACKET)
        self.start_with((theirs, ",mac=52:54:00:00:00:01,name=web"))
        ours.send(arp_request(b"\x52\x54\x00\x00\x00\x02"))
        wait_until(lambda: re.search(r"(?m)^web .* 1$", self.status()), "a drop")
        self.assert_gateway_answers(Packets(ours))

    def test_ports_have_the_properties_that_were_given(self):
        texts = [",name=plain", ",name=open,guard=off,dhcp-server,router=on", ",name=strict,guard=on,router"]
        listener = self.socket(socket.SOCK_STREAM)
        listener.bind(self.path("shared"))
        listener.listen(5)
        pairs = [self.pair(socket.SOCK_STREAM) for _ in texts]
        self.start_with(*((theirs, text) for (_, theirs), text in zip(pairs, texts)), (listener, ",guard=off"))
        guest = self.socket(socket.SOCK_STREAM)
        guest.connect(self.path("shared"))
        self.wait_for_port("stream.*")
        ports = {port["name"]: port for port in self.api.get("/v1/ports")["ports"]}
        shared = next(port for name, port in ports.items() if name.startswith("stream"))
        found = [(port["guarded"], port["dhcp_server"], port["router"])
                 for port in (ports["plain"], ports["open"], ports["strict"], shared, ports["gateway"])]
        self.assertEqual(found, [(True, False, False), (False, True, True), (True, False, True), (False, False, False),
                                 (False, False, False)])
        for note in ("open: not guarded", "open: may serve DHCP", "strict: may send router advertisements"):
            self.assertIn("\n" + note + "\n", self.lanlet("ports").stdout)
        self.assertNotIn("plain:", self.lanlet("ports").stdout)

    def test_invalid_property_is_refused_with_what_is_possible(self):
        ours, _ = self.pair(socket.SOCK_STREAM)
        for text, why in (("guard", "guard, dhcp-server and router are on or off, such as guard=off"),
                          ("router=maybe", "guard, dhcp-server and router are on or off, such as guard=off"),
                          ("speed=10", "the keys are type, mac, name, guard, dhcp-server, router, bandwidth-in and bandwidth-out"),
                          ("bandwidth-in", "bandwidth-in and bandwidth-out need a rate, such as bandwidth-in=10M"),
                          ("bandwidth-out=fast", "a bandwidth is off or AVERAGE[/PEAK[/BURST]], such as 10M or 10M/20M/256K")):
            done = self.lanlet("run", "--fd", "%d,%s" % (ours.fileno(), text), pass_fds=[ours.fileno()])
            self.assertIn(why, done.stderr)
            self.assertEqual(done.returncode, 2)

    def test_guard_of_the_network_can_be_turned_off_and_on_by_a_reload(self):
        config = self.write("config/lanlet/default.conf", "[network]\nguard = off\n")
        pairs = [self.pair(socket.SOCK_STREAM) for _ in range(2)]
        self.start_with((pairs[0][1], ",name=plain"), (pairs[1][1], ",name=strict,guard=on"))

        def guarded():
            ports = {port["name"]: port["guarded"] for port in self.api.get("/v1/ports")["ports"]}
            return self.api.get("/v1/network")["guard"], ports["plain"], ports["strict"]
        self.assertEqual(guarded(), (False, False, True))
        with open(config, "w") as file:
            file.write("[network]\nguard = on\n")
        self.assertEqual(self.lanlet("reload").returncode, 0)
        self.assertEqual(guarded(), (True, True, True))

    def test_listening_sockets_take_many(self):
        listeners = []
        for kind, name in ((socket.SOCK_STREAM, "a"), (socket.SOCK_SEQPACKET, "b")):
            listener = self.socket(kind)
            listener.bind(self.path(name))
            listener.listen(5)
            listeners.append((listener, ""))
        dgram = self.socket(socket.SOCK_DGRAM)
        dgram.bind(self.path("c"))
        self.start_with(*listeners, (dgram, ""))
        for listener, _ in listeners:
            listener.close()
        dgram.close()
        for number in range(3):
            stream, packet, datagram = self.socket(socket.SOCK_STREAM), self.socket(socket.SOCK_SEQPACKET), self.socket(socket.SOCK_DGRAM)
            stream.connect(self.path("a"))
            packet.connect(self.path("b"))
            datagram.bind(self.path("guest%d" % number))
            self.assert_gateway_answers(StreamClient(stream), bytes([2, 0, 0, 0, 0, number]))
            self.assert_gateway_answers(Packets(packet), bytes([2, 0, 0, 0, 1, number]))
            self.assert_gateway_answers(Packets(datagram, self.path("c")), bytes([2, 0, 0, 0, 2, number]))
        self.assertEqual(len(self.ports()), 9 + len(self.own_ports()))

    def own_ports(self):
        """Names of the ports that belong to the network itself."""
        return [name for name in self.ports() if not re.match("stream|seqpacket|dgram", name)]

    def test_tcp_connection_is_a_port(self):
        listener = self.socket(socket.SOCK_STREAM, socket.AF_INET)
        listener.bind(("127.0.0.1", 0))
        listener.listen(1)
        ours = self.socket(socket.SOCK_STREAM, socket.AF_INET)
        ours.connect(listener.getsockname())
        theirs, _ = listener.accept()
        self.addCleanup(theirs.close)
        self.start_with((theirs, ""))
        self.assert_gateway_answers(StreamClient(ours))

    def test_descriptor_of_the_wrong_kind_is_refused_with_the_reason(self):
        unbound, unconnected = self.socket(socket.SOCK_DGRAM), self.socket(socket.SOCK_STREAM)
        udp = self.socket(socket.SOCK_DGRAM, socket.AF_INET)
        udp.bind(("127.0.0.1", 0))
        listener = self.socket(socket.SOCK_STREAM)
        listener.bind(self.path("listener"))
        listener.listen(1)
        raw_pair, _ = self.pair(socket.SOCK_DGRAM)
        connected, _ = self.pair(socket.SOCK_STREAM)
        cases = [
            (unbound, "", "dgram: it is neither bound nor connected"),
            (unconnected, "", "stream: it neither listens nor is connected"),
            (udp, "", "dgram: a UDP socket is for one guest: connect() it to that guest's address"),
            (listener, ",mac=52:54:00:00:00:01", "stream: mac= and name= are for one guest, and many guests may use this socket"),
            (listener, ",type=dgram", "dgram: it is a socket of another type"),
            (raw_pair, ",type=vhost", "vhost: it is a socket of another type"),
            (udp, ",type=seqpacket", "seqpacket: it is a socket of another type"),
            (connected, ",type=vde", "vde: it does not listen"),
            (listener, ",type=vde,name=web", "vde: mac= and name= are for one guest, and many guests may use this socket"),
        ]
        for sock, text, reason in cases:
            with self.subTest(reason=reason):
                fd = sock.fileno()
                self.assert_fails(2, "descriptor %d, type %s" % (fd, reason), "run", "--fd", "%d%s" % (fd, text), "--log-level", "error",
                                  pass_fds=[fd])

    def test_vde_switch_s_socket_needs_a_directory_of_its_own(self):
        listener = self.socket(socket.SOCK_STREAM)
        listener.bind(self.path("listener"))
        listener.listen(1)
        fd = listener.fileno()
        self.assert_fails(2, "a VDE switch's socket is called ctl and has a directory of its own, as /run/user/1000/vde/ctl", "run", "--fd",
                          "%d,type=vde" % fd, "--log-level", "error", pass_fds=[fd])

    def test_descriptor_that_is_not_a_socket_is_refused(self):
        with open(os.devnull) as null:
            fd = null.fileno()
            done = self.lanlet("run", "--fd", str(fd), pass_fds=[fd])
            self.assertIn('--fd "%d": it is not a socket: expected the number of an open socket' % fd, done.stderr)
            self.assertEqual(done.returncode, 2)
        done = self.lanlet("run", "--fd", "33")
        self.assertIn('--fd "33": it is not open: expected', done.stderr)
        self.assertEqual(done.returncode, 2)
        ours, _ = self.pair(socket.SOCK_STREAM)
        self.assert_fails(2, "fd: descriptor %d is given twice" % ours.fileno(), "run", "--fd", str(ours.fileno()), "--fd",
                          str(ours.fileno()), pass_fds=[ours.fileno()])


class RuntimeDirectory(TestCase):
    def test_dgram_sock_has_a_port_for_each_path(self):
        self.start()
        for number in range(3):
            sock = self.socket(socket.SOCK_DGRAM)
            sock.bind(self.path("guest%d" % number))
            self.assert_gateway_answers(Packets(sock, self.socket_path("dgram.sock")), bytes([2, 0, 0, 0, 0, number]))
        self.assertEqual(len([name for name in self.ports() if name.startswith("dgram")]), 3)

    def test_sender_without_a_path_is_told_what_to_do(self):
        process = self.start()
        self.socket(socket.SOCK_DGRAM).sendto(arp_request(b"\2\0\0\0\0\1"), self.socket_path("dgram.sock"))
        wait_until(lambda: "dgram-unbound" in self.status(), "a drop")
        self.assertIn("give QEMU local.type=unix,local.path=PATH besides remote.path", process.text())

    def test_seqpacket_sock_has_a_port_for_each_connection(self):
        self.start()
        sock = self.socket(socket.SOCK_SEQPACKET)
        sock.connect(self.path("run/lanlet/default/seqpacket.sock"))
        self.assert_gateway_answers(Packets(sock))
        self.assertTrue(any(name.startswith("seqpacket") for name in self.ports()))
        sock.close()
        self.wait_for_no_port("seqpacket.*")

    def test_file_in_a_socket_s_place_is_named(self):
        os.makedirs(self.path("run/lanlet/default"), 0o700)
        path = self.write("run/lanlet/default/dgram.sock", "precious")
        self.assert_fails(1, "socket %s: a file that is not a socket is there, remove it or choose another path" % path, "run",
                          "--log-level", "error")

    def test_socket_that_another_process_serves_is_named(self):
        os.makedirs(self.path("run/lanlet/default"), 0o700)
        for kind, name in ((socket.SOCK_STREAM, "stream.sock"), (socket.SOCK_SEQPACKET, "seqpacket.sock"),
                           (socket.SOCK_DGRAM, "dgram.sock")):
            with self.subTest(name), self.socket(kind) as sock:
                path = self.path("run/lanlet/default/" + name)
                sock.bind(path)
                if kind != socket.SOCK_DGRAM:
                    sock.listen(1)
                self.assert_fails(1, "socket %s: another process listens there" % path, "run", "--log-level", "error")
                os.unlink(path)

    @unittest.skipIf(os.geteuid() == 0, "root may write anywhere")
    def test_directory_that_is_not_writable_is_named(self):
        os.mkdir(self.path("mine"), 0o500)
        done = self.lanlet("run", "--runtime-dir", self.path("mine/run"), "--log-level", "error")
        self.assertEqual(done.returncode, 1)
        self.assertIn(self.path("mine/run"), done.stderr)
        self.assertIn("Permission denied", done.stderr)

    def test_udp_between_two_addresses_is_a_port(self):
        ours = self.socket(socket.SOCK_DGRAM, socket.AF_INET)
        ours.bind(("127.0.0.1", 0))
        probe = self.socket(socket.SOCK_DGRAM, socket.AF_INET)
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
        local, peer = "127.0.0.1:%d" % port, "127.0.0.1:%d" % ours.getsockname()[1]
        message = "UDP port %d of 127.0.0.1: Address already in use" % port
        self.assert_fails(1, message, "run", "--udp", "%s,%s" % (local, peer), "--log-level", "error")
        probe.close()
        self.start("--udp", "%s,%s,name=web" % (local, peer))
        ours.connect(("127.0.0.1", port))
        self.assert_gateway_answers(Packets(ours))
        self.assertIn("web", self.ports())


class Connect(TestCase):
    def listen(self):
        listener = self.socket(socket.SOCK_STREAM)
        listener.bind(self.path("guest.sock"))
        listener.listen(1)
        return listener

    def accept(self, listener):
        connection, _ = listener.accept()
        self.addCleanup(connection.close)
        connection.settimeout(PATIENCE)
        return connection

    def test_listening_guest_is_connected_when_it_starts_and_restarts(self):
        self.start("--connect", self.path("guest.sock") + ",mac=52:54:00:00:00:01,name=web")
        self.assertIn("waiting for %s: " % self.path("guest.sock"), self.status())
        for _ in range(3):
            with self.listen() as listener, self.accept(listener) as connection:
                self.assert_gateway_answers(StreamClient(connection))
                self.assertIn("web", self.ports())
            os.unlink(self.path("guest.sock"))
            self.wait_for_no_port("web")

    def test_closed_connection_is_made_again(self):
        listener = self.listen()
        self.start("--connect", self.path("guest.sock"))
        for _ in range(3):
            with self.accept(listener) as connection:
                self.assert_gateway_answers(StreamClient(connection))

    def test_path_given_twice_is_refused(self):
        self.assert_fails(2, "connect: a is given twice", "run", "--connect", "a", "--connect", "a,type=vhost")


class Activation(TestCase):
    def start_activated(self, socks, names, shell="export LISTEN_PID=$$"):
        """Starts lanlet as a service manager does: the sockets are descriptors 3 and up."""
        numbers = [sock.fileno() for sock in socks]
        high = [os.dup2(number, 100 + i) for i, number in enumerate(numbers)]
        script = ["exec %d<&%d %d<&-" % (3 + i, fd, fd) for i, fd in enumerate(high)] + [shell, "exec %s run" % LANLET]
        with open(self.path("log"), "w") as log:
            process = self.program(
                "/bin/bash", "-c", "; ".join(script),
                env={**self.env, "LISTEN_FDS": str(len(socks)), "LISTEN_FDNAMES": ":".join(names)},
                pass_fds=high, stdout=subprocess.DEVNULL, stderr=log)
        for fd in high:
            os.close(fd)
        return process

    def log(self):
        with open(self.path("log")) as file:
            return file.read()

    def bound(self, kind, name):
        sock = self.socket(kind)
        sock.bind(self.path(name))
        if kind != socket.SOCK_DGRAM:
            sock.listen(5)
        return sock

    def bound_ctl(self, directory):
        os.makedirs(self.path(directory), 0o700)
        return self.bound(socket.SOCK_STREAM, directory + "/ctl")

    def wait_until_it_runs(self):
        wait_until(lambda: self.lanlet("status").returncode == 0, "the network")

    def test_sockets_are_what_their_names_say(self):
        socks = [self.bound(socket.SOCK_STREAM, "a"), self.bound(socket.SOCK_DGRAM, "b"), self.bound(socket.SOCK_STREAM, "c"),
                 self.bound(socket.SOCK_SEQPACKET, "d"), self.bound_ctl("e")]
        self.start_activated(socks, ["stream", "dgram", "vhost", "lanlet.socket", "vde"])
        self.wait_until_it_runs()
        stream, dgram, vhost, seqpacket, vde = (self.socket(kind) for kind in (
            socket.SOCK_STREAM, socket.SOCK_DGRAM, socket.SOCK_STREAM, socket.SOCK_SEQPACKET, socket.SOCK_STREAM))
        stream.connect(self.path("a"))
        dgram.bind(self.path("guest"))
        vhost.connect(self.path("c"))
        seqpacket.connect(self.path("d"))
        self.assert_gateway_answers(StreamClient(stream), b"\2\0\0\0\0\1")
        self.assert_gateway_answers(Packets(dgram, self.path("b")), b"\2\0\0\0\0\2")
        self.assert_gateway_answers(Packets(seqpacket), b"\2\0\0\0\0\3")
        self.wait_for_port(r"vhost\d+")
        vde.connect(self.path("e/ctl"))
        self.assert_gateway_answers(self.vde_guest(vde, "e/client"), b"\2\0\0\0\0\4")
        self.assertIn("vde1", self.ports())

    def test_vde_switch_at_our_own_path_takes_the_place_of_ours_and_stays(self):
        os.makedirs(self.path("run/lanlet/default"), 0o700)
        sock = self.bound_ctl("run/lanlet/default/vde")
        process = self.start_activated([sock], ["vde"])
        for number in range(2):
            self.wait_until_it_runs()
            control = self.socket(socket.SOCK_STREAM)
            control.connect(self.path("run/lanlet/default/vde/ctl"))
            self.assert_gateway_answers(self.vde_guest(control, "guest%d" % number))
            process.terminate()
            self.assertEqual(process.wait(), 0)
            self.assertEqual(os.listdir(self.path("run/lanlet/default/vde")), ["ctl"])
            if number == 0:
                process = self.start_activated([sock], ["vde"])

    def test_socket_at_our_own_path_takes_the_place_of_ours_and_stays(self):
        os.makedirs(self.path("run/lanlet/default"), 0o700)
        sock = self.bound(socket.SOCK_STREAM, "run/lanlet/default/stream.sock")
        process = self.start_activated([sock], ["stream"])
        self.wait_until_it_runs()
        client = self.socket(socket.SOCK_STREAM)
        client.connect(self.path("run/lanlet/default/stream.sock"))
        self.assert_gateway_answers(StreamClient(client))
        process.terminate()
        self.assertEqual(process.wait(), 0)
        self.assertTrue(os.path.exists(self.path("run/lanlet/default/stream.sock")))
        self.assertFalse(os.path.exists(self.socket_path("dgram.sock")))

    def test_sockets_of_another_process_are_left_alone(self):
        sock = self.bound(socket.SOCK_STREAM, "a")
        self.start_activated([sock], ["stream"], shell="export LISTEN_PID=1")
        self.wait_until_it_runs()
        self.socket(socket.SOCK_STREAM).connect(self.path("a"))
        self.assertFalse(any(name.startswith("stream") for name in self.ports()))

    def test_wrong_activation_is_explained(self):
        process = self.start_activated([self.bound(socket.SOCK_DGRAM, "a")], ["stream"])
        self.assertEqual(process.wait(), 2)
        self.assertIn('LISTEN_FDS: descriptor 3, type stream: it is a socket of another type ("stream")\n', self.log())
        process = self.start_activated([], [], shell="export LISTEN_PID=$$ LISTEN_FDS=x")
        self.assertEqual(process.wait(), 2)
        self.assertIn("LISTEN_FDS=x: expected the number of descriptors\n", self.log())

    @needs("systemd-socket-activate")
    def test_systemd_socket_activate_starts_it_with_the_first_guest(self):
        for option, kind, name, link in (
                ([], socket.SOCK_STREAM, "stream", StreamClient), (["--seqpacket"], socket.SOCK_SEQPACKET, "seqpacket", Packets),
                (["--datagram"], socket.SOCK_DGRAM, "dgram", None), ([], socket.SOCK_STREAM, "vde", self.vde_guest)):
            with self.subTest(name=name), open(self.path("log." + name), "w") as log:
                os.mkdir(self.path("activated." + name), 0o700)
                path = self.path("activated." + name + "/ctl")  # a VDE switch has to be called that
                keep = [word for variable, value in self.env.items() for word in ("-E", "%s=%s" % (variable, value))]
                process = self.program(
                    "systemd-socket-activate", *option, "-l", path, "--fdname=" + name, *keep, LANLET, "run", name, stdout=log, stderr=log)
                wait_until(lambda: os.path.exists(path), "systemd's socket")
                self.check_guest(kind, name, path, link)
                process.terminate()
                self.assertEqual(process.wait(), 0)

    def check_guest(self, kind, name, path, link):
        sock = self.socket(kind)
        if kind == socket.SOCK_DGRAM:
            sock.bind(path + ".guest")
            guest = Packets(sock, path)
        else:
            wait_until(lambda: self.try_to_connect(sock, path), "systemd's backlog")
            guest = link(sock)
        self.assert_gateway_answers(guest)
        self.assertRegex(self.status(name), r"(?m)^%s\d+ " % name)

    def vde_guest(self, control, name="vde.guest"):
        guest = VdeClient(control, self.path(name))
        self.addCleanup(guest.close)
        return guest

    @staticmethod
    def try_to_connect(sock, path):
        try:
            sock.connect(path)
        except ConnectionRefusedError:
            return False
        return True


@needs("qemu-system-x86_64")
class Qemu(TestCase):
    def qemu(self, *arguments):
        return self.program("qemu-system-x86_64", "-accel", "tcg", "-nodefaults", "-display", "none", "-boot", "n", *arguments)

    def wait_for_qemu(self, qemu, pattern):
        """Waits for the first frame of the card's boot ROM."""
        wait_until(lambda: not qemu.is_running() or any(re.fullmatch(pattern, name) for name in self.ports()), "port " + pattern)
        self.assertTrue(qemu.is_running(), "QEMU ended")

    def test_qemu_s_own_end_is_where_lanlet_qemu_said(self):
        self.start()
        qemu = self.qemu(*self.lanlet("qemu", "--dgram", "--guest", "web").stdout.split())
        self.wait_for_qemu(qemu, "web")

    def test_socket_left_by_qemu_is_removed_with_its_port_or_at_the_next_start(self):
        def left():
            return [name for name in os.listdir(self.path("run/lanlet/default")) if name.startswith("guest-")]

        process = self.start()
        arguments = self.lanlet("qemu", "--dgram", "--guest", "web").stdout.split()
        qemu = self.qemu(*arguments)
        self.wait_for_qemu(qemu, "web")
        qemu.end()
        self.assertEqual(len(left()), 1)
        sock = self.socket(socket.SOCK_SEQPACKET)
        sock.connect(self.path("run/lanlet/default/seqpacket.sock"))
        sock.send(arp_request(b"\2\0\0\0\0\1"))  # broadcast
        wait_until(lambda: not left(), "the end of QEMU's socket")
        process.stop()
        qemu = self.qemu(*arguments)
        wait_until(left, "QEMU's socket")
        qemu.end()
        self.assertEqual(len(left()), 1)
        self.start()
        self.assertEqual(left(), [])


if __name__ == "__main__":
    runner.main()
