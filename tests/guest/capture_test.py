# SPDX-License-Identifier: GPL-2.0-or-later
"""`lanlet capture` and GET /v1/capture, compared with what guests send, get and see."""

import contextlib
import itertools
import json
import os
import re
import select
import signal
import socket
import struct
import subprocess
import tempfile
import time
import unittest
import urllib.parse
from pathlib import Path

from lan import openapi, outside, pcapng, servers, tap
from lan.capture import PATIENCE, Capture, complaints, running
from lan.client import Host
from lan.packet import Udp, address, mac, mac_text
from lan.process import Lanlet
from lan.programs import Program, check, needs
from lan.wait import wait_until

GATEWAY = "192.168.122.1"
DOWNLOAD = "import hashlib, sys, urllib.request; print(hashlib.sha256(urllib.request.urlopen(sys.argv[1], timeout=100).read()).hexdigest())"


def introduce(one, two):
    """Fills both ARP caches: a host that is not listening would not answer a request."""
    one.neighbours[two.ip] = two.mac
    two.neighbours[one.ip] = one.mac


class Network(unittest.TestCase):
    """One network for all tests, and hosts with MACs of their own."""

    options = ()
    numbers = itertools.count(1)

    def setUp(self):
        self.network = self.enterContext(Lanlet(*self.options))
        self.api = self.network.api

    def host(self, **lease):
        host = self.enterContext(Host(self.network.stream, mac(next(self.numbers))))
        host.lease(**lease)
        return host

    def port_of(self, host):
        return next(entry["port"] for entry in self.api.get("/v1/fdb")["fdb"] if entry["mac"] == mac_text(host.mac))

    def capture(self, *words, **more):
        return self.enterContext(Capture(self.network, *words, **more))

    def stream(self, **query):
        """The connection and the answer of GET /v1/capture, of which nothing is read."""
        connection = openapi.Connection(self.api.path)
        self.addCleanup(connection.close)
        connection.request("GET", "/v1/capture?" + urllib.parse.urlencode(query))
        answer = connection.getresponse()
        self.assertEqual((answer.status, answer.headers["Content-Type"]), (200, "application/x-pcapng"))
        return connection, answer


