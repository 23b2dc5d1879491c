# SPDX-License-Identifier: GPL-2.0-or-later
"""`lanlet exec`: a command as a guest, as an ordinary user."""

import os
import pty
import signal
import subprocess
import sys
import unittest

from lan import servers, tap
from lan.process import Lanlet, unprivileged
from lan.programs import LANLET, Program, needs
from lan.wait import PATIENCE, wait_until

GATEWAY = "192.168.122.1"
FETCH = "import urllib.request, sys; print(len(urllib.request.urlopen(sys.argv[1], timeout=30).read()))"


setUpModule = tap.need_tap


def relays():
    """lanlet's helper processes that are alive: zombies, which wait to be reaped, do not count."""
    found = []
    for pid in filter(str.isdigit, os.listdir("/proc")):
        try:
            with open(f"/proc/{pid}/stat") as file:
                name, rest = file.read().split("(", 1)[1].rsplit(")", 1)
        except OSError:
            continue
        if name == "lanlet-relay" and rest.split()[0] not in "ZX":
            found.append(int(pid))
    return found


class Exec(unittest.TestCase):
    options = ()

    def setUp(self):
        self.lanlet = self.enterContext(Lanlet(*self.options))

    def words(self, *command, options=(), runtime=None):
        return [
            *unprivileged(), LANLET, "exec", "--runtime-dir", str(runtime or self.lanlet.runtime), *options, "--", *command,
        ]

    def run_in(self, *command, **more):
        return subprocess.run(self.words(*command, **more), stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=PATIENCE)

    def check_in(self, *command, **more):
        done = self.run_in(*command, **more)
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr)
        return done.stdout

    def start_in(self, *command, **more):
        return self.enterContext(Program(self.words(*command, **more), stdout=subprocess.PIPE))


class Network(Exec):
    options = ("--host-loopback",)

    def test_command_is_a_guest_with_a_lease(self):
        out = self.check_in("sh", "-c", "ip -4 -o address show dev eth0; ip route; cat /etc/resolv.conf; ip link show dev eth0")
        self.assertRegex(out, r"inet 192\.168\.122\.\d+/24")
        self.assertIn(f"default via {GATEWAY} dev eth0", out)
        self.assertIn(f"nameserver {GATEWAY}\n", out)
        self.assertRegex(out, r"(?m)^search lanlet\.internal( .*)?$")
        self.assertIn("mtu 65520 ", out)

    def test_nothing_of_the_hosts_network_is_there(self):
        self.assertEqual(self.check_in("ls", "/proc/self/net/dev_snmp6").split(), ["eth0", "lo"])

    def test_host_keeps_its_resolv_conf(self):
        before = os.stat("/etc/resolv.conf")
        self.check_in("cat", "/etc/resolv.conf")
        self.assertEqual(os.stat("/etc/resolv.conf"), before)

    def test_gateway_answers_ping_and_http(self):
        servers.serve(servers.TcpServer, servers.Http, "127.0.0.1", 8123)
        self.check_in("ping", "-c", "1", "-W", "20", GATEWAY)
        out = self.check_in(sys.executable, "-c", FETCH, f"http://{GATEWAY}:8123/1000000")
        self.assertEqual(out, "1000000\n")

    def test_named_command_is_found_by_its_name(self):
        web = self.start_in("sh", "-c", "hostname; exec sleep 1000", options=["--name", "web"])
        web.expect("web")
        self.check_in("ping", "-c", "1", "-W", "20", "web")
        address = self.check_in("getent", "ahostsv4", "web").split()[0]
        web.kill()
        web.wait()
        wait_until(lambda: not relays(), "the end of the relay")
        again = self.check_in("ip", "-4", "-o", "address", "show", "dev", "eth0", options=["--name", "web"])
        self.assertIn(f"inet {address}/", again)

    def test_mac_can_be_chosen(self):
        self.assertIn("link/ether 52:54:00:aa:bb:cc ", self.check_in("ip", "link", options=["--mac", "52:54:00:aa:bb:cc"]))

    @needs("tcpdump")
    def test_tcpdump_sees_the_network(self):
        done = self.run_in("sh", "-c", f"ping -c 100 -i 0.3 -W 1 {GATEWAY} >/dev/null & exec tcpdump -l -n -i eth0 -c 2 icmp")
        self.assertIn("ICMP echo reply", done.stdout, done.stderr)

    @needs("nmap")
    def test_nmap_finds_the_gateway(self):
        self.assertIn("Host is up", self.check_in("nmap", "-n", "-sn", GATEWAY))

    def test_low_port_can_be_listened_on(self):
        self.check_in(sys.executable, "-c", "import socket; socket.create_server(('', 80))")


