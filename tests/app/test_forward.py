# SPDX-License-Identifier: GPL-2.0-or-later
"""`lanlet forward` and its API, without guests: what is listed, kept, refused and given back."""

import json
import os
import signal
import socket

from lan import runner
from lan.case import TestCase
from lan.wait import PATIENCE, wait_until


def free_port():
    with socket.create_server(("127.0.0.1", 0)) as s:
        return s.getsockname()[1]


class Forward(TestCase):
    def forwards(self):
        return self.api.get("/v1/forwards")["forwards"]

    def add(self, *words):
        return self.lanlet("forward", "add", *words)

    def test_added_forward_is_listed_and_listens(self):
        self.start()
        port = free_port()
        done = self.add("tcp", str(port), "192.168.122.50:80")
        self.assertEqual((done.returncode, done.stdout), (0, "1\n"), done.stderr)
        self.assertEqual(self.forwards(), [{
            "id": 1, "protocol": "tcp", "host": f"127.0.0.1:{port}", "guest": "192.168.122.50:80", "state": "open",
            "kept": True, "opened": 0, "refused": 0, "failure": None,
        }])
        socket.create_connection(("127.0.0.1", port), PATIENCE).close()
        wait_until(lambda: self.forwards()[0]["opened"] == 1, "the client to be counted")
        listed = self.lanlet("forward")
        self.assertIn(f"127.0.0.1:{port}", listed.stdout)
        self.assertEqual(json.loads(self.lanlet("forward", "list", "--json").stdout)["forwards"], self.forwards())
        self.assertIn(f"127.0.0.1:{port}", self.status())

    def test_removed_forward_gives_its_port_back(self):
        self.start()
        port = free_port()
        self.add("tcp", str(port), "web:80")
        self.assertEqual(self.forwards()[0]["state"], "waiting")
        self.assertEqual(self.lanlet("forward", "remove", "1").returncode, 0)
        self.assertEqual(self.forwards(), [])
        socket.create_server(("127.0.0.1", port)).close()
        again = self.lanlet("forward", "remove", "1")
        self.assertEqual(again.returncode, 5)
        self.assertIn("no forward with the number 1", again.stderr)

    def test_forwards_are_kept_across_restarts_until_they_are_removed(self):
        process = self.start()
        ports = [free_port() for _ in range(2)]
        for port in ports:
            self.add("udp", str(port), "web:53")
        self.lanlet("forward", "remove", "1")
        process.stop()
        self.start()
        self.assertEqual([f["host"] for f in self.forwards()], [f"127.0.0.1:{ports[1]}"])

    def test_kept_forward_with_a_taken_port_is_logged_and_tried_again(self):
        process = self.start()
        port = free_port()
        self.add("tcp", str(port), "web:80")
        process.stop()
        with socket.create_server(("127.0.0.1", port)):
            self.start()
            forward = self.forwards()[0]
            self.assertEqual(forward["state"], "closed")
            self.assertIn(f"(process {os.getpid()}) has the port", forward["failure"])
        wait_until(lambda: self.forwards()[0]["state"] == "waiting", "the port to be opened")

    def test_unix_socket_is_removed_with_its_forward(self):
        self.start()
        path = self.path("web.sock")
        self.add("tcp", f"unix:{path}", "web:80")
        self.assertTrue(os.path.exists(path))
        self.lanlet("forward", "remove", "1")
        self.assertFalse(os.path.exists(path))

    def test_wrong_forwards_are_refused_with_a_reason(self):
        self.start()
        with socket.create_server(("127.0.0.1", 0)) as taken:
            port = taken.getsockname()[1]
            for words, want in (
                (("tcp", str(port), "web:80"), f"(process {os.getpid()}) has the port"),
                (("tcp", "80", "web"), "the guest's port is missing"),
                (("tcp", "192.0.2.1:8080", "web:80"), "does not have the address"),
                (("sctp", "80", "web:80"), "expected a forward such as"),
                (("tcp", "80"), "expected lanlet forward add"),
            ):
                with self.subTest(words=words):
                    done = self.add(*words)
                    self.assertNotEqual(done.returncode, 0)
                    self.assertIn(want, done.stderr)
        self.assertEqual(self.forwards(), [])

    def test_two_forwards_of_one_port_are_refused(self):
        self.start()
        port = free_port()
        self.add("tcp", str(port), "web:80")
        status, _, answer = self.api.request("POST", "/v1/forwards", json.dumps(
            {"protocol": "tcp", "host": f"*:{port}", "guest": "other:80"}))
        self.assertEqual(status, 409)
        self.assertIn("number 1, has this port already", answer["error"])

    def test_malformed_requests_are_refused_in_json(self):
        self.start()
        for method, path, body, want in (
            ("POST", "/v1/forwards", "{", 400),
            ("POST", "/v1/forwards", "{}", 400),
            ("POST", "/v1/forwards", '{"protocol": 1, "host": "80", "guest": "web:80"}', 400),
            ("POST", "/v1/forwards", json.dumps({"protocol": "tcp", "host": "x" * 1000, "guest": "web:80"}), 400),
            ("DELETE", "/v1/forwards/zero", None, 404),
            ("DELETE", "/v1/forwards/7", None, 404),
        ):
            with self.subTest(method=method, path=path, body=body):
                status, _, answer = self.api.request(method, path, body)
                self.assertEqual(status, want)
                self.assertIn("error", answer)

    def test_forward_to_a_name_opens_when_the_name_is_added(self):
        self.start()
        self.add("tcp", str(free_port()), "db:80")
        self.assertEqual(self.forwards()[0]["state"], "waiting")
        self.assertEqual(self.lanlet("names", "db", "192.168.122.9").returncode, 0)
        self.assertEqual(self.forwards()[0]["state"], "open")

    def configure(self, *forwards):
        return self.write("config/lanlet/default.conf", "[network]\n" + "".join(f"forward = {text}\n" for text in forwards))

    def test_reload_opens_new_forwards_and_closes_those_that_are_gone(self):
        stays, goes, comes, added = ports = [free_port() for _ in range(4)]
        self.configure(f"tcp {stays} 192.168.122.50:80", f"tcp {goes} 192.168.122.50:80")
        self.start()
        self.add("tcp", str(added), "192.168.122.50:80")
        self.configure(f"tcp {comes} 192.168.122.50:80", f"tcp {stays} 192.168.122.50:80")
        done = self.lanlet("reload")
        self.assertEqual((done.returncode, done.stdout), (0, "changed: forward\n"), done.stderr)
        self.assertEqual({f["id"]: f["host"] for f in self.forwards()}, {
            1: f"127.0.0.1:{stays}", 3: f"127.0.0.1:{added}", 4: f"127.0.0.1:{comes}"}, ports)
        socket.create_connection(("127.0.0.1", comes), PATIENCE).close()
        with self.assertRaises(ConnectionRefusedError):
            socket.create_connection(("127.0.0.1", goes), PATIENCE)

    def test_reload_with_a_forward_that_cannot_be_opened_changes_nothing(self):
        port = free_port()
        self.configure(f"tcp {port} 192.168.122.50:80")
        process = self.start()
        before = self.forwards()
        with socket.create_server(("127.0.0.1", 0)) as taken:
            self.configure(f"tcp {port} 192.168.122.51:80", f"tcp {taken.getsockname()[1]} web:80")
            with open(self.path("config/lanlet/default.conf"), "a") as file:
                file.write("lease-time = 2h\n")
            status, _, answer = self.api.request("POST", "/v1/reload")
            self.assertEqual(status, 409)
            self.assertIn(f"(process {os.getpid()}) has the port", answer["error"])
        self.configure("tcp 80 web")
        process.process.send_signal(signal.SIGHUP)
        wait_until(lambda: "nothing is changed" in process.text(), "the reload")
        self.assertEqual(self.forwards(), before)
        self.assertEqual(self.api.get("/v1/network")["lease_time"], 3600)
        socket.create_connection(("127.0.0.1", port), PATIENCE).close()


if __name__ == "__main__":
    runner.main()
