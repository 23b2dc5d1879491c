# SPDX-License-Identifier: GPL-2.0-or-later
"""The API, and the commands that use it, on a network with guests."""

import contextlib
import errno
import json
import os
import re
import resource
import select
import signal
import socket
import subprocess
import time
import unittest
from pathlib import Path

from lan import dhcp, dns, openapi, outside, servers, tap
from lan.client import Host
from lan.guests import Room
from lan.packet import Ethernet, Ipv4, Udp, address, mac, mac_text, text
from lan.packet6 import link_local
from lan.process import Lanlet, refusal
from lan.wait import PATIENCE, wait_until

GATEWAY = "192.168.122.1"


class Routes(unittest.TestCase):
    """Each route returns a non-empty answer that fits its schema (openapi.Api checks that)."""

    def setUp(self):
        self.network = self.enterContext(Lanlet())
        self.api = self.network.api

    def guest(self, number, name=b""):
        host = self.enterContext(Host(self.network.stream, mac(number)))
        host.lease(**({"host_name": name} if name else {}))
        return host

    def test_routes_and_descriptions_agree(self):
        real = {(r["method"], r["path"]) for r in self.api.get("/v1")["routes"]}
        described = {(m.upper(), p) for p, methods in openapi.DOCUMENT["paths"].items() for m in methods}
        self.assertEqual(real, described)

    def test_routes_without_parameters_answer_by_their_schema(self):
        self.guest(1, b"web")
        for path, methods in openapi.DOCUMENT["paths"].items():
            if "get" in methods and path not in ("/v1/events", "/v1/capture"):
                self.api.get(path)

    def test_port_and_its_counters_are_those_of_the_guest(self):
        guest = self.guest(1)
        guest.ping(GATEWAY)
        ports = {port["kind"]: port for port in self.api.get("/v1/ports")["ports"]}
        self.assertEqual(set(ports), {"gateway", "stream"})
        self.assertEqual(ports["stream"]["macs"], 1)
        self.assertGreaterEqual(ports["stream"]["rx_frames"], 4)
        self.assertGreater(ports["stream"]["tx_bytes"], 0)

    def test_port_has_the_names_of_the_guests_behind_it(self):
        bridge = self.guest(1, b"web")
        bridge.ping(GATEWAY)
        bridge.mac, bridge.ip = mac(2), dhcp.NOWHERE
        bridge.lease(host_name=b"db")
        bridge.ping(GATEWAY)
        self.guest(3).ping(GATEWAY)
        guests = {port["kind"] + str(port["macs"]): port["guests"] for port in self.api.get("/v1/ports")["ports"]}
        self.assertEqual(guests, {"gateway0": [], "stream2": ["db", "web"], "stream1": []})
        self.assertRegex(self.network.ask("ports"), r"(?m)^stream\S* +stream +db,web +")

    def test_port_names_as_many_guests_as_there_is_room_for(self):
        with Host(self.network.stream, mac(0)) as host:
            for number in range(1, 13):
                host.mac, host.ip = mac(number), dhcp.NOWHERE
                host.lease(host_name=b"guest-%d" % number)
                host.ping(GATEWAY)
            (names,) = [port["guests"] for port in self.api.get("/v1/ports")["ports"] if port["kind"] == "stream"]
        self.assertEqual(names, [f"guest-{number}" for number in range(12, 4, -1)])

    def test_every_port_says_of_which_kind_it_is(self):
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as guest:
            guest.bind(str(self.network.directory / "guest"))
            guest.sendto(b"\xff" * 6 + mac(2) + b"\x08\x06" + bytes(46), str(self.network.dgram))
            kinds = wait_until(lambda: [port["kind"] for port in self.api.get("/v1/ports")["ports"]][1:], "the guest's port")
        self.assertEqual(kinds, ["dgram"])

    def test_fdb_has_the_guest_at_its_port(self):
        guest = self.guest(1)
        entry = self.api.get("/v1/fdb")["fdb"][0]
        self.assertEqual(entry["mac"], mac_text(guest.mac))
        self.assertRegex(entry["port"], "^stream")

    def test_neighbour_is_the_guest_with_its_address_at_its_port_until_it_disconnects(self):
        guest = self.guest(1, b"web")
        guest.ping(GATEWAY)
        (known,) = self.api.get("/v1/neighbours")["neighbours"]
        (port,) = [port for port in self.api.get("/v1/ports")["ports"] if port["kind"] == "stream"]
        self.assertEqual((known["address"], known["mac"], known["port_id"]), (text(guest.ip), mac_text(guest.mac), port["id"]))
        self.assertEqual(known["name"], "web")
        sent, received = known["sent"], known["received"]
        guest.ping(GATEWAY)
        (known,) = self.api.get("/v1/neighbours")["neighbours"]
        self.assertEqual(known["sent"]["frames"], sent["frames"] + 1)
        self.assertGreater(known["sent"]["bytes"], sent["bytes"])
        self.assertEqual(known["received"]["frames"], received["frames"] + 1)
        self.assertGreater(known["received"]["bytes"], received["bytes"])
        guest.close()
        wait_until(lambda: self.api.get("/v1/neighbours")["neighbours"][0]["port_id"] is None, "that the port is gone")

    def test_neighbours_of_both_families_are_listed(self):
        room = self.enterContext(Room(self.network))
        guest = room.guest(mac(1), ip="192.168.122.20")
        guest.use(link_local(guest.mac))
        guest.ping(GATEWAY)
        known = {neighbour["address"]: neighbour["mac"] for neighbour in self.api.get("/v1/neighbours")["neighbours"]}
        self.assertEqual(known, dict.fromkeys(("192.168.122.20", "fe80::5054:ff:fe00:1"), mac_text(guest.mac)))

    def test_lease_has_name_and_end(self):
        guest = self.guest(1, b"Web")
        (lease,) = self.api.get("/v1/leases")["leases"]
        self.assertEqual((lease["address"], lease["mac"], lease["name"]), (text(guest.ip), mac_text(guest.mac), "web"))
        self.assertTrue(0 < lease["seconds_left"] <= 3600)
        self.assertAlmostEqual(lease["expires"], time.time() + lease["seconds_left"], delta=60)

    def test_lease_has_the_port_of_its_guest_until_that_is_detached(self):
        guest = self.guest(1, b"web")
        (port,) = [port["name"] for port in self.api.get("/v1/ports")["ports"] if port["kind"] == "stream"]
        (lease,) = self.api.get("/v1/leases")["leases"]
        self.assertEqual(lease["port"], port)
        self.assertRegex(self.network.ask("leases"), rf"(?m) web +{port} +")
        guest.close()
        wait_until(lambda: self.api.get("/v1/leases")["leases"][0]["port"] is None, "that the port is gone")

    def test_many_leases_are_listed_once_each(self):
        with Host(self.network.stream, mac(0)) as host:
            given = set()
            for number in range(1, 61):
                host.mac, host.ip = mac(number), dhcp.NOWHERE
                host.lease()
                given.add(text(host.ip))
            listed = [lease["address"] for lease in self.api.get("/v1/leases")["leases"]]
        self.assertEqual(len(listed), 60)
        self.assertEqual(set(listed), given)

    def test_reservation_takes_effect_and_is_kept_over_a_restart(self):
        status, _, _ = self.api.request(
            "POST", "/v1/reservations", {"mac": mac_text(mac(7)), "address": "192.168.122.77", "name": "Db"})
        self.assertEqual(status, 204)
        self.assertEqual(text(self.guest(7).ip), "192.168.122.77")
        self.assertEqual(self.guest(1).dns("db").answers[0].data, address("192.168.122.77"))
        self.network.stop()
        self.network.start()
        (kept,) = self.api.get("/v1/reservations")["reservations"]
        self.assertEqual((kept["address"], kept["name"], kept["origin"]), ("192.168.122.77", "db", "added"))
        self.assertEqual(self.api.request("DELETE", "/v1/reservations/" + mac_text(mac(7)))[0], 204)
        self.assertEqual(self.api.get("/v1/reservations")["reservations"], [])

    def test_rules_of_dhcp_are_shown(self):
        self.assertEqual(self.api.get("/v1/dhcp"), {"options": [], "tags": [], "boots": []})
        with Lanlet("--dhcp-option", "tag:ipxe,tag:!lab,force,ntp-server,192.168.122.5", "--dhcp-option", "router",
                    "--dhcp-tag", "ipxe,user:iPXE", "--dhcp-tag", "uefi,arch:efi-x64", "--dhcp-boot", "tag:ipxe,http://a/b",
                    "--dhcp-boot", "pxelinux.0,192.168.122.6") as lanlet:
            rules = lanlet.api.get("/v1/dhcp")
        self.assertEqual(rules, {
            "options": [{"tags": ["ipxe", "!lab"], "force": True, "option": 42, "value": "c0a87a05"},
                        {"tags": [], "force": False, "option": 3, "value": None}],
            "tags": [{"tag": "ipxe", "class": "user:iPXE"}, {"tag": "uefi", "class": "arch:7"}],
            "boots": [{"tags": ["ipxe"], "file": "http://a/b", "server": None},
                      {"tags": [], "file": "pxelinux.0", "server": "192.168.122.6"}],
        })

    def test_reservation_by_client_id_or_name(self):
        for body in (
                {"client": "id:01:52:54", "address": "192.168.122.70", "name": "seventy", "tag": "lab", "lease_time": "1h"},
                {"client": "id:abc", "address": "192.168.122.71"}, {"client": "name:db", "address": "192.168.122.72"}):
            self.assertEqual(self.api.request("POST", "/v1/reservations", body)[0], 204)
        self.assertEqual(text(self.guest(7, b"db").ip), "192.168.122.72")
        self.network.stop()
        self.network.start()
        self.assertEqual(
            [tuple(r[member] for member in ("mac", "client", "address", "name", "tag", "lease_time", "origin"))
             for r in self.api.get("/v1/reservations")["reservations"]],
            [(None, "id:01:52:54", "192.168.122.70", "seventy", "lab", "3600", "added"),
             (None, "id:abc", "192.168.122.71", None, None, None, "added"),
             (mac_text(mac(7)), "name:db", "192.168.122.72", "db", None, None, "added")])
        names = {(n["name"], n["data"], n["origin"]) for n in self.api.get("/v1/names")["names"]}
        self.assertLessEqual({("seventy", "192.168.122.70", "reservation"), ("db", "192.168.122.72", "reservation")}, names)
        self.assertIn("id:abc", self.network.ask("reserve"))
        self.network.ask("reserve", "--remove", "id:01:52:54")
        self.network.ask("reserve", "--remove", "name:db")
        self.network.ask("reserve", "id:abc", "192.168.122.73", "new")  # takes the place of the one before
        (kept,) = self.api.get("/v1/reservations")["reservations"]
        self.assertEqual((kept["client"], kept["address"], kept["name"]), ("id:abc", "192.168.122.73", "new"))
        self.network.ask("reserve", "--remove", "id:none", code=5)
        self.network.ask("reserve", "id:x", code=2)
        for of in {"client": "id:x", "mac": mac_text(mac(7))}, {}:
            self.assertEqual(self.api.request("POST", "/v1/reservations", {**of, "address": "192.168.122.9"})[0], 400)

    def test_reservation_that_contradicts_another_changes_nothing(self):
        self.api.request("POST", "/v1/reservations", {"mac": mac_text(mac(7)), "address": "192.168.122.77"})
        status, _, answer = self.api.request("POST", "/v1/reservations", {"mac": mac_text(mac(8)), "address": "192.168.122.77"})
        self.assertEqual(status, 409)
        self.assertIn("192.168.122.77", answer["error"])
        self.assertEqual(len(self.api.get("/v1/reservations")["reservations"]), 1)

    def test_name_is_resolved_until_it_is_removed(self):
        guest = self.guest(1, b"web")
        self.assertEqual(self.api.request("POST", "/v1/names", {"name": "db", "address": "192.168.122.50"})[0], 204)
        self.assertEqual(guest.dns("db").answers[0].data, address("192.168.122.50"))
        self.assertEqual({n["name"]: n["origin"] for n in self.api.get("/v1/names")["names"]}, {"db": "added", "web": "lease"})
        self.assertEqual(self.api.request("DELETE", "/v1/names/db")[0], 204)
        self.assertEqual(guest.dns("db.lanlet.internal").rcode, dns.NXDOMAIN)

    def test_records_are_answered_until_they_are_removed(self):
        guest = self.guest(1, b"web")
        records = (
            ("www.example.com", "CNAME", "web"),
            ("_ssh._tcp.lanlet.internal", "SRV", "0 5 22 web.lanlet.internal"),
            ("example.com", "MX", "10 mail.example.com"),
            ("note", "TXT", "hello, world"),
            ("db", "AAAA", "fd00::9"),
            ("9.9.9.10.in-addr.arpa", "PTR", "nine.example.com"),
        )
        for name, type_, data in records:
            self.assertEqual(self.api.request("POST", "/v1/names", {"name": name, "type": type_, "data": data})[0], 204)
        self.network.stop()
        self.network.start()  # they are kept in the state directory
        guest = self.guest(1, b"web")
        listed = {(n["name"], n["type"], n["data"]) for n in self.api.get("/v1/names")["names"] if n["origin"] == "added"}
        self.assertEqual(listed, set(records))
        chain = guest.dns("www.example.com").answers
        self.assertEqual([(r.type, r.data) for r in chain], [(dns.CNAME, dns.emit_name("web")), (dns.A, guest.ip)])
        srv = guest.dns("_ssh._tcp.lanlet.internal", dns.SRV).answers[0]
        self.assertEqual(srv.data, b"\0\0\0\5\0\x16" + dns.emit_name("web.lanlet.internal"))
        self.assertEqual(guest.dns("example.com", dns.MX).answers[0].data, b"\0\x0a" + dns.emit_name("mail.example.com"))
        for name in ("note", "note.lanlet.internal"):
            self.assertEqual(guest.dns(name, dns.TXT).answers[0].data, b"\x0chello, world")
        self.assertEqual(guest.dns("db", dns.AAAA).answers[0].data, bytes.fromhex("fd" + 14 * "00" + "09"))
        self.assertEqual(guest.dns("9.9.9.10.in-addr.arpa", dns.PTR).answers[0].data, dns.emit_name("nine.example.com"))
        status, _, answer = self.api.request("POST", "/v1/names", {"name": "www.example.com", "address": "10.0.0.1"})
        self.assertEqual(status, 409)
        self.assertIn("CNAME", answer["error"])
        for name, *_ in records:
            self.assertEqual(self.api.request("DELETE", f"/v1/names/{name}")[0], 204)
        self.assertEqual(guest.dns("note.lanlet.internal", dns.TXT).rcode, dns.NXDOMAIN)

    def test_entries_of_the_configuration_are_not_removed(self):
        self.network.stop()
        self.network.options = ("--host", "52:54:00:00:00:09,192.168.122.9,nine", "--name", "ten,192.168.122.10")
        self.network.start()
        for path in ("/v1/reservations/52:54:00:00:00:09", "/v1/names/ten"):
            status, _, answer = self.api.request("DELETE", path)
            self.assertEqual(status, 403)
            self.assertIn("configuration", answer["error"])

    def test_drop_has_its_last_example(self):
        guest = self.guest(1)
        guest.send_frame(guest.resolve(guest.gateway), 0x0800, Udp(5, 6, b"stray").emit(address("10.9.9.9"), address("192.0.2.1")).emit())
        drop = wait_until(lambda: next((d for d in self.api.get("/v1/drops")["drops"] if d["reason"] == "martian-source" and d["count"]),
                                       None),
                          "the drop")
        frame = Ethernet.parse(bytes.fromhex(drop["last"]["bytes"])[: drop["last"]["len"]])
        self.assertEqual((frame.source, Ipv4.parse(frame.payload).source), (guest.mac, address("10.9.9.9")))
        self.assertRegex(drop["last"]["port"], "^stream")
        self.assertIn("udp 10.9.9.9:5 > 192.0.2.1:6", self.network.ask("drops"))

    def test_log_level_changes_and_nonsense_does_not(self):
        self.assertEqual(self.api.request("PUT", "/v1/log-level", {"level": "debug"})[0], 200)
        self.assertEqual(self.api.get("/v1/log-level"), {"level": "debug"})
        for body in ({"level": "loud"}, {"level": 3}, {"volume": "debug"}, [], "", "{", b"\xff"):
            self.assertEqual(self.api.request("PUT", "/v1/log-level", body)[0], 400, body)
        self.assertEqual(self.api.get("/v1/log-level"), {"level": "debug"})

    def test_metrics_are_as_prometheus_reads_them(self):
        lines = self.api.get("/metrics").splitlines()
        for line in lines:
            self.assertRegex(line, r'^(# (HELP|TYPE) lanlet_\w+ .+|lanlet_\w+\{network="default"(,reason="[a-z-]+")?\} \d+)$')
        self.assertIn('lanlet_leases{network="default"} 0', lines)

    def test_foreign_dhcp_server_is_noticed(self):
        guest = self.guest(1)
        self.assertIsNone(self.api.get("/v1/network")["foreign_dhcp_server"])
        offer = dhcp.Message(mac(2), dhcp.OFFER, operation=2, yours=address("192.168.122.99"))
        guest.send_frame(b"\xff" * 6, 0x0800, Udp(67, 68, offer.emit()).emit(guest.ip, b"\xff" * 4).emit())
        wait_until(lambda: text(guest.ip) in (self.api.get("/v1/network")["foreign_dhcp_server"] or ""), "the warning")
        said = self.network.run("doctor").stdout
        self.assertIn("another DHCP server answers on the segment: " + text(guest.ip), said)

    def test_warning_of_a_foreign_dhcp_server_is_not_hidden_by_refusals_of_another_guest(self):
        noisy, server = self.guest(1), self.guest(2)
        refused = dhcp.Message(noisy.mac, dhcp.REQUEST, options={dhcp.REQUESTED_ADDRESS: address("10.0.0.1")})
        for _ in range(50):
            self.assertEqual(noisy.dhcp(refused).kind, dhcp.NAK)
        offer = dhcp.Message(mac(3), dhcp.OFFER, operation=2, yours=address("192.168.122.99"))
        server.send_frame(b"\xff" * 6, 0x0800, Udp(67, 68, offer.emit()).emit(server.ip, b"\xff" * 4).emit())
        server.ping(GATEWAY)  # behind it
        self.assertIn("another DHCP server answers on the segment: " + text(server.ip), self.network.text())
        self.assertLess(self.network.text().count("dhcp: refused 10.0.0.1"), 50)
        noisy.close()
        wait_until(lambda: "more lines were suppressed" in self.network.text(), "the number of lines that were left out")
        self.assertRegex(self.network.text(), r"port stream\d+: \d+ more lines were suppressed")


