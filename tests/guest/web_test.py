# SPDX-License-Identifier: GPL-2.0-or-later
"""The page: access to it, and what a real browser shows of a network with guests."""

import contextlib
import http.client
import json
import os
import pty
import re
import signal
import socket
import subprocess
import sys
import time
import unittest
from pathlib import Path

from lan import outside, tap
from lan.browser import Browser, why_no_browser
from lan.client import Host
from lan.packet import Udp, address, mac, mac_text, text
from lan.process import Lanlet
from lan.wait import PATIENCE, wait_until
from lan.web import FakeApi, Web

GATEWAY = "192.168.122.1"
WEB_MAC, WEB_IP = "52:54:00:00:00:01", "192.168.122.50"

# In a guest: answers on port 80, with 501 whatever is asked.
SERVE = "import http.server; http.server.HTTPServer(('', 80), http.server.BaseHTTPRequestHandler).serve_forever()"

TAB, ENTER = "\ue004", "\ue007"  # WebDriver §17.4.2


# --- access ---


class Gate(unittest.TestCase):
    """The port of lanlet web, asked by hand."""

    def setUp(self):
        self.network = self.enterContext(Lanlet())
        self.web = self.enterContext(Web(self.network))

    def test_without_a_key_only_the_page_is_served(self):
        status, headers, page = self.web.request("GET", "/")
        self.assertEqual((status, headers["Content-Type"]), (200, "text/html; charset=utf-8"))
        self.assertIn("<h1", page)
        for line in ("GET /v1/ports", "GET /v1", "POST /v1/forwards", "GET /metrics", "POST /", "GET //"):
            for key in (None, "Bearer x", f"Bearer {self.web.once}", "Basic eDp4"):
                method, path = line.split()
                headers = {"Authorization": key} if key else {}
                with self.subTest(method=method, path=path, headers=headers):
                    status, _, body = self.web.request(method, path, headers)
                    self.assertEqual(status, 401)
                    self.assertIn("lanlet web", json.loads(body)["error"])

    def test_page_is_the_one_of_the_api_with_the_same_policy(self):
        with contextlib.closing(http.client.HTTPConnection("lanlet")) as connection:
            connection.sock = socket.socket(socket.AF_UNIX)
            connection.sock.connect(str(self.network.runtime / "api.sock"))
            connection.request("GET", "/")
            answer = connection.getresponse()
            policy, page = answer.headers["Content-Security-Policy"], answer.read().decode()
        _, headers, here = self.web.request("GET", "/")
        self.assertEqual((here, headers["Content-Security-Policy"]), (page, policy))
        for part in ("default-src 'none'", "connect-src 'self'", "frame-ancestors 'none'", "base-uri 'none'", "form-action 'none'"):
            self.assertIn(part, policy)
        self.assertNotIn("unsafe", policy)
        self.assertEqual((headers["X-Content-Type-Options"], headers["Referrer-Policy"]), ("nosniff", "no-referrer"))

    def test_link_is_good_for_one_key_once(self):
        key = self.web.session()
        self.assertNotEqual(key, self.web.once)
        status, _, body = self.web.request("POST", "/session", {"Authorization": f"Bearer {self.web.once}"})
        self.assertEqual(status, 403)
        self.assertIn("used before", json.loads(body)["error"])
        status, _, body = self.web.request("GET", "/v1/network", {"Authorization": f"Bearer {key}"})
        self.assertEqual((status, json.loads(body)["name"]), (200, "default"))

    def test_key_of_another_run_is_refused(self):
        status, _, body = self.web.request("POST", "/session", {"Authorization": f"Bearer {'0' * 64}"})
        self.assertEqual(status, 403)
        self.assertIn("Run lanlet web", json.loads(body)["error"])

    def test_other_names_for_this_machine_are_refused(self):
        key = {"Authorization": f"Bearer {self.web.session()}"}
        evil = ("evil.example", f"evil.example:{self.web.port}", "127.0.0.1.evil.example", "localhost.evil.example", "127.0.0.1:x", "")
        for host in evil:
            for path in ("/", "/v1/network"):
                with self.subTest(host=host, path=path):
                    self.assertEqual(self.web.request("GET", path, {"Host": host, **key})[0], 421)
        for host in (f"127.0.0.1:{self.web.port}", "localhost:1234", "[::1]"):
            with self.subTest(host=host):
                self.assertEqual(self.web.request("GET", "/v1/network", {"Host": host, **key})[0], 200)

    def test_pages_of_other_origins_are_refused(self):
        key = {"Authorization": f"Bearer {self.web.session()}"}
        own = f"http://127.0.0.1:{self.web.port}"
        for origin in ("http://evil.example", "null", f"https://127.0.0.1:{self.web.port}", "http://127.0.0.1:1"):
            with self.subTest(origin=origin):
                self.assertEqual(self.web.request("GET", "/v1/network", {"Origin": origin, **key})[0], 403)
        self.assertEqual(self.web.request("GET", "/v1/network", {"Origin": own, **key})[0], 200)

    def test_no_cookie_is_ever_set(self):
        for path in ("/", "/session", "/v1/network"):
            self.assertNotIn("Set-Cookie", self.web.request("GET", path)[1])

    def test_invalid_requests_are_answered_or_disconnected(self):
        for bytes_, expected in (
                (b"\x16\x03\x01\r\n\r\n", b"HTTP/1.1 4"), (b"\r\n\r\n", b"HTTP/1.1 4"), (b"GET / HTTP/1.1\r\n\r\n", b"HTTP/1.1 421"),
                (b"GET /" + b"x" * 40000, b"")):
            with self.subTest(bytes_=bytes_[:20]), socket.create_connection(("127.0.0.1", self.web.port), PATIENCE) as s:
                answer = b""
                with contextlib.suppress(ConnectionError):
                    s.sendall(bytes_)
                    while piece := s.recv(65536):
                        answer += piece
                self.assertTrue(answer.startswith(expected) and (expected or not answer), answer[:100])
        self.assertEqual(self.web.request("GET", "/")[0], 200)

    def test_silent_connections_are_closed_and_make_room(self):
        silent = [socket.create_connection(("127.0.0.1", self.web.port), PATIENCE) for _ in range(100)]
        for s in silent:
            s.close()

        def served():
            with contextlib.suppress(OSError, http.client.HTTPException):
                return self.web.request("GET", "/")[0] == 200
        wait_until(served, "the page")

    def test_big_requests_and_answers_pass_whole(self):
        key = {"Authorization": f"Bearer {self.web.session()}"}
        status, _, body = self.web.request("POST", "/v1/forwards", key, "x" * 60000)
        self.assertEqual(status, 400, body)
        status, _, body = self.web.request("GET", "/v1/drops", key)
        self.assertGreater(len(json.loads(body)["drops"]), 20)

    def test_port_closes_with_the_command(self):
        self.web.process.send_signal(signal.SIGINT)
        self.assertEqual(self.web.process.wait(), 0)
        with self.assertRaises(ConnectionRefusedError):
            socket.create_connection(("127.0.0.1", self.web.port), PATIENCE)

    def test_command_ends_with_the_network_even_while_events_are_followed(self):
        key = {"Authorization": f"Bearer {self.web.session()}"}
        with contextlib.closing(http.client.HTTPConnection("127.0.0.1", self.web.port, timeout=PATIENCE)) as follower:
            follower.request("GET", "/v1/events", headers=key)
            self.assertEqual(follower.getresponse().status, 200)
            self.assertEqual(self.network.stop(), 0)
            self.assertEqual(self.web.process.wait(), 4)
        self.assertIn("has ended", self.web.process.stderr.read())
        self.network.start()

    def test_stopped_network_is_reported(self):
        self.network.stop()
        self.assertIn("not running", self.network.ask("web", "--no-open", code=4))
        self.network.start()

    def test_browser_is_opened_on_a_desktop_by_a_file_that_only_the_user_may_read(self):
        programs = self.network.directory / "bin"
        programs.mkdir()
        (programs / "xdg-open").write_text('#!/bin/sh\nstat -c %a "$1" >"$0.mode"\ncat "$1" >"$0.part"\nmv "$0.part" "$0.seen"\n')
        (programs / "xdg-open").chmod(0o755)
        environment = {**os.environ, "PATH": f"{programs}:{os.environ['PATH']}", "DISPLAY": ":0"}
        terminal, other = pty.openpty()
        with open(terminal, "rb", 0) as terminal, \
                self.network.begin("web", stdin=other, stdout=other, stderr=other, env=environment) as process:
            os.close(other)
            url = re.search(rb"http://127.0.0.1:[0-9]+/#once=[0-9a-f]{64}", terminal.readline())[0].decode()
            wait_until((programs / "xdg-open.seen").exists, "xdg-open")
            self.assertIn(f"url={url}", (programs / "xdg-open.seen").read_text())
            self.assertEqual((programs / "xdg-open.mode").read_text().strip(), "600")
            self.assertEqual(len(list(self.network.runtime.glob("web-*.html"))), 1)
            process.terminate()
            self.assertEqual(process.wait(), 0)
        self.assertEqual(list(self.network.runtime.glob("web-*.html")), [])

    def test_link_is_on_no_command_line(self):
        for path in Path("/proc").glob("[0-9]*/cmdline"):
            with contextlib.suppress(OSError):
                self.assertNotIn(self.web.once.encode(), path.read_bytes())