class Ipv6(Exec):
    options = "--ipv6", "fd12:3456:789a::/64"
    GATEWAY6 = "fd12:3456:789a::1"

    def test_command_has_ipv6_from_the_start(self):
        self.check_in("ping", "-6", "-n", "-c", "1", "-w", "10", self.GATEWAY6)
        self.check_in("ping", "-6", "-n", "-c", "1", "-w", "10", "fe80::1%eth0")
        self.assertIn(f"nameserver {self.GATEWAY6}", self.check_in("cat", "/etc/resolv.conf"))

    def test_lease_has_the_commands_name_and_ends_with_it(self):
        with self.start_in("sleep", "60", options=["--name", "web"]) as command:
            leases = wait_until(lambda: self.leases("web"), self.lanlet.text)
            addresses = {lease["address"] for lease in leases if ":" in lease["address"]}
            self.assertEqual(len(addresses), 1)
            self.assertEqual(self.lanlet.ask("wait", "--ipv6", "web"), f"{addresses.pop()}\n")
            self.check_in("ping", "-6", "-n", "-c", "1", "-w", "10", "web.lanlet.internal")
            command.kill()
        wait_until(lambda: not self.leases("web"), self.lanlet.text)

    @needs("curl")
    def test_commands_reach_each_other(self):
        serve = "import http.server, socket; s = http.server.HTTPServer; s.address_family = socket.AF_INET6; " \
                "s(('::', 80), http.server.SimpleHTTPRequestHandler).serve_forever()"
        with self.start_in(sys.executable, "-c", serve, options=["--name", "web"]):
            wait_until(lambda: self.run_in("curl", "-6", "-sf", "http://web.lanlet.internal/").returncode == 0, self.lanlet.text)

    def leases(self, name):
        found = [lease for lease in self.lanlet.api.get("/v1/leases")["leases"] if lease["name"] == name]
        return found if any(":" in lease["address"] for lease in found) else []


class Ipv6Only(Exec):
    options = "--ipv6-only",

    def test_command_runs_without_ipv4(self):
        out = self.check_in("sh", "-c", "cat /etc/resolv.conf; ip -4 address show dev eth0; ping -6 -n -c 1 -w 10 fe80::1%eth0")
        self.assertRegex(out, "nameserver fd")
        self.assertNotIn("inet 192", out)


class ShortLease(Exec):
    options = ("--lease-time", "10")

    def test_lease_is_renewed_while_the_command_runs_and_given_back_at_its_end(self):
        process = self.start_in("sh", "-c", f"sleep 14; ping -c 1 -W 20 {GATEWAY} >/dev/null && echo good; cat")
        process.expect("good")
        process.wait()
        wait_until(lambda: "no leases" in self.lanlet.status(), "the end of the lease")
        self.assertEqual(self.lanlet.text().count(": leased"), 1, self.lanlet.text())