class Refusals(unittest.TestCase):
    """Refused requests: their status and message, and that they change nothing."""

    MAC, NINE = mac_text(mac(7)), mac_text(mac(9))
    LONG = "x" * 300
    CASES = [  # method, path, body, status
        *(("POST", "/v1/reservations", body, 400) for body in (
            None, "", "{", [], {}, {"mac": MAC}, {"mac": MAC, "address": 7}, {"mac": MAC, "address": "192.168.122"},
            {"mac": "nobody", "address": "192.168.122.7"},
            {"mac": MAC, "address": "192.168.122.7", "name": "a b"}, {"mac": MAC, "address": "192.168.122.7", "colour": "red"},
            {"mac": MAC, "address": "192.168.122.7", "name": LONG}, {"mac": MAC + ",", "address": "192.168.122.7"})),
        ("POST", "/v1/reservations", {"mac": MAC, "address": "192.168.122.9"}, 409),
        ("POST", "/v1/reservations", {"mac": MAC, "address": "10.0.0.1"}, 409),
        ("POST", "/v1/reservations", {"mac": MAC, "address": GATEWAY}, 409),
        ("DELETE", "/v1/reservations/nobody", None, 400),
        ("DELETE", f"/v1/reservations/{MAC}", None, 404),
        ("DELETE", f"/v1/reservations/{NINE}", None, 403),
        *(("POST", "/v1/names", body, 400) for body in (
            "x", {}, {"name": "db"}, {"name": "", "address": "192.168.122.7"}, {"name": "a b", "address": "192.168.122.7"},
            {"name": LONG, "address": "192.168.122.7"},
            {"name": "db", "address": None}, {"name": "db", "address": "192.168.122.256"},
            {"name": "db,192.168.122.8\nname", "address": "192.168.122.7"})),
        ("POST", "/v1/names", {"name": "ten", "address": "192.168.122.77"}, 409),
        ("DELETE", "/v1/names/ten", None, 403),
        ("DELETE", "/v1/names/eleven", None, 404),
        ("DELETE", f"/v1/names/{LONG}", None, 404),
        *(("GET", "/v1/flows?" + query, None, 400) for query in (
            "guest=a.b", "guest=192.168.122", "remote=web", "port=0", "port=65536", "port=-1", "port=x", "protocol=sctp", "protocol=",
            "state=" + "x" * 50)),
        *(("GET", "/v1/events?after=" + after, None, 400) for after in ("", "x", "-1", "1.5", "99999999999999999999")),
        *(("GET", "/v1/capture?" + query, None, 400) for query in ("filter=nonsense", "snaplen=x", "port=a&guest=b")),
        ("DELETE", "/v1/captures/7", None, 404),
        ("DELETE", "/v1/captures/x", None, 404),
        *(("PUT", "/v1/log-level", body, 400) for body in ("", "[]", "null", "1", '"debug"', {}, {"level": "loud"}, {"level": None},
                                                           {"level": "info", "colour": "red"})),
        *(("POST", "/v1/forwards", body, 400) for body in (
            {}, {"protocol": "tcp", "host": "8080"}, {"protocol": "sctp", "host": "8080", "guest": "web:80"},
            {"protocol": "tcp", "host": "0", "guest": "web:80"},
            {"protocol": "tcp", "host": "8080", "guest": "web"}, {"protocol": "tcp", "host": "8080", "guest": 80},
            {"protocol": "tcp", "host": "x:8080", "guest": "web:80"})),
        ("POST", "/v1/forwards", {"protocol": "tcp", "host": "127.0.0.1:80", "guest": "web:80"}, 403),
        ("POST", "/v1/forwards", {"protocol": "tcp", "host": "127.0.0.1:18099", "guest": "web:80"}, 409),
        ("DELETE", "/v1/forwards/99", None, 404),
        ("DELETE", "/v1/forwards/x", None, 404),
    ]

    def setUp(self):
        self.network = self.enterContext(Lanlet("--host", f"{self.NINE},192.168.122.9,nine", "--name", "ten,192.168.122.10"))
        self.api = self.network.api
        taken = self.enterContext(socket.socket())
        taken.bind(("127.0.0.1", 18099))
        taken.listen()

    def state(self):
        return [self.api.get(path) for path in ("/v1/reservations", "/v1/names", "/v1/forwards", "/v1/log-level", "/v1/captures")]

    def test_invalid_requests_are_refused_in_one_line_and_change_nothing(self):
        before = self.state()
        for method, path, body, wanted in self.CASES:
            with self.subTest(method=method, path=path, body=body):
                status, _, answer = self.api.request(method, path, body)
                self.assertEqual(status, wanted, answer)
                self.assertRegex(answer["error"], r"^[^\n]+$")
        self.assertEqual(self.state(), before)

    def test_every_described_refusal_is_tested(self):
        shown = {(method, path, status) for method, path, _, status in self.CASES}
        patterns = {(method, openapi.pattern_of(path)) for method, path, *_ in self.CASES}
        for method, pattern in patterns:
            responses = openapi.DOCUMENT["paths"][pattern][method.lower()]["responses"]
            described = {int(status) for status, what in responses.items() if status.startswith("4") and "$ref" not in what}
            cases = {status for m, path, status in shown if (m, openapi.pattern_of(path)) == (method, pattern)}
            self.assertEqual(described - cases, {404} & described if pattern == "/v1/capture" else set(), f"{method} {pattern}")

    def test_method_that_a_path_does_not_have_is_405_with_those_that_it_has(self):
        for pattern, methods in openapi.DOCUMENT["paths"].items():
            path = re.sub(r"\{[^}]*\}", "1", pattern)
            for method in {"GET", "POST", "PUT", "DELETE", "PATCH"} - {m.upper() for m in methods}:
                status, headers, answer = self.api.request(method, path)
                possible = {m.upper() for m in methods} | ({"HEAD"} if "get" in methods else set())
                self.assertEqual((status, set(headers["Allow"].split(", "))), (405, possible), f"{method} {path}")
                self.assertIn("error", answer)

    def operations(self):
        """Method and a path of each operation."""
        return [(method.upper(), re.sub(r"\{[^}]*\}", "1", pattern))
                for pattern, methods in openapi.DOCUMENT["paths"].items() for method in methods]

    def test_unknown_parameter_is_refused_by_all(self):
        for method, path in self.operations():
            if path != "/":  # for browsers
                status, _, answer = self.api.request(method, path + "?nope=1")
                self.assertEqual(status, 400, f"{method} {path}")
                self.assertIn("nope: there is no such parameter", answer["error"])

    def test_body_over_the_limit_is_refused_by_all(self):
        for method, path in self.operations():
            self.assertEqual(self.api.request(method, path, b" " * 65537)[0], 413, f"{method} {path}")

    def test_head_has_the_headers_of_get_and_no_body(self):
        for method, path in self.operations():
            if method != "GET":
                continue
            connection = openapi.Connection(self.api.path)
            connection.request("HEAD", path)
            answer = connection.getresponse()
            self.assertEqual((answer.status, answer.read()), (200, b""), path)
            connection.close()
        self.assertEqual(self.api.get("/v1/captures")["captures"], [])  # HEAD has begun none

    def test_network_listens_at_no_port_unless_it_is_told_to(self):
        mine = set()
        for file in self.network.open_files():
            with contextlib.suppress(FileNotFoundError):  # the end of a connection of the API
                mine.add(os.readlink(file).removeprefix("socket:[").rstrip("]"))
        for table in ("tcp", "tcp6", "udp", "udp6"):
            with open(f"/proc/net/{table}") as rows:
                self.assertEqual([row for row in list(rows)[1:] if row.split()[9] in mine], [], table)