class Guests(unittest.TestCase):
    """What a guest can reach: nothing, or, with access to the host's loopback, the same as every local user."""

    def probe(self, *options):
        with Lanlet("--host", f"{WEB_MAC},{WEB_IP},web", *options) as network, Web(network) as web:
            with tap.TapGuest(network.stream, WEB_MAC) as guest:
                guest.set_address(WEB_IP)
                yield web, guest

    ASK = """
import http.client, sys
try:
    c = http.client.HTTPConnection(sys.argv[1], int(sys.argv[2]), timeout=30)
    c.request("GET", sys.argv[3], headers={"Host": "127.0.0.1:" + sys.argv[2]})
    print(c.getresponse().status)
except OSError as error:
    print(type(error).__name__)
"""

    def setUp(self):
        if reason := tap.why_no_tap():
            self.skipTest(reason)
        self.enterContext(outside.Outside())

    def test_guest_does_not_reach_the_port(self):
        for web, guest in self.probe():
            for host in (GATEWAY, outside.UPLINK, "127.0.0.1"):
                with self.subTest(host=host):
                    got = guest.python(self.ASK, host, str(web.port), "/v1/network").strip()
                    self.assertRegex(got, "Refused|Timeout|Unreachable|^OSError|Reset")

    def test_guest_that_reaches_loopback_has_no_key(self):
        for web, guest in self.probe("--host-loopback"):
            self.assertEqual(guest.python(self.ASK, GATEWAY, str(web.port), "/").strip(), "200")
            self.assertEqual(guest.python(self.ASK, GATEWAY, str(web.port), "/v1/network").strip(), "401")