class Contents(Network):
    def test_segment_has_each_frame_once_as_it_enters(self):
        one, two = self.host(), self.host()
        introduce(one, two)
        ports = {self.port_of(one): "one", self.port_of(two): "two", "gateway": "gateway"}
        capture = self.capture("icmp")
        one.ping(GATEWAY)
        request = Udp(5, 6, b"not this").emit(one.ip, two.ip)
        one.send_ip(request)
        two.send_frame(one.mac, 0x0800, Udp(5, 6, b"nor this").emit(two.ip, one.ip).emit())
        found = capture.finish()
        self.assertEqual([(ports[r.interface], r.direction, r.comment) for r in found.records], [
            ("one", pcapng.INBOUND, self.port_of(one) + " in"), ("gateway", pcapng.INBOUND, "gateway in")])
        self.assertEqual(found.records[0].data[:12], found.records[1].data[6:12] + found.records[1].data[:6])
        self.assertEqual({i["name"] for i in found.interfaces}, set(ports))
        self.assertEqual({i["filter"] for i in found.interfaces}, {"icmp"})
        self.assertAlmostEqual(found.records[0].when / 1e9, time.time(), delta=PATIENCE)

    def test_port_has_both_directions_and_nothing_of_others(self):
        one, two, three = self.host(), self.host(), self.host()
        introduce(one, two)
        capture = self.capture(self.port_of(two), "udp")
        one.send_ip(Udp(5, 6, b"to two").emit(one.ip, two.ip))
        two.wait_for(lambda frame: b"to two" in frame.payload)
        two.send_ip(Udp(6, 5, b"from two").emit(two.ip, one.ip))
        one.wait_for(lambda frame: b"from two" in frame.payload)
        introduce(three, one)
        three.send_ip(Udp(5, 6, b"to one").emit(three.ip, one.ip))
        one.wait_for(lambda frame: b"to one" in frame.payload)
        found = capture.finish()
        name = self.port_of(two)
        padded = b"to two".ljust(60 - 42, b"\0")  # as it leaves
        self.assertEqual([(r.comment, r.data[42:]) for r in found.records], [(name + " out", padded), (name + " in", b"from two")])
        self.assertEqual([i["name"] for i in found.interfaces], [name])
        self.assertEqual(found.statistics, {0: (2, 0)})

    def test_guest_is_found_by_name_mac_and_address(self):
        guest, other = self.host(host_name=b"web"), self.host()
        words = ("web", mac_text(guest.mac), socket.inet_ntoa(guest.ip))
        captures = [self.capture(word, "icmp") for word in words]
        guest.ping(GATEWAY)
        other.ping(GATEWAY)
        for capture in captures:
            self.assertEqual(len(capture.finish().records), 2)

    def test_guest_is_followed_to_another_port(self):
        guest = self.host(host_name=b"web")
        capture = self.capture("web", "icmp")
        guest.ping(GATEWAY)
        before = self.port_of(guest)
        guest.close()
        moved = self.enterContext(Host(self.network.stream, guest.mac, socket.inet_ntoa(guest.ip)))
        moved.ping(GATEWAY)
        found = capture.finish()
        self.assertEqual([r.comment for r in found.records],
                         [before + " in", before + " out", self.port_of(moved) + " in", self.port_of(moved) + " out"])

    def test_guest_that_is_not_there_yet_is_waited_for(self):
        capture = self.capture("52:54:00:99:99:99", "icmp")
        with Host(self.network.stream, bytes.fromhex("525400999999")) as guest:
            guest.lease()
            guest.ping(GATEWAY)
        self.assertEqual(len(capture.finish().records), 2)

    def test_detached_port_ends_its_capture(self):
        guest = self.host()
        capture = self.capture(self.port_of(guest), "icmp")
        guest.ping(GATEWAY)
        guest.close()
        self.assertIn("2 records captured, 0 lost", capture.wait())
        self.assertEqual(capture.parse().statistics, {0: (2, 0)})
        self.assertEqual(running(self.network), [])

    def test_snaplen_keeps_the_beginning_of_frames(self):
        guest = self.host()
        capture = self.capture("icmp", "--snaplen", "40")
        guest.ping(GATEWAY, size=500)
        found = capture.finish()
        self.assertEqual([(len(r.data), r.length) for r in found.records], [(40, 14 + 20 + 8 + 500)] * 2)
        self.assertEqual({i["snaplen"] for i in found.interfaces}, {40})

    def test_queries_of_the_switch_are_captured(self):
        capture = self.capture("igmp")
        guest = self.host()
        port = self.port_of(guest)
        wait_until(capture.records, "a query")
        self.assertIn(f"{port} out", {r.comment for r in capture.finish().records})

    @needs("tcpdump", "tshark")
    def test_tcpdump_and_tshark_read_the_stream_as_it_comes(self):
        guest = self.host()
        for reader in (["tcpdump", "-n", "-r", "-", "-c", "2"], ["tshark", "-n", "-r", "-", "-c", "2"]):
            capture = self.capture("icmp", write=False)
            with Program(reader, stdin=capture.process.stdout, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
                guest.ping(GATEWAY)
                out, err = process.communicate(timeout=PATIENCE)
            capture.process.stdout.close()  # the reader has ended
            self.assertRegex(out, r"(?is)request.*reply", err)
            capture.process.send_signal(signal.SIGINT)
            self.assertEqual(capture.process.wait(PATIENCE), 0)


class Drops(Network):
    def test_dropped_frame_has_its_reason(self):
        guest = self.host()
        gateway = guest.resolve(guest.gateway)
        port = self.port_of(guest)
        everything = self.capture("udp port 6")
        dropped = self.capture("udp port 6", "--drops")
        of_port = self.capture(port, "udp port 6", "--drops")
        of_guest = self.capture(mac_text(guest.mac), "udp port 6", "--drops")
        stray = Udp(5, 6, b"stray").emit(address("10.9.9.9"), address("192.0.2.1")).emit()
        guest.send_frame(gateway, 0x0800, stray)
        wait_until(lambda: dropped.records() == 2, "the drop")
        comments = [port + " in", port + " in, dropped: martian-source"]
        self.assertEqual([r.comment for r in everything.finish().records], comments[:1])
        found = dropped.finish().records
        self.assertEqual([r.comment for r in found], comments)
        self.assertEqual(found[0].data, found[1].data)
        self.assertEqual(found[1].data[14:], stray)
        self.assertEqual([r.comment for r in of_guest.finish().records], comments)
        self.assertEqual([r.comment for r in of_port.finish().records], comments)

    def test_frame_that_a_port_has_no_room_for_is_dropped_there(self):
        sender, deaf = self.host(), self.host()
        introduce(sender, deaf)
        port = self.port_of(deaf)
        capture = self.capture("udp port 6", "--drops", "--snaplen", "60")
        packet = Udp(5, 6, b"x" * 60000).emit(sender.ip, deaf.ip)
        # A station that has not shown that it takes such packets gets fragments.
        deaf.send_ip(Udp(7, 8, b"x" * 60000).emit(deaf.ip, sender.ip))
        deaf.ping(GATEWAY)

        def port_is_full():  # deaf reads nothing
            for _ in range(20):
                sender.send_ip(packet)
            sender.ping(GATEWAY)  # all have passed
            return any(d["reason"] == "port-full" and d["count"] for d in self.api.get("/v1/drops")["drops"])

        wait_until(port_is_full, "a full port")
        dropped = [r for r in capture.finish().records if "dropped" in r.comment]
        self.assertTrue(dropped)
        self.assertEqual({(r.comment, r.direction, r.length) for r in dropped},
                         {(port + " out, dropped: port-full", pcapng.OUTBOUND, 60042)})


class Control(Network):
    def said(self, *words):
        done = self.network.run("capture", *words)
        return done.returncode, done.stderr

    def test_wrong_filter_is_refused_with_libpcaps_error(self):
        status, _, answer = self.api.request("GET", "/v1/capture?filter=icmp+or+or")
        self.assertEqual(status, 400)
        self.assertIn("syntax error", answer["error"])
        self.assertEqual(self.said("icmp", "or", "or")[0], 2)
        self.assertEqual(self.said("icmp", "--check"), (0, ""))
        status, said = self.said("nobody")
        self.assertEqual(status, 2)
        self.assertIn("there is no port or guest nobody", said)

    def test_wrong_parameters_are_refused(self):
        for query, status in (("port=nobody", 404), ("guest=nobody", 404), ("guest=10.1.1.1", 404), ("port=gateway&guest=x", 400),
                              ("drops=2", 400), ("snaplen=-1", 400), ("snaplen=262145", 400), ("guest=" + "x" * 300, 404)):
            self.assertEqual(self.api.request("GET", "/v1/capture?" + query)[0], status, query)
        self.assertEqual(self.api.request("DELETE", "/v1/captures/1")[0], 404)
        self.assertEqual(self.api.request("DELETE", "/v1/captures/x")[0], 404)
        self.assertEqual(running(self.network), [])

    def test_command_line_mistakes_are_explained(self):
        self.assertIn("--write", self.said("--ring", "1M")[1])
        for size in ("0", "1K", "5X", "", "-1M", "99999999999999999999", "1MB"):
            self.assertEqual(self.said("--write", "/dev/null", "--ring", size)[0], 2, size)
        status, said = self.said("--write", "/nonexistent/file")
        self.assertEqual(status, 1)
        self.assertIn("No such file or directory", said)
        leader, follower = os.openpty()
        done = self.network.run("capture", capture_output=False, stdout=follower, stderr=subprocess.PIPE)
        os.close(leader)
        os.close(follower)
        self.assertEqual(done.returncode, 2)
        self.assertIn("tcpdump -n -r -", done.stderr)

    def test_several_run_and_are_listed_and_ended_one_by_one(self):
        guest = self.host(host_name=b"web")
        captures = [self.capture("icmp"), self.capture("web", "--drops"), self.capture("gateway", "icmp"), self.capture("--snaplen", "64")]
        guest.ping(GATEWAY)
        listed = {c["id"]: c for c in running(self.network)}
        self.assertEqual([(listed[c.id]["port"], listed[c.id]["guest"], listed[c.id]["filter"], listed[c.id]["drops"]) for c in captures],
                         [(None, None, "icmp", False), (None, "web", None, True), ("gateway", None, "icmp", False),
                          (None, None, None, False)])
        self.assertRegex(self.network.status(), r"(?m)^\d+ +gateway +icmp +2 +0$")
        self.assertEqual(self.api.get("/v1/counters")["captures"], 4)
        self.assertEqual(self.api.request("DELETE", f"/v1/captures/{captures[0].id}")[0], 204)
        self.assertIn("2 records captured", captures[0].wait())
        self.assertEqual(len(running(self.network)), 3)
        guest.ping(GATEWAY)
        self.assertEqual(len(captures[2].finish().records), 4)
        for capture in (captures[1], captures[3]):
            self.assertGreaterEqual(len(capture.finish().records), 4)
        self.assertEqual(running(self.network), [])

    def test_clients_that_vanish_leave_nothing_behind(self):
        guest = self.host()
        for number in range(30):
            connection, answer = self.stream(**({"filter": "icmp"} if number % 2 else {}))
            answer.close()
            connection.close()
        wait_until(lambda: guest.ping(GATEWAY) and not running(self.network), "their end")  # what is written to them fails

    def test_clients_that_vanish_while_their_filter_is_compiled_do_no_harm(self):
        for _ in range(20):
            with socket.socket(socket.AF_UNIX) as client:
                client.connect(str(self.api.path))
                client.sendall(b"GET /v1/capture?filter=icmp+or+host+192.168.122.2 HTTP/1.1\r\nHost: lanlet\r\n\r\n")
        guest = self.host()
        guest.ping(GATEWAY)
        wait_until(lambda: guest.ping(GATEWAY) and not running(self.network), "their end")

    def test_captures_beyond_the_limit_are_refused(self):
        streams = [self.stream(filter="icmp") for _ in range(64)]
        status, _, answer = self.api.request("GET", "/v1/capture")
        self.assertEqual(status, 503)
        self.assertIn("64 captures", answer["error"])
        self.assertEqual(len({answer.headers["Lanlet-Capture"] for _, answer in streams}), 64)

    def test_network_that_ends_ends_its_captures(self):
        guest = self.host()
        capture = self.capture("icmp")
        guest.ping(GATEWAY)
        self.assertEqual(self.network.stop(), 0)
        self.assertIn("2 records captured", capture.process.communicate(timeout=PATIENCE)[1].decode())
        self.assertEqual(len(capture.parse().records), 2)
        self.network.start()


class Transfers(Network):
    """Transfers between a server outside and guests that use this machine's kernel."""

    def setUp(self):
        if reason := tap.why_no_tap():
            self.skipTest(reason)
        self.enterContext(outside.Outside())
        super().setUp()

    def guest(self):
        guest = self.enterContext(tap.TapGuest(self.network.stream, mac_text(mac(next(self.numbers))), root=False))
        guest.set_address("192.168.122.200")
        return guest

    def download(self, guest, size):
        out = guest.python(DOWNLOAD, f"http://{outside.ROUTER}/{size}", timeout=PATIENCE)
        self.assertEqual(out.strip(), servers.blob_sha256(size))


class Counters(Transfers):
    UPLOAD = "import sys, urllib.request; urllib.request.urlopen(urllib.request.Request(sys.argv[1], bytes(1 << 20), method='PUT')).read()"

    def ports(self):
        return {port["name"]: port for port in self.api.get("/v1/ports")["ports"]}

    def test_port_counters_agree_with_a_capture_while_segments_are_joined(self):
        guest = self.guest()
        before = self.ports()
        name = list(before)[-1]
        capture = self.capture(name)
        guest.python(self.UPLOAD, f"http://{outside.ROUTER}/")
        self.download(guest, 1 << 20)
        found = capture.finish()
        after = self.ports()
        for direction, prefix in ((pcapng.INBOUND, "rx"), (pcapng.OUTBOUND, "tx")):
            frames, bytes_ = (after[name][f"{prefix}_{unit}"] - before[name][f"{prefix}_{unit}"] for unit in ("frames", "bytes"))
            captured = [record.data for record in found.records if record.direction == direction]
            # A neighbour may be looked up before the capture has begun or after it has ended.
            self.assertLessEqual(0, frames - len(captured))
            self.assertLessEqual(frames - len(captured), 8, f"{prefix}: {frames} counted, {len(captured)} captured")
            self.assertLessEqual(bytes_ - sum(map(len, captured)), 8 * 1514)
            self.assertGreater(len(captured), 700)
        joined = after["gateway"]["tx_frames"] - before["gateway"]["tx_frames"]
        self.assertLess(joined, after[name]["rx_frames"] - before[name]["rx_frames"], "no segments were joined")


class Losses(Transfers):
    """Slow readers and full disks: records are lost, and guests are not affected."""

    def test_slow_reader_loses_records_that_are_counted_and_guests_lose_nothing(self):
        guest = self.guest()
        connection, answer = self.stream(port="gateway")
        id_ = int(answer.headers["Lanlet-Capture"])
        self.download(guest, 20 << 20)
        lost = wait_until(lambda: next(c["lost"] for c in running(self.network) if c["id"] == id_), "a loss")
        self.assertGreater(lost, 0)
        self.assertEqual(self.api.request("DELETE", f"/v1/captures/{id_}")[0], 204)
        found = pcapng.parse(answer.read())
        self.assertEqual(found.statistics[0][0], len(found.records))
        self.assertGreaterEqual(found.statistics[0][1], lost)
        self.assertLessEqual(found.lost, found.statistics[0][1])
        self.assertEqual(self.api.get("/v1/counters")["capture_lost"], found.statistics[0][1])
        self.download(guest, 1 << 20)

    def test_reader_that_reads_again_is_told_what_it_missed(self):
        guest = self.guest()
        connection, answer = self.stream(port="gateway")
        id_ = int(answer.headers["Lanlet-Capture"])
        self.download(guest, 20 << 20)
        wait_until(lambda: next(c["lost"] for c in running(self.network) if c["id"] == id_), "a loss")
        data = b""
        while b"dropped" not in data and (piece := answer.read1(1 << 16)):
            data += piece
            if len(data) > 4 << 20:
                break
        guest.check("ping", "-c", "3", "-i", "0.2", GATEWAY)
        self.api.request("DELETE", f"/v1/captures/{id_}")
        found = pcapng.parse(data + answer.read())
        self.assertGreater(found.lost, 0)
        self.assertEqual(found.lost, found.statistics[0][1])

    def test_full_device_loses_records_and_reports_it(self):
        guest = self.guest()
        capture = self.capture("--write", "/dev/full", write=False)
        self.download(guest, 1 << 20)
        said = capture.stop(code=1)
        self.assertIn("/dev/full: No space left on device", said)
        self.assertIn("0 records captured, 0 lost", said)
        self.assertRegex(said, r"\d+ more records are lost")

    def test_disk_that_was_full_is_written_to_again(self):
        guest = self.guest()
        with tempfile.TemporaryDirectory() as disk, contextlib.ExitStack() as stack:
            check("mount", "-t", "tmpfs", "-o", "size=256k", "none", disk)
            stack.callback(check, "umount", "-l", disk)
            file = Path(disk) / "capture.pcapng"
            capture = self.capture("--write", str(file), write=False)
            self.download(guest, 4 << 20)
            wait_until(lambda: file.stat().st_size > 0, "a record")
            pcapng.parse(file.read_bytes())  # whole blocks
            # Without what the kernel lists: its uid= is one of the host's, which this namespace does not have.
            check("mount", "--options-source", "disable", "-o", "remount,size=64m", "-t", "tmpfs", "none", disk)
            guest.check("ping", "-c", "1", "-p", "beef", GATEWAY)
            said = capture.stop(code=1)
            self.assertIn("No space left on device", said)
            found = pcapng.parse(file.read_bytes())
            self.assertTrue([r for r in found.records if r.data.endswith(b"\xbe\xef" * 8)])
            count = re.search(r"(\d+) records captured", said)
            self.assertEqual(int(count[1]), len(found.records))

    @needs("tshark")
    def test_ring_keeps_the_newest_within_its_size(self):
        guest = self.guest()
        capture = self.capture("--ring", "1M")
        folder = capture.path.parent
        self.download(guest, 8 << 20)
        guest.check("ping", "-c", "1", "-p", "beef", GATEWAY)
        self.assertRegex(capture.stop(), r"\d+ records captured")
        files = sorted(folder.iterdir())
        self.assertLessEqual(len(files), 8)
        self.assertGreater(len(files), 1)
        self.assertLessEqual(sum(file.stat().st_size for file in files), 1 << 20)
        numbers = [int(re.fullmatch(r"capture_(\d{5})_\d{14}\.pcapng", file.name)[1]) for file in files]
        self.assertEqual(numbers, list(range(numbers[0], numbers[0] + len(numbers))))
        self.assertGreater(numbers[0], 1)
        parsed = [pcapng.parse(file.read_bytes()) for file in files]
        self.assertTrue(all(found.records and found.options for found in parsed))
        self.assertTrue([r for r in parsed[-1].records if r.data.endswith(b"\xbe\xef" * 8)])
        for file in (files[0], files[-1]):
            self.assertEqual(complaints(file, has_beginnings=False), "")


@needs("tcpdump", "tshark")
class Compared(Transfers):
    """Comparison with the guest's own tcpdump."""

    def mark(self, guest, pattern):
        guest.check("ping", "-c", "1", "-s", "64", "-p", pattern, GATEWAY)

    @staticmethod
    def between(frames, first, last):
        """The frames from the one with the first mark to the one with the last."""
        marks = [bytes.fromhex(mark) * 2 for mark in (first, last)]
        places = [next(i for i, frame in enumerate(frames) if mark in frame) for mark in marks]
        return frames[places[0] : places[1] + 1]

    def test_guest_sees_what_is_captured_frame_by_frame(self):
        guest = self.guest()
        file = Path(self.network.directory) / "guest.pcap"
        tcpdump = self.enterContext(
            guest.start("tcpdump", "-i", "eth0", "-U", "-B", "16384", "-s", "0", "-w", file, stderr=subprocess.PIPE))
        self.assertTrue(select.select([tcpdump.stderr], [], [], PATIENCE)[0], "tcpdump does not listen")
        address_of = json.loads(guest.check("ip", "-j", "link", "show", "eth0"))[0]["address"]
        capture = self.capture(address_of)
        of_port = self.capture(self.api.get("/v1/ports")["ports"][-1]["name"])
        self.mark(guest, "aa0011")
        self.download(guest, 1 << 20)  # less than a capture's ring holds, so that nothing is lost on the slowest machine
        upload = ("import sys; from urllib.request import Request, urlopen; "
                  "print(len(urlopen(Request(sys.argv[1], bytes(1 << 20), method='PUT')).read()))")
        self.assertEqual(guest.python(upload, f"http://{outside.ROUTER}/").strip(), "64")
        guest.check("ping", "-c", "2", "-i", "0.2", "-s", "4000", GATEWAY)
        self.mark(guest, "aa0022")
        seen = wait_until(lambda: file.exists() and self.seen(file), "the last mark")
        for found in (capture.finish(), of_port.finish()):
            self.compare(seen, found, bytes.fromhex(address_of.replace(":", "")))
        self.assertEqual(complaints(capture.path), "")
        self.assertEqual(complaints(of_port.path), "")

    def seen(self, file):
        try:
            frames = pcapng.parse_pcap(file.read_bytes())
        except (AssertionError, struct.error):
            return None  # it is writing
        mark = bytes.fromhex("aa0022") * 2
        return frames if sum(mark in frame for frame in frames) == 2 else None

    def compare(self, seen, found, mac_):
        for outbound in (False, True):
            mine = [r.data for r in found.records if (r.direction == pcapng.OUTBOUND) == outbound]
            theirs = [frame for frame in seen if (frame[6:12] != mac_) == outbound]
            mine, theirs = (self.between(frames, "aa0011", "aa0022") for frames in (mine, theirs))
            self.assertEqual(len(mine), len(theirs))
            self.assertGreater(len(mine), 20)
            for number, (one, other) in enumerate(zip(mine, theirs, strict=True)):
                self.assertEqual(one, other, f"frame {number}, outbound {outbound}")


class Extcap(Network):
    """contrib/extcap/lanlet, called as Wireshark does."""

    program = Path(__file__).parents[2] / "contrib" / "extcap" / "lanlet"

    def setUp(self):
        super().setUp()
        folder = self.enterContext(tempfile.TemporaryDirectory())
        (Path(folder) / "lanlet" / "dead").mkdir(parents=True)
        (Path(folder) / "lanlet" / "default").symlink_to(self.network.runtime)
        with socket.socket(socket.AF_UNIX) as nobody:
            nobody.bind(f"{folder}/lanlet/dead/api.sock")
        self.folder = Path(folder)
        self.environment = {**os.environ, "XDG_RUNTIME_DIR": folder, "HOME": folder, "WIRESHARK_EXTCAP_DIR": str(self.program.parent)}

    def run_it(self, *words):
        done = subprocess.run([self.program, *words], env=self.environment, stdin=subprocess.DEVNULL, capture_output=True, text=True,
                              timeout=PATIENCE)
        self.assertEqual(done.returncode, 0, done.stderr)
        return done.stdout

    def test_running_networks_are_interfaces(self):
        said = self.run_it("--extcap-interfaces", "--extcap-version=4.0")
        self.assertRegex(said, r"\Aextcap \{version=[\d.]+\}")
        self.assertEqual(re.findall(r"(?m)^interface (.*)$", said), ["{value=lanlet-default}{display=lanlet network default}"])
        self.assertEqual(self.run_it("--extcap-interface", "lanlet-default", "--extcap-dlts"),
                         "dlt {number=1}{name=EN10MB}{display=Ethernet}\n")
        self.assertIn("{call=--drops}", self.run_it("--extcap-interface=lanlet-default", "--extcap-config"))

    def test_wrong_filter_is_reported_and_a_right_one_is_not(self):
        self.assertIn("syntax error", self.run_it("--extcap-interface=lanlet-default", "--extcap-capture-filter=icmp or or"))
        self.assertEqual(self.run_it("--extcap-interface", "lanlet-default", "--extcap-capture-filter", "icmp or arp"), "")

    def test_capture_goes_to_the_fifo_until_it_is_ended(self):
        fifo = self.folder / "fifo"
        os.mkfifo(fifo)
        guest = self.host(host_name=b"web")
        words = ["--capture", "--extcap-interface", "lanlet-default", "--fifo", str(fifo), "--extcap-capture-filter", "icmp",
                 "--of", "web", "--drops", "--snaplen", "64"]
        with Program([self.program, *words], env=self.environment, stderr=subprocess.PIPE) as process:
            with open(fifo, "rb") as reader:
                wait_until(lambda: running(self.network), "the capture")
                guest.ping(GATEWAY)
                (capture,) = running(self.network)
                process.terminate()
                found = pcapng.parse(reader.read())
            process.communicate(timeout=PATIENCE)
        self.assertEqual(process.returncode, 0)
        self.assertEqual((capture["guest"], capture["filter"], capture["drops"], capture["snaplen"]), ("web", "icmp", True, 64))
        self.assertEqual([len(r.data) for r in found.records], [64, 64])

    @needs("tshark")
    def test_tshark_captures_by_it(self):
        listed = subprocess.run(["tshark", "-D"], env=self.environment, capture_output=True, text=True, timeout=PATIENCE).stdout
        self.assertIn("lanlet-default (lanlet network default)", listed)
        guest = self.host()
        with Program(["tshark", "-n", "-i", "lanlet-default", "-f", "icmp", "-c", "2"], env=self.environment,
                     stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
            wait_until(lambda: running(self.network) or not process.is_running(), "the capture")
            guest.ping(GATEWAY)
            out, err = process.communicate(timeout=PATIENCE)
        self.assertRegex(out, r"(?s)Echo \(ping\) request.*Echo \(ping\) reply", err)
