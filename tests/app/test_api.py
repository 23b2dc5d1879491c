# SPDX-License-Identifier: GPL-2.0-or-later
"""The API on api.sock of a running network without guests: access, answers, refusals."""

import contextlib
import http.client
import json
import os
import resource
import signal
import socket
import stat

from lan import runner
from lan.case import TestCase
from lan.wait import wait_until


class Server(TestCase):
    def test_socket_is_private_and_removed_with_the_network(self):
        process = self.start()
        self.assertEqual(stat.S_IMODE(os.stat(self.socket_path("api.sock")).st_mode), 0o600)
        self.assertEqual(process.stop(), 0)
        self.assertFalse(os.path.exists(self.socket_path("api.sock")))

    def test_network_is_described(self):
        process = self.start("--subnet", "10.20.30.0/24", "--lease-time", "2h")
        network = self.api.get("/v1/network")
        self.assertEqual((network["name"], network["pid"]), ("default", process.pid))
        self.assertEqual((network["subnet"], network["gateway"], network["lease_time"]), ("10.20.30.0/24", "10.20.30.1", 7200))

    def test_ports_are_listed(self):
        process = self.start()
        with socket.socket(socket.AF_UNIX) as guest:
            guest.connect(process.ready.rstrip("\n"))
            wait_until(lambda: len(self.api.get("/v1/ports")["ports"]) == 2, "the guest's port")
            self.assertEqual([port["kind"] for port in self.api.get("/v1/ports")["ports"]], ["gateway", "stream"])

    def test_ports_say_what_the_switch_does_with_them(self):
        process = self.start("--isolate")
        with socket.socket(socket.AF_UNIX) as guest:
            guest.connect(process.ready.rstrip("\n"))
            wait_until(lambda: len(self.api.get("/v1/ports")["ports"]) == 2, "the guest's port")
            gateway, port = self.api.get("/v1/ports")["ports"]
        self.assertEqual((gateway["isolated"], gateway["uplink"], gateway["blocked"]), (False, True, False))
        self.assertEqual((port["isolated"], port["uplink"], port["blocked"]), (True, False, False))
        self.assertNotIn("pinned", port)

    def test_unknown_path_and_wrong_method_are_refused_in_json(self):
        self.start()
        status, _, answer = self.api.request("GET", "/v1/nonsense")
        self.assertEqual(status, 404)
        self.assertIn("error", answer)
        status, headers, answer = self.api.request("POST", "/v1/ports")
        self.assertEqual((status, headers["Allow"]), (405, "GET, HEAD"))
        self.assertIn("error", answer)

    def test_request_with_several_or_no_valid_lengths_is_refused_and_not_run(self):
        self.start()
        body = b'{"name": "db", "address": "192.168.122.9"}'
        for lengths in ((b"%d" % len(body), b"500"), (b"500", b"%d" % len(body)), (b"%d, %d" % (len(body), len(body)),), (b"-1",), (b"x",)):
            with self.subTest(lengths=lengths), socket.socket(socket.AF_UNIX) as s:
                s.settimeout(20)
                s.connect(self.socket_path("api.sock"))
                head = b"".join(b"Content-Length: %s\r\n" % length for length in lengths)
                s.sendall(b"POST /v1/names HTTP/1.1\r\nHost: x\r\n" + head + b"\r\n" + body)
                self.assertTrue(s.recv(4096).startswith(b"HTTP/1.1 400 "))
        self.assertEqual(self.api.get("/v1/names")["names"], [])

    def test_strangers_by_tcp_shut_out_neither_the_owner_nor_those_with_a_token(self):
        with socket.create_server(("127.0.0.1", 0)) as free:
            port = free.getsockname()[1]
        self.start("--api-listen", f"127.0.0.1:{port}", preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_NOFILE, (256, 256)))
        with open(self.socket_path("api.token")) as file:
            token = file.read().strip()
        with contextlib.ExitStack() as stack:
            for _ in range(100):  # of 32 clients at once
                stack.enter_context(socket.create_connection(("127.0.0.1", port)))
            self.assertEqual(self.api.get("/v1/network")["name"], "default")
            connection = http.client.HTTPConnection("127.0.0.1", port, timeout=20)
            connection.request("GET", "/v1/network", headers={"Authorization": f"Bearer {token}"})
            self.assertEqual(connection.getresponse().status, 200)
            connection.close()

    def test_sighup_reloads_without_ending_it(self):
        config = self.write("config/lanlet/default.conf", "[network]\nlease-time = 2h\n")
        process = self.start()
        with open(config, "w") as file:
            file.write("[network]\nlease-time = 3h\nmtu = 1400\n")
        process.process.send_signal(signal.SIGHUP)
        wait_until(lambda: "need a restart: mtu" in process.text(), "the reload")
        self.assertEqual(self.api.get("/v1/network")["lease_time"], 10800)
        self.assertIsNone(self.api.get("/v1/network")["mtu"])

    def test_file_in_the_socket_s_place_is_not_destroyed(self):
        os.makedirs(self.path("run/lanlet/default"), 0o700)
        path = self.write("run/lanlet/default/api.sock", "precious")
        done = self.lanlet("run", "--log-level", "error")
        self.assertEqual(done.returncode, 1)
        self.assertIn("a file that is not a socket is there", done.stderr)
        with open(path) as file:
            self.assertEqual(file.read(), "precious")


class Commands(TestCase):
    def test_ports_are_a_table_or_json(self):
        self.start("lab")
        table = self.lanlet("ports", "lab")
        self.assertEqual((table.returncode, table.stderr), (0, ""))
        self.assertRegex(table.stdout, r"(?m)^gateway +gateway ")
        self.assertEqual(json.loads(self.lanlet("ports", "--network", "lab", "--json").stdout)["ports"][0]["name"], "gateway")

    def test_network_that_does_not_run_ends_them_with_4(self):
        self.assert_fails(4, "network lab is not running (%s): lanlet run lab starts it" % self.path("run/lanlet/lab"), "ports", "lab")


if __name__ == "__main__":
    runner.main()
