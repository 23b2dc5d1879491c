# SPDX-License-Identifier: GPL-2.0-or-later
"""Takes the pictures of docs/page.md, of a network with traffic of all kinds, into the directory LANLET_PICTURES.  No test runs it."""

import contextlib
import os
import sys
import time
from pathlib import Path

import web_test
from lan import outside, tap
from lan.client import Host
from lan.packet import Udp, address, mac
from lan.process import Lanlet
from lan.web import Web

# Sends or fetches at a rate that goes up and down: host, direction, highest rate, period, phase.
WAVE = """
import http.client, math, socket, sys, time
host, kind, most, period, phase = sys.argv[1], sys.argv[2], *map(float, sys.argv[3:])
answer = None
connection = socket.create_connection((host, 7), 30) if kind == "send" else None
while True:
    began = time.monotonic()
    n = int(most * (0.55 + 0.45 * math.sin(began / period + phase)) ** 2 / 2)
    if connection:
        connection.sendall(bytes(n // 5))
        left = n // 5
        while left:
            left -= len(connection.recv(left))
    else:
        if not answer or not answer.read(n):
            c = http.client.HTTPConnection(host, 80, timeout=30)
            c.request("GET", "/20000000")
            answer = c.getresponse()
    time.sleep(max(0, 0.5 - (time.monotonic() - began)))
"""


class Pictures(web_test.InBrowser):
    GUESTS = (
        ("web", "fetch", 4e6, 5, 0), ("db", "send", 2e6, 8, 1), ("build", "fetch", 5e6, 11, 2), ("mail", "send", 3e4, 4, 3),
        ("ci", "fetch", 6e5, 3, 4),
    )

    def test_page(self):
        hosts = [f"--host=52:54:00:00:00:{0x11 + i:02x},192.168.122.{11 + i},{name}" for i, (name, *_) in enumerate(self.GUESTS)]
        with contextlib.ExitStack() as stack:
            self.network = stack.enter_context(Lanlet(*hosts, name="lab"))
            web = stack.enter_context(Web(self.network))
            self.browser.size(1200, 1000)
            self.browser.open(web.url)
            for i, (_, kind, most, period, phase) in enumerate(self.GUESTS):
                guest = stack.enter_context(tap.TapGuest(self.network.stream, f"52:54:00:00:00:{0x11 + i:02x}"))
                guest.set_address(f"192.168.122.{11 + i}")
                stack.enter_context(guest.start(sys.executable, "-c", WAVE, outside.FAR, kind, most, period, phase))
            for number, name in ((1, b"printer"), (2, b"old-laptop")):
                host = stack.enter_context(Host(self.network.stream, mac(number)))
                host.lease(host_name=name)
                host.ping(web_test.GATEWAY)
            stray = Udp(53, 5353, b"stray").emit(address("10.9.9.9"), address("192.0.2.1"))
            host.send_frame(host.resolve(host.gateway), 0x0800, stray.emit())
            host.close()
            for words in (("tcp", "8080", "web:80"), ("tcp", "2222", "build:22"), ("udp", "0.0.0.0:5353", "db:53")):
                self.network.ask("forward", "add", *words)
            time.sleep(70)  # as long as a plot is wide
            self.take(Path(os.environ["LANLET_PICTURES"]))
            self.browser.open("about:blank")

    def take(self, directory):
        for name, width, scheme in (("page-light", 1200, "light"), ("page-dark", 1200, "dark")):
            self.browser.size(width, 900, mobile=width < 500)
            self.browser.prefer(prefers_color_scheme=scheme)
            time.sleep(1.5)
            self.browser.screenshot(directory / f"{name}.png", most=1016)
