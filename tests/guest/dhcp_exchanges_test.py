# SPDX-License-Identifier: GPL-2.0-or-later
"""DHCP as clients of all kinds ask for it: what users of other servers ran into, each as one exchange, byte by byte where it matters."""

import itertools
import socket
import struct
import subprocess
import tempfile
import threading
import unittest
from dataclasses import dataclass, field
from pathlib import Path

from lan import dhcp
from lan.client import Host
from lan.link import Packets
from lan.packet import BROADCAST, ETHERTYPE_ARP, ETHERTYPE_IPV4, UDP, Arp, Ipv4, Udp, address, mac, mac_text, text
from lan.process import Lanlet
from lan.programs import Program, check, find, need
from lan.wait import wait_until

GATEWAY = "192.168.122.1"
LEASE_TIME = 3600
OVERLOAD, RAPID_COMMIT, FQDN = 52, 80, 81
CLASSLESS_ROUTES, MS_ROUTES = 121, 249
SELECTION = 5  # of option 82: link selection (RFC 3527)

macs = itertools.count(0x100)


def option(code, value):
    return bytes([code, len(value)]) + value


@dataclass
class Reply:
    """An answer with the frame around it."""

    destination: bytes  # of the frame
    source_ip: str
    destination_ip: str
    port: int
    message: dhcp.Message
    raw: bytes

    @property
    def options(self):
        return self.message.options

    def number(self, code):
        return int.from_bytes(self.options[code], "big")

    def option_order(self):
        order, at = [], 240
        while self.raw[at] != 255:
            if self.raw[at] == 0:
                at += 1
                continue
            order.append(self.raw[at])
            at += 2 + self.raw[at + 1]
        return order


@dataclass
class Request:
    """A message whose every byte can be chosen."""

    mac: bytes
    kind: int = 0
    options: bytes = b""
    flags: int = 0
    client: bytes = dhcp.NOWHERE
    relay: bytes = dhcp.NOWHERE
    xid: bytes = b"\0\1\2\3"
    cookie: bytes = dhcp.COOKIE
    end: bytes = b"\xff"
    sname: bytes = b""
    file: bytes = b""
    parameters: bytes | None = field(default=None)

    def emit(self):
        addresses = (self.client, dhcp.NOWHERE, dhcp.NOWHERE, self.relay)
        head = struct.pack(">BBBB4sHH4s4s4s4s6s", 1, 1, 6, 0, self.xid, 0, self.flags, *addresses, self.mac)
        fields = head.ljust(44, b"\0") + self.sname.ljust(64, b"\0") + self.file.ljust(128, b"\0")
        kind = option(dhcp.MESSAGE_TYPE, bytes([self.kind])) if self.kind else b""
        listed = b"" if self.parameters is None else option(dhcp.PARAMETER_LIST, self.parameters)
        return fields + self.cookie + kind + listed + self.options + self.end


class Client(Host):
    """A port with hand-made messages."""

    def tell(self, request, source="0.0.0.0", destination="255.255.255.255", to=BROADCAST):
        ip = Udp(67 if request.relay != dhcp.NOWHERE else 68, 67, request.emit()).emit(address(source), address(destination))
        self.send_frame(to, ETHERTYPE_IPV4, ip.emit())

    def answer(self, request, timeout=5.0):
        """The answer to @request; None when none comes."""
        seen = []

        def wanted(frame):
            seen.append(frame)
            if frame.ethertype != ETHERTYPE_IPV4:
                return None
            ip = Ipv4.parse(frame.payload)
            if ip.protocol != UDP:
                return None
            udp = Udp.parse(ip)
            if udp.source != 67 or udp.payload[4:8] != request.xid or udp.payload[28:34] != request.mac:
                return None
            message = dhcp.Message.parse(udp.payload)
            return Reply(frame.destination, text(ip.source), text(ip.destination), udp.destination, message, udp.payload)

        try:
            found = self.wait_for(wanted, timeout)
        except TimeoutError:
            return None
        finally:
            self.seen = seen
        return found

    def ask(self, request, **where):
        self.tell(request, **where)
        return self.answer(request)

    def gets_nothing(self, request, **where):
        self.tell(request, **where)
        return self.answer(request, 0.7) is None

    def request(self, kind, **fields):
        return Request(self.mac, kind, **fields)

    def select(self, offer, **fields):
        chosen = option(dhcp.REQUESTED_ADDRESS, offer.message.yours) + option(dhcp.SERVER_ID, address(GATEWAY))
        fields["options"] = chosen + fields.get("options", b"")
        return self.ask(self.request(dhcp.REQUEST, **fields))

    def take(self, **fields):
        """A whole lease; the ACK."""
        offer = self.ask(self.request(dhcp.DISCOVER, **fields))
        ack = self.select(offer, **fields)
        self.ip = ack.message.yours
        return ack