class Flows(unittest.TestCase):
    def setUp(self):
        self.enterContext(outside.Outside())
        self.network = self.enterContext(Lanlet())

    def test_flows_are_listed_with_bytes_and_filtered(self):
        with Host(self.network.stream, mac(1)) as guest:
            guest.lease(host_name=b"web")
            guest.udp(outside.ROUTER, 7, b"x" * 100, source=40001)
            guest.udp(outside.ROUTER, 7, b"y" * 200, source=40002)
            flows = {flow["guest"]["port"]: flow for flow in self.network.api.get("/v1/flows?protocol=udp")["flows"]}
            self.assertEqual((flows[40001]["remote"], flows[40001]["bytes_out"]), ({"address": outside.ROUTER, "port": 7}, 100))
            self.assertGreaterEqual(flows[40002]["bytes_in"], 200)
            self.assertEqual(flows[40001]["guest_name"], "web")
            for query, ports in (("port=40002", [40002]), (f"remote={outside.ROUTER}&port=40001", [40001]), (f"remote={outside.FAR}", []),
                                 ("protocol=tcp", []),
                                 ("guest=192.168.122.222", []), ("state=mapped&port=40001", [40001])):
                listed = [flow["guest"]["port"] for flow in self.network.api.get("/v1/flows?" + query)["flows"]]
                self.assertEqual(listed, ports, query)
            table = self.network.ask("flows", "--guest", "web", "--port", "40001")
            self.assertRegex(table, rf"(?m)^udp +web:40001 +-> +{outside.ROUTER}:7 +mapped")
            self.network.ask("flows", "--guest", "nobody", code=5)
            self.network.ask("flows", "--port", "many", code=2)
            self.assertIn("web", self.network.ask("top", "--interval", "0.1"))

    def test_reload_changes_what_it_can_and_leaves_flows_alone(self):
        config = self.network.directory / "lab.conf"
        self.network.stop()
        config.write_text("[network]\nlease-time = 1h\n")
        self.network.options = ("--config", str(config))
        self.network.start()
        with Host(self.network.stream, mac(1)) as guest, Host(self.network.stream, mac(2)) as other:
            guest.lease()
            before = guest.udp(outside.ROUTER, 7, b"before", source=40001)
            config.write_text("[network]\nlease-time = 2h\nmtu = 1400\nhost = %s,192.168.122.42,two\nname = db,192.168.122.43\ndns = %s\n"
                              % (mac_text(mac(2)), outside.ROUTER))
            said = self.network.ask("reload")
            self.assertEqual(said, "changed: lease-time, dns, host, name\nneeds a restart: mtu\n")
            ack = other.lease()
            self.assertEqual((text(other.ip), int.from_bytes(ack.options[dhcp.LEASE_TIME], "big")), ("192.168.122.42", 7200))
            self.assertEqual(guest.dns("db").answers[0].data, address("192.168.122.43"))
            after = guest.udp(outside.ROUTER, 7, b"after", source=40001)
            self.assertEqual(before.removesuffix(b"before"), after.removesuffix(b"after"))  # the same port outside
            config.write_text("[network]\nlease-time = never\n")
            self.assertIn("lease-time", self.network.ask("reload", code=1))
            self.assertEqual(self.network.api.get("/v1/network")["lease_time"], 7200)


