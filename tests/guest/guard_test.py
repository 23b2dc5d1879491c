# SPDX-License-Identifier: GPL-2.0-or-later
"""
What a guest may do to its neighbours, with hand-made guests on each transport.  With the guard each attack is refused and counted, and the
victim does not notice; with --guard off the same attack works, so the test shows that it is one.
"""

import functools
import struct
import tempfile
import unittest
from pathlib import Path

from lan import dhcp
from lan.guests import EXPERIMENTAL, TRANSPORTS, udp_in
from lan.packet import (
    BROADCAST, ECHO_REPLY, ECHO_REQUEST, ETHERTYPE_ARP, ETHERTYPE_IPV4, ICMP, TCP, UDP, Arp, Ethernet, Icmp, Ipv4, Tcp, Udp, address,
    checksum, mac, text,
)
from lan.packet6 import (
    ADVERTISEMENT, ALL_NODES, DESTINATION_OPTIONS, ETHERTYPE_IPV6, HOP_BY_HOP, ROUTER_ADVERTISEMENT, SOLICITATION, Icmp6, Ipv6, Neighbour,
    RouterAdvertisement, behind_extension, fragments_of, multicast_mac,
)
from lan.scene import GATEWAY, Pair, Scene
from lan.vhost import NetHeader
from lan.wait import wait_until

HARMED_AFTER = 5.0  # seconds


def by_every_transport(case):
    """Runs a case with the guard and without, for an attacker on each transport."""

    @functools.wraps(case)
    def run(self):
        for guard in (True, False):
            for transport in TRANSPORTS:
                with self.subTest(guard=guard, transport=transport), Scene(guard, transport) as scene:
                    case(self, scene)

    return run


class Attack(unittest.TestCase):
    def attack(self, s, strike, harm):
        """With the guard strike() is counted and harm() stays false; without, harm() becomes true."""
        before = s.attacker.drops()
        strike()
        if s.guard:
            s.wait_for_refusal(before)
            self.assertFalse(harm())
            self.assertEqual(s.harm(), "")
        else:
            wait_until(harm, "what the attack does without a guard", HARMED_AFTER)


def has_ipv4(guest, protocol, wanted=lambda ip: True):
    """Whether an IPv4 packet of that protocol has come to the guest."""

    def found(frame):
        if frame.ethertype != ETHERTYPE_IPV4:
            return False
        ip = Ipv4.parse(frame.payload)
        return ip.protocol == protocol and wanted(ip)

    return guest.has(found)


