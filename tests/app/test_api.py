# SPDX-License-Identifier: GPL-2.0-or-later
"""The API on api.sock of a running network without guests: access, answers, refusals."""

import json
import os
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
        self.assertEqual((status, headers["Allow"]), (405, "GET"))
        self.assertIn("error", answer)

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