# --- what a browser shows ---


class InBrowser(unittest.TestCase):
    """One browser for a class; in every test the page has to be silent on the console and send requests only to its own origin."""

    @classmethod
    def setUpClass(cls):
        if reason := why_no_browser() or tap.why_no_tap():
            raise unittest.SkipTest(reason)
        cls.enterClassContext(outside.Outside())
        cls.browser = cls.enterClassContext(Browser())

    def setUp(self):
        self.network = self.enterContext(Lanlet("--host", f"{WEB_MAC},{WEB_IP},web"))
        self.browser.open("about:blank")
        self.browser.size(1280, 900)
        self.browser.prefer(prefers_color_scheme="light")
        self.browser.messages()
        self.seen = len(self.browser.requests())
        self.expected_messages = ()

    def tearDown(self):
        messages = [m for m in self.browser.messages() if not any(part in m for part in self.expected_messages)]
        self.assertEqual(messages, [])
        own = ("http://127.0.0.1:", "data:image/svg+xml", "about:")
        foreign = [url for url in self.browser.requests()[self.seen:] if not url.startswith(own)]
        self.assertEqual(foreign, [])
        self.browser.open("about:blank")

    def show(self):
        """The page of lanlet web, once it is there."""
        web = self.enterContext(Web(self.network))
        self.browser.open(web.url)
        self.browser.wait_for_text("#live", "live")
        return web

    def fake(self, **answers):
        """The page of an API that gives these answers, by the last word of their paths."""
        api = self.enterContext(FakeApi(self.network, {f"/v1/{name}": answer for name, answer in answers.items()}))
        self.browser.open(api.url)
        self.browser.wait_for_text("#live", "live")
        return api

    def guest(self, number, name=b""):
        host = self.enterContext(Host(self.network.stream, mac(32 + number)))
        host.lease(**({"host_name": name} if name else {}))
        return host

    def tap(self):
        guest = self.enterContext(tap.TapGuest(self.network.stream, WEB_MAC))
        guest.set_address(WEB_IP)
        return guest