class ExchangesTest(unittest.TestCase):
    options = ()

    @classmethod
    def setUpClass(cls):
        cls.lanlet = cls.enterClassContext(Lanlet("--lease-time", str(LEASE_TIME), *cls.options))

    def client(self, **fields):
        return self.enterContext(Client(self.lanlet.stream, mac(next(macs)), **fields))

    def name_of(self, client):
        return self.lanlet.wait_for_lease(mac_text(client.mac))[2]


class OptionsTest(ExchangesTest):
    def test_offer_and_ack_carry_the_same_options(self):
        c = self.client()
        for listed in (bytes([1, 3, 6, 12, 15, 26, 28, 42, 51, 58, 59, 119, 121]), b"", None):
            offer = c.ask(c.request(dhcp.DISCOVER, parameters=listed, options=option(dhcp.HOST_NAME, b"same")))
            ack = c.select(offer, parameters=listed, options=option(dhcp.HOST_NAME, b"same"))
            self.assertEqual(ack.message.kind, dhcp.ACK)
            for reply in offer, ack:
                del reply.options[dhcp.MESSAGE_TYPE]
            self.assertEqual(offer.options, ack.options)

    def test_lease_time_and_its_parts_are_sent_unasked(self):
        for listed in (bytes([1, 3, 6]), b"", None):
            for wanted in (b"", option(dhcp.LEASE_TIME, struct.pack(">I", 120))):
                ack = self.client().take(parameters=listed, options=wanted)
                times = [ack.number(code) for code in (dhcp.T1, dhcp.T2, dhcp.LEASE_TIME)]
                self.assertEqual(times[2], 120 if wanted else LEASE_TIME)
                self.assertTrue(0 < times[0] < times[1] < times[2])
                self.assertEqual(text(ack.options[dhcp.SERVER_ID]), GATEWAY)

    def test_rapid_commit_is_answered_by_an_offer_without_it(self):
        c = self.client()
        reply = c.ask(c.request(dhcp.DISCOVER, options=option(RAPID_COMMIT, b"")))
        self.assertEqual(reply.message.kind, dhcp.OFFER)
        self.assertNotIn(RAPID_COMMIT, reply.options)

    def test_router_is_sent_beside_classless_routes_that_are_not_there(self):
        for listed in ([CLASSLESS_ROUTES, 3], [CLASSLESS_ROUTES], [MS_ROUTES, 3]):
            ack = self.client().take(parameters=bytes(listed))
            self.assertNotIn(CLASSLESS_ROUTES, ack.options)
            self.assertNotIn(MS_ROUTES, ack.options)
            self.assertEqual(3 in ack.options, 3 in listed)

    def test_dns_server_is_the_gateway_whatever_the_host_uses(self):
        self.assertEqual(text(self.client().take(parameters=bytes([6])).options[6]), GATEWAY)

    def test_fqdn_is_echoed_with_the_name_that_dns_knows(self):
        c = self.client()
        ack = c.take(options=option(FQDN, b"\5\0\0\6fq-web\7example\0"))
        self.assertEqual(ack.options[FQDN], b"\5\xff\xff\6fq-web\6lanlet\10internal\0")