class Addresses(Attack):
    """By ARP, neighbour discovery and packets: the victim's addresses stay its own."""

    def knows_attacker(self, s, ip):
        return lambda: s.observer.neighbours.get(ip) == s.attacker.mac

    @by_every_transport
    def test_arp_to_the_gateway_does_not_move_an_address(self, s):
        self.attack(
            s, lambda: s.attacker.send_arp(Arp.REPLY, s.victim.ip, s.gateway, s.gateway_mac, target_mac=s.gateway_mac),
            lambda: s.holders(s.observer, s.victim.ip) == {s.attacker})

    @by_every_transport
    def test_gratuitous_arp_does_not_move_an_address(self, s):
        self.attack(s, lambda: s.attacker.announce(s.victim.ip), self.knows_attacker(s, s.victim.ip))

    @by_every_transport
    def test_arp_reply_to_a_neighbour_does_not_poison_it(self, s):
        self.attack(
            s, lambda: s.attacker.send_arp(Arp.REPLY, s.victim.ip, s.observer.ip, s.observer.mac, target_mac=s.observer.mac),
            self.knows_attacker(s, s.victim.ip))

    @by_every_transport
    def test_arp_request_to_a_neighbour_does_not_poison_it(self, s):
        self.attack(
            s, lambda: s.attacker.send_arp(Arp.REQUEST, s.victim.ip, s.observer.ip, s.observer.mac),
            self.knows_attacker(s, s.victim.ip))

    @by_every_transport
    def test_packet_to_the_gateway_from_a_neighbours_address_is_not_answered(self, s):
        echo = Icmp(ECHO_REQUEST, 0, b"\x66\x66\0\1", b"x" * 32).emit(s.victim.ip, s.gateway)
        self.attack(
            s, lambda: s.attacker.send_frame(s.gateway_mac, ETHERTYPE_IPV4, echo.emit()),
            lambda: has_ipv4(s.victim, ICMP, lambda ip: Icmp.parse(ip).type == ECHO_REPLY and Icmp.parse(ip).rest[:2] == b"\x66\x66"))

    @by_every_transport
    def test_syns_from_a_neighbours_address_open_nothing(self, s):
        def strike():
            for port in range(20):
                syn = Tcp(20000 + port, 53, flags=Tcp.SYN).emit(s.victim.ip, s.gateway)
                s.attacker.send_frame(s.gateway_mac, ETHERTYPE_IPV4, syn.emit())

        self.attack(s, strike, lambda: has_ipv4(s.victim, TCP))  # the gateway's answer

    @by_every_transport
    def test_neighbour_advertisement_does_not_move_an_address(self, s):
        claim = Neighbour(ADVERTISEMENT, s.victim.ip6, s.attacker.mac, Neighbour.OVERRIDE)
        self.attack(
            s, lambda: s.attacker.send_neighbour(claim, s.victim.ip6, s.observer.ip6, s.observer.mac),
            self.knows_attacker(s, s.victim.ip6))

    @by_every_transport
    def test_neighbour_advertisement_from_an_address_of_its_own_does_not_move_anothers(self, s):
        claim = Neighbour(ADVERTISEMENT, s.victim.ip6, s.attacker.mac, Neighbour.OVERRIDE)
        self.attack(
            s, lambda: s.attacker.send_neighbour(claim, s.attacker.ip6, ALL_NODES), self.knows_attacker(s, s.victim.ip6))

    @by_every_transport
    def test_neighbour_solicitation_does_not_move_an_address(self, s):
        question = Neighbour(SOLICITATION, s.observer.ip6, s.attacker.mac)
        self.attack(
            s, lambda: s.attacker.send_neighbour(question, s.victim.ip6, s.observer.ip6, s.observer.mac),
            self.knows_attacker(s, s.victim.ip6))

    @by_every_transport
    def test_address_without_a_lease_is_protected_too(self, s):
        ip = address("192.168.122.249")
        s.victim.use(ip)
        s.meet(ip)
        self.attack(s, lambda: s.attacker.announce(ip), self.knows_attacker(s, ip))

    @by_every_transport
    def test_leased_address_of_a_silent_guest_moves_only_with_its_mac(self, s):
        s.victim.answers = False
        before = s.attacker.drops()
        s.attacker.announce(s.victim.ip)
        if s.guard:
            s.wait_for_refusal(before)
            self.assertEqual(s.holders(s.observer, s.victim.ip), {s.victim})
        else:
            wait_until(lambda: s.holders(s.observer, s.victim.ip) == {s.attacker}, "the moved address", HARMED_AFTER)


class Reload(unittest.TestCase):
    """The guard is turned on while the network runs."""

    def begin(self):
        directory = Path(self.enterContext(tempfile.TemporaryDirectory(prefix="lanlet-")))
        self.config = directory / "lab.conf"
        self.config.write_text("[network]\nguard = off\n")
        return self.enterContext(Scene(options=("--config", str(self.config))))

    def turn_on(self, s):
        self.config.write_text("[network]\nguard = on\n")
        self.assertEqual(s.network.ask("reload"), "changed: guard\n")

    def test_address_that_a_guest_took_before_is_not_its_any_more(self):
        s = self.begin()
        s.victim.answers = False
        s.attacker.announce(s.victim.ip)
        wait_until(lambda: s.holders(s.observer, s.victim.ip) == {s.attacker}, "the moved address", HARMED_AFTER)
        self.turn_on(s)
        before = s.attacker.drops()
        s.attacker.send_frame(s.observer.mac, ETHERTYPE_IPV4, Udp(5000, 5001, b"x").emit(s.victim.ip, s.observer.ip).emit())
        s.wait_for_refusal(before)
        before = s.attacker.drops()
        s.attacker.announce(s.victim.ip)
        s.wait_for_refusal(before)
        s.victim.answers = True
        s.victim.announce(s.victim.ip)
        wait_until(lambda: s.holders(s.observer, s.victim.ip) == {s.victim}, "the address at its guest", HARMED_AFTER)


