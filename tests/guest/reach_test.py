# SPDX-License-Identifier: GPL-2.0-or-later
"""Guests from the host without a forward: lanlet connect by itself and under the real ssh."""

import contextlib
import hashlib
import os
import shutil
import socket
import subprocess
import sys
import tempfile
import time
import unittest
from pathlib import Path

from lan import tap
from lan.process import Lanlet
from lan.programs import LANLET, Program, check, need, needs
from lan.wait import PATIENCE, wait_until

WEB = "192.168.122.50"
WEB_MAC = "52:54:00:00:00:01"
GATEWAY = "192.168.122.1"
NOBODY = "192.168.122.77"
TOP = Path(__file__).resolve().parents[2]

# In the guest.  Port 80: echoes what it receives, after the client's address; 81: a checksum of what came; 82: as many bytes as a line
# says; 83: nothing is read, ever.
SERVE = """
import hashlib, socketserver, threading, time
class Echo(socketserver.BaseRequestHandler):
    def handle(self):
        self.request.sendall(self.client_address[0].encode() + b" ")
        while piece := self.request.recv(1 << 16):
            self.request.sendall(piece)
class Digest(socketserver.BaseRequestHandler):
    def handle(self):
        digest = hashlib.sha256()
        while piece := self.request.recv(1 << 16):
            digest.update(piece)
        self.request.sendall(digest.hexdigest().encode())
class Source(socketserver.BaseRequestHandler):
    def handle(self):
        n, digest = int(self.request.makefile().readline()), hashlib.sha256()
        for i in range(n >> 16):
            piece = i.to_bytes(4, "big") * (1 << 14)
            digest.update(piece)
            self.request.sendall(piece)
        self.request.sendall(digest.digest())
class Deaf(socketserver.BaseRequestHandler):
    def handle(self):
        time.sleep(600)
class Server(socketserver.ThreadingTCPServer):
    request_queue_size = 256
    daemon_threads = True
    def handle_error(self, *_):
        pass  # clients that go
for port, handler in ((80, Echo), (81, Digest), (82, Source), (83, Deaf)):
    threading.Thread(target=Server(("", port), handler).serve_forever).start()
print("ready", flush=True)
"""


setUpModule = tap.need_tap


class Network(Lanlet):
    """A network in the default directory, where commands look for it."""

    def __init__(self, *options):
        super().__init__("--host", f"{WEB_MAC},{WEB},web", *options)
        self.runtime = self.directory / "lanlet" / "default"

    def start(self):
        self.runtime.mkdir(parents=True, mode=0o700, exist_ok=True)
        return super().start()

    @property
    def environment(self):
        return {**os.environ, "XDG_RUNTIME_DIR": str(self.directory)}

    def begin_by_name(self, *words, **more):
        return Program([LANLET, *words], env=self.environment, **more)

    def run_by_name(self, *words, **more):
        return subprocess.run([LANLET, *words], env=self.environment, capture_output=True, timeout=PATIENCE, **more)


def serving(network):
    """The guest web with its servers."""
    return tap.serving(network, WEB_MAC, WEB, SERVE)