class Events(unittest.TestCase):
    def setUp(self):
        self.network = self.enterContext(Lanlet())
        wait_until(lambda: self.network.api.get("/v1/counters")["events"] >= 1, "the gateway's port, which is the first event")

    def test_events_of_a_guest_come_in_order(self):
        events = self.network.api.events()
        self.addCleanup(events.close)
        with Host(self.network.stream, mac(1)) as guest:
            guest.lease(host_name=b"web")
            guest.resolve(guest.gateway)
            ip = text(guest.ip)
        wanted = ["port-attached", "lease-given", "port-detached"]
        seen = []
        for event in self.network.api.events(after=0):
            seen.append(event)
            if event["event"] == "port-detached":
                break
        kinds = [event["event"] for event in seen if event.get("kind") != "gateway"]
        self.assertEqual([kind for kind in kinds if kind in wanted], wanted)
        lease = next(event for event in seen if event["event"] == "lease-given")
        self.assertEqual((lease["mac"], lease["address"], lease["name"]), (mac_text(mac(1)), ip, "web"))
        self.assertIn("guest-seen", kinds)
        self.assertEqual([event["number"] for event in seen], list(range(1, len(seen) + 1)))

    def test_guest_that_floods_pushes_out_its_own_events_only(self):
        quiet = self.enterContext(Host(self.network.stream, mac(1)))
        quiet.lease(host_name=b"web")
        noisy = self.enterContext(Host(self.network.stream, mac(2)))
        noisy.lease()
        renewal = dhcp.Message(noisy.mac, dhcp.REQUEST, client=noisy.ip)
        for _ in range(1500):
            noisy.dhcp_send(renewal)
        noisy.ping(GATEWAY)
        last = self.network.api.get("/v1/counters")["events"]
        self.assertGreater(last, 1500)
        kept, lost = [], 0
        for event in self.network.api.events(after=0):
            lost += event.get("count", 0)
            if event["event"] != "lost":
                kept.append(event)
            if event.get("number") == last:
                break
        self.assertEqual((len(kept), lost), (1024, last - 1024))
        self.assertEqual([(event["event"], event["name"]) for event in kept if event.get("mac") == mac_text(quiet.mac)],
                         [("lease-given", "web")])
        self.assertIn("gateway", [event.get("kind") for event in kept])

    def test_stream_follows_live(self):
        connection = openapi.Connection(self.network.runtime / "api.sock")
        connection.request("GET", "/v1/events", headers={"Accept": "text/event-stream"})
        answer = connection.getresponse()
        self.assertEqual(answer.headers["Content-Type"], "text/event-stream")
        self.network.api.request("POST", "/v1/names", {"name": "db", "address": "192.168.122.50"})
        lines = iter(answer.readline, b"")
        self.assertEqual(next(line for line in lines if line.startswith(b"event:")), b"event: names\n")
        self.assertEqual(json.loads(next(lines).removeprefix(b"data: "))["event"], "names")
        connection.close()

    def test_lease_that_is_not_renewed_expires(self):
        self.network.stop()
        self.network.options = ("--lease-time", "10s")
        self.network.start()
        with Host(self.network.stream, mac(1)) as guest:
            guest.lease()
            found = next(event for event in self.network.api.events(after=0) if event["event"] == "lease-expired")
        self.assertEqual(found["mac"], mac_text(mac(1)))
        self.assertEqual(self.network.api.get("/v1/leases")["leases"], [])