class Macs(Attack):
    @by_every_transport
    def test_frame_from_a_neighbours_mac_does_not_take_its_frames(self, s):
        self.attack(
            s, lambda: s.attacker.send_frame(BROADCAST, EXPERIMENTAL, b"lie".ljust(46, b"\0"), s.victim.mac),
            lambda: s.behind(s.observer, s.victim.mac) == {s.attacker})

    @by_every_transport
    def test_frame_from_a_neighbours_mac_does_not_arrive(self, s):
        lie = b"only the victim may say this".ljust(46, b"\0")
        self.attack(
            s, lambda: s.attacker.send_frame(s.observer.mac, EXPERIMENTAL, lie, s.victim.mac),
            lambda: s.observer.has(lambda frame: frame.payload == lie))

    @by_every_transport
    def test_many_frames_from_a_neighbours_mac_do_not_wear_the_guard_out(self, s):
        def strike():
            for _ in range(200):
                s.attacker.send_frame(BROADCAST, EXPERIMENTAL, b"lie".ljust(46, b"\0"), s.victim.mac)

        self.attack(s, strike, lambda: s.behind(s.observer, s.victim.mac) == {s.attacker})


class Dhcp(Attack):
    """Messages about the victim's lease from another port, under the attacker's own MAC and address."""

    def send(self, s, kind, chaddr=None, client=dhcp.NOWHERE, **options):
        message = dhcp.Message(chaddr or s.victim.mac, kind, client=client, options=s.attacker.named(options))
        payload = Udp(68, 67, message.emit()).emit(s.attacker.ip, s.gateway).emit()
        s.attacker.send_frame(s.gateway_mac, ETHERTYPE_IPV4, payload)

    def is_leased(self, s):
        return any(lease["mac"] == s.victim.mac.hex(":") for lease in s.network.api.get("/v1/leases")["leases"])

    @by_every_transport
    def test_release_of_a_neighbours_lease_is_refused(self, s):
        self.attack(
            s, lambda: self.send(s, dhcp.RELEASE, client=s.victim.ip, server_id=s.gateway), lambda: not self.is_leased(s))

    @by_every_transport
    def test_decline_of_a_neighbours_address_is_refused(self, s):
        self.attack(
            s, lambda: self.send(s, dhcp.DECLINE, requested_address=s.victim.ip, server_id=s.gateway), lambda: not self.is_leased(s))

    @by_every_transport
    def test_probe_for_a_neighbours_lease_is_refused(self, s):
        """A client that is probing itself takes it for a conflict (RFC 5227 section 2.1.1)."""

        def is_probe(frame):
            return frame.ethertype == ETHERTYPE_ARP and Arp.parse(frame.payload).sender == bytes(4) and frame.source == s.attacker.mac

        self.attack(s, lambda: s.attacker.send_arp(Arp.REQUEST, bytes(4), s.victim.ip), lambda: s.victim.has(is_probe))

    def test_guest_that_used_an_address_before_its_lease_does_not_answer_the_probe(self):
        ip = address("192.168.122.200")
        with Scene() as s:
            for last in range(2, 66):  # as many as the switch protects
                s.attacker.announce(address(f"192.168.122.{last}"))
            s.attacker.use(ip)
            newcomer = s.connect(mac(0xACD))
            request = dhcp.Message(newcomer.mac, dhcp.REQUEST, options=newcomer.named({"requested_address": ip}))
            self.assertEqual(newcomer.dhcp(request).kind, dhcp.ACK)
            before = s.attacker.drops()
            newcomer.send_arp(Arp.REQUEST, bytes(4), ip)
            s.wait_for_refusal(before)
            newcomer.ip = ip
            newcomer.resolve(s.gateway)
            self.assertNotIn(ip, newcomer.neighbours)
            self.assertEqual(s.holders(s.observer, ip), {newcomer})

    @by_every_transport
    def test_renewal_of_a_neighbours_lease_does_not_take_its_name_away(self, s):
        self.attack(
            s, lambda: self.send(s, dhcp.REQUEST, client=s.victim.ip, host_name=b"other"),
            lambda: s.resolves(s.observer, "db") is None)

    @by_every_transport
    def test_discover_and_request_for_a_neighbour_change_nothing(self, s):
        def strike():
            self.send(s, dhcp.DISCOVER)
            self.send(s, dhcp.REQUEST, requested_address=s.victim.ip, server_id=s.gateway, host_name=b"other")

        self.attack(s, strike, lambda: s.resolves(s.observer, "db") is None)

    @by_every_transport
    def test_client_id_of_a_neighbours_lease_does_not_lead_to_it(self, s):
        """The attacker's own MAC, and the client id that the victim had its lease with."""
        s.victim.lease(client_id=b"\xffvictim", host_name=b"db")
        before = s.attacker.ip
        s.attacker.lease(client_id=b"\xffvictim", host_name=b"evil")
        self.assertNotEqual(s.attacker.ip, s.victim.ip)
        s.attacker.ip = before
        self.assertEqual(s.harm(), "")

    @by_every_transport
    def test_released_address_is_not_leased_while_its_guest_lives(self, s):
        """The victim's address for a second MAC of the attacker's, after a forged RELEASE."""
        self.send(s, dhcp.RELEASE, client=s.victim.ip, server_id=s.gateway)
        self.send(s, dhcp.REQUEST, mac(0xBAD2), requested_address=s.victim.ip)
        s.attacker.ping(GATEWAY)
        got = any(lease["address"] == text(s.victim.ip) and lease["mac"] == mac(0xBAD2).hex(":")
                  for lease in s.network.api.get("/v1/leases")["leases"])
        self.assertEqual(got, not s.guard)

    @by_every_transport
    def test_answer_is_not_sent_to_a_neighbour_as_relay(self, s):
        message = dhcp.Message(mac(0xBAD2), dhcp.DISCOVER, xid=b"evil", relay=s.observer.ip)
        packet = Udp(67, 67, message.emit()).emit(s.attacker.ip, s.gateway).emit()
        self.attack(
            s, lambda: s.attacker.send_frame(s.gateway_mac, ETHERTYPE_IPV4, packet),
            lambda: s.observer.has(lambda got: (udp := udp_in(got)) and udp.source == 67 and b"evil" in udp.payload))