class FramesTest(ExchangesTest):
    def test_client_without_broadcast_flag_is_reached_by_its_mac_without_arp(self):
        c = self.client()
        offer = c.ask(c.request(dhcp.DISCOVER))
        self.assertEqual((offer.destination, offer.destination_ip), (c.mac, text(offer.message.yours)))
        asked = [Arp.parse(frame.payload) for frame in c.seen if frame.ethertype == ETHERTYPE_ARP]
        self.assertFalse([arp for arp in asked if arp.target == offer.message.yours and arp.sender != dhcp.NOWHERE])
        ack = c.select(offer)
        renewed = c.ask(c.request(dhcp.REQUEST, client=ack.message.yours), source=text(ack.message.yours))
        self.assertEqual((renewed.destination, renewed.destination_ip), (c.mac, text(ack.message.yours)))

    def test_reserved_flags_are_ignored_and_each_message_has_its_own_xid(self):
        c = self.client()
        offer = c.ask(c.request(dhcp.DISCOVER, flags=0x0800, xid=b"\1\1\1\1"))
        self.assertEqual(offer.message.flags & 0x8000, 0)
        ack = c.select(offer, flags=0x7FFF, xid=b"\2\2\2\2")
        self.assertEqual((ack.message.kind, ack.message.xid, ack.destination), (dhcp.ACK, b"\2\2\2\2", c.mac))

    def test_broadcast_flag_is_obeyed_and_returned(self):
        c = self.client()
        offer = c.ask(c.request(dhcp.DISCOVER, flags=0x8000))
        ack = c.select(offer, flags=0x8000)
        again = c.ask(c.request(dhcp.REQUEST, flags=0x8000, options=option(dhcp.REQUESTED_ADDRESS, ack.message.yours)))
        nak = c.ask(c.request(dhcp.REQUEST, flags=0x8000, options=option(dhcp.REQUESTED_ADDRESS, address("10.0.0.1"))))
        self.assertEqual([reply.message.kind for reply in (offer, ack, again, nak)], [dhcp.OFFER, dhcp.ACK, dhcp.ACK, dhcp.NAK])
        for reply in offer, ack, again, nak:
            self.assertEqual((reply.destination, reply.destination_ip, reply.message.flags), (BROADCAST, "255.255.255.255", 0x8000))

    def test_server_is_the_gateway_and_answers_probes_for_itself_only(self):
        c = self.client()
        ack = c.take()
        self.assertEqual((ack.source_ip, text(ack.options[dhcp.SERVER_ID])), (GATEWAY, GATEWAY))
        probe = Client(c.link, c.mac)

        def answers(target):
            probe.send_frame(BROADCAST, ETHERTYPE_ARP, Arp(Arp.REQUEST, c.mac, dhcp.NOWHERE, b"\0" * 6, address(target)).emit())
            return any(
                frame.ethertype == ETHERTYPE_ARP and Arp.parse(frame.payload).sender == address(target) for frame in probe.listen(0.5))

        self.assertTrue(answers(GATEWAY))
        self.assertFalse(answers("192.168.122.2"))
        self.assertFalse(answers(text(ack.message.yours)))

    def test_conflict_check_of_the_new_address_is_not_answered(self):
        """RFC 5227: three probes, two announcements."""
        c = self.client()
        ip = c.take().message.yours
        c.ip = dhcp.NOWHERE  # the host would answer itself
        for sender in (dhcp.NOWHERE,) * 3 + (ip,) * 2:
            c.send_frame(BROADCAST, ETHERTYPE_ARP, Arp(Arp.REQUEST, c.mac, sender, b"\0" * 6, ip).emit())
        claims = [frame for frame in c.listen(0.7) if frame.ethertype == ETHERTYPE_ARP and Arp.parse(frame.payload).sender == ip]
        self.assertEqual(claims, [])

    def test_guest_with_a_fixed_address_has_the_gateway_too(self):
        for ip in ("192.168.122.77", "192.168.122.251"):
            guest = self.enterContext(Client(self.lanlet.stream, mac(next(macs)), ip))
            guest.ping(GATEWAY)
            guest.dns("gateway.lanlet.internal")