class Page(InBrowser):
    def test_guests_come_and_go_without_a_reload(self):
        self.show()
        self.browser.wait_for_text("#no-guests", "No guest is connected")
        guest = self.guest(1, b"Alpha")
        self.browser.wait_for_text(".guest", "alpha")
        self.browser.wait_for_text(".guest", text(guest.ip))
        box = self.browser.text(".guest")
        for part in ("alpha", text(guest.ip), mac_text(guest.mac), "stream", "up"):
            self.assertIn(part, box)
        self.browser.wait_for_text("#leases-table tbody", "alpha")
        self.browser.wait_for_text("#feed", f"alpha was given {text(guest.ip)}")
        guest.close()
        self.browser.wait_for_text(".guest[data-state=away]", "not connected")
        self.browser.wait_for_text("#feed", "disconnected")

    def test_guest_with_an_address_of_its_own_choice_is_shown_with_it(self):
        self.show()
        guest = self.enterContext(Host(self.network.stream, mac(9), "192.168.122.200"))
        guest.ping(GATEWAY)
        self.browser.wait_for_text(".guest", "192.168.122.200")
        guest.close()
        self.browser.wait_for("that it is gone", "return !document.querySelector('.guest')")

    def test_rates_move_when_traffic_flows(self):
        self.show()
        guest = self.tap()
        self.browser.wait_for_text(".guest", "web")
        plot = "document.querySelector('.guest path.out').getAttribute('d')"
        still = self.browser.wait_for("a plot", f"return {plot}")
        sender = guest.start(sys.executable, "-c", f"""
import socket, time
s = socket.create_connection(("{outside.FAR}", 7), 30)
while True:
    s.sendall(bytes(50000))
    left = 50000
    while left:
        left -= len(s.recv(left))
    time.sleep(0.05)
""")
        try:
            self.browser.wait_for("a rate", "return /[0-9] [kM]B.s/.test(document.querySelector('.guest [data-part=out]').textContent)")
            self.browser.wait_for("another plot", f"return {plot} !== arguments[0]", still)
            self.browser.wait_for_text("#flows-table tbody", f"{outside.FAR}:7")
            self.browser.wait_for("the flow's rate", "return / [kM]B.s/.test(document.querySelector('#flows-table tbody tr').innerText)")
        finally:
            sender.end()

    def test_forward_is_added_works_is_listed_and_removed_and_put_back(self):
        self.show()
        guest = self.tap()
        with guest.start(sys.executable, "-c", SERVE, stderr=subprocess.DEVNULL):
            self.fill_forward("8080", "web", "80")
            self.browser.wait_for_text("#forward-done", "Added: tcp 8080 to web:80")
            self.browser.wait_for_text("#forwards-table tbody", "127.0.0.1:8080")
            self.assertIn("web:80", self.network.ask("forward"))

            def served():
                with contextlib.suppress(OSError, http.client.HTTPException), \
                        contextlib.closing(http.client.HTTPConnection("127.0.0.1", 8080, timeout=PATIENCE)) as client:
                    client.request("HEAD", "/")
                    return client.getresponse().status == 501
            wait_until(served, "the guest's answer")
            self.browser.wait_for("the count", "return Number(document.querySelector('#forwards-table tbody tr').cells[3].textContent) > 0")
        self.assertEqual(self.browser.run("return document.querySelector('#forwards-table tbody button').getAttribute('aria-label')"),
                         "Remove the forward tcp 127.0.0.1:8080 to web:80")
        self.browser.click("#forwards-table tbody button")
        self.browser.wait_for_text("#forward-done", "Removed: tcp 127.0.0.1:8080 to web:80")
        self.assertNotIn("web:80", self.network.ask("forward"))
        self.assertEqual(self.browser.run("return document.activeElement.id"), "forward-undo")
        self.browser.press(ENTER)
        self.browser.wait_for_text("#forward-done", "Restored")
        self.assertIn("web:80", self.network.ask("forward"))

    def fill_forward(self, host, guest, port):
        for field, value in (("host", host), ("guest", guest), ("port", port)):
            self.browser.type(f"#forward-{field}", value)
        self.browser.click("#forward-form button[type=submit]")

    def test_taken_port_is_reported_beside_the_form(self):
        self.show()
        self.expected_messages = ("409",)
        with socket.create_server(("127.0.0.1", 8081)):
            self.fill_forward("8081", "web", "80")
            self.browser.wait_for_text("#forward-error", "8081")
            self.assertIn(self.browser.text("#forward-error"), self.network.ask("forward", "add", "tcp", "8081", "web:80", code=1))
        self.assertEqual(self.browser.run("return document.getElementById('forward-host').value"), "8081")

    def test_form_says_what_is_missing_and_goes_there(self):
        self.show()
        self.browser.type("#forward-host", "8080")
        self.browser.click("#forward-form button[type=submit]")
        self.browser.wait_for_text("#forward-error", "Missing: the guest.")
        self.assertEqual(self.browser.run("return [document.activeElement.id, document.activeElement.getAttribute('aria-invalid')]"),
                         ["forward-guest", "true"])

    def test_choosing_a_guest_filters_and_is_undone(self):
        self.show()
        alpha, beta = self.guest(1, b"alpha"), self.guest(2, b"beta")
        for guest in (alpha, beta):
            guest.ping(GATEWAY)
        self.browser.wait_for_text(".guest", "alpha")
        self.browser.wait_for_text(".guest", "beta")
        self.browser.wait_for("all rows", "return document.querySelectorAll('#leases-table tbody tr').length === 3")
        self.browser.click(".guest button")
        self.browser.wait_for_text("#only", "alpha")
        self.browser.wait_for("one lease", "return document.querySelectorAll('#leases-table tbody tr').length === 1")
        self.assertEqual(self.browser.run("return document.querySelector('.guest button').getAttribute('aria-pressed')"), "true")
        self.assertNotIn("beta", self.browser.text("#feed"))
        self.browser.click("#only-end")
        self.browser.wait_for("all rows", "return document.querySelectorAll('#leases-table tbody tr').length === 3")

    def test_drop_is_shown_with_its_frame(self):
        self.show()
        guest = self.guest(1)
        guest.send_frame(guest.resolve(guest.gateway), 0x0800, Udp(5, 6, b"stray").emit(address("10.9.9.9"), address("192.0.2.1")).emit())
        self.browser.wait_for_text("#drops-table", "martian-source")
        self.browser.wait_for_text("#drops-table", "udp 10.9.9.9:5 → 192.0.2.1:6")

    def test_link_works_once_and_a_reload_goes_on(self):
        web = self.show()
        self.assertEqual(self.browser.run("return location.href"), f"http://127.0.0.1:{web.port}/")
        self.browser.command("POST", "/refresh")
        self.browser.wait_for_text("#live", "live")
        self.expected_messages = ("401", "403")
        self.browser.run("sessionStorage.clear()")
        self.browser.open("about:blank")
        self.browser.open(web.url)
        self.browser.wait_for_text("#why-locked", "used before")
        self.assertEqual(self.browser.text("#network"), "")

    def test_page_without_a_key_asks_for_one_and_takes_it(self):
        web = self.enterContext(Web(self.network))
        self.browser.open(f"http://127.0.0.1:{web.port}/")
        self.browser.wait_for_text("#locked", "needs a key")
        self.browser.type("#key", "nonsense")
        self.browser.click("#unlock button")
        self.browser.wait_for_text("#why-locked", "refused the key of this tab")
        self.browser.type("#key", web.session())
        self.browser.click("#unlock button")
        self.browser.wait_for_text("#live", "live")
        self.expected_messages = ("401",)

    def test_page_works_by_api_listen_with_its_token(self):
        with Lanlet("--api-listen", "127.0.0.1:8098", name="other") as network:
            token = (network.runtime / "api.token").read_text().strip()
            self.browser.open(f"http://127.0.0.1:8098/#token={token}")
            self.browser.wait_for_text("#live", "live")
            self.browser.wait_for_text("#title", "other")
            self.assertEqual(self.browser.run("return location.href"), "http://127.0.0.1:8098/")
            self.browser.open("about:blank")

    def test_lost_connection_is_shown_and_made_again(self):
        api = self.fake()
        api.stop()
        self.browser.wait_for_text("#banner", "does not answer")
        self.browser.wait_for_text("#live", "no connection")
        api.start()
        self.browser.wait_for_text("#live", "live")
        self.assertEqual(self.browser.text("#banner"), "")
        self.guest(3, b"late")
        self.browser.wait_for_text("#feed", "late was given")
        self.expected_messages = ("net::ERR",)

    @staticmethod
    def silence(api):
        """How many questions there were, when no more came for three times as long as the page waits between two."""
        before = len(api.asked)
        time.sleep(3)
        return before if len(api.asked) == before else 0

    def test_hidden_page_asks_nothing(self):
        api = self.fake()
        self.browser.run("""
            Object.defineProperty(document, 'hidden', { get: () => window.isAway, configurable: true });
            window.isAway = true;
            document.dispatchEvent(new Event('visibilitychange'));
        """)
        before = wait_until(lambda: self.silence(api), "three seconds without a question")
        self.browser.run("window.isAway = false; document.dispatchEvent(new Event('visibilitychange'))")
        wait_until(lambda: "/v1/ports" in api.asked[before:], "questions")