class Commands(unittest.TestCase):
    def setUp(self):
        self.network = self.enterContext(Lanlet())

    def test_wait_ends_with_the_address(self):
        with self.network.begin("wait", "web", "--timeout", "50") as waiting:
            with Host(self.network.stream, mac(1)) as guest:
                guest.lease(host_name=b"web")
                self.assertEqual(waiting.communicate()[0], text(guest.ip) + "\n")
                self.assertEqual(waiting.returncode, 0)
                self.assertEqual(self.network.ask("wait", mac_text(mac(1)).upper()), text(guest.ip) + "\n")
        self.assertIn("nobody has no address yet", self.network.ask("wait", "nobody", "--timeout", "0.2", code=6))

    def test_leases_are_printed_as_libvirt_keeps_them(self):
        with Host(self.network.stream, mac(1)) as guest:
            guest.lease(host_name=b"web", client_id=b"\x01" + mac(1))
            (lease,) = json.loads(self.network.ask("leases", "--libvirt"))
        self.assertEqual(lease["ip-address"], text(guest.ip))
        self.assertEqual((lease["mac-address"], lease["hostname"]), (mac_text(mac(1)), "web"))
        self.assertEqual(lease["client-id"], "01:" + mac_text(mac(1)))
        self.assertAlmostEqual(lease["expiry-time"], time.time() + 3600, delta=120)

    @unittest.skipUnless(list(Path("/lib").glob("*/libnss_libvirt.so.2")), "libnss-libvirt is not installed")
    def test_libvirt_s_own_reader_finds_guests_in_the_list(self):
        with Host(self.network.stream, mac(1)) as guest:
            guest.lease(host_name=b"web", client_id=b"\x01" + mac(1))
            status = self.network.directory / "virbr0.status"
            status.write_text(self.network.ask("leases", "--libvirt"))
            switch = self.network.directory / "nsswitch.conf"
            switch.write_text("hosts: libvirt\n")
            look = ("mount -t tmpfs none /var/lib && mkdir -p /var/lib/libvirt/dnsmasq && cp %s /var/lib/libvirt/dnsmasq/ && "
                    "mount --bind %s /etc/nsswitch.conf && getent hosts web" % (status, switch))
            done = subprocess.run(["unshare", "-m", "sh", "-c", look], capture_output=True, text=True, timeout=PATIENCE)
            self.assertEqual((done.returncode, done.stdout.split()[:1]), (0, [text(guest.ip)]), done.stderr)

    def test_top_redraws_a_terminal_and_prints_once_elsewhere(self):
        once = self.network.ask("top", "--interval", "0.1")
        self.assertNotIn("\033", once)
        terminal, other = os.openpty()
        environment = {**os.environ, "TERM": "xterm"}
        with self.network.begin("top", "--interval", "0.1", stdin=other, stdout=other, stderr=other, env=environment) as top:
            os.close(other)
            seen = ""
            while seen.count("\033[H") < 3:
                self.assertTrue(select.select([terminal], [], [], PATIENCE)[0], seen)
                seen += os.read(terminal, 4096).decode()
            top.send_signal(signal.SIGINT)
            self.assertIn(top.wait(), (0, -signal.SIGINT))
        os.close(terminal)

    def test_colours_are_for_terminals_that_want_them(self):
        def status(**environment):
            terminal, other = os.openpty()
            self.network.run("doctor", capture_output=False, stdout=other, stderr=subprocess.DEVNULL,
                             env={**os.environ, "TERM": "xterm", **environment})
            os.close(other)
            with os.fdopen(terminal, "rb") as file, contextlib.suppress(OSError):
                return file.read1(1 << 16).decode()
            return ""
        self.assertIn("\033[", status())
        self.assertNotIn("\033[", status(NO_COLOR="1"))
        self.assertNotIn("\033[", status(TERM="dumb"))

    def test_every_list_is_json_on_demand(self):
        for command in ("ports", "leases", "flows", "drops", "reserve", "names", "log-level"):
            self.assertIsInstance(json.loads(self.network.ask(command, "--json")), dict, command)

    def test_reserve_and_names_add_list_and_remove(self):
        self.network.ask("reserve", mac_text(mac(7)), "192.168.122.77", "db")
        self.assertRegex(self.network.ask("reserve"), r"(?m)^52:54:00:00:00:07 +192\.168\.122\.77 +db +- +added$")
        self.network.ask("names", "nas", "192.168.122.60")
        self.assertRegex(self.network.ask("names"), r"(?m)^nas +192\.168\.122\.60 +added$")
        self.network.ask("reserve", "--remove", mac_text(mac(7)))
        self.network.ask("names", "--remove", "nas")
        self.assertEqual(self.network.ask("names").splitlines()[1:], [])
        self.network.ask("reserve", "--remove", mac_text(mac(7)), code=5)
        self.network.ask("reserve", "nonsense", "192.168.122.77", code=2)
        self.network.ask("reserve", mac_text(mac(7)), code=2)

    def test_guest_cannot_send_the_terminal_control_sequences(self):
        with Host(self.network.stream, mac(1)) as guest:
            guest.lease(host_name=b"a\x1b[31mb")
            for command in ("leases", "status", "names"):
                self.assertNotIn("\x1b", self.network.ask(command))

    def test_events_are_printed_as_they_come(self):
        with self.network.begin("events", "--after", "0") as events:
            self.assertIn("port-attached", events.read_line())
            self.network.ask("log-level", "debug")
            self.assertRegex(events.read_line(), r"log-level +debug$")