class MalformedTest(ExchangesTest):
    def test_odd_ends_of_messages_are_understood_or_dropped(self):
        kind = option(dhcp.MESSAGE_TYPE, b"\1")
        understood = {
            "pads before the type": Request(b"", 0, b"\0" * 297 + kind),
            "no END": Request(b"", 0, kind, end=b""),
            "pads without END": Request(b"", 0, kind + b"\0" * 300, end=b""),
        }
        dropped = {
            "length beyond the end": Request(b"", 0, kind + b"\x0c\xff", end=b""),
            "code without a length": Request(b"", 0, kind + b"\x0c", end=b""),
            "two types": Request(b"", 0, kind + kind),
            "type of no bytes": Request(b"", 0, option(dhcp.MESSAGE_TYPE, b"")),
        }
        for what, request in understood.items():
            c = self.client()
            request.mac = c.mac
            self.assertEqual(c.ask(request).message.kind, dhcp.OFFER, what)
        for what, request in dropped.items():
            c = self.client()
            request.mac = c.mac
            self.assertTrue(c.gets_nothing(request), what)

    def test_options_in_the_file_and_sname_fields_are_understood(self):
        kind, wanted = option(dhcp.MESSAGE_TYPE, b"\1"), option(dhcp.REQUESTED_ADDRESS, address("192.168.122.199"))
        for overload, fields in (
                (1, {"file": kind + wanted + b"\xff"}), (2, {"sname": kind + wanted + b"\xff"}),
                (3, {"file": kind + b"\xff", "sname": wanted + b"\xff"})):
            c = self.client()
            offer = c.ask(Request(c.mac, 0, option(OVERLOAD, bytes([overload])), **fields))
            self.assertEqual((offer.message.kind, text(offer.message.yours)), (dhcp.OFFER, "192.168.122.199"), overload)
            c.tell(c.request(dhcp.REQUEST, options=option(dhcp.SERVER_ID, address("192.168.122.250"))
                             + option(dhcp.REQUESTED_ADDRESS, offer.message.yours)))  # another server's offer is taken
        for overload in (0, 4):
            c = self.client()
            self.assertTrue(c.gets_nothing(Request(c.mac, 0, option(OVERLOAD, bytes([overload])), file=kind + b"\xff")))

    def test_bootp_is_counted_and_never_offered_anything(self):
        c = self.client()
        self.assertTrue(c.gets_nothing(c.request(0)))
        self.assertTrue(c.gets_nothing(c.request(0, cookie=b"\0" * 4, end=b"\0" * 64)))
        self.assertRegex(self.lanlet.ask("drops"), "dhcp-ignored")