HOSTILE = "<img src=x onerror=document.title='owned'>"
BIDI = "web\u202egnp.exe\u2066\u0007"


class Hostile(InBrowser):
    """What guests may have chosen is text, wherever it stands."""

    def test_hostile_names_are_text(self):
        guest = self.guest(1)
        port = {
            "id": 7, "name": HOSTILE, "kind": HOSTILE, "mtu": 1500, "max_frame": 1514, "offloads": [HOSTILE], "congested": False, "macs": 1,
            "isolated": True, "blocked": True, "rx_frames": 0, "rx_bytes": 0, "tx_frames": 0, "tx_bytes": 0, "drops": {},
            "blocked_because": HOSTILE, "uplink": False,
        }
        lease = {
            "address": text(guest.ip), "mac": mac_text(guest.mac), "name": HOSTILE,
            "expires": None, "seconds_left": None, "reserved": False,
            "client_id": None,
        }
        flow = {
            "id": 1, "protocol": "tcp", "direction": "out", "guest": {"address": text(guest.ip), "port": 1}, "guest_name": BIDI,
            "remote": {"address": "192.0.2.1", "port": 80}, "peers": 1, "state": HOSTILE, "age": 1.0, "bytes_out": 1, "bytes_in": 1,
            "rtt_ms": None, "retransmits": 0,
        }
        forward = {
            "id": 1, "protocol": "tcp", "host": HOSTILE, "guest": BIDI, "state": "open", "kept": True, "opened": 0, "refused": 0,
            "failure": HOSTILE,
        }
        drop = {"reason": HOSTILE, "explanation": HOSTILE, "count": 1, "last": {"time": 1.0, "port": HOSTILE, "len": 1, "bytes": "00"}}
        events = {"number": 1, "time": 1.0, "event": "lease-given", "name": HOSTILE, "address": "192.0.2.1", "mac": mac_text(guest.mac)}
        self.fake(
            ports={"ports": [port]}, fdb={"fdb": [{"mac": mac_text(guest.mac), "port": HOSTILE, "age": 1}]}, leases={"leases": [lease]},
            flows={"flows": [flow]}, forwards={"forwards": [forward]}, drops={"drops": [drop]}, events=events)
        self.browser.wait_for_text(".guest button", HOSTILE)
        for place in (".guest .tags", "#leases-table tbody", "#flows-table tbody", "#forwards-table tbody", "#drops-table tbody", "#feed"):
            self.browser.wait_for_text(place, "<img")
        self.browser.wait_for_text("#flows-table tbody", "web\ufffdgnp.exe\ufffd\ufffd")
        self.assertFalse(self.browser.run("return /[\\u202e\\u2066\\u0007]/.test(document.body.innerText)"))
        self.browser.click(".guest button")
        self.browser.wait_for_text("#only", HOSTILE)
        self.assertEqual(self.browser.run("return document.querySelectorAll('img, iframe').length"), 0)
        self.assertNotEqual(self.browser.run("return document.title"), "owned")

    def test_markup_would_be_stopped_by_the_policy_too(self):
        self.show()
        self.expected_messages = ("Content Security Policy", "TrustedHTML", "TrustedScript")
        taken = self.browser.run("try { document.body.innerHTML = '<b>x</b>'; return 'taken'; } catch (e) { return e.name; }")
        self.assertEqual(taken, "TypeError")
        self.assertEqual(
            self.browser.run("""
                const image = document.createElement('img');
                try { image.setAttribute('onerror', 'window.owned = 1'); } catch { window.refused = 1; }
                image.setAttribute('src', 'http://192.0.2.1/x.png');
                document.body.append(image);
                return new Promise((done) => setTimeout(() => done([window.refused, window.owned || 0]), 500));
            """), [1, 0])
        self.browser.requests()
        self.browser.log = [entry for entry in self.browser.log if "192.0.2.1" not in json.dumps(entry)]  # refused before it was sent