class Declared(Attack):
    """What the user has promised to a guest belongs to it even when it is not there."""

    WEB, WEB_IP = mac(0x3EB), address("192.168.122.77")

    def declared(self):
        return self.enterContext(Scene(options=("--host", f"{self.WEB.hex(':')},192.168.122.77,web")))

    def test_reserved_address_cannot_be_claimed_while_its_guest_is_away(self):
        s = self.declared()
        before = s.attacker.drops()
        s.attacker.announce(self.WEB_IP)
        s.wait_for_refusal(before)
        self.assertNotIn(self.WEB_IP, s.observer.neighbours)
        web = s.guest(self.WEB, "vhost")
        self.assertEqual(web.ip, self.WEB_IP)
        self.assertEqual(s.holders(s.observer, web.ip), {web})

    def test_ipv6_address_of_a_reservation_cannot_be_claimed_while_its_guest_is_away(self):
        s = self.enterContext(Scene(options=("--ipv6", "fd12:3456:789a::/64", "--host", f"{self.WEB.hex(':')},192.168.122.77,web")))
        ip = bytes.fromhex("fd123456789a") + bytes(6) + self.WEB_IP
        before = s.attacker.drops()
        s.attacker.announce(ip)
        s.wait_for_refusal(before)
        self.assertNotIn(ip, s.observer.neighbours)
        free = ip[:-1] + b"\x01"
        s.attacker.use(free)
        s.observer.resolve6(free, s.observer.ip6)
        web = s.guest(self.WEB, "vhost")
        web.use(ip)
        s.observer.resolve6(ip, s.observer.ip6)
        self.assertEqual(s.observer.neighbours[ip], web.mac)

    def test_reserved_address_does_not_move_from_a_silent_guest(self):
        s = self.declared()
        web = s.guest(self.WEB, "seqpacket")
        s.meet(web.ip)
        web.answers = False
        for _ in range(5):
            before = s.attacker.drops()
            s.attacker.announce(web.ip)
            s.wait_for_refusal(before)
            s.attacker.listen(0.2)
        self.assertEqual(s.observer.neighbours[web.ip], web.mac)
        self.assertEqual(s.holders(s.observer, web.ip), {web})

    def test_pinned_mac_does_not_move_from_a_silent_port(self):
        with Pair(properties=f",mac={mac(0x5E).hex(':')}") as s:
            attacker = s.guest(mac(0xBAD), "vde", ip="192.168.122.249")
            s.server.answers = False
            for _ in range(5):
                before = attacker.drops()
                attacker.send_frame(BROADCAST, EXPERIMENTAL, b"lie".ljust(46, b"\0"), s.server.mac)
                wait_until(lambda before=before: attacker.drops() != before, "a counted refusal", HARMED_AFTER)
                attacker.listen(0.2)
            self.assertEqual(s.behind(s.observer, s.server.mac), {s.server})