class Connect(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.network = cls.enterClassContext(Network())
        cls.guest = cls.enterClassContext(serving(cls.network))

    def connect(self, *words, data=b"", code=0):
        done = self.network.run_by_name("connect", *words, input=data)
        self.assertEqual(done.returncode, code, done.stderr)
        return done.stderr.decode() if code else done.stdout

    def test_guest_is_found_by_name_mac_and_address_and_sees_the_gateway(self):
        for guest in ("web", "WEB", "web.lanlet.internal", "web.lanlet", "web.default", WEB, WEB_MAC, f"{WEB}.lanlet"):
            with self.subTest(guest=guest):
                self.assertEqual(self.connect(guest, "80", data=b"hello"), f"{GATEWAY} hello".encode())

    def test_every_byte_value_arrives(self):
        data = bytes(range(256)) * 4000
        self.assertEqual(self.connect("web", "80", data=data).removeprefix(f"{GATEWAY} ".encode()), data)

    def test_large_transfers_arrive_whole_both_ways(self):
        size = 64 << 20
        with tempfile.TemporaryFile() as file:
            digest = hashlib.sha256()
            for i in range(size >> 16):
                piece = i.to_bytes(4, "big") * (1 << 14)
                digest.update(piece)
                file.write(piece)
            file.seek(0)
            done = self.network.run_by_name("connect", "web", "81", stdin=file)
        self.assertEqual((done.returncode, done.stdout.decode()), (0, digest.hexdigest()), done.stderr)
        got = self.connect("web", "82", data=f"{size}\n".encode())
        self.assertEqual(len(got), size + 32)
        self.assertEqual(hashlib.sha256(got[:-32]).digest(), got[-32:])
        self.assertEqual(got[-32:], digest.digest())

    def test_end_of_input_is_not_the_end_of_output(self):
        with self.network.begin_by_name("connect", "web", "81", stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
            process.stdin.write(b"x")
            process.stdin.close()
            self.assertEqual(process.stdout.read().decode(), hashlib.sha256(b"x").hexdigest())
            self.assertEqual(process.wait(), 0)

    def test_input_after_the_guest_s_end_ends_it(self):
        """A guest that has closed its side may still read, until it resets the connection."""
        with self.network.begin_by_name("connect", "web", "82", stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
            process.stdin.write(b"0\n")
            process.stdin.flush()
            self.assertEqual(len(process.stdout.read()), 32)
            self.assertIsNone(process.poll())
            process.stdin.write(b"more")
            process.stdin.flush()
            self.assertEqual(process.wait(), 0)

    def test_closed_output_ends_it(self):
        with self.network.begin_by_name("connect", "web", "82", stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
            process.stdin.write(b"%d\n" % (64 << 20))
            process.stdin.flush()
            process.stdout.read(1000)
            process.stdout.close()
            self.assertEqual(process.wait(), 0)

    def test_each_failure_has_its_exit_status(self):
        for words, code, want in (
            (("web", "9"), 7, "the guest refused the connection"),
            (("nobody", "80"), 5, "no such guest"),
            (("52:54:00:00:00:99", "80"), 5, "no address yet"),
            ((NOBODY, "80"), 8, "no guest answers at this address"),
            ((GATEWAY, "53"), 5, "no guest can have this address"),
            (("203.0.113.5", "80"), 5, "no guest can have this address"),
            (("we b", "80"), 2, "a guest is"),
            (("web", "0"), 2, "port"),
            (("web", "ssh"), 2, "port"),
            (("web",), 2, "missing argument"),
            (("web", "80", "--network", "other"), 4, "not running"),
        ):
            with self.subTest(words=words):
                self.assertIn(want, self.connect(*words, code=code))

    @needs("nft")
    def test_guest_that_drops_and_guest_that_rejects_are_told_apart(self):
        for rule, code, want in (("drop", 6, "did not answer"), ("reject", 7, "refused")):
            with self.subTest(rule=rule):
                self.guest.check("nft", "add table inet t; add chain inet t c { type filter hook input priority 0; };"
                                 f"add rule inet t c tcp dport 80 {rule}")
                try:
                    self.assertIn(want, self.connect("web", "80", code=code))
                finally:
                    self.guest.check("nft", "delete", "table", "inet", "t")

    def test_guest_that_boots_is_waited_for(self):
        begun = time.monotonic()
        self.connect("web", "9", "--wait", "0.5", code=7)
        self.assertGreaterEqual(time.monotonic() - begun, 0.5)
        with self.network.begin_by_name("connect", "web", "8080", "--wait", str(PATIENCE), stdout=subprocess.PIPE) as process:
            program = 'import socket; socket.create_server(("", 8080)).accept()[0].sendall(b"up")'
            self.guest.python(program)
            self.assertEqual(process.stdout.read(), b"up")

    def test_connection_is_a_flow_and_counted(self):
        with self.network.begin_by_name("connect", "web", "80", stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
            process.stdin.write(b"x" * 1000)
            process.stdin.flush()
            process.stdout.read(len(GATEWAY) + 1001)
            flows = self.network.api.get(f"/v1/flows?guest={WEB}&port=80&state=established")["flows"]
            (flow,) = [f for f in flows if f["bytes_out"] == len(GATEWAY) + 1001]
            self.assertEqual((flow["direction"], flow["guest_name"], flow["remote"]["address"]), ("in", "web", GATEWAY))
        counters = self.network.api.get("/v1/counters")
        self.connect("web", "9", code=7)
        after = self.network.api.get("/v1/counters")
        self.assertGreater(after["dials_opened"], 0)
        self.assertEqual(after["dials_failed"], counters["dials_failed"] + 1)

    def test_connection_itself_is_passed_on(self):
        ours, theirs = socket.socketpair()
        with ours, theirs:
            with self.network.begin_by_name("connect", "web", "80", "--pass-fd", stdout=theirs) as process:
                _, (fd,), _, _ = socket.recv_fds(ours, 1, 1)
                self.assertEqual(process.wait(), 0)
            with socket.socket(fileno=fd) as s:
                s.settimeout(PATIENCE)
                s.sendall(b"hello")
                s.shutdown(socket.SHUT_WR)
                self.assertEqual(s.makefile("rb").read(), f"{GATEWAY} hello".encode())
        self.assertIn("unix socket", self.connect("web", "80", "--pass-fd", code=1))


class Api(unittest.TestCase):
    """POST /v1/connect by hand."""

    @classmethod
    def setUpClass(cls):
        cls.network = cls.enterClassContext(Network())
        cls.guest = cls.enterClassContext(serving(cls.network))

    def request(self, target):
        s = socket.socket(socket.AF_UNIX)
        self.addCleanup(s.close)
        s.settimeout(PATIENCE)
        s.connect(str(self.network.runtime / "api.sock"))
        lines = [f"POST {target} HTTP/1.1", "Host: lanlet", "Content-Length: 0", "Connection: Upgrade", "Upgrade: tcp", "", ""]
        s.sendall("\r\n".join(lines).encode())
        return s

    def test_answer_is_101_and_then_the_guests_bytes(self):
        s = self.request("/v1/connect?guest=web&port=80")
        head = b""
        while not head.endswith(b"\r\n\r\n"):
            head += s.recv(1)
        self.assertTrue(head.startswith(b"HTTP/1.1 101 "), head)
        s.sendall(b"hello")
        s.shutdown(socket.SHUT_WR)
        self.assertEqual(s.makefile("rb").read(), f"{GATEWAY} hello".encode())

    def test_errors_are_answers_with_a_reason(self):
        for target, status, reason in (
            ("/v1/connect?guest=web&port=9", 502, "refused"),
            ("/v1/connect?guest=nobody&port=9", 404, "no-address"),
            (f"/v1/connect?guest={NOBODY}&port=9", 502, "unreachable"),
            ("/v1/connect?guest=127.0.0.1&port=9", 404, "no-guest"),
            ("/v1/connect?guest=a..b&port=9", 400, "malformed"),
        ):
            with self.subTest(target=target):
                got, _, answer = self.network.api.request("POST", target, headers={"Connection": "Upgrade", "Upgrade": "tcp"})
                self.assertEqual((got, answer["reason"]), (status, reason))
        for target in ("/v1/connect", "/v1/connect?guest=web", "/v1/connect?guest=web&port=70000"):
            self.assertEqual(self.network.api.request("POST", target, headers={"Connection": "Upgrade", "Upgrade": "tcp"})[0], 400)
        self.assertEqual(self.network.api.request("POST", "/v1/connect?guest=web&port=80")[0], 400)

    def test_clients_that_give_up_leave_nothing_behind(self):
        before = len(self.network.open_files())
        for _ in range(100):
            self.request(f"/v1/connect?guest={NOBODY}&port=80").close()
        wait_until(lambda: len(self.network.open_files()) <= before, "the end of their sockets")

    def test_network_ends_while_connections_are_being_opened(self):
        with Network() as network:
            sockets = []
            for _ in range(20):
                s = socket.socket(socket.AF_UNIX)
                self.addCleanup(s.close)
                s.connect(str(network.runtime / "api.sock"))
                s.sendall(b"POST /v1/connect?guest=192.168.122.77&port=80 HTTP/1.1\r\nHost: l\r\nContent-Length: 0\r\n"
                          b"Connection: Upgrade\r\nUpgrade: tcp\r\n\r\n")
                sockets.append(s)
            wait_until(lambda: network.api.get("/v1/counters")["flows_tcp"] >= 20, "connections that are being opened")


class Ssh(unittest.TestCase):
    """OpenSSH's client with contrib/ssh_config, and a server in the guest."""

    @classmethod
    def setUpClass(cls):
        need("ssh", "dropbear")
        cls.home = Path(cls.enterClassContext(tempfile.TemporaryDirectory(prefix="lanlet-")))
        cls.make_home()
        cls.network = cls.enterClassContext(Network())
        guest = cls.enterClassContext(serving(cls.network))
        # As the user that the guest knows, in a user namespace of its own.
        with open(cls.home / "log", "wb") as log:
            cls.enterClassContext(guest.start(
                "unshare", "--map-user=1000", "--map-group=1000", "dropbear", "-F", "-E", "-s", "-p", "2222", "-r", cls.home / "host_key",
                "-P", cls.home / "pid", stderr=log))
        done = cls.network.run_by_name("connect", "web", "2222", "--wait", str(PATIENCE / 2), input=b"")
        assert done.stdout.startswith(b"SSH-2.0"), (done, (cls.home / "log").read_text())

    @classmethod
    def make_home(cls):
        """A user that exists here and in the guest, with a key; and lanlet where ssh finds it."""
        passwd = cls.home / "passwd"
        passwd.write_text(f"root:x:0:0::/root:/bin/sh\nuser:x:1000:1000::{cls.home}:/bin/sh\n")
        check("mount", "--bind", passwd, "/etc/passwd")
        cls.addClassCleanup(check, "umount", "/etc/passwd")
        ssh = cls.home / ".ssh"
        ssh.mkdir(mode=0o700)
        for path in (cls.home / "host_key.pem", ssh / "id_ed25519"):
            check("ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", path)
        check("dropbearconvert", "openssh", "dropbear", cls.home / "host_key.pem", cls.home / "host_key")
        shutil.copy(ssh / "id_ed25519.pub", ssh / "authorized_keys")
        (cls.home / "bin").mkdir()
        (cls.home / "bin" / "lanlet").symlink_to(LANLET)
        (cls.home / "host_key.pub").write_text("*.lanlet,web " + (cls.home / "host_key.pem.pub").read_text())
        (cls.home / "lanlet_config").write_text((TOP / "contrib" / "ssh_config").read_text())  # ssh wants it to be the user's
        (cls.home / "config").write_text(f"""
Include {cls.home}/lanlet_config
Host *
	Port 2222
	User user
	BatchMode yes
	IdentityFile {ssh}/id_ed25519
	IdentitiesOnly yes
	StrictHostKeyChecking yes
	UserKnownHostsFile {cls.home}/host_key.pub
""")

    def ssh(self, *words, **more):
        environment = {**self.network.environment, "PATH": f"{self.home}/bin:{os.environ['PATH']}", "HOME": str(self.home)}
        return subprocess.run(["ssh", "-F", self.home / "config", *words], env=environment, capture_output=True, timeout=PATIENCE, **more)

    def test_ssh_web_lanlet_works(self):
        done = self.ssh("web.lanlet", "ip -4 -o address show dev eth0; echo $SSH_CONNECTION")
        self.assertEqual(done.returncode, 0, (done.stderr, (self.home / "log").read_text()))
        self.assertIn(f"{WEB}/24".encode(), done.stdout)
        self.assertRegex(done.stdout.decode(), rf"(?m)^{GATEWAY} \d+ {WEB} 2222$")

    def test_ssh_works_with_a_process_between(self):
        data = os.urandom(8 << 20)
        done = self.ssh("-o", "ProxyUseFdpass=no", "-o", "ProxyCommand=lanlet connect %h %p", "web", "cat", input=data)
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertEqual(done.stdout, data)

    def test_transfer_by_ssh_arrives_whole(self):
        data = os.urandom(32 << 20)
        done = self.ssh("web.lanlet", "cat", input=data)
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertEqual(done.stdout, data)

    def test_ssh_reports_errors(self):
        done = self.ssh("nobody.lanlet", "true")
        self.assertEqual(done.returncode, 255)
        self.assertIn(b"there is no such guest", done.stderr)


class Proxy(unittest.TestCase):
    """The proxy with curl, with invalid bytes, and with many clients at once."""

    @classmethod
    def setUpClass(cls):
        cls.network = cls.enterClassContext(Network("--forward", "proxy [::1]:1080"))
        cls.guest = cls.enterClassContext(serving(cls.network))
        cls.path = cls.network.directory / "proxy.sock"
        for listen in ("1080", f"unix:{cls.path}"):
            done = cls.network.run_by_name("proxy", listen, text=True)
            assert done.returncode == 0, done
        site = cls.enterClassContext(tempfile.TemporaryDirectory(prefix="lanlet-"))
        Path(site, "blob").write_bytes(os.urandom(24 << 20))
        cls.digest = hashlib.sha256(Path(site, "blob").read_bytes()).hexdigest()
        cls.enterClassContext(cls.guest.start(
            sys.executable, "-m", "http.server", "8000", "--directory", site, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL))
        done = cls.network.run_by_name("connect", "web", "8000", "--wait", str(PATIENCE / 2), input=b"")
        assert done.returncode == 0, done

    def curl(self, *words):
        need("curl")
        return subprocess.run(["curl", "-sS", "--max-time", str(int(PATIENCE)), *words], capture_output=True, timeout=2 * PATIENCE)

    def test_curl_reaches_guests_by_name_through_each_of_them(self):
        for words in (
            ("--proxy", "socks5h://127.0.0.1:1080", "http://web:8000/blob"),
            ("--proxy", "socks5h://127.0.0.1:1080", "http://web.lanlet.internal:8000/blob"),
            ("--socks5-hostname", "127.0.0.1:1080", "http://web.lanlet:8000/blob"),
            ("--proxy", "socks5://127.0.0.1:1080", f"http://{WEB}:8000/blob"),
            ("--proxy", "socks5h://[::1]:1080", "http://web:8000/blob"),
            ("--proxy", f"socks5h://localhost{self.path}", "http://web:8000/blob"),
            ("--proxytunnel", "--proxy", "http://127.0.0.1:1080", "http://web:8000/blob"),
            ("--proxytunnel", "--proxy", "http://[::1]:1080", f"http://{WEB}:8000/blob"),
        ):
            with self.subTest(words=words):
                done = self.curl(*words)
                self.assertEqual(done.returncode, 0, done.stderr)
                self.assertEqual(hashlib.sha256(done.stdout).hexdigest(), self.digest)

    def test_upload_arrives_whole(self):
        data = os.urandom(16 << 20)
        with socket.create_connection(("127.0.0.1", 1080), PATIENCE) as s:
            s.sendall(b"CONNECT web:81 HTTP/1.1\r\nHost: web:81\r\n\r\n")
            self.assertEqual(self.head(s), b"HTTP/1.1 200 Connection established\r\n\r\n")
            s.sendall(data)
            s.shutdown(socket.SHUT_WR)
            self.assertEqual(s.makefile("rb").read().decode(), hashlib.sha256(data).hexdigest())

    def test_curl_reports_errors(self):
        for words, code, want in (
            # 97: the proxy's handshake; 56: what the proxy answered to CONNECT
            (("--proxy", "socks5h://127.0.0.1:1080", "http://nobody/"), 97, b"(4)"),
            (("--proxy", "socks5h://127.0.0.1:1080", "http://web:9/"), 97, b"(5)"),
            (("--proxy", "socks5h://127.0.0.1:1080", "http://127.0.0.1:1080/"), 97, b"(2)"),
            (("--proxytunnel", "--proxy", "http://127.0.0.1:1080", "http://nobody/"), 56, b"502"),
            (("--proxytunnel", "--proxy", "http://127.0.0.1:1080", "http://203.0.113.5/"), 56, b"403"),
        ):
            with self.subTest(words=words):
                done = self.curl(*words)
                self.assertEqual(done.returncode, code, done.stderr)
                self.assertIn(want, done.stderr)
        self.assertIn(b"this proxy accepts CONNECT only", self.curl("--proxy", "http://127.0.0.1:1080", "http://web:8000/").stdout)

    @staticmethod
    def head(s):
        got = b""
        while not got.endswith(b"\r\n\r\n"):
            got += s.recv(1)
        return got

    def test_bytes_behind_the_request_are_the_guests(self):
        with socket.create_connection(("127.0.0.1", 1080), PATIENCE) as s:
            s.sendall(b"\x05\x01\x00\x05\x01\x00\x03\x03web\x00\x50hasty")
            s.shutdown(socket.SHUT_WR)
            got = s.makefile("rb").read()
        self.assertEqual(got, b"\x05\x00" + b"\x05\x00\x00\x01" + bytes(6) + f"{GATEWAY} hasty".encode())

    def test_wrong_bytes_end_only_that_client(self):
        with socket.create_connection(("127.0.0.1", 1080), PATIENCE) as good:
            good.sendall(b"\x05\x01\x00")
            self.assertEqual(good.recv(2), b"\x05\x00")
            for junk in (b"\x00" * 100, b"\x05\x00", b"\x04\x01\x00\x50\x7f\x00\x00\x01\x00", b"\xff" * 20000, b"CONNECT\r\n\r\n",
                         os.urandom(1000)):
                with socket.create_connection(("127.0.0.1", 1080), PATIENCE) as s, contextlib.suppress(ConnectionError):
                    s.sendall(b"x" + junk if junk[:1] == b"\x05" and len(junk) == 1000 else junk)
                    s.shutdown(socket.SHUT_WR)
                    s.makefile("rb").read()
            good.sendall(b"\x05\x01\x00\x03\x03web\x00\x50")
            self.assertEqual(good.recv(10)[:2], b"\x05\x00")
            self.assertEqual(good.recv(100), f"{GATEWAY} ".encode())

    def test_two_hundred_clients_at_once_are_served(self):
        clients = []
        for i in range(200):
            s = socket.create_connection(("127.0.0.1", 1080), PATIENCE)
            self.addCleanup(s.close)
            clients.append(s)
            s.sendall(b"\x05\x01\x00" if i % 2 else b"CONNECT web:80 HTTP/1.1\r\n")
        for i, s in enumerate(clients):
            if i % 2:
                self.assertEqual(s.recv(2), b"\x05\x00")
                s.sendall(b"\x05\x01\x00\x03\x03web\x00\x50")
            else:
                s.sendall(b"\r\n")
        for i, s in enumerate(clients):
            self.assertEqual(len(s.recv(10, socket.MSG_WAITALL)) if i % 2 else len(self.head(s)), 10 if i % 2 else 39)
            s.sendall(b"number %d" % i)
            s.shutdown(socket.SHUT_WR)
        for i, s in enumerate(clients):
            self.assertEqual(s.makefile("rb").read().decode(), f"{GATEWAY} number {i}")

    def test_guest_does_not_reach_it(self):
        program = "import socket\ntry: socket.create_connection(('%s', 1080), 5)\nexcept OSError as e: print(type(e).__name__)" % GATEWAY
        self.assertIn(self.guest.python(program).strip(), {"ConnectionRefusedError", "TimeoutError"})

    def test_it_is_listed_counted_and_removed(self):
        with socket.create_server(("127.0.0.1", 0)) as free:
            port = free.getsockname()[1]
        for _ in range(2):
            done = self.network.run_by_name("proxy", str(port), text=True)
            self.assertEqual((done.returncode, done.stdout), (0, f"socks5h://127.0.0.1:{port}\nhttp://127.0.0.1:{port}\n"), done.stderr)
        self.assertEqual(self.curl("--proxy", f"socks5h://127.0.0.1:{port}", "http://web:8000/").returncode, 0)
        (proxy,) = [f for f in self.network.api.get("/v1/forwards")["forwards"] if f["host"] == f"127.0.0.1:{port}"]
        found = tuple(proxy[key] for key in ("protocol", "guest", "state", "kept", "opened"))
        self.assertEqual(found, ("proxy", None, "open", True, 1))
        self.assertRegex(self.network.run_by_name("forward", text=True).stdout, rf"(?m)proxy +127.0.0.1:{port} +- +open")
        self.assertEqual(self.network.run_by_name("proxy", "--remove", str(port)).returncode, 0)
        self.assertEqual(self.network.run_by_name("proxy", "--remove", str(port)).returncode, 5)
        with self.assertRaises(ConnectionRefusedError):
            socket.create_connection(("127.0.0.1", port), PATIENCE)
        done = self.network.run_by_name("proxy", "0.0.0.0:1081", text=True)
        self.assertEqual(done.returncode, 2)
        self.assertIn("loopback", done.stderr)