class Many(InBrowser):
    """Lists that are long."""

    @staticmethod
    def flow(number):
        return {
            "id": number, "protocol": "tcp" if number % 2 else "udp", "direction": "out",
            "guest": {"address": "192.168.122.9", "port": number}, "guest_name": None,
            "remote": {"address": f"198.51.100.{number % 200 + 1}", "port": 443}, "peers": 1, "state": "established",
            "age": float(number), "bytes_out": number * 1000, "bytes_in": 0, "rtt_ms": 1.5, "retransmits": 0,
        }

    def rows(self):
        return self.browser.run("return document.querySelectorAll('#flows-table tbody tr').length")

    def test_flows_are_bounded_sorted_and_filtered(self):
        self.fake(flows={"flows": [self.flow(n) for n in range(1, 1001)]})
        self.browser.wait_for_text("#flows-more", "800 more")
        self.assertEqual(self.rows(), 200)
        self.browser.click("#flows-table th[data-key=out] button")
        self.assertEqual(self.browser.run("return document.querySelector('th[data-key=out]').getAttribute('aria-sort')"), "descending")
        self.assertIn("1.0 MB", self.browser.text("#flows-table tbody tr"))
        self.browser.click("#flows-table th[data-key=out] button")
        self.assertIn("1.0 kB", self.browser.text("#flows-table tbody tr"))
        self.browser.click("#flows-more")
        self.assertEqual(self.rows(), 400)
        self.browser.type("#flows-filter", "udp 198.51.100.3:")
        self.browser.wait_for_text("#flows-count", "5 of 1,000")
        self.assertEqual(self.rows(), 5)
        self.browser.type("#flows-filter", "nothing has this")
        self.browser.wait_for_text("#flows", "No flows.")

    def test_row_keeps_its_place_in_the_document_while_it_is_updated(self):
        api = self.fake(flows={"flows": [self.flow(n) for n in range(1, 4)]})
        self.browser.wait_for_text("#flows-count", "3")
        self.browser.run("document.querySelector('#flows-table tbody tr').dataset.mark = 'kept'")
        api.answers["/v1/flows"] = {"flows": [{**self.flow(n), "bytes_in": 5000000} for n in range(1, 4)]}
        self.browser.wait_for_text("#flows-table tbody", "5.0 MB")
        self.assertEqual(self.browser.run("return document.querySelectorAll('[data-mark=kept]').length"), 1)

    def test_values_are_written_as_the_commands_write_them(self):
        self.fake()
        for expression, expected in {
            "formatBytes(0)": "0 B", "formatBytes(999)": "999 B", "formatBytes(999.96)": "1.0 kB", "formatBytes(1234567)": "1.2 MB",
            "formatBytes(1e18)": "1000.0 PB", "formatRate(1500)": "1.5 kB/s", "formatDuration(59.9)": "59 s",
            "formatDuration(300)": "5 min",
            "formatDuration(7200)": "2 h", "formatDuration(12000)": "3 h 20 min", "formatDuration(180000)": "2 d 2 h",
            "formatEndpoint({address: '::1', port: 80})": "[::1]:80", "formatEndpoint({address: '1.2.3.4', port: 0})": "1.2.3.4",
            "disarm('a\\u202eb\\u0000')": "a\ufffdb\ufffd", "addressOrder('0.0.1.2')": 258,
            "describeFrame('ffffffffffff5254000000010806')": "arp 52:54:00:00:00:01 → ff:ff:ff:ff:ff:ff",
            "describeFrame('zz')": "", "plotPath([], 1, 120, 40, true)": "",
        }.items():
            with self.subTest(expression=expression):
                self.assertEqual(self.browser.run(f"return {expression}"), expected)

    def test_rates_are_differences_by_time_and_survive_a_counter_that_begins_again(self):
        self.fake()
        points = self.browser.run("""
            const h = new RateHistory();
            h.add(0, 0, 0);
            h.add(1000, 1000, 500);
            h.add(3000, 5000, 500);
            h.add(4000, 0, 0);
            h.add(5000, 10, 20);
            h.interrupt();
            h.add(9000, 9999, 9999);
            for (let i = 0; i < 100; i++)
                h.add(10000 + i * 1000, 9999, 9999);
            return [h.points.length, h.points.slice(0, 1), h.latest];
        """)
        self.assertEqual(points, [60, [{"out": 0, "in": 0}], {"out": 0, "in": 0}])
        self.assertEqual(
            self.browser.run("""
                const h = new RateHistory();
                h.add(0, 0, 0);
                h.add(1000, 1000, 500);
                h.add(3000, 5000, 500);
                h.add(4000, 0, 0);
                h.add(5000, 10, 20);
                return h.points;
            """), [{"out": 1000, "in": 500}, {"out": 2000, "in": 0}, {"out": 10, "in": 20}])