class Gateway(Attack):
    """The gateway's own address and MAC, and what the switch adds to frames."""

    def assert_refused(self, s, frame, wanted, *more):
        """@frame is dropped and counted; nothing of it comes to the victim, for which wanted(frame) would be true."""
        before = s.attacker.drops()
        s.attacker.send(frame, *more)
        s.wait_for_refusal(before)
        s.attacker.ping(GATEWAY)
        self.assertFalse(s.victim.has(wanted))

    def test_gateways_address_cannot_be_claimed_behind_vlan_tags(self):
        for transport in TRANSPORTS:
            with Scene(True, transport) as s:
                for tags in (b"", b"\x81\0\0\0", b"\x81\0\0\0" * 2, b"\x88\xa8\0\5\x81\0\0\7", b"\x81\0\0\0" * 3, b"\x81\0\0\0" * 12):
                    with self.subTest(transport=transport, tags=tags.hex()):
                        claim = Arp(Arp.REPLY, s.attacker.mac, s.gateway, s.victim.mac, s.victim.ip).emit()
                        frame = s.victim.mac + s.attacker.mac + tags + struct.pack(">H", ETHERTYPE_ARP) + claim
                        self.assert_refused(s, frame, lambda frame, claim=claim: claim in frame.payload)

    def test_victims_address_cannot_be_claimed_behind_a_priority_tag(self):
        """Linux takes frames of VLAN 0 for untagged ones."""
        for transport in TRANSPORTS:
            with self.subTest(transport=transport), Scene(True, transport) as s:
                claim = Arp(Arp.REPLY, s.attacker.mac, s.victim.ip, s.observer.mac, s.observer.ip).emit()
                before = s.attacker.drops()
                s.attacker.send(s.observer.mac + s.attacker.mac + b"\x81\0\0\0" + struct.pack(">H", ETHERTYPE_ARP) + claim)
                s.wait_for_refusal(before)
                self.assertFalse(s.observer.has(lambda frame, claim=claim: claim in frame.payload))

    def test_gateways_mac_cannot_be_a_source(self):
        for transport in TRANSPORTS:
            with Scene(True, transport) as s:
                for name, frame in {
                    "frame": Ethernet(s.victim.mac, s.gateway_mac, EXPERIMENTAL, b"lie".ljust(46, b"\0")),
                    "tagged frame": Ethernet(s.victim.mac, s.gateway_mac, 0x8100, b"\0\0\x88\xb5lie".ljust(46, b"\0")),
                }.items():
                    with self.subTest(name, transport=transport):
                        self.assert_refused(s, frame.emit(), lambda frame: b"lie" in frame.payload)

    def crafted(self, frame, wanted):
        """@frame with two bytes at its end that make its checksum, which is summed up from byte 0, @wanted."""
        frame = frame.ljust(60, b"\0")
        for number in range(0x10000):
            if checksum(whole := frame + struct.pack(">H", number)) == wanted:
                return whole
        raise ValueError(wanted)

    def test_checksum_that_is_left_to_the_switch_cannot_be_written_into_addresses(self):
        """csum_start 0, and csum_offset at a field that was checked before (virtio 1.3 §5.1.6.2)."""
        for guard in (True, False):
            with Scene(guard, "vhost") as s:
                innocent = Arp(Arp.REPLY, s.attacker.mac, address("192.168.200.1"), s.victim.mac, s.victim.ip)
                lie = Arp(Arp.REPLY, s.attacker.mac, s.gateway, s.victim.mac, s.victim.ip)
                head = s.victim.mac + s.attacker.mac
                for name, frame, offset, value in (
                    ("sender address", head + b"\x08\x06" + innocent.emit(), 30, 0x7A01),
                    ("source MAC", head + b"\x88\xb5hello", 10, 0xBEEF),
                    ("ethertype", head + b"\x88\xb5" + lie.emit(), 12, 0x0806),
                ):
                    with self.subTest(name, guard=guard):
                        header = NetHeader(NetHeader.NEEDS_CSUM, csum_start=0, csum_offset=offset)
                        frame = self.crafted(frame, value)
                        self.assert_refused(s, frame, lambda got, frame=frame: got.payload[20:] == frame[34:], header)

    def test_checksum_that_is_left_to_the_switch_has_to_be_that_of_the_header(self):
        with Scene(True, "vhost") as s:
            udp = Udp(5, 6, b"metadata that lies".ljust(100, b".")).emit(s.attacker.ip, s.victim.ip).emit()
            frame = Ethernet(s.victim.mac, s.attacker.mac, ETHERTYPE_IPV4, udp).emit()
            for start, offset in ((34, 4), (34, 16), (30, 10), (0, 24), (34, 60), (14, 10), (36, 4)):
                with self.subTest(start=start, offset=offset):
                    header = NetHeader(NetHeader.NEEDS_CSUM, csum_start=start, csum_offset=offset)
                    self.assert_refused(s, frame, lambda got: b"metadata that lies" in got.payload, header)
            s.attacker.send(frame, NetHeader(NetHeader.NEEDS_CSUM, csum_start=34, csum_offset=6))
            wait_until(lambda: s.victim.has(lambda got: b"metadata that lies" in got.payload), "the datagram with true metadata")


