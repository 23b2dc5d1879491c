# SPDX-License-Identifier: GPL-2.0-or-later
"""The commands that ask a network read its answers as JSON: a server with another layout gets the same output."""

import json
import os
import socket
import threading

from lan import runner
from lan.case import TestCase

PORT = {"id": 2, "name": "web]}", "kind": "stream", "mtu": 1500, "macs": 1, "rx_frames": 3, "rx_bytes": 180, "tx_frames": 2,
        "tx_bytes": 120, "isolated": True, "blocked_because": 'a "loop"\n{', "pinned": None, "drops": {"martian": 2, "ttl": 1}}
LEASE = {"address": "192.168.122.7", "mac": "52:54:00:00:00:07", "name": "web", "seconds_left": 60, "expires": 1795984701,
         "client_id": None, "reserved": False}
ANSWERS = {
    "/v1/ports": {"ports": [{**PORT, "id": 1, "name": "gateway", "isolated": False, "blocked_because": None, "drops": {}}, PORT]},
    "/v1/connects": {"connects": [{"path": "/tmp/a,{b", "error": "not there"}]},
    "/v1/leases": {"leases": [LEASE, {**LEASE, "address": "192.168.122.8", "name": "d\u00e4tabase\\", "mac": "52:54:00:00:00:08"}]},
    "/v1/forwards": {"forwards": [{"id": 4, "protocol": "tcp", "host": "127.0.0.1:8080", "guest": "web:80", "state": "listening",
                                   "opened": 1, "refused": 0, "failure": None}]},
    "/v1/flows": {"flows": [{"id": 9, "protocol": "tcp", "guest": {"address": "192.168.122.7", "port": 1000}, "guest_name": "web",
                             "direction": "out", "remote": {"address": "192.0.2.1", "port": 443}, "state": "established", "age": 61,
                             "bytes_out": 10, "bytes_in": 20, "rtt_ms": 1.5, "retransmits": 0}]},
    "/v1/drops": {"drops": [{"reason": "martian", "count": 1, "explanation": "a source that cannot be there",
                             "last": {"time": 1e11, "port": "web]}", "bytes": ""}}]},
    "/v1/reservations": {"reservations": [{"mac": "52:54:00:00:00:07", "address": "192.168.122.7", "name": "web", "origin": "api"}]},
    "/v1/names": {"names": [{"name": "web", "address": "192.168.122.7", "type": "A", "data": "192.168.122.7", "origin": "lease"}]},
    "/v1/captures": {"captures": [{"id": 3, "port": None, "guest": "web", "filter": "tcp[13] & 2 != 0", "records": 5, "lost": 0}]},
    "/v1/network": {"name": "default", "subnet": "192.168.122.0/24", "gateway": "192.168.122.1", "gateway_mac": "52:54:00:00:00:01",
                    "engine": "native", "uptime": 61, "switch_only": False, "foreign_dhcp_server": None},
    "/v1/counters": {"flows_tcp": 1, "dns_queries": 2},
    "/v1/log-level": {"level": "info"},
    "/v1/reload": {"changed": ["dns", "host"], "need_restart": []},
}
EVENTS = [{"number": n, "time": 1795984701.5, "event": "port-attached", "port": "web]}%d" % n, "kind": "stream"} for n in (1, 2)]
COMMANDS = (("ports",), ("leases",), ("leases", "--libvirt"), ("forward",), ("flows",), ("reserve",), ("names",), ("status",),
            ("wait", "web"), ("events",), ("log-level",), ("reload",), ("proxy", "--remove", "1"), ("top", "--interval", "0.1"))


def of_one_line(values):
    return "".join(json.dumps(v, separators=(",", ":")) for v in values)


def pretty(values):
    return "\n\n".join(json.dumps(v, indent=4, ensure_ascii=False) for v in values) + "\n"


