# SPDX-License-Identifier: GPL-2.0-or-later
"""Port forwarding: a client of a host port reaches the guest, and the guest sees the client's address."""

import contextlib
import os
import socket
import subprocess
import sys
import tempfile
import unittest
from pathlib import Path

from lan import outside, tap
from lan.client import Host
from lan.packet import text
from lan.process import Lanlet, refusal
from lan.programs import Program, needs
from lan.wait import wait_until

GATEWAY = "192.168.122.1"
WEB = "192.168.122.50"
WEB_MAC = "52:54:00:00:00:01"
PATIENCE = 30.0

# In the guest: TCP and UDP on ports 80 to 82; each answer is the client's address, the port, and what was sent.
SERVE = """
import socketserver, threading
def answer(client, server, data):
    return "{}:{} {} ".format(*client, server.server_address[1]).encode() + data
class Stream(socketserver.BaseRequestHandler):
    def handle(self):
        data = b""
        while piece := self.request.recv(65536):
            data += piece
        self.request.sendall(answer(self.client_address, self.server, data))
class Datagram(socketserver.BaseRequestHandler):
    def handle(self):
        self.request[1].sendto(answer(self.client_address, self.server, self.request[0]), self.client_address)
class Streams(socketserver.ThreadingTCPServer):
    request_queue_size = 128
for port in range(80, 83):
    for kind, handler in ((Streams, Stream), (socketserver.ThreadingUDPServer, Datagram)):
        threading.Thread(target=kind(("", port), handler).serve_forever).start()
print("ready", flush=True)
"""

# Asks by TCP or UDP from the address and port given: prints what came, or the name of the exception.
ASK = """
import socket, sys
kind, host, port, data, source = sys.argv[1:]
family = socket.AF_INET6 if ":" in host else socket.AF_INET
try:
    with socket.socket(family, socket.SOCK_STREAM if kind == "tcp" else socket.SOCK_DGRAM) as s:
        s.settimeout(30)
        if source:
            s.bind((source, 0))
        s.connect((host, int(port)))
        s.sendall(data.encode())
        if kind == "tcp":
            s.shutdown(socket.SHUT_WR)
            sys.stdout.buffer.write(s.makefile("rb").read())
        else:
            sys.stdout.buffer.write(s.recv(65536))
except Exception as error:
    print(type(error).__name__)
"""


setUpModule = tap.need_tap


def begin_to_ask(kind, host, port, data="x", source=""):
    """Starts a process that asks and prints the answer."""
    return Program([sys.executable, "-c", ASK, kind, host, port, data, source], stdout=subprocess.PIPE, text=True)


def ask(*arguments, **more):
    """The guest's answer: "ADDRESS:PORT of the client, port of the guest, data"."""
    with begin_to_ask(*arguments, **more) as process:
        return process.communicate()[0].strip()


def serving(lanlet):
    """The guest web with its servers."""
    return tap.serving(lanlet, WEB_MAC, WEB, SERVE)


def host_of(answer):
    return answer.rpartition(" ")[0].partition(":")[0]