class NamesTest(ExchangesTest):
    def test_no_name_breaks_the_lease_file(self):
        clients = {}
        for code, prefix in ((dhcp.HOST_NAME, b""), (FQDN, b"\0\0\0")):
            for name in (b"*", b"a:b", b"a\nb", b"a\0b", b"x" * 250, b"...", b"gr\xc3\xbcn", b"--", b"<b>", b" ", b"-"):
                c = self.client()
                c.take(options=option(code, prefix + name))
                clients[mac_text(c.mac)] = text(c.ip)
        for client, ip in clients.items():
            line = self.lanlet.wait_for_lease(client)
            self.assertEqual(line[1], ip)
            self.assertRegex(line[2], r"^(\*|[a-z0-9]([a-z0-9_-]{0,61}[a-z0-9])?)$")
        self.assertNotIn("<b>", self.lanlet.ask("leases"))
        self.lanlet.stop()
        self.lanlet.start()
        self.assertNotIn("damaged", self.lanlet.text())
        self.assertEqual({client: fields[1] for client, fields in self.lanlet.leases().items() if client in clients}, clients)

    def test_fqdn_precedes_the_host_name_and_gives_one_name(self):
        c = self.client()
        c.take(options=option(dhcp.HOST_NAME, b"one-a") + option(FQDN, b"\0\0\0one-b.example."))
        self.assertEqual(self.name_of(c), "one-b")
        c.take(options=option(dhcp.HOST_NAME, b"one-a"))
        wait_until(lambda: self.name_of(c) == "one-a", "the name of the last request")
        self.assertEqual(len([1 for fields in self.lanlet.leases().values() if fields[1] == text(c.ip)]), 1)

    def test_renewed_lease_has_the_guests_new_name(self):
        c = self.client()
        ip = c.take(options=option(dhcp.HOST_NAME, b"before")).message.yours
        c.ask(c.request(dhcp.REQUEST, client=ip, options=option(dhcp.HOST_NAME, b"after")), source=text(ip))
        wait_until(lambda: self.name_of(c) == "after", "the new name")
        names = self.lanlet.ask("leases")
        self.assertIn("after", names)
        self.assertNotIn("before", names)


class StatesTest(ExchangesTest):
    def test_rebooted_client_keeps_its_address_on_a_server_without_memory(self):
        c = self.client()
        for ip, kind in (("192.168.122.66", dhcp.ACK), ("10.9.8.7", dhcp.NAK)):
            self.assertEqual(c.ask(c.request(dhcp.REQUEST, options=option(dhcp.REQUESTED_ADDRESS, address(ip)))).message.kind, kind)
        other = self.client()
        reply = other.ask(other.request(dhcp.REQUEST, options=option(dhcp.REQUESTED_ADDRESS, address("192.168.122.66"))))
        self.assertEqual(reply.message.kind, dhcp.NAK)

    def test_renewal_by_unicast_and_rebinding_by_broadcast_are_answered_to_the_client(self):
        c = self.client()
        ip = text(c.take().message.yours)
        c.resolve(address(GATEWAY))
        for flags in (0, 0x8000):
            for where in ({"destination": GATEWAY, "to": c.neighbours[address(GATEWAY)]}, {}):
                ack = c.ask(c.request(dhcp.REQUEST, client=address(ip), flags=flags), source=ip, **where)
                self.assertEqual((ack.message.kind, ack.destination, ack.destination_ip), (dhcp.ACK, c.mac, ip))

    def test_inform_and_release_by_unicast_reach_the_server(self):
        c = self.client()
        ip = c.take().message.yours
        server = c.resolve(address(GATEWAY))
        ack = c.ask(c.request(dhcp.INFORM, client=ip), source=text(ip), destination=GATEWAY, to=server)
        self.assertEqual((ack.message.kind, ack.message.yours), (dhcp.ACK, dhcp.NOWHERE))
        self.assertNotIn(dhcp.LEASE_TIME, ack.options)
        release = c.request(dhcp.RELEASE, client=ip, options=option(dhcp.SERVER_ID, address(GATEWAY)))
        c.tell(release, source=text(ip), destination=GATEWAY, to=server)
        self.lanlet.wait_for_no_lease(mac_text(c.mac))

    def test_relay_is_answered_for_this_subnet_with_its_option_last(self):
        relay = self.enterContext(Client(self.lanlet.stream, mac(next(macs)), "192.168.122.9"))
        information = b"\1\4port" + bytes([SELECTION, 4]) + address("10.0.0.0") + b"\x97\3\0ab"
        client = mac(next(macs))
        request = Request(client, dhcp.DISCOVER, option(dhcp.RELAY_AGENT, information), relay=relay.ip)
        offer = relay.ask(request, source="192.168.122.9", destination=GATEWAY, to=relay.resolve(address(GATEWAY)))
        self.assertEqual((offer.message.kind, offer.port, offer.destination_ip), (dhcp.OFFER, 67, "192.168.122.9"))
        self.assertEqual(offer.options[dhcp.RELAY_AGENT], information)
        self.assertEqual(offer.option_order()[-1], dhcp.RELAY_AGENT)
        request = Request(mac(next(macs)), dhcp.DISCOVER, relay=address("10.0.0.1"))
        self.assertTrue(relay.gets_nothing(request, source="192.168.122.9", destination=GATEWAY, to=relay.resolve(address(GATEWAY))))