class Clients(unittest.TestCase):
    """Many clients, and clients that misbehave."""

    def setUp(self):
        self.network = self.enterContext(Lanlet())
        self.api = self.network.api

    def connect(self):
        client = socket.socket(socket.AF_UNIX)
        client.settimeout(PATIENCE)
        self.addCleanup(client.close)
        path = str(self.network.runtime / "api.sock")
        wait_until(lambda: client.connect_ex(path) in (0, errno.EISCONN), "room in the backlog of api.sock")
        return client

    @staticmethod
    def read_head(client):
        return client.makefile("rb").readline()

    def needs_descriptors(self, count, what):
        hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
        if hard != resource.RLIM_INFINITY and hard < count:
            self.skipTest(f"{hard} descriptors are too few for {what}")

    def test_thousand_clients_at_once_are_served_and_guests_do_not_notice(self):
        self.needs_descriptors(8192, "a thousand clients and guests")
        soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
        resource.setrlimit(resource.RLIMIT_NOFILE, (min(hard, 8192) if hard != resource.RLIM_INFINITY else 8192, hard))
        self.addCleanup(resource.setrlimit, resource.RLIMIT_NOFILE, (soft, hard))
        with Host(self.network.stream, mac(1)) as guest:
            guest.lease()
            clients = [self.connect() for _ in range(1000)]
            more = [self.connect() for _ in range(30)]
            self.assertEqual(self.read_head(more[-1]), b"HTTP/1.1 503 Service Unavailable\r\n")
            guest.ping(GATEWAY)
            for client in clients:
                client.sendall(b"GET /v1/counters HTTP/1.1\r\nHost: x\r\n\r\n")
            guest.ping(GATEWAY)
            for client in clients:
                self.assertEqual(self.read_head(client), b"HTTP/1.1 200 OK\r\n")
            guest.ping(GATEWAY)
        self.assertEqual(len(self.api.get("/v1/leases")["leases"]), 1)

    def test_clients_that_do_not_read_a_long_list_cost_little_memory(self):
        self.needs_descriptors(4096, "1500 flows")
        flows, readers = 1500, 100  # the list has some 500 KB, twice what a socket holds
        with Host(self.network.stream, mac(1)) as guest:
            guest.lease()
            for port in range(20000, 20000 + flows):
                guest.send_ip(Udp(port, 9, b"x").emit(guest.ip, address("198.51.100.1")))
            wait_until(lambda: self.api.get("/v1/counters")["flows_udp"] >= flows, "the flows")
            self.assertEqual(len(self.api.get("/v1/flows")["flows"]), flows)
            before = self.network.resident_bytes()
            clients = [self.connect() for _ in range(readers)]
            for client in clients:
                client.sendall(b"GET /v1/flows HTTP/1.1\r\nHost: x\r\n\r\n")
            for client in clients:
                self.assertEqual(client.recv(12), b"HTTP/1.1 200")
            guest.ping(GATEWAY)
            self.assertEqual(len(self.api.get("/v1/leases")["leases"]), 1)
            if not {"ASAN_OPTIONS", "TSAN_OPTIONS"} & os.environ.keys():  # which keep what was freed, or a shadow of everything
                self.assertLess(self.network.resident_bytes() - before, readers * 200_000)
            rest = clients[0].makefile("rb").read()
            self.assertEqual(rest.count(b'"protocol"'), flows)

    @unittest.skipIf(tap.why_no_tap(), "no tap device can be had here")
    def test_transfer_goes_on_whole_while_clients_do_not_read(self):
        self.needs_descriptors(4096, "1500 flows")
        fetch = ("import hashlib, sys, urllib.request\n"
                 "with urllib.request.urlopen(sys.argv[1], timeout=120) as answer:\n"
                 " print(hashlib.file_digest(answer, 'sha256').hexdigest())\n")
        with outside.Outside(), Host(self.network.stream, mac(1)) as host, tap.TapGuest(self.network.stream, mac_text(mac(2))) as guest:
            host.lease()
            guest.set_address("192.168.122.50")
            for port in range(20000, 21500):
                host.send_ip(Udp(port, 9, b"x").emit(host.ip, address(outside.ROUTER)))
            wait_until(lambda: self.api.get("/v1/counters")["flows_udp"] >= 1500, "the flows")
            clients = [self.connect() for _ in range(60)]
            for number, client in enumerate(clients):
                client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
                client.sendall(b"GET /v1/%s HTTP/1.1\r\nHost: x\r\n\r\n" % (b"flows", b"events", b"capture")[number % 3])
            for client in clients:
                self.assertEqual(client.recv(12), b"HTTP/1.1 200")
            self.assertEqual(guest.python(fetch, f"http://{outside.ROUTER}/{servers.BLOB_SIZE}", timeout=180).strip(),
                             servers.blob_sha256())
            self.assertEqual(len([flow for flow in self.api.get("/v1/flows")["flows"] if flow["protocol"] == "udp"]), 1500)

    def test_client_that_does_not_read_events_is_told_what_it_missed(self):
        client = self.connect()
        client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        client.sendall(b"GET /v1/events HTTP/1.1\r\nHost: x\r\n\r\n")
        self.assertEqual(client.recv(12), b"HTTP/1.1 200")
        for number in range(4000):
            self.api_level(number)
        data = b""
        while b'"lost"' not in data:
            data += client.recv(1 << 16)
        self.assertGreater(int(re.search(rb'"lost","count":(\d+)', data)[1]), 0)

    def api_level(self, number):
        """Causes events with little effort: over one connection."""
        if not hasattr(self, "levels"):
            self.levels = openapi.Connection(self.network.runtime / "api.sock")
            self.addCleanup(self.levels.close)
        self.levels.request("PUT", "/v1/log-level", json.dumps({"level": ("info", "error")[number % 2]}))
        self.levels.getresponse().read()

    def test_nonsense_is_answered_or_the_connection_ends(self):
        for nonsense in (b"\0" * 100, b"GET\r\n\r\n", b"GET / HTTP/9.9\r\n\r\n", b"GET /" + b"a" * 200000,
                         b"A: " + b"b" * 200000 + b"\r\n\r\n"):
            client = self.connect()
            with contextlib.suppress(ConnectionError, TimeoutError):
                client.sendall(nonsense)
                client.shutdown(socket.SHUT_WR)
                while client.recv(1 << 16):
                    pass
        self.assertEqual(self.api.get("/v1/leases"), {"leases": []})

    def test_body_that_is_too_large_is_refused(self):
        body = json.dumps({"level": "x" * 100000})
        status, _, answer = self.api.request("PUT", "/v1/nothing", body)
        self.assertEqual(status, 413)
        self.assertIn("64 KiB", answer["error"])
        self.assertEqual(self.api.get("/v1/log-level"), {"level": "info"})

    def test_old_clients_get_lists_until_the_connection_ends(self):
        client = self.connect()
        client.sendall(b"GET /v1/ports HTTP/1.0\r\n\r\n")
        answer = client.makefile("rb").read()
        self.assertIn(b'"name":"gateway"', answer)
        self.assertNotIn(b"chunked", answer)
        self.assertNotIn("GLib", self.network.text())

    def test_network_ends_with_clients_at_work(self):
        streams = [self.connect() for _ in range(10)]
        for client in streams:
            client.sendall(b"GET /v1/events HTTP/1.1\r\nHost: x\r\n\r\n")
        self.assertEqual(streams[0].recv(12), b"HTTP/1.1 200")
        self.assertEqual(self.network.stop(), 0)
        for client in streams:
            with contextlib.suppress(ConnectionError):
                while client.recv(1 << 16):
                    pass
        self.network.start()


