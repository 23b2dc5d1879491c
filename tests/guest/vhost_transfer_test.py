# SPDX-License-Identifier: GPL-2.0-or-later
"""A hundred megabytes each way through vhost-user guests, with every offload and without."""

import hashlib
import re
import shlex
import unittest

from lan import outside, servers, vm
from lan.process import Lanlet

ONE, TWO, THREE = (f"52:54:00:00:00:{number:02x}" for number in (1, 2, 3))
PIECE = 4 << 20
PIECES = 25  # a hundred megabytes: more than a guest could keep
PATIENCE = 600.0  # seconds; a few on an idle machine

# What a guest's own web server runs.
BIG = f"""#!/bin/sh
printf 'Content-Type: text/plain\\r\\n\\r\\n'
i=0
while [ $i -lt {PIECES} ]; do cat /www/blob; i=$((i + 1)); done
"""

# How ethtool names an offload to change it and to show it.
OFFLOADS = {
    "tx": "tx-checksumming", "sg": "scatter-gather", "tso": "tcp-segmentation-offload", "gso": "generic-segmentation-offload",
    "gro": "generic-receive-offload",
}


setUpModule = vm.need_vm


def sha256_of_pieces(n):
    digest = hashlib.sha256()
    for _ in range(n):
        digest.update(servers.blob(PIECE))
    return digest.hexdigest()


class TransferTest(unittest.TestCase):
    """Two guests on vhost-user and one on a stream socket."""

    @classmethod
    def setUpClass(cls):
        cls.enterClassContext(outside.Outside())
        cls.lanlet = cls.enterClassContext(Lanlet("--dns", outside.ROUTER))
        cls.one = cls.enterClassContext(vm.Guest(vm.vhost_card(cls.lanlet.vhost, ONE), "one", programs=["ethtool"]))
        cls.two = cls.enterClassContext(vm.Guest(vm.vhost_card(cls.lanlet.vhost, TWO), "two"))
        cls.stream = cls.enterClassContext(vm.Guest(vm.card(cls.lanlet.stream, THREE), "stream"))
        for guest in (cls.one, cls.two, cls.stream):
            guest.lease()
            guest.check(f"mkdir -p /www/cgi-bin && wget -q -O /www/blob http://{outside.ROUTER}/{PIECE}", PATIENCE)
            for line in BIG.splitlines():
                guest.check(f"printf '%s\\n' {shlex.quote(line)} >>/www/cgi-bin/big")
            guest.check("chmod +x /www/cgi-bin/big && httpd -h /www")
        cls.big = sha256_of_pieces(PIECES)

    def download(self, guest, url, expected):
        out = guest.check(f"wget -q -O - {url} | sha256sum", PATIENCE)
        self.assertEqual(out.split()[0], expected)

    def upload(self, guest, pieces, expected):
        request = f"PUT / HTTP/1.0\\r\\nContent-Length: {pieces * PIECE}\\r\\n\\r\\n"
        send = f"printf '{request}'; for i in $(seq {pieces}); do cat /www/blob; done; sleep 5"
        self.assertIn(expected, guest.check(f"({send}) | nc {outside.ROUTER} 80 | tail -n 1", PATIENCE))

    def offloads(self, guest):
        shown = guest.check("ethtool -k eth0")
        return {name: re.search(rf"^{long}: (on|off)", shown, re.M)[1] for name, long in OFFLOADS.items()}

    def test_hundred_megabytes_from_outside(self):
        self.download(self.one, f"http://{outside.ROUTER}/{PIECES * PIECE}", servers.blob_sha256(PIECES * PIECE))

    def test_hundred_megabytes_to_the_outside(self):
        self.upload(self.one, PIECES, self.big)

    def test_hundred_megabytes_between_vhost_user_guests(self):
        self.download(self.one, "http://two/cgi-bin/big", self.big)

    def test_hundred_megabytes_from_vhost_user_to_stream(self):
        self.download(self.stream, "http://one/cgi-bin/big", self.big)

    def test_hundred_megabytes_from_stream_to_vhost_user(self):
        self.download(self.two, "http://stream/cgi-bin/big", self.big)

    def test_each_offload_is_on_and_can_be_switched_off(self):
        self.assertEqual(self.offloads(self.one), dict.fromkeys(OFFLOADS, "on"))
        self.addCleanup(self.one.check, " && ".join(f"ethtool -K eth0 {name} on" for name in OFFLOADS))
        for name in OFFLOADS:
            with self.subTest(off=name):
                self.one.check(f"ethtool -K eth0 {name} off")
                self.assertEqual(self.offloads(self.one)[name], "off")
                self.check_all_ways(1)
                self.one.check(f"ethtool -K eth0 {name} on")
        for name in OFFLOADS:
            self.one.check(f"ethtool -K eth0 {name} off")
        self.assertEqual(self.offloads(self.one), dict.fromkeys(OFFLOADS, "off"))
        self.check_all_ways(1)

    def check_all_ways(self, pieces):
        self.download(self.one, f"http://{outside.ROUTER}/{PIECE}", servers.blob_sha256(PIECE))
        self.upload(self.one, pieces, sha256_of_pieces(pieces))
        for url, guest in (("http://two/blob", self.one), ("http://one/blob", self.two), ("http://one/blob", self.stream)):
            self.download(guest, url, servers.blob_sha256(PIECE))