class PoolTest(ExchangesTest):
    def test_one_mac_that_declines_everything_leaves_the_pool_to_others(self):
        c = self.client()
        declined = set()
        for _ in range(12):
            ip = c.take().message.yours
            declined.add(ip)
            c.tell(c.request(dhcp.DECLINE, options=option(dhcp.REQUESTED_ADDRESS, ip) + option(dhcp.SERVER_ID, address(GATEWAY))))
        self.assertLessEqual(len(declined), 4)
        self.assertEqual(self.client().take().message.kind, dhcp.ACK)
        self.assertIn("declined by the guest", self.lanlet.text())

    def test_first_offer_comes_at_once_when_no_machine_can_have_the_address(self):
        with Lanlet() as alone, Client(alone.stream, mac(next(macs))) as c:
            self.assertIsNotNone(c.ask(c.request(dhcp.DISCOVER)))
            asked = [frame for frame in c.seen if frame.ethertype == ETHERTYPE_ARP]
            self.assertEqual(asked, [])


class LiarTest(ExchangesTest):
    """A machine answers every ARP request, as with proxy ARP."""

    def test_newcomers_are_served_beside_a_machine_that_answers_every_probe(self):
        liar, stop = self.client(), threading.Event()

        def lie():
            while not stop.is_set():
                for frame in liar.listen(0.05):
                    if frame.ethertype != ETHERTYPE_ARP:
                        continue
                    arp = Arp.parse(frame.payload)
                    if arp.operation == Arp.REQUEST:
                        reply = Arp(Arp.REPLY, liar.mac, arp.target, arp.sender_mac, arp.sender)
                        liar.send_frame(arp.sender_mac, ETHERTYPE_ARP, reply.emit())

        thread = threading.Thread(target=lie)
        thread.start()
        try:
            for _ in range(3):
                c = self.client()
                wait_until(lambda c=c: c.ask(c.request(dhcp.DISCOVER)), "an offer", 20)
        finally:
            stop.set()
            thread.join()
        self.assertRegex(self.lanlet.text(), r"another host uses it|uses it without a lease|port stream\d+")


class SmallSubnetTest(ExchangesTest):
    options = ("--subnet", "10.9.8.0/28")

    def test_mask_is_sent_unasked(self):
        for listed in (bytes([6]), b"", None):
            c = self.client()
            offer = c.ask(c.request(dhcp.DISCOVER, parameters=listed))
            self.assertEqual(text(offer.options[dhcp.MASK]), "255.255.255.240")


# As libvirt writes it for its network "default".
LIBVIRT_CONFIGURATION = """strict-order
except-interface=lo
bind-dynamic
interface=virbr0
dhcp-range=192.168.122.2,192.168.122.254,255.255.255.0
dhcp-no-override
dhcp-authoritative
dhcp-lease-max=253
"""

# What lanlet sends and libvirt's dnsmasq does not, because it is not configured there.
MORE_OF_LANLET = {dhcp.MTU, dhcp.DOMAIN, dhcp.DOMAIN_SEARCH}
# What dnsmasq sends unasked.
MORE_OF_DNSMASQ = {dhcp.BROADCAST_ADDRESS}
SAME_VALUES = (dhcp.MASK, dhcp.ROUTER, dhcp.DNS, dhcp.LEASE_TIME, dhcp.SERVER_ID, dhcp.MESSAGE_TYPE, dhcp.HOST_NAME)