class Servers(Attack):
    """What only the gateway serves, unless a guest's port may."""

    def offer(self, s, server):
        """Sends the observer an offer; returns whether it is there."""
        message = dhcp.Message(s.observer.mac, dhcp.OFFER, operation=2, xid=b"evil", yours=address("192.168.122.199"),
                               options={dhcp.SERVER_ID: server.ip, dhcp.ROUTER: server.ip})
        frame = Udp(67, 68, message.emit()).emit(server.ip, b"\xff" * 4).emit()
        return (lambda: server.send_frame(s.observer.mac, ETHERTYPE_IPV4, frame),
                lambda: s.observer.has(lambda got: got.payload == frame))

    def advertise(self, s, router):
        packet = RouterAdvertisement(router.mac).emit(router.ip6)
        return (lambda: router.send_frame(multicast_mac(packet.destination), ETHERTYPE_IPV6, packet.emit()),
                lambda: s.observer.has(self.is_router_advertisement))

    @staticmethod
    def is_router_advertisement(frame):
        return frame.ethertype == ETHERTYPE_IPV6 and Icmp6.parse(Ipv6.parse(frame.payload)).type == ROUTER_ADVERTISEMENT

    @by_every_transport
    def test_guest_does_not_serve_dhcp(self, s):
        self.attack(s, *self.offer(s, s.attacker))

    @by_every_transport
    def test_guest_does_not_serve_dhcp_by_broadcast(self, s):
        message = dhcp.Message(s.observer.mac, dhcp.OFFER, operation=2, xid=b"evil", options={dhcp.SERVER_ID: s.attacker.ip})
        packet = Udp(67, 68, message.emit()).emit(s.attacker.ip, b"\xff" * 4).emit()
        self.attack(
            s, lambda: s.attacker.send_frame(BROADCAST, ETHERTYPE_IPV4, packet),
            lambda: s.observer.has(lambda got: got.payload == packet))

    @by_every_transport
    def test_guest_does_not_advertise_itself_as_router(self, s):
        self.attack(s, *self.advertise(s, s.attacker))

    @by_every_transport
    def test_guest_does_not_answer_dns_in_the_gateways_name(self, s):
        """With the guard off, too: the gateway's address is nobody else's."""
        before = s.attacker.drops()
        s.attacker.send_datagram(s.gateway, s.observer.ip, b"evil answer", s.observer.mac, (53, 30000))
        s.wait_for_refusal(before)
        s.attacker.ping(GATEWAY)
        self.assertFalse(s.observer.has(lambda got: (udp := udp_in(got)) and udp.payload == b"evil answer"))

    def test_guests_serve_dhcp_where_lanlet_does_not(self):
        with Pair("--no-dhcp") as s:
            strike, served = self.offer(s, s.server)
            strike()
            wait_until(served, "the offer")

    def test_guests_serve_everything_where_there_is_no_gateway(self):
        with Pair("--no-gateway") as s:
            for strike, served in (self.offer(s, s.server), self.advertise(s, s.server)):
                strike()
                wait_until(served, "what the guest serves")

    def test_port_that_may_serves(self):
        for what, serve in (("dhcp-server", self.offer), ("router", self.advertise)):
            with self.subTest(what), Pair(properties=f",{what}") as s:
                strike, served = serve(s, s.server)
                strike()
                wait_until(served, "what the guest serves")