class Forwards(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.enterClassContext(outside.Outside())
        cls.directory = cls.enterClassContext(tempfile.TemporaryDirectory(prefix="lanlet-"))
        cls.path = os.path.join(cls.directory, "web.sock")
        forwards = [
            "tcp 8080 web:80", f"udp 8080 {WEB}:80", f"tcp 0.0.0.0:9000-9002 {WEB_MAC}:80", "udp 0.0.0.0:9000-9002 web:80",
            "tcp [::1]:8080 web:80", "udp [::1]:8080 web:80", "tcp *:9100 web:80", "udp *:9100 web:80", "udp [::]:9101 web:80",
            f"tcp unix:{cls.path} web:80", "tcp 8081 web:9",
        ]
        options = [f"--forward={text}" for text in forwards]
        cls.lanlet = cls.enterClassContext(Lanlet("--host", f"{WEB_MAC},{WEB},web", *options))
        cls.guest = cls.enterClassContext(serving(cls.lanlet))

    def test_client_on_loopback_is_the_gateway_for_the_guest(self):
        for kind in ("tcp", "udp"):
            for host in ("127.0.0.1", "::1"):
                with self.subTest(kind=kind, host=host):
                    answer = ask(kind, host, 8080, "hello")
                    self.assertEqual(host_of(answer), GATEWAY, answer)
                    self.assertTrue(answer.endswith(" 80 hello"), answer)

    def test_guest_sees_the_real_address_of_a_client(self):
        for kind in ("tcp", "udp"):
            with self.subTest(kind=kind):
                answer = ask(kind, outside.UPLINK, 9000, "hello", source=outside.UPLINK)
                self.assertEqual(host_of(answer), outside.UPLINK, answer)

    def test_all_addresses_are_those_of_both_families(self):
        for kind, port in (("tcp", 9100), ("udp", 9100), ("udp", 9101)):
            for host in ("127.0.0.1", "::1", outside.UPLINK):
                with self.subTest(kind=kind, port=port, host=host):
                    answer = ask(kind, host, port, "hello")
                    self.assertTrue(answer.endswith(" 80 hello"), answer)

    def test_range_leads_to_a_range(self):
        for kind in ("tcp", "udp"):
            for i in range(3):
                with self.subTest(kind=kind, i=i):
                    answer = ask(kind, outside.UPLINK, 9000 + i)
                    self.assertTrue(answer.endswith(f" {80 + i} x"), answer)

    def test_unix_socket_leads_to_the_guest(self):
        with socket.socket(socket.AF_UNIX) as s:
            s.settimeout(PATIENCE)
            s.connect(self.path)
            s.sendall(b"hello")
            s.shutdown(socket.SHUT_WR)
            answer = s.makefile("rb").read().decode()
        self.assertEqual(host_of(answer), GATEWAY, answer)
        self.assertTrue(answer.endswith("80 hello"), answer)

    def test_port_can_be_forwarded_again_while_flows_of_the_last_forward_live_on(self):
        api = self.lanlet.api
        for kind in ("tcp", "udp"):
            with self.subTest(kind=kind), socket.socket(socket.AF_INET,
                                                        socket.SOCK_STREAM if kind == "tcp" else socket.SOCK_DGRAM) as client:
                body = {"protocol": kind, "host": "127.0.0.1:8090", "guest": "web:80"}
                status, _, first = api.request("POST", "/v1/forwards", body)
                self.assertEqual(status, 200, first)
                client.settimeout(PATIENCE)
                client.connect(("127.0.0.1", 8090))
                client.sendall(b"hello")
                if kind == "udp":
                    self.assertTrue(client.recv(100).endswith(b" 80 hello"))
                else:
                    self.wait_for_connection(api, first["id"])
                self.assertEqual(api.request("DELETE", f"/v1/forwards/{first['id']}")[0], 204)
                status, _, again = api.request("POST", "/v1/forwards", body)
                self.assertEqual(status, 200, again)
                self.assertTrue(ask(kind, "127.0.0.1", 8090, "other").endswith(" 80 other"))
                client.sendall(b" more")
                if kind == "tcp":
                    client.shutdown(socket.SHUT_WR)
                self.assertIn(b" more", client.recv(100))
                self.assertEqual(api.request("DELETE", f"/v1/forwards/{again['id']}")[0], 204)

    def wait_for_connection(self, api, forward):
        wait_until(
            lambda: any(f["id"] == forward and f["opened"] for f in api.get("/v1/forwards")["forwards"]), "a connection that is accepted")

    def test_refusal_of_the_guest_is_one_of_the_host(self):
        # connect() itself may fail already.
        with self.assertRaises(ConnectionResetError), socket.create_connection(("127.0.0.1", 8081), PATIENCE) as s:
            s.settimeout(PATIENCE)
            s.recv(1)

    def test_peers_of_a_udp_port_are_kept_apart(self):
        peers = []
        for i in range(20):
            s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
            s.settimeout(PATIENCE)
            s.connect(("127.0.0.1", 8080))
            peers.append(s)
            self.addCleanup(s.close)
        for word in ("one", "two"):
            for i, s in enumerate(peers):
                s.send(f"{word}{i}".encode())
        ports = set()
        for i, s in enumerate(peers):
            answers = {s.recv(1000).decode() for _ in range(2)}
            self.assertEqual({answer.split()[2] for answer in answers}, {f"one{i}", f"two{i}"})
            ports |= {answer.split()[0] for answer in answers}
        self.assertEqual(len(ports), len(peers))

    def test_guests_reach_forwards_by_the_hosts_address(self):
        """Hairpin: another guest, and the guest itself."""
        with tap.TapGuest(self.lanlet.stream, "52:54:00:00:00:02") as other:
            other.set_address("192.168.122.51")
            for guest in (other, self.guest):
                for kind in ("tcp", "udp"):
                    with self.subTest(kind=kind, own=guest is self.guest):
                        answer = guest.python(ASK, kind, outside.UPLINK, 9000, "round", "", timeout=2 * PATIENCE)
                        self.assertTrue(answer.endswith(" 80 round"), answer)

    def test_guest_does_not_reach_a_forward_of_loopback(self):
        for kind, want in (("tcp", {"ConnectionRefusedError"}), ("udp", {"ConnectionRefusedError", "TimeoutError"})):
            with self.subTest(kind=kind):
                program = ASK.replace("settimeout(30)", "settimeout(2)")
                self.assertIn(self.guest.python(program, kind, GATEWAY, 8080, "x", "").strip(), want)

    def test_bytes_arrive_whole_and_many_clients_at_once_are_served(self):
        clients = [self.enterContext(begin_to_ask("tcp", "127.0.0.1", 8080, str(i) * 20000)) for i in range(50)]
        for i, client in enumerate(clients):
            self.assertEqual(client.communicate()[0].split()[-1], str(i) * 20000)


class Declared(unittest.TestCase):
    """Forwards to a declared guest that is not guarded lead to its own socket, whatever MAC it shows there."""

    OTHER_MAC, OTHER = "52:54:00:00:00:77", "192.168.122.77"

    @classmethod
    def setUpClass(cls):
        cls.enterClassContext(outside.Outside())

    def lanlet(self, *options, properties=""):
        forwards = [f"--forward={text}" for text in ("tcp 8080 web:80", "udp 8080 web:80")]
        return self.enterContext(Lanlet("--host", f"{WEB_MAC},{WEB},web{properties}", *forwards, *options))

    def serving_as(self, lanlet, mac, ip):
        guest = self.enterContext(tap.TapGuest(lanlet.runtime / "guests/web/stream.sock", mac))
        guest.set_address(ip)
        self.enterContext(guest.start_python(SERVE))
        guest.check("ping", "-c", "1", GATEWAY)
        return guest

    def assert_forwards_lead_there(self, lanlet):
        for kind in ("tcp", "udp"):
            with self.subTest(kind=kind):
                answer = ask(kind, "127.0.0.1", 8080, "hello")
                self.assertTrue(answer.endswith(" 80 hello"), answer)
        with self.subTest(command="connect"):
            done = lanlet.run("connect", "web", "80", stdin=None, input="hello")
            self.assertTrue(done.stdout.endswith(" 80 hello"), done)

    def test_guest_of_an_unguarded_network(self):
        lanlet = self.lanlet("--guard", "off")
        self.serving_as(lanlet, self.OTHER_MAC, self.OTHER)
        self.assert_forwards_lead_there(lanlet)

    def test_guest_that_is_not_guarded_itself(self):
        lanlet = self.lanlet(properties=",guard=off")
        self.serving_as(lanlet, self.OTHER_MAC, self.OTHER)
        self.assert_forwards_lead_there(lanlet)

    def test_guest_that_changes_its_mac_and_address(self):
        lanlet = self.lanlet("--guard", "off")
        guest = self.serving_as(lanlet, WEB_MAC, WEB)
        self.assert_forwards_lead_there(lanlet)
        guest.check("ip", "link", "set", "eth0", "address", self.OTHER_MAC)
        guest.check("ip", "address", "flush", "dev", "eth0")
        guest.set_address(self.OTHER)
        guest.check("ping", "-c", "1", GATEWAY)
        # The first who looks for the name makes lanlet ask whether the declared MAC is still there.
        wait_until(lambda: lanlet.run("connect", "web", "80", stdin=None, input="hello").stdout.endswith(" hello"), "a connection", 60)
        self.assert_forwards_lead_there(lanlet)

    def test_guest_with_a_lease_for_another_mac(self):
        lanlet = self.lanlet("--guard", "off")
        client = Host(lanlet.runtime / "guests/web/stream.sock", bytes.fromhex(self.OTHER_MAC.replace(":", "")))
        ip = text(client.lease(host_name=b"other").yours)
        client.close()
        self.serving_as(lanlet, self.OTHER_MAC, ip)
        self.assert_forwards_lead_there(lanlet)

    def test_name_of_its_address_is_its_own(self):
        lanlet = self.lanlet("--guard", "off")
        guest = self.serving_as(lanlet, self.OTHER_MAC, self.OTHER)
        port = next(port for port in lanlet.api.get("/v1/ports")["ports"] if port["name"] == "web")
        self.assertEqual(port["guests"], ["web"])
        self.assertEqual(guest.python("import socket; print(socket.gethostbyaddr('192.168.122.77')[0])").strip(), "web.lanlet.internal")


class Offline(unittest.TestCase):
    """The host has no address but those of loopback."""

    def test_clients_on_loopback_are_answered(self):
        with Lanlet(f"--forward=tcp 8080 {WEB}:80", f"--forward=udp 8080 {WEB}:80") as lanlet, serving(lanlet):
            for kind in ("tcp", "udp"):
                with self.subTest(kind=kind):
                    answer = ask(kind, "127.0.0.1", 8080, "hello")
                    self.assertTrue(answer.endswith(" 80 hello"), answer)


class Slirp(unittest.TestCase):
    def test_streams_reach_the_guest_through_libslirp(self):
        with Lanlet("--engine", "libslirp", "--forward", f"tcp 8083 {WEB}:80") as lanlet, serving(lanlet):
            for sent in ("first", "second"):
                answer = ask("tcp", "127.0.0.1", 8083, sent)
                self.assertEqual(host_of(answer), GATEWAY, answer)
                self.assertTrue(answer.endswith(f" 80 {sent}"), answer)


# In the guest: receives 100 datagrams and prints the first four bytes of each.
RECEIVE_100 = """
import socket
s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
s.bind(("", 81))
s.settimeout(30)
print("ready", flush=True)
for _ in range(100):
    print(s.recv(2000)[:4].decode(), flush=True)
"""


class Bursts(unittest.TestCase):
    def test_first_datagrams_for_a_guest_whose_mac_is_not_known_arrive_whole_and_in_order(self):
        with Lanlet("--forward", f"udp 8086 {WEB}:81") as lanlet, tap.TapGuest(lanlet.stream, WEB_MAC) as guest:
            guest.set_address(WEB)
            with guest.start_python(RECEIVE_100) as receiver, socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as s:
                for i in range(100):
                    s.sendto(b"%04d" % i + bytes(100), ("127.0.0.1", 8086))  # fits the guest's socket buffer, too
                for i in range(100):
                    receiver.expect(f"{i:04}")


class Waiting(unittest.TestCase):
    @needs("dhclient")
    def test_forward_waits_for_a_guest_that_has_no_address_yet(self):
        """The client is in the backlog before the guest exists."""
        with Lanlet("--forward", f"tcp 8082 {WEB_MAC}:80") as lanlet:
            self.assertIn("(waiting until the guest has an address)", lanlet.text())
            with begin_to_ask("tcp", "127.0.0.1", 8082, "early") as client, tap.TapGuest(lanlet.stream, WEB_MAC) as guest:
                with guest.start_python(SERVE):
                    guest.check("dhclient", "-1", "-sf", "/bin/true", "-lf", "/dev/null", "-pf", "/dev/null", "eth0")
                    guest.set_address(lanlet.wait_for_lease(WEB_MAC)[1])
                    answer = client.communicate()[0]
            self.assertTrue(answer.endswith("80 early"), answer)

    def test_transfer_runs_on_through_a_reload(self):
        with tempfile.TemporaryDirectory(prefix="lanlet-") as directory:
            config = Path(directory, "lab.conf")

            def configure(*forwards):
                config.write_text("[network]\n" + "".join(f"forward = {text}\n" for text in forwards))

            configure(f"tcp 8083 {WEB}:80", f"tcp 8084 {WEB}:80", f"tcp 8085 {WEB}:80")
            with Lanlet("--config", str(config)) as lanlet, serving(lanlet), contextlib.ExitStack() as stack:
                clients = [stack.enter_context(socket.create_connection(("127.0.0.1", port), PATIENCE)) for port in (8083, 8084, 8085)]
                for s in clients:
                    s.sendall(b"before ")
                # The first stays, the second goes, the third leads elsewhere.
                configure(f"tcp 8083 {WEB}:80", f"tcp 8085 {WEB}:81")
                self.assertEqual(lanlet.ask("reload"), "changed: forward\n")
                self.assertTrue(ask("tcp", "127.0.0.1", 8083).endswith(" 80 x"))
                self.assertEqual(ask("tcp", "127.0.0.1", 8084), "ConnectionRefusedError")
                self.assertTrue(ask("tcp", "127.0.0.1", 8085).endswith(" 81 x"))
                for s in clients:
                    s.sendall(b"x" * 200000)
                    s.shutdown(socket.SHUT_WR)
                    self.assertTrue(s.makefile("rb").read().decode().endswith(" 80 before " + "x" * 200000))

    def test_taken_port_is_an_error_that_names_its_owner(self):
        with socket.create_server(("127.0.0.1", 0)) as taken:
            port = taken.getsockname()[1]
            said = refusal(0, "--forward", f"tcp {port} web:80")
            self.assertIn(f"TCP port {port}", said)
            # The owner as far as the system shows it to a process without capabilities.
            self.assertRegex(said, r"(\(process \d+\)|a program of the user \w+) has the port")

    def test_low_port_says_what_is_needed(self):
        self.assertIn("net.ipv4.ip_unprivileged_port_start=80", refusal(0, "--forward", "tcp 80 web:80"))