# --- accessibility ---

CONTRAST = r"""
function luminance([r, g, b]) {
	const f = (v) => (v /= 255) <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4;
	return 0.2126 * f(r) + 0.7152 * f(g) + 0.0722 * f(b);
}
const canvas = document.createElement('canvas').getContext('2d', { willReadFrequently: true });
function over(colour, ground) {
	canvas.fillStyle = `rgb(${ground.join()})`;
	canvas.fillRect(0, 0, 1, 1);
	canvas.fillStyle = colour;
	canvas.fillRect(0, 0, 1, 1);
	return [...canvas.getImageData(0, 0, 1, 1).data].slice(0, 3);
}
function ground(e) {
	const under = e.parentElement ? ground(e.parentElement) : [255, 255, 255];
	return over(getComputedStyle(e).backgroundColor, under);
}
const bad = [];
const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
while (walker.nextNode()) {
	const e = walker.currentNode.parentElement;
	if (!walker.currentNode.data.trim() || !e.checkVisibility() || e.closest('.unseen, caption, script, style, template, datalist'))
		continue;
	const below = ground(e), text = over(getComputedStyle(e).color, below);
	const [a, b] = [luminance(below), luminance(text)].sort((x, y) => y - x);
	const ratio = (a + 0.05) / (b + 0.05);
	if (ratio < 4.5)
		bad.push(`${ratio.toFixed(2)} ${e.tagName}.${e.className} ${walker.currentNode.data.trim()}`);
}
return bad;
"""

NAMED = {
    "button", "link", "textbox", "searchbox", "combobox", "ComboBoxMenuButton", "checkbox", "region", "DisclosureTriangle", "table", "form",
}


