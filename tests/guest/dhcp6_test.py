# SPDX-License-Identifier: GPL-2.0-or-later
"""Leases of DHCPv6: who sees them, how they end, and what they outlive.  The clients are made by hand."""

import ipaddress
import json
import struct
import unittest

from lan import dhcp6, dns
from lan.client6 import Host6, udp6
from lan.dhcp6 import association, duid_of, option
from lan.packet import UDP, mac, mac_text
from lan.packet6 import address6
from lan.process import Lanlet
from lan.wait import wait_until

PREFIX = "fd12:3456:789a::/64"
GATEWAY = "fd12:3456:789a::1"


def text6(packed):
    return str(ipaddress.IPv6Address(packed))


def name_option(name):
    """Option 39 with a name that is not qualified."""
    return option(dhcp6.FQDN, b"\0" + bytes([len(name)]) + name)


class LeaseTest(unittest.TestCase):
    def setUp(self):
        self.lanlet = self.enterContext(Lanlet("--ipv6", PREFIX, "--host", f"{mac_text(mac(3))},192.168.122.63,web"))
        self.host = self.enterContext(Host6(self.lanlet.stream, mac(1)))

    def leases(self):
        return {lease["address"]: lease for lease in self.lanlet.api.get("/v1/leases")["leases"]}

    def server(self, reply):
        return option(dhcp6.SERVER_ID, reply.options[dhcp6.SERVER_ID])

    def test_lease_is_shown_everywhere(self):
        address = text6(self.host.lease(7, name_option(b"Debian")).address)
        lease = self.leases()[address]
        self.assertEqual((lease["mac"], lease["name"], lease["iaid"], lease["reserved"]), (mac_text(mac(1)), "debian", 7, False))
        self.assertEqual(lease["client_id"], duid_of(mac(1)).hex(":"))
        self.assertAlmostEqual(lease["seconds_left"], 3600, delta=120)
        self.assertRegex(self.lanlet.ask("leases"), rf"(?m)^{address} +{mac_text(mac(1))} +debian +")
        self.assertEqual(json.loads(self.lanlet.ask("leases", "--json"))["leases"][0]["address"], address)
        (theirs,) = json.loads(self.lanlet.ask("leases", "--libvirt"))
        self.assertEqual(list(theirs), ["iaid", "ip-address", "mac-address", "hostname", "client-id", "server-duid", "expiry-time"])
        self.assertEqual((theirs["iaid"], theirs["ip-address"], theirs["client-id"]), ("7", address, lease["client_id"]))
        self.assertEqual(theirs["server-duid"], self.lanlet.api.get("/v1/network")["dhcpv6_duid"])
        self.assertIn('lanlet_leases{network="default"} 1\n', self.lanlet.api.get("/metrics"))
        names = self.lanlet.api.get("/v1/names")["names"]
        self.assertIn(("debian", "AAAA", address), [(n["name"], n["type"], n["data"]) for n in names])
        self.assertEqual(self.lanlet.ask("wait", "--ipv6", "debian"), address + "\n")

    def test_renewal_and_release(self):
        reply = self.host.lease()
        own = association(1, reply.address)
        for kind, server in (dhcp6.RENEW, self.server(reply)), (dhcp6.REBIND, b""):
            self.assertEqual(self.host.dhcp(kind, server, own).address, reply.address)
        self.assertEqual(self.host.dhcp(dhcp6.CONFIRM, own).status, dhcp6.SUCCESS)
        with Host6(self.lanlet.stream, mac(2)) as other:  # knows its neighbour's DUID
            answer = other.dhcp(dhcp6.RELEASE, self.server(reply), own, duid=duid_of(mac(1)))
            self.assertEqual(answer.association_status, dhcp6.NO_BINDING)
        self.assertIn(text6(reply.address), self.leases())
        self.assertEqual(self.host.dhcp(dhcp6.RELEASE, self.server(reply), own).status, dhcp6.SUCCESS)
        self.assertEqual(self.leases(), {})

    def test_declined_address_gives_way_to_another_one(self):
        reply = self.host.lease()
        self.host.dhcp(dhcp6.DECLINE, self.server(reply), association(1, reply.address))
        self.assertEqual(self.leases(), {})
        again = self.host.lease()
        self.assertNotEqual(again.address, reply.address)
        self.assertEqual(list(self.leases()), [text6(again.address)])

    def test_rapid_commit_and_information_request(self):
        reply = self.host.dhcp(dhcp6.SOLICIT, option(dhcp6.RAPID_COMMIT), association(1))
        self.assertEqual(reply.kind, dhcp6.REPLY)
        self.assertIn(dhcp6.RAPID_COMMIT, reply.options)
        self.assertIn(text6(reply.address), self.leases())
        information = self.host.dhcp(dhcp6.INFORMATION_REQUEST, option(dhcp6.REQUESTED, struct.pack(">HH", 23, 24)), duid=b"")
        self.assertEqual(information.options[dhcp6.DNS], address6(GATEWAY))

    def test_reservation_of_a_mac_is_one_of_an_ipv6_address(self):
        with Host6(self.lanlet.stream, mac(3)) as host:
            address = text6(host.lease().address)
        self.assertEqual(address, "fd12:3456:789a::c0a8:7a3f")
        self.assertEqual((self.leases()[address]["name"], self.leases()[address]["reserved"]), ("web", True))

    def test_relayed_client_has_a_lease(self):
        inner = bytes([dhcp6.SOLICIT]) + b"\1\2\3" + option(dhcp6.CLIENT_ID, duid_of(mac(9))) + option(dhcp6.RAPID_COMMIT) + association(5)
        for link_layer, known in (b"", None), (option(dhcp6.LINK_LAYER, b"\0\1" + mac(9)), mac_text(mac(9))):
            envelope = (bytes([dhcp6.RELAY_FORWARD, 0]) + bytes(16) + self.host.ip + option(dhcp6.INTERFACE_ID, b"eth1") + link_layer
                        + option(dhcp6.RELAY_MESSAGE, inner))
            self.host.send(udp6(self.host.ip, address6("ff02::1:2"), (547, 547), envelope))
            answer = self.host.wait_for(
                lambda ip, _: ip.payload[8:] if ip.next_header == UDP and ip.payload[8] == dhcp6.RELAY_REPLY else None)
            options = dhcp6.options_of(answer[34:])
            self.assertEqual(options[dhcp6.INTERFACE_ID], b"eth1")
            address = dhcp6.Message.parse(options[dhcp6.RELAY_MESSAGE]).address
            self.assertEqual(self.leases()[text6(address)]["mac"], known)

    def test_leases_outlive_a_crash(self):
        address = text6(self.host.lease(7, name_option(b"debian")).address)
        path = self.lanlet.state / "leases"
        wait_until(lambda: path.exists() and address in path.read_text(), "the lease in the file")
        self.assertRegex(path.read_text(), rf"(?m)^duid 00:03:00:01:\S+\n\d+ 7 {address} debian {duid_of(mac(1)).hex(':')}$")
        self.host.close()
        self.lanlet.kill()
        self.lanlet.start()
        lease = self.leases()[address]
        self.assertEqual((lease["name"], lease["mac"]), ("debian", None))
        with Host6(self.lanlet.stream, mac(1)) as host:
            self.assertEqual(text6(host.lease(7).address), address)
            self.assertEqual(self.leases()[address]["mac"], mac_text(mac(1)))

    def test_names_are_answered_in_both_directions(self):
        reply = self.host.lease(7, name_option(b"debian"))
        self.assertEqual(self.ask("debian.lanlet.internal", dns.AAAA), [reply.address])
        reverse = ipaddress.IPv6Address(reply.address).reverse_pointer
        self.assertEqual(self.ask(reverse, dns.PTR), [dns.emit_name("debian.lanlet.internal")])
        with Host6(self.lanlet.stream, mac(2)) as other:  # asks for the name of another
            other.lease(1, name_option(b"debian"))
        self.assertEqual(self.ask("debian.lanlet.internal", dns.AAAA), [reply.address])

    def ask(self, name, kind):
        message = dns.Message(1, name, kind).emit()
        self.host.send(udp6(self.host.ip, address6("fe80::1"), (5353, 53), message))
        answer = self.host.wait_for(lambda ip, _: ip.payload[8:] if ip.next_header == UDP and ip.payload[:2] == b"\0\x35" else None)
        return [record.data for record in dns.Message.parse(answer).answers]


class DuidReservationTest(unittest.TestCase):
    def test_reservation_of_a_duid_is_one_of_an_ipv6_address(self):
        duid = duid_of(mac(1)).hex(":")
        with Lanlet("--ipv6", PREFIX, "--dhcp-host", f"id:{duid},192.168.122.64,db") as lanlet, Host6(lanlet.stream, mac(1)) as host:
            self.assertEqual(text6(host.lease().address), "fd12:3456:789a::c0a8:7a40")
            (lease,) = lanlet.api.get("/v1/leases")["leases"]
            self.assertEqual((lease["name"], lease["reserved"]), ("db", True))


if __name__ == "__main__":
    unittest.main()