class AsIfRunDirectly(Exec):
    def test_exit_status_is_the_commands(self):
        for status in (0, 1, 7, 255):
            self.assertEqual(self.run_in("sh", "-c", f"exit {status}").returncode, status)

    def test_death_by_a_signal_is_the_commands(self):
        self.assertEqual(self.run_in("sh", "-c", "kill -TERM $$").returncode, -signal.SIGTERM)
        self.assertEqual(subprocess.call(["sh", "-c", '"$@"; exit $?', "sh", *self.words("sh", "-c", "kill -KILL $$")]),
                         128 + signal.SIGKILL)

    def test_signals_reach_the_command(self):
        process = self.start_in("sh", "-c", "trap 'echo usr1; exit 3' USR1; echo ready; while :; do sleep 0.1; done")
        process.expect("ready")
        process.send_signal(signal.SIGUSR1)
        process.expect("usr1")
        self.assertEqual(process.wait(), 3)

    def test_user_umask_directory_and_environment_are_the_callers(self):
        script = "id -u; id -g; umask; pwd; echo $LANLET_TEST_WORD"
        expected = ["sh", "-c", script]
        environment = {**os.environ, "LANLET_TEST_WORD": "word"}
        direct = subprocess.run(expected, capture_output=True, text=True, env=environment, timeout=PATIENCE).stdout
        done = subprocess.run(self.words(*expected), capture_output=True, text=True, env=environment, timeout=PATIENCE)
        self.assertEqual(done.stdout, direct, done.stderr)

    def test_command_has_no_child_and_no_descriptor_that_it_did_not_make(self):
        out = self.check_in(sys.executable, "-c", "import os; print(sorted(map(int, os.listdir('/proc/self/fd')))[:-1])\n"
                                                  "try: os.wait()\nexcept ChildProcessError: print('childless')")
        self.assertEqual(out, "[0, 1, 2]\nchildless\n")

    def test_command_does_not_ignore_sigpipe(self):
        out = self.check_in("sh", "-c", "grep SigIgn /proc/self/status")
        self.assertEqual(int(out.split()[1], 16) & 1 << signal.SIGPIPE - 1, 0)

    def test_standard_input_and_output_are_untouched(self):
        done = subprocess.run(self.words("cat"), input="some words\n", capture_output=True, text=True, timeout=PATIENCE)
        self.assertEqual((done.returncode, done.stdout), (0, "some words\n"))

    def test_terminal_is_the_callers(self):
        pid, terminal = pty.fork()
        if pid == 0:
            words = self.words("sh", "-c", "tty; exec cat")
            os.execvp(words[0], words)
        self.addCleanup(os.close, terminal)
        with open(terminal, "rb", buffering=0, closefd=False) as file:
            self.assertRegex(file.readline(), rb"^/dev/pts/\d+\r\n$|^not a tty\r\n$")
            os.write(terminal, b"\x03")  # what Ctrl-C sends
        self.assertTrue(os.WIFSIGNALED(status := os.waitpid(pid, 0)[1]))
        self.assertEqual(os.WTERMSIG(status), signal.SIGINT)

    def test_command_that_cannot_be_run_is_named(self):
        for command, status, words in (("/nonexistent", 127, "No such file"), ("/etc/passwd", 126, "Permission denied")):
            done = self.run_in(command)
            self.assertEqual(done.returncode, status)
            self.assertIn(f"{command}: {words}", done.stderr)


class Ends(Exec):
    def test_nothing_is_left_behind(self):
        process = self.start_in("sh", "-c", "echo ready; exec sleep 1000")
        process.expect("ready")
        self.assertEqual(len(relays()), 1)
        self.assertRegex(self.lanlet.status(), r"(?m)^stream\d")
        process.kill()
        process.wait()
        wait_until(lambda: not relays(), "the end of the relay")
        wait_until(lambda: "\nstream" not in self.lanlet.status(), "the end of the port")
        self.assertIn("no leases", self.lanlet.status())

    def test_command_gets_sighup_when_the_network_ends(self):
        process = self.start_in("sh", "-c", "echo ready; exec sleep 1000")
        process.expect("ready")
        self.assertEqual(self.lanlet.stop(), 0)
        self.assertEqual(process.wait(), -signal.SIGHUP)
        wait_until(lambda: not relays(), "the end of the relay")
        self.lanlet.start()

    def test_command_gets_sighup_when_the_relay_ends(self):
        process = self.start_in("sh", "-c", "echo ready; exec sleep 1000")
        process.expect("ready")
        os.kill(relays()[0], signal.SIGTERM)
        self.assertEqual(process.wait(), -signal.SIGHUP)

    def test_network_that_does_not_run_is_named(self):
        done = self.run_in("true", runtime="/nonexistent")
        self.assertEqual(done.returncode, 125)
        self.assertIn("network default is not running (/nonexistent)", done.stderr)

    def test_usage_is_explained(self):
        for words, expected in (([], "missing COMMAND"), (["--"], "missing COMMAND"), (["--name", "-a", "--", "true"], "--name")):
            done = subprocess.run([LANLET, "exec", *words], capture_output=True, text=True, timeout=PATIENCE)
            self.assertEqual(done.returncode, 2)
            self.assertIn(expected, done.stderr)
