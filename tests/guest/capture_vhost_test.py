# SPDX-License-Identifier: GPL-2.0-or-later
"""Captures of frames with offloaded checksums and segmentation: tshark finds no error, and the guest's own tcpdump shows the same."""

import re
import unittest

from lan import outside, pcapng, servers, vm
from lan.capture import Capture, complaints, tshark
from lan.process import Lanlet
from lan.programs import check, need
from lan.wait import wait_until

MAC = "52:54:00:00:00:01"
SIZE = 1 << 20
PATIENCE = 300.0


def setUpModule():
    vm.need_vm()
    need("tcpdump", "tshark")


def segments(text):
    """Each TCP frame of one connection as tcpdump prints it: (addresses, flags and numbers)."""
    return re.findall(r"(\S+ > \S+): (Flags .*)", text)


class Offloads(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.enterClassContext(outside.Outside())
        cls.lanlet = cls.enterClassContext(Lanlet("--dns", outside.ROUTER))
        cls.guest = cls.enterClassContext(vm.Guest(vm.vhost_card(cls.lanlet.vhost, MAC), "one", programs=["tcpdump"]))
        cls.guest.lease()
        cls.guest.check(f"wget -q -O /blob http://{outside.ROUTER}/{SIZE}", PATIENCE)

    def capture(self, *words):
        return self.enterContext(Capture(self.lanlet, *words))

    def download(self):
        out = self.guest.check(f"wget -q -O - http://{outside.ROUTER}/{SIZE} | sha256sum", PATIENCE)
        self.assertEqual(out.split()[0], servers.blob_sha256(SIZE))

    def upload(self):
        request = f"PUT / HTTP/1.0\\r\\nContent-Length: {SIZE}\\r\\n\\r\\n"
        out = self.guest.check(f"(printf '{request}'; cat /blob; sleep 3) | nc {outside.ROUTER} 80 | tail -n 1", PATIENCE)
        self.assertIn(servers.blob_sha256(SIZE), out)

    def test_super_frames_are_read_without_errors(self):
        captures = [self.capture("tcp"), self.capture(MAC, "tcp"), self.capture("gateway", "tcp")]
        self.download()
        self.upload()
        for capture in captures:
            found = capture.finish()
            for direction in (pcapng.INBOUND, pcapng.OUTBOUND) if capture is not captures[0] else (pcapng.INBOUND,):
                supers = [r for r in found.records if r.direction == direction and r.flags & pcapng.SEGMENTATION]
                self.assertTrue(supers)
                self.assertGreater(max(r.length for r in supers), 3000)
                self.assertTrue(all(re.search(r", in segments of \d+ bytes$", r.comment) for r in supers))
            self.assertFalse([r for r in found.records if r.flags & pcapng.CHECKSUM_NOT_READY])
            self.assertEqual(complaints(capture.path), "")
            # Nothing is missing between the lengths that the frames say they have.
            self.assertEqual(tshark(capture.path, "-Y", "tcp.analysis.lost_segment || tcp.analysis.ack_lost_segment"), "")

    def test_cut_frames_are_as_they_were_passed_on(self):
        capture = self.capture("tcp", "--snaplen", "96")
        self.download()
        found = capture.finish()
        cut = [r for r in found.records if r.length > 96]
        self.assertTrue(cut)
        self.assertTrue(all(len(r.data) == 96 for r in cut))
        self.assertTrue([r for r in cut if r.flags & pcapng.CHECKSUM_NOT_READY])
        self.assertEqual(complaints(capture.path), "")

    def test_guest_sees_the_same_super_frames(self):
        capture = self.capture(MAC, "tcp")
        self.guest.check("echo root:x:0:0::/:/bin/sh >/etc/passwd")
        self.guest.check("tcpdump -Z root -l -i eth0 -n -t -S -B 16384 -s 128 tcp >/tmp/seen 2>/tmp/said & sleep 2")
        self.download()
        wait_until(lambda: self.guest.check("grep 'Flags .F' /tmp/seen; sleep 1").count("Flags") == 2, "the end")
        self.guest.check("killall tcpdump; sleep 2")
        self.assertIn("0 packets dropped by kernel", self.guest.check("cat /tmp/said"))
        theirs = segments(self.guest.check("cat /tmp/seen"))
        capture.finish()
        mine = segments(check("tcpdump", "-n", "-t", "-S", "-r", capture.path))
        self.assertGreater(len(mine), 10)
        for way in {way for way, _ in mine}:
            self.assertEqual([what for who, what in mine if who == way], [what for who, what in theirs if who == way])
