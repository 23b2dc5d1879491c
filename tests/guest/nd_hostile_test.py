# SPDX-License-Identifier: GPL-2.0-or-later
"""Hostile neighbour discovery and DHCPv6 by hand-made guests: what the gateway counts, and what a neighbour gets of it."""

import contextlib
import functools
import struct
import time
import unittest

from lan import dhcp6
from lan.client6 import AGENTS, GATEWAY, Host6, udp6
from lan.dhcp6 import association, duid_of, option
from lan.packet import mac
from lan.packet6 import ADVERTISEMENT, ALL_NODES, SOLICITATION, UNSPECIFIED, Icmp6, Ipv6, Neighbour, address6, solicited_node
from lan.process import Lanlet
from lan.wait import wait_until

REDIRECT, ROUTER_SOLICITATION = 137, 133
OWN = address6("fd12:3456:789a::77")


def with_hops(ip, hops):
    return Ipv6(ip.source, ip.destination, ip.next_header, ip.payload, hops)


class Hostile(unittest.TestCase):
    def setUp(self):
        self.lanlet = self.enterContext(Lanlet("--ipv6", "fd12:3456:789a::/64"))
        self.attacker = self.enterContext(Host6(self.lanlet.stream, mac(66)))
        self.victim = self.enterContext(Host6(self.lanlet.stream, mac(1)))
        self.gateway_mac = self.victim.gateway()
        self.attacker.gateway()

    def drops(self):
        return {d["reason"]: d["count"] for d in self.lanlet.api.get("/v1/drops")["drops"] if d["count"]}

    def wait_for_drops(self, reason, count=1):
        wait_until(lambda: self.drops().get(reason, 0) >= count, self.drops)

    def ping(self, timeout=10.0):
        """Of the gateway by the victim; how long it took."""
        begun = time.monotonic()
        self.victim.send(Icmp6(128, 0, b"\0\1\0\1").emit(self.victim.ip, GATEWAY), self.gateway_mac)
        self.victim.icmp(129, timeout)
        return time.monotonic() - begun

    def nothing_like(self, wanted):
        """What comes to the victim before the answer to a ping has none for which wanted(Icmp6) is true."""
        self.victim.send(Icmp6(128, 0, b"\0\1\0\2").emit(self.victim.ip, GATEWAY), self.gateway_mac)
        seen = []

        def look(ip, _):
            icmp = Icmp6.parse(ip) if ip.next_header == 58 else None
            if icmp and icmp.type != 129:
                seen.append(icmp)
            return icmp and icmp.type == 129

        self.victim.wait_for(look)
        self.assertEqual([icmp for icmp in seen if wanted(icmp)], [])

    def test_redirect_does_not_arrive(self):
        body = bytes(4) + self.attacker.ip + address6("2a00::1") + b"\2\1" + self.attacker.mac
        self.attacker.send(Icmp6(REDIRECT, 0, body).emit(GATEWAY, self.victim.ip), self.victim.mac)
        self.attacker.send(Icmp6(REDIRECT, 0, body).emit(self.attacker.ip, self.victim.ip), self.victim.mac)
        wait_until(lambda: sum(self.drops().get(r, 0) for r in ("rogue-router", "gateway-address")) >= 2, self.drops)
        self.nothing_like(lambda icmp: icmp.type == REDIRECT)

    def test_claim_of_the_gateways_address_does_not_arrive(self):
        for target in GATEWAY, address6("fd12:3456:789a::1"):
            claim = Neighbour(ADVERTISEMENT, target, self.attacker.mac, Neighbour.OVERRIDE)
            self.attacker.send(claim.emit(target, ALL_NODES))
        self.wait_for_drops("gateway-address", 2)
        self.nothing_like(lambda icmp: icmp.type == ADVERTISEMENT and Neighbour.parse(icmp).mac == self.attacker.mac)

    def test_address_of_a_neighbour_is_not_denied_when_it_starts_again(self):
        """An answer to duplicate address detection (RFC 4862 §5.4.4) that comes from another port than the address's."""
        self.victim.send(Icmp6(128, 0, b"\0\1\0\1").emit(OWN, GATEWAY), self.gateway_mac)
        self.victim.addresses.add(OWN)
        wait_until(lambda: any(n["address"] == "fd12:3456:789a::77" for n in self.lanlet.api.get("/v1/neighbours")["neighbours"]), "OWN")
        self.victim.send(Neighbour(SOLICITATION, OWN).emit(UNSPECIFIED, solicited_node(OWN)))
        self.attacker.send(Neighbour(ADVERTISEMENT, OWN, self.attacker.mac, Neighbour.OVERRIDE).emit(OWN, ALL_NODES))
        self.attacker.send(Neighbour(SOLICITATION, OWN).emit(UNSPECIFIED, solicited_node(OWN)))
        self.nothing_like(lambda icmp: icmp.type == ADVERTISEMENT and Neighbour.parse(icmp).target == OWN)
        wait_until(lambda: sum(self.drops().get(r, 0) for r in ("claim-pending", "address-conflict")), self.drops)

    def test_conflicts_are_events_with_their_addresses(self):
        """One for each address, not only for the first one."""
        addresses = ["fd12:3456:789a::77", "fd12:3456:789a::78"]

        def refused(address):
            with contextlib.suppress(TimeoutError):
                self.victim.wait_for(lambda *_: None, 0.1)  # it answers the guard
            return f"uses the address {address}" in self.lanlet.text()

        for text in addresses:
            own = address6(text)
            self.victim.addresses.add(own)
            self.victim.send(Icmp6(128, 0, b"\0\1\0\1").emit(own, GATEWAY), self.gateway_mac)
            self.victim.icmp(129)
            self.attacker.send(Neighbour(ADVERTISEMENT, own, self.attacker.mac, Neighbour.OVERRIDE).emit(own, ALL_NODES))
            wait_until(functools.partial(refused, text), self.drops)
        last, events = self.lanlet.api.get("/v1/counters")["events"], []
        for event in self.lanlet.api.events(after=0):
            events.append(event)
            if event["number"] == last:
                break
        self.assertEqual([event.get("address") for event in events if event["event"] == "conflict"], addresses)

    def test_malformed_messages_are_counted_and_not_answered(self):
        good = Neighbour(SOLICITATION, GATEWAY, self.attacker.mac)
        group = solicited_node(GATEWAY)
        empty_option = struct.pack(">I", 0) + GATEWAY + b"\1\0" + self.attacker.mac
        long_option = struct.pack(">I", 0) + GATEWAY + b"\1\2" + self.attacker.mac
        malformed = [
            with_hops(good.emit(self.attacker.ip, group), 254),
            Icmp6(SOLICITATION, 0, empty_option).emit(self.attacker.ip, group),
            Icmp6(SOLICITATION, 0, long_option).emit(self.attacker.ip, group),
            Icmp6(SOLICITATION, 1, good.emit(self.attacker.ip, group).payload[4:]).emit(self.attacker.ip, group),
            Icmp6(SOLICITATION, 0, bytes(4)).emit(self.attacker.ip, group),
            Neighbour(SOLICITATION, ALL_NODES, self.attacker.mac).emit(self.attacker.ip, group),
            with_hops(Icmp6(ROUTER_SOLICITATION, 0, bytes(4)).emit(self.attacker.ip, address6("ff02::2")), 64),
            Icmp6(ROUTER_SOLICITATION, 0, bytes(4) + b"\1\1" + self.attacker.mac).emit(UNSPECIFIED, address6("ff02::2")),
            Icmp6(ROUTER_SOLICITATION, 0, bytes(4) + b"\1\0").emit(self.attacker.ip, address6("ff02::2")),
        ]
        for count, ip in enumerate(malformed, 1):
            self.attacker.send(ip)
            self.wait_for_drops("nd-malformed", count)
        self.ping()

    def test_floods_do_not_hold_up_a_neighbour(self):
        """Solicitations from, and for, addresses without end."""
        for n in range(6000):
            source = address6("fd12:3456:789a::")[:8] + struct.pack(">Q", 0x1_0000_0000 + n)
            self.attacker.send(Neighbour(SOLICITATION, GATEWAY, self.attacker.mac).emit(source, solicited_node(GATEWAY)))
            if n % 8 == 0:
                self.attacker.send(Icmp6(ROUTER_SOLICITATION, 0, bytes(4)).emit(source, address6("ff02::2")))
        self.assertLess(self.ping(), 5)
        self.victim.send(Icmp6(ROUTER_SOLICITATION, 0, bytes(4)).emit(self.victim.ip, address6("ff02::2")))
        self.victim.icmp(134)

    def test_guest_does_not_serve_dhcp(self):
        reply = bytes([dhcp6.ADVERTISE]) + b"\1\2\3" + option(dhcp6.CLIENT_ID, duid_of(self.victim.mac))
        self.attacker.send(udp6(self.attacker.ip, self.victim.ip, (547, 546), reply), self.victim.mac)
        self.wait_for_drops("rogue-dhcp")

    def test_malformed_dhcp_is_counted_and_the_server_answers_others(self):
        client = option(dhcp6.CLIENT_ID, duid_of(self.attacker.mac))
        malformed = [
            b"\1", bytes([dhcp6.SOLICIT]) + b"\1\2\3" + b"\0\1\0\0", bytes([dhcp6.SOLICIT]) + b"\1\2\3" + client + client,
            bytes([dhcp6.SOLICIT]) + b"\1\2\3" + client + b"\0\3\xff\xff", bytes([dhcp6.SOLICIT]) + b"\1\2\3" + client + option(3),
            bytes([dhcp6.SOLICIT]) + b"\1\2\3" + client + option(dhcp6.FQDN), (bytes([dhcp6.RELAY_FORWARD, 0]) + bytes(32)) * 20,
        ]
        for count, message in enumerate(malformed, 1):
            self.attacker.send(udp6(self.attacker.ip, AGENTS, (546, 547), message))
            self.wait_for_drops("dhcp-malformed", count)
        self.assertEqual(self.victim.lease().status, None)

    def test_clients_without_end_do_not_take_a_neighbours_lease_away(self):
        mine = self.victim.lease().address
        for n in range(9000):
            message = bytes([dhcp6.SOLICIT]) + struct.pack(">I", n)[1:] + option(dhcp6.CLIENT_ID, b"\0\2\0\0" + struct.pack(">I", n))
            message += option(dhcp6.RAPID_COMMIT) + association(1)
            relayed = bytes([dhcp6.RELAY_FORWARD, 0]) + bytes(16) + self.attacker.ip + option(dhcp6.RELAY_MESSAGE, message)
            self.attacker.send(udp6(self.attacker.ip, AGENTS, (547, 547), relayed))
            self.attacker.wait_for(lambda ip, _: ip.next_header == 17)
        leases = self.lanlet.api.get("/v1/leases")["leases"]
        self.assertLessEqual(len(leases), 8192 * 7 // 8 + 1)
        self.assertIn(mine, [address6(lease["address"]) for lease in leases])
        self.assertEqual(self.victim.lease().address, mine)


if __name__ == "__main__":
    unittest.main()