def element_a_line(values):
    """The layout of lanlet's own server."""
    texts = []
    for value in values:
        [(name, content)] = value.items() if len(value) == 1 else [(None, None)]
        listed = isinstance(content, list)
        texts.append("{%s:[\n%s\n]}" % (json.dumps(name), "\n,".join(map(json.dumps, content))) if listed else json.dumps(value))
    return "\n" + "\n".join(texts) + "\n"


def with_line_feeds_everywhere(values):
    """A line feed at each place where JSON allows white space."""
    return "".join("\n".join(json.JSONEncoder(separators=("\n,\n", "\n:\n"), indent=0).iterencode(v)) + "\n" for v in values)


class Server(threading.Thread):
    """Answers GET and POST at @path with ANSWERS in one layout, in chunks of @size bytes."""

    def __init__(self, path, layout, size):
        super().__init__(daemon=True)
        self.layout, self.size = layout, size
        self.listener = socket.socket(socket.AF_UNIX)
        self.listener.bind(path)
        self.listener.listen()

    def run(self):
        while True:
            try:
                connection, _ = self.listener.accept()
            except OSError:
                return
            with connection:
                self.answer(connection)

    def answer(self, connection):
        request = b""
        while b"\r\n\r\n" not in request:
            got = connection.recv(4096)
            if not got:
                return
            request += got
        path = request.split()[1].decode().partition("?")[0]
        values = EVENTS if path == "/v1/events" else [ANSWERS[path]]
        body = self.layout(values).encode()
        chunks = (body[i:i + self.size] for i in range(0, len(body), self.size))
        answer = b"".join(b"%x\r\n%s\r\n" % (len(chunk), chunk) for chunk in chunks) + b"0\r\n\r\n"
        try:
            connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nConnection: close\r\n"
                               b"Transfer-Encoding: chunked\r\n\r\n" + answer)
        except BrokenPipeError:
            pass

    def stop(self):
        self.listener.shutdown(socket.SHUT_RDWR)
        self.listener.close()
        self.join()


class Answers(TestCase):
    def outputs(self, layout, size):
        """What each command prints when the server has this layout."""
        os.makedirs(self.path("run/lanlet/default"), exist_ok=True)
        path = self.path("run/lanlet/default/api.sock")
        server = Server(path, layout, size)
        server.start()
        try:
            return {command: self.lanlet(*command) for command in COMMANDS}
        finally:
            server.stop()
            os.unlink(path)

    def test_output_does_not_depend_on_where_line_feeds_and_chunks_are(self):
        expected = self.outputs(element_a_line, 1 << 20)
        for command, done in expected.items():
            failure = ("lanlet: error: there is no proxy 127.0.0.1:1\n", 5) if command[0] == "proxy" else ("", 0)
            self.assertEqual((done.stderr, done.returncode), failure)
        for command, part in ((("ports",), 'web]}: a "loop"'), (("leases",), "d\u00e4tabase\\"), (("status",), "tcp[13] & 2 != 0"),
                              (("events",), "web]}2"), (("wait", "web"), "192.168.122.7\n"),
                              (("top", "--interval", "0.1"), "192.0.2.1:443")):
            self.assertIn(part, expected[command].stdout)
        for layout in (of_one_line, pretty, element_a_line, with_line_feeds_everywhere):
            for size in (1, 2, 3, 7, 64, 1 << 20):
                with self.subTest(layout=layout.__name__, size=size):
                    for command, done in self.outputs(layout, size).items():
                        self.assertEqual((done.stdout, done.stderr, done.returncode),
                                         (expected[command].stdout, expected[command].stderr, expected[command].returncode), command)

    def test_list_that_ends_in_the_middle_is_an_error(self):
        done = self.outputs(lambda values: of_one_line(values)[:-2], 1 << 20)
        self.assertEqual(done[("leases",)].returncode, 1)
        self.assertEqual(done[("leases",)].stderr, "lanlet: error: /v1/leases: the answer ends in the middle\n")
        self.assertEqual(done[("leases",)].stdout, "")


if __name__ == "__main__":
    runner.main()