class Accessible(InBrowser):
    """By the accessibility tree that the browser makes of it, and by what it computes."""

    def scene(self):
        guest = self.guest(1, b"alpha")
        guest.send_frame(guest.resolve(guest.gateway), 0x0800, Udp(5, 6, b"stray").emit(address("10.9.9.9"), address("192.0.2.1")).emit())
        self.guest(2, b"beta").close()
        self.network.ask("forward", "add", "tcp", "8080", "alpha:80")
        self.fake(flows={"flows": [Many.flow(n) for n in range(1, 400)]})
        for place, what in ((".guest", "alpha"), (".guest[data-state=away]", "beta"), ("#forwards-table", "alpha:80"),
                            ("#drops-table", "martian-source"), ("#flows-more", "more"),
                            ("#leases-table", "alpha"), ("#feed", "alpha"), ("#feed", "disconnected")):
            self.browser.wait_for_text(place, what)

    def test_every_control_has_a_name(self):
        self.scene()
        nodes = self.browser.devtools("Accessibility.getFullAXTree")["nodes"]
        shown = [n for n in nodes if not n.get("ignored")]
        nameless = [n for n in shown if n["role"]["value"] in NAMED and not n.get("name", {}).get("value", "").strip()]
        self.assertEqual([(n["role"]["value"], n.get("backendDOMNodeId")) for n in nameless], [])
        roles = {n["role"]["value"] for n in shown}
        for role in ("main", "banner", "contentinfo", "table", "columnheader", "rowheader", "heading", "status", "region"):
            self.assertIn(role, roles)

    def test_headings_are_in_order_and_ids_are_unique(self):
        self.scene()
        levels = self.browser.run("""
            return [...document.querySelectorAll('h1, h2, h3, h4')].filter((h) => h.checkVisibility()).map((h) => Number(h.tagName[1]));
        """)
        self.assertEqual((levels[0], levels.count(1)), (1, 1))
        self.assertTrue(all(b <= a + 1 for a, b in zip(levels, levels[1:])), levels)
        self.assertEqual(self.browser.run("""
            const ids = [...document.querySelectorAll('[id]')].map((e) => e.id);
            const named = [...document.querySelectorAll('[aria-labelledby], [aria-describedby], label[for]')]
                .flatMap((e) => [e.getAttribute('aria-labelledby'), e.getAttribute('aria-describedby'), e.htmlFor])
                .filter(Boolean)
                .flatMap((names) => names.split(' '));
            return [...ids.filter((id, i) => ids.indexOf(id) !== i), ...named.filter((id) => !ids.includes(id))];
        """), [])
        self.assertEqual(self.browser.run("return document.documentElement.lang"), "en")

    def test_text_stands_out_in_light_and_dark(self):
        self.scene()
        self.browser.click(".guest button")
        for scheme in ("light", "dark"):
            self.browser.prefer(prefers_color_scheme=scheme, prefers_reduced_motion="reduce")
            with self.subTest(scheme=scheme):
                self.assertEqual(self.browser.run(CONTRAST), [])
                self.browser.run("document.getElementById('banner').hidden = false; document.getElementById('banner').textContent = 'x'")
                self.browser.run("for (const id of ['forward-error', 'forward-done']) document.getElementById(id).textContent = 'x'")
                self.assertEqual(self.browser.run(CONTRAST), [])

    def test_tab_reaches_every_control_in_the_order_of_the_page_and_shows_where_it_is(self):
        self.scene()
        self.browser.run("window.scrollTo(0, 0); document.activeElement.blur()")
        self.browser.run("""
            window.controls = [...document.querySelectorAll('a[href], button, input, select, summary, [tabindex="0"]')]
                .filter((e) => e.checkVisibility());
        """)
        count = self.browser.run("return window.controls.length")
        seen, unmarked = [], []
        for _ in range(count):
            self.browser.press(TAB)
            index, marked = self.browser.run("""
                const e = document.activeElement;
                const box = e.closest('.guest');
                const outlined = [e, box].filter(Boolean).some((n) => getComputedStyle(n).outlineStyle !== 'none');
                return [window.controls.indexOf(e), outlined];
            """)
            seen.append(index)
            if not marked:
                unmarked.append(index)
        self.assertEqual(seen, list(range(count)))
        self.assertEqual(unmarked, [])

    def test_guest_is_chosen_by_keyboard(self):
        self.scene()
        self.browser.run("document.querySelector('.guest button').focus()")
        self.browser.press(ENTER)
        self.browser.wait_for_text("#only", "alpha")
        self.browser.press(ENTER)
        self.browser.wait_for("all again", "return document.getElementById('only').hidden")

    def test_nothing_is_wider_than_a_phone(self):
        self.scene()
        for width in (320, 360, 480, 768, 1024, 1920):
            with self.subTest(width=width):
                self.browser.size(width, 740, mobile=width < 500)
                self.assertEqual(self.browser.run("""
                    return [...document.querySelectorAll('main *, header *')]
                        .filter((e) => e.checkVisibility() && !e.closest('.unseen, caption, .scroll, #guests'))
                        .filter((e) => e.getBoundingClientRect().right > arguments[0])
                        .map((e) => `${e.tagName} ${e.id} ${e.className}`);
                """, width), [])
                self.assertLessEqual(self.browser.run("return document.documentElement.scrollWidth"), width)

    def test_reduced_motion_is_respected(self):
        self.scene()
        self.browser.prefer(prefers_reduced_motion="reduce")
        self.assertEqual(self.browser.run("""
            return [...document.querySelectorAll('*')].filter((e) => parseFloat(getComputedStyle(e).transitionDuration) > 0).length;
        """), 0)

    def test_live_regions_are_few_and_quiet(self):
        self.scene()
        self.assertEqual(
            self.browser.run("""
                return [...document.querySelectorAll('[role=status], [role=alert], [role=log], [aria-live]')].map((e) => e.id).sort();
            """),
            sorted(["live", "news", "banner", "forward-error", "forward-done"]))
        self.browser.run("""
            window.spoken = 0;
            const regions = document.querySelectorAll('[role=status], [role=alert]');
            const observer = new MutationObserver((changes) => { window.spoken += changes.length; });
            regions.forEach((e) => observer.observe(e, { childList: true, characterData: true, subtree: true }));
        """)
        time.sleep(5)
        self.assertEqual(self.browser.run("return window.spoken"), 0)