class LikeDnsmasqTest(ExchangesTest):
    """The same questions to lanlet and to dnsmasq with libvirt's configuration."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        need("dnsmasq", "ethtool")
        cls.directory = Path(cls.enterClassContext(tempfile.TemporaryDirectory(prefix="lanlet-dnsmasq-")))
        check("ip", "link", "add", "virbr0", "type", "veth", "peer", "name", "guest")
        cls.addClassCleanup(check, "ip", "link", "delete", "virbr0")
        check("ip", "address", "add", f"{GATEWAY}/24", "dev", "virbr0")
        for link in "virbr0", "guest":
            check("ethtool", "-K", link, "tx", "off")
            check("ip", "link", "set", link, "up", "promisc", "on")
        configuration = cls.directory / "default.conf"
        configuration.write_text(LIBVIRT_CONFIGURATION)
        cls.dnsmasq = cls.enterClassContext(Program([
            find("dnsmasq"), "--keep-in-foreground", "--conf-file=" + str(configuration), "--user=", "--group=",
            f"--dhcp-leasefile={cls.directory}/leases", f"--pid-file={cls.directory}/pid", "--log-facility=-",
        ], stderr=subprocess.DEVNULL))
        with cls.at_dnsmasq(mac(next(macs))) as first:
            wait_until(lambda: first.ask(first.request(dhcp.DISCOVER)), "dnsmasq", 20)

    @staticmethod
    def at_dnsmasq(own):
        sock = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(3))
        sock.bind(("guest", 0))
        return Client(Packets(sock), own)

    def ask_both(self, own, ask):
        """What ask(client) returns of each."""
        found = []
        for client in Client(self.lanlet.stream, own), self.at_dnsmasq(own):
            with client:
                found.append(ask(client))
        return found

    def assert_alike(self, ask):
        ours, theirs = self.ask_both(mac(next(macs)), ask)
        self.assertEqual(ours.message.kind, theirs.message.kind)
        self.assertEqual(set(ours.options) - MORE_OF_LANLET - MORE_OF_DNSMASQ, set(theirs.options) - MORE_OF_LANLET - MORE_OF_DNSMASQ)
        for code in SAME_VALUES:
            self.assertEqual(ours.options.get(code), theirs.options.get(code), code)
        self.assertEqual(ours.destination_ip == "255.255.255.255", theirs.destination_ip == "255.255.255.255")
        if ours.message.kind != dhcp.NAK:  # dnsmasq sets the flag in all of these
            self.assertEqual(ours.message.flags, theirs.message.flags)

    def test_offers_and_acks_have_the_same_options(self):
        for listed in (bytes([1, 3, 6, 12, 15, 26, 28]), bytes([6]), bytes([3, 121]), bytes([1, 28, 2, 121, 15, 6, 12])):
            for flags in (0, 0x8000):
                self.assert_alike(lambda c: c.ask(c.request(dhcp.DISCOVER, parameters=listed, flags=flags)))
                self.assert_alike(lambda c: c.take(parameters=listed, flags=flags))

    def test_name_that_the_client_sends_is_not_refused(self):
        self.assert_alike(lambda c: c.take(parameters=bytes([1, 3, 6]), options=option(dhcp.HOST_NAME, b"alike")))

    def test_address_of_another_network_is_refused(self):
        self.assert_alike(lambda c: c.ask(c.request(dhcp.REQUEST, options=option(dhcp.REQUESTED_ADDRESS, address("10.9.8.7")))))

    def test_free_address_that_a_rebooted_client_claims_is_acknowledged(self):
        self.assert_alike(lambda c: c.ask(c.request(
            dhcp.REQUEST, options=option(dhcp.REQUESTED_ADDRESS, address("192.168.122.88")), parameters=bytes([1, 3, 6]))))

    def test_inform_is_answered_without_a_lease(self):
        def inform(c):
            c.ip = address("192.168.122.99")
            return c.ask(c.request(dhcp.INFORM, client=c.ip, parameters=bytes([1, 3, 6])), source="192.168.122.99")

        self.assert_alike(inform)