class Disguises(Attack):
    """The same claims in frames that a filter may read otherwise than their receiver."""

    def v6(self, s, packet, destination=None):
        return Ethernet(destination or multicast_mac(packet.destination), s.attacker.mac, ETHERTYPE_IPV6, packet.emit())

    def v4(self, s, packet):
        return Ethernet(s.observer.mac, s.attacker.mac, ETHERTYPE_IPV4, packet.emit())

    def disguises(self, s):
        """Name → a frame without which the receiver does not take the message."""
        claim = Arp(Arp.REPLY, s.attacker.mac, s.victim.ip, s.observer.mac, s.observer.ip).emit()
        gateway = Arp(Arp.REPLY, s.attacker.mac, s.gateway, s.observer.mac, s.observer.ip).emit()
        for name, arp in (("neighbour", claim), ("gateway", gateway)):
            yield f"ARP of the {name} without its last byte, which padding adds", self.arp(s, arp[:-1])
            yield f"ARP of the {name} that ends with its sender", self.arp(s, arp[:18])
            yield f"ARP of the {name} of IEEE 802", self.arp(s, b"\0\6" + arp[2:])
            yield f"ARP of the {name} with an unknown operation", self.arp(s, arp[:6] + b"\0\x09" + arp[8:])
            yield f"ARP of the {name} with more behind it", self.arp(s, arp + bytes(1000))
        advertisement = RouterAdvertisement(s.attacker.mac).emit(s.attacker.ip6)
        address_claim = Neighbour(ADVERTISEMENT, s.victim.ip6, s.attacker.mac, Neighbour.OVERRIDE).emit(s.attacker.ip6, s.observer.ip6)
        for name, packet in (("router advertisement", advertisement), ("neighbour advertisement", address_claim)):
            for kind in (DESTINATION_OPTIONS, HOP_BY_HOP, 43):
                yield f"{name} behind extension header {kind}", self.v6(s, behind_extension(packet, kind), s.observer.mac)
            yield f"{name} behind a long extension header", self.v6(s, behind_extension(packet, length=1024), s.observer.mac)
            many = functools.reduce(lambda ip, _: behind_extension(ip), range(20), packet)
            yield f"{name} behind many extension headers", self.v6(s, many, s.observer.mac)
            for first in (None, 8, 24):
                (fragment, *_) = fragments_of(packet, first)
                yield f"{name} in a fragment of {first} bytes", self.v6(s, fragment, s.observer.mac)
                (fragment, *_) = fragments_of(behind_extension(packet), first)
                yield f"{name} behind options in a fragment of {first} bytes", self.v6(s, fragment, s.observer.mac)
            frame = self.v6(s, packet, s.observer.mac).emit()
            yield f"{name} with a priority tag", Ethernet(frame[:6], frame[6:12], 0x8100, b"\0\0" + frame[12:])
            longer = Icmp6(packet.payload[0], 0, packet.payload[4:] + b"\1").emit(packet.source, packet.destination)
            yield f"{name} with half an option", self.v6(s, longer, s.observer.mac)
        message = dhcp.Message(s.observer.mac, dhcp.OFFER, operation=2, xid=b"evil", options={dhcp.SERVER_ID: s.attacker.ip}).emit()
        for source in (67, 68, 4011, 40000):
            yield f"DHCP from port {source}", self.v4(s, Udp(source, 68, message).emit(s.attacker.ip, b"\xff" * 4))
        offer = Udp(67, 68, message).emit(s.attacker.ip, s.observer.ip)
        yield "DHCP in a fragment", self.v4(
            s, Ipv4(offer.source, offer.destination, offer.protocol, offer.payload[:8], fragment=Ipv4.MORE_FRAGMENTS))
        offer.options = b"\x94\4\0\0"
        yield "DHCP with IP options", self.v4(s, offer)
        frame = self.v4(s, Udp(67, 68, message).emit(s.attacker.ip, s.observer.ip)).emit()
        yield "DHCP with a priority tag", Ethernet(frame[:6], frame[6:12], 0x8100, b"\0\0" + frame[12:])
        six = Ipv6(s.attacker.ip6, s.observer.ip6, UDP, struct.pack(">HHHH", 547, 546, 12, 0) + b"\2abc", 64)
        for name, packet in (("", six), (" behind options", behind_extension(six)), (" in a fragment", next(fragments_of(six, None)))):
            yield "DHCPv6" + name, self.v6(s, packet, s.observer.mac)

    def arp(self, s, body):
        return Ethernet(s.observer.mac, s.attacker.mac, ETHERTYPE_ARP, body)

    def test_disguised_claims_are_refused(self):
        for transport in TRANSPORTS:
            with Scene(True, transport) as s:
                for name, frame in self.disguises(s):
                    with self.subTest(name, transport=transport):
                        before = s.attacker.drops()
                        s.attacker.send(frame.emit())
                        s.wait_for_refusal(before)
                        self.assertFalse(s.observer.has(lambda got, frame=frame: frame.payload in got.payload))
                self.assertEqual(s.harm(), "")


