# SPDX-License-Identifier: GPL-2.0-or-later
"""Every thread of lanlet at work at once.  The thread sanitizer makes lanlet end with an error when it finds a data race."""

import socket
import threading
import unittest

from lan import openapi, outside
from lan.client import Host
from lan.link import connect
from lan.packet import mac, mac_text
from lan.process import Lanlet
from lan.wait import wait_until

ROUNDS = 12
PATIENCE = 120.0
FORWARD_PORT = 18022
CHANGES = (  # what a reload changes and changes back
    "[network]\nlease-time = 1h\nhost = 52:54:00:00:00:99,192.168.122.99,one\n",
    f"[network]\nlease-time = 2h\nname = db,192.168.122.43\ndns = {outside.ROUTER}\n",
)


class Busy:
    """Functions that each run ROUNDS times in a thread; close() waits for them, and raises what they raised."""

    def __init__(self):
        self.threads, self.failures = [], []
        self.over = threading.Event()

    def repeat(self, function, *arguments):
        def run():
            try:
                for number in range(ROUNDS):
                    function(number, *arguments)
            except Exception as error:
                self.failures.append(error)
        self.threads.append(threading.Thread(target=run, daemon=True))
        self.threads[-1].start()

    def close(self):
        for thread in self.threads:
            thread.join(PATIENCE)
            assert not thread.is_alive(), f"{thread.name} does not end"
        if self.failures:
            raise self.failures[0]


class Threads(unittest.TestCase):
    def setUp(self):
        self.enterContext(outside.Outside())
        self.network = Lanlet("--log-level", "debug")
        self.config = self.network.directory / "lab.conf"
        self.config.write_text(CHANGES[0])
        self.network.options += ("--config", str(self.config))
        self.enterContext(self.network)
        self.api = self.network.api

    # --- what is done again and again ---

    def traffic(self, number, guest):
        for _ in range(20):
            guest.udp(outside.ROUTER, 7, b"x" * 1000, source=40000 + number, timeout=PATIENCE)

    def look(self, _):
        for path, methods in openapi.DOCUMENT["paths"].items():
            if "get" in methods and path not in ("/v1/events", "/v1/capture"):
                self.api.get(path)

    def follow_events(self, number):
        events = self.api.events(after=0)
        for _ in range(3):
            next(events)
        events.close()

    def capture(self, number):
        connection = openapi.Connection(self.network.runtime / "api.sock")
        connection.request("GET", "/v1/capture" + ("?filter=icmp" if number % 2 else ""))
        self.assertGreater(len(connection.getresponse().read1(2000)), 0)
        connection.close()

    def change(self, number):
        body = {"mac": mac_text(mac(100 + number)), "address": f"192.168.122.{100 + number}"}
        self.assertEqual(self.api.request("POST", "/v1/reservations", body)[0], 204)
        self.assertEqual(self.api.request("PUT", "/v1/log-level", {"level": ("info", "debug")[number % 2]})[0], 200)
        self.assertEqual(self.api.request("DELETE", "/v1/reservations/" + body["mac"])[0], 204)

    def reload(self, number):
        self.config.write_text(CHANGES[(number + 1) % 2])
        self.assertEqual(self.api.request("POST", "/v1/reload")[0], 200)

    def forward(self, number, guest):
        body = {"protocol": "udp", "host": f"127.0.0.1:{FORWARD_PORT}", "guest": f"{'.'.join(map(str, guest.ip))}:7"}
        status, _, made = self.api.request("POST", "/v1/forwards", body)
        self.assertEqual(status, 200, made)
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as client:
            client.sendto(b"x", ("127.0.0.1", FORWARD_PORT))
        self.assertEqual(self.api.request("DELETE", f"/v1/forwards/{made['id']}")[0], 204)

    def connect(self, number, guest):
        headers = {"Connection": "Upgrade", "Upgrade": "tcp"}
        self.assertEqual(self.api.request("POST", "/v1/connect?guest=nobody&port=9", headers=headers)[0], 404)
        connection = openapi.Connection(self.network.runtime / "api.sock")
        connection.request("POST", f"/v1/connect?guest={'.'.join(map(str, guest.ip))}&port=9", headers=headers)
        connection.close()  # while it is dialled

    def join_by_vde(self, number):
        """Another network, which a thread of libvdeplug joins to this one, and a guest there."""
        with Lanlet("--vde", f"vde://{self.network.vde}", "--no-dhcp", "--no-gateway", name=f"far{number}") as far:
            wait_until(lambda: f"joined vde://{self.network.vde}" in far.text(), far.text, PATIENCE)
            with Host(far.stream, mac(30 + number)) as guest:
                guest.lease()

    # --- the tests ---

    def test_everything_at_once_and_an_end_in_the_middle_of_it(self):
        guests = [self.enterContext(Host(self.network.stream, mac(number))) for number in (1, 2)]
        for guest in guests:
            guest.lease()
        busy = Busy()
        busy.repeat(self.traffic, guests[0])
        busy.repeat(self.look)
        busy.repeat(self.follow_events)
        busy.repeat(self.capture)
        busy.repeat(self.change)
        busy.repeat(self.reload)
        busy.repeat(self.forward, guests[1])
        busy.repeat(self.connect, guests[1])
        busy.close()
        streams = [self.request("GET", path) for path in ("/v1/events", "/v1/capture", "/v1/flows") for _ in range(5)]
        self.assertEqual(streams[0].recv(12), b"HTTP/1.1 200")
        self.assertEqual(self.network.stop(), 0, self.network.text())
        for client in streams:
            client.close()

    def request(self, method, path):
        client = connect(self.network.runtime / "api.sock")
        client.sendall(f"{method} {path} HTTP/1.1\r\nHost: x\r\n\r\n".encode())
        return client

    def test_vde_network_comes_and_goes_while_clients_ask(self):
        busy = Busy()
        busy.repeat(self.look)
        for number in range(3):
            self.join_by_vde(number)
        busy.close()