class Tcp(unittest.TestCase):
    """--api-listen"""

    PORT = 18080

    def request(self, token, path="/v1/network"):
        connection = openapi.http.client.HTTPConnection("127.0.0.1", self.PORT, timeout=PATIENCE)
        try:
            connection.request("GET", path, headers={"Authorization": f"Bearer {token}"} if token else {})
            answer = connection.getresponse()
            return answer.status, answer.read().decode()
        finally:
            connection.close()

    def test_token_is_needed_and_enough(self):
        with Lanlet("--api-listen", f"127.0.0.1:{self.PORT}") as network:
            file = network.runtime / "api.token"
            self.assertEqual(file.stat().st_mode & 0o777, 0o600)
            token = file.read_text().strip()
            self.assertEqual(self.request(token)[0], 200)
            for wrong in (None, "", "x" * len(token), token[:-1], token + "0"):
                status, text_ = self.request(wrong)
                self.assertEqual(status, 401, wrong)
                self.assertNotIn(token, text_)
            self.assertNotIn("other machines", network.text())
        self.assertFalse(file.exists())

    def test_address_beyond_loopback_is_warned_about(self):
        with Lanlet("--api-listen", f"0.0.0.0:{self.PORT}") as network:
            self.assertIn("can be reached from other machines", network.text())

    def test_nonsense_is_refused(self):
        for value in ("nonsense", "localhost:80", "127.0.0.1", "127.0.0.1:0", "127.0.0.1:99999"):
            self.assertIn("--api-listen", refusal(2, "--api-listen", value), value)

    @unittest.skipIf(tap.why_no_tap(), "no tap device can be had here")
    def test_guest_cannot_use_it_even_where_it_reaches_it(self):
        ask = ("import sys, urllib.request, urllib.error\n"
               "try:\n print(urllib.request.urlopen('http://192.168.122.1:%d/v1/network', timeout=20).status)\n"
               "except urllib.error.HTTPError as error:\n print(error.code)\n"
               "except OSError as error:\n print('unreachable')\n" % self.PORT)
        for options, answer in (((), "unreachable"), (("--host-loopback",), "401")):
            with Lanlet("--api-listen", f"127.0.0.1:{self.PORT}", *options) as network:
                with tap.TapGuest(network.stream, mac_text(mac(1))) as guest:
                    guest.set_address("192.168.122.50")
                    self.assertEqual(guest.python(ask).strip(), answer)