class Conflicts(unittest.TestCase):
    """Two ports with one MAC or one address are told to the user."""

    def setUp(self):
        self.room = self.enterContext(Scene())

    def assert_told(self, what):
        """In the log, as an event, by `lanlet doctor` and by `lanlet ports`."""
        network = self.room.network
        wait_until(lambda: any(what in line and "belongs to port" in line for line in network.text().splitlines()), f"{what} in the log")
        last = network.api.get("/v1/counters")["events"]
        events = []
        for event in network.api.events(after=0):
            events.append(event)
            if event.get("number") == last:
                break
        self.assertIn(what, str([event for event in events if event["event"].endswith("conflict")]))
        self.assertIn(what, network.run("doctor").stdout)
        self.assertIn(f"{what} is also at port", network.ask("ports"))

    def test_two_ports_with_one_mac_are_told(self):
        twin = self.room.connect(self.room.victim.mac, "stream")
        twin.announce(address("192.168.122.77"))
        self.assert_told(self.room.victim.mac.hex(":"))

    def test_two_ports_with_one_address_are_told(self):
        self.room.attacker.announce(self.room.victim.ip)
        self.assert_told(text(self.room.victim.ip))

    def test_conflicts_of_one_port_do_not_hide_those_of_another(self):
        for number in range(100):
            self.room.attacker.send_frame(BROADCAST, EXPERIMENTAL, b"lie".ljust(46, b"\0"), self.room.victim.mac)
            self.room.attacker.announce(self.room.victim.ip, mac(0x100 + number))
        other = self.room.guest(mac(0xBAD3), ip="192.168.122.248")
        other.announce(self.room.victim.ip)
        wait_until(lambda: mac(0xBAD3).hex(":") in self.room.network.text(), "the other port's conflict in the log")

    def test_conflicts_of_a_port_do_not_hide_that_it_serves_dhcp(self):
        attacker, observer = self.room.attacker, self.room.observer
        for number in range(200):
            attacker.announce(self.room.victim.ip, mac(0x100 + number))
        message = dhcp.Message(observer.mac, dhcp.OFFER, operation=2, xid=b"evil", options={dhcp.SERVER_ID: attacker.ip}).emit()
        packet = Udp(67, 68, message).emit(attacker.ip, b"\xff" * 4)
        attacker.send_frame(BROADCAST, ETHERTYPE_IPV4, packet.emit())
        wait_until(lambda: "another DHCP server answers" in self.room.network.text(), "the warning")


class Shares(unittest.TestCase):
    PROTECTED = 64

    def test_guest_does_not_reserve_the_network_by_talking(self):
        """At most 64 addresses that were only seen are kept for a port, though its guest answers for all of them."""
        with Scene() as s:
            wanted = {address(f"192.168.122.{number}") for number in range(101, 201)}
            for ip in wanted:
                s.attacker.use(ip)
            s.attacker.ping(GATEWAY)
            other = s.guest(mac(0x77), "seqpacket", ip="192.168.122.247")
            other.addresses = dict.fromkeys(wanted, other.mac)
            lost = set(wanted)

            def claim():
                for ip in lost:
                    other.announce(ip)
                other.listen(0.6)  # the attacker is asked for half a second
                lost.difference_update([ip for ip in lost if s.holders(s.observer, ip) == {other}])
                return len(lost) <= self.PROTECTED

            wait_until(claim, lambda: f"all but {self.PROTECTED} addresses; {len(lost)} are still the attacker's", 30.0)
            self.assertEqual(s.harm(), "")
