# SPDX-License-Identifier: GPL-2.0-or-later
"""`lanlet web` as a child process, and an API whose answers the test sets."""

import contextlib
import http.client
import http.server
import json
import subprocess
import threading
import urllib.parse

from . import openapi
from .wait import PATIENCE


class Web:
    """`lanlet web --no-open` about a network, as long as the object lives."""

    def __init__(self, network, *options):
        self.network, self.options = network, options

    def __enter__(self):
        self.process = self.network.begin("web", self.network.name, "--no-open", *self.options, stderr=subprocess.PIPE)
        try:
            self.url = self.process.read_line().strip()
        except AssertionError as error:
            self.process.kill()
            said = self.process.communicate()[1]
            self.process.end()
            raise AssertionError(f"{error}: {said}") from None
        parts = urllib.parse.urlsplit(self.url)
        self.port, self.once = parts.port, parts.fragment.removeprefix("once=")
        return self

    def __exit__(self, *_):
        try:
            if self.process.is_running():
                self.process.terminate()
                assert self.process.wait() == 0, self.process.stderr.read()
        finally:
            self.process.end()

    def request(self, method, path, headers=None, body=None):
        """Status, headers and text of the answer."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=PATIENCE)
        with contextlib.closing(connection):
            connection.request(method, path, body, headers or {})
            answer = connection.getresponse()
            return answer.status, answer.headers, answer.read().decode()

    def session(self):
        """The key that the link is good for."""
        status, _, text = self.request("POST", "/session", {"Authorization": f"Bearer {self.once}"})
        assert status == 200, text
        return json.loads(text)["session"]


class FakeApi:
    """
    On a port of 127.0.0.1, without a key: a network's API, with what @answers has for some of its paths.  It can go away and come back.
    """

    def __init__(self, network, answers=None, port=8099):
        self.socket = network.runtime / "api.sock"
        self.answers = answers if answers is not None else {}
        self.port = port
        self.url = f"http://127.0.0.1:{port}/"
        self.asked = []

    def __enter__(self):
        self.start()
        return self

    def __exit__(self, *_):
        self.stop()

    def start(self):
        outer = self

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_GET(self):
                outer.asked.append(self.path)
                answer = outer.answers.get(self.path.split("?")[0])
                if answer is None:
                    outer.pass_on(self)
                else:
                    outer.reply(self, 200, [("Content-Type", "application/json")], json.dumps(answer).encode() + b"\n")

            do_POST = do_DELETE = do_GET

            def log_message(self, *_):
                pass

        class Server(http.server.ThreadingHTTPServer):
            daemon_threads = True
            request_queue_size = 128

        self.open = []
        self.server = Server(("127.0.0.1", self.port), Handler)
        threading.Thread(target=self.server.serve_forever, args=(0.05,), daemon=True).start()

    def stop(self):
        self.server.shutdown()
        self.server.server_close()
        for connection in self.open:  # events, which have no end
            with contextlib.suppress(OSError, AttributeError):
                connection.sock.shutdown(2)

    @staticmethod
    def reply(handler, status, headers, body):
        handler.send_response(status)
        for name, value in headers:
            handler.send_header(name, value)
        handler.send_header("Content-Length", str(len(body)))
        handler.end_headers()
        handler.wfile.write(body)

    def pass_on(self, handler):
        connection = openapi.Connection(self.socket)
        with contextlib.closing(connection), contextlib.suppress(OSError, http.client.HTTPException):
            length = int(handler.headers.get("Content-Length", 0))
            connection.request(handler.command, handler.path, handler.rfile.read(length) if length else None)
            self.open.append(connection)
            answer = connection.getresponse()
            ours = ("content-length", "transfer-encoding", "connection", "server", "date")
            kept = [(name, value) for name, value in answer.getheaders() if name.lower() not in ours]
            if not handler.path.startswith("/v1/events"):
                self.reply(handler, answer.status, kept, answer.read())
                return
            handler.send_response(answer.status)
            for name, value in kept:
                handler.send_header(name, value)
            handler.end_headers()
            while line := answer.readline():
                handler.wfile.write(line)
                handler.wfile.flush()
