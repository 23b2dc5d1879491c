# SPDX-License-Identifier: GPL-2.0-or-later
"""
What the guard has to let through: machines, MACs and addresses that move, and ports with many of them.  A holder that is alive answers
when the guard asks it; one that has given up what moved does not.
"""

import os
import struct
import unittest

from lan import dhcp
from lan.guests import TRANSPORTS
from lan.packet import BROADCAST, ETHERTYPE_IPV4, UDP, Arp, Ethernet, Udp, address, mac, text
from lan.packet6 import ADVERTISEMENT, ALL_NODES, ETHERTYPE_IPV6, Ipv6, Neighbour, address6, link_local, multicast_mac
from lan.scene import GATEWAY, Observed
from lan.wait import wait_until

MOVED_AFTER = 3.0  # seconds, from the last announcement; the guard asks the old port for half a second
QEMU_PAUSES = (0.05, 0.15, 0.25, 0.35)  # seconds between the five announcements after a migration (announce-rounds)
ETHERTYPE_RARP = 0x8035
VRRP_MAC, VRRP6_MAC = bytes.fromhex("00005e000133"), bytes.fromhex("00005e000233")
VIP, VIP6 = address("192.168.122.200"), address6("fe80::5e:33")


class Moves(unittest.TestCase):
    def setUp(self):
        self.room = self.enterContext(Observed())
        self.observer = self.room.observer

    def assert_at(self, guest, ip, hardware=None):
        """Soon the address and its MAC are at the guest's port, for the switch, the gateway and the observer."""
        hardware = hardware or guest.mac
        wait_until(lambda: self.room.behind(self.observer, hardware) == {guest}, "the MAC at its port", MOVED_AFTER)
        if len(ip) == 4:
            wait_until(lambda: self.room.holders(self.observer, ip) == {guest}, "the address at its port", MOVED_AFTER)
            self.observer.neighbours.pop(ip, None)
            self.assertEqual(self.observer.resolve(ip), hardware)
            self.observer.ping(text(ip))
        else:
            self.assertEqual(self.observer.resolve6(ip, self.observer.ip6), hardware)

    def assert_nothing_refused(self, *guests):
        for guest in guests:
            self.assertEqual(guest.drops(), {})


class Migration(Moves):
    def machine(self, transport="stream"):
        source = self.room.guest(mac(1), transport, host_name=b"vm")
        source.use(link_local(source.mac))
        self.assert_at(source, source.ip)
        return source

    def destination_of(self, source, transport="stream"):
        """The other QEMU, which is connected already and runs nothing."""
        return self.room.connect(source.mac, transport, silent=True)

    def resume(self, source, destination):
        """The machine has stopped at its source, and runs at the destination."""
        source.answers = False
        destination.answers = True
        destination.ip, destination.addresses = source.ip, dict(source.addresses)

    def announce(self, guest):
        """As QEMU does by RARP for the machine, and Linux by gratuitous ARP when virtio-net asks for it."""
        body = struct.pack(">HHBBH", 1, ETHERTYPE_IPV4, 6, 4, 3) + guest.mac + bytes(4) + guest.mac + bytes(4)
        for pause in (*QEMU_PAUSES, 0):
            guest.send_frame(BROADCAST, ETHERTYPE_RARP, body.ljust(46, b"\0"))
            guest.announce()
            for ip in guest.addresses:
                guest.announce(ip)
            guest.listen(pause)

    def assert_lives(self, guest):
        for ip in (guest.ip, *guest.addresses):
            self.assert_at(guest, ip)
        ack = guest.dhcp(dhcp.Message(guest.mac, dhcp.REQUEST, client=guest.ip))
        self.assertEqual((ack.kind, ack.yours), (dhcp.ACK, guest.ip))
        self.assertEqual(self.room.resolves(self.observer, "vm"), text(guest.ip))
        guest.ping(GATEWAY)

    def test_machine_moves_to_another_port_while_the_old_one_is_open_and_silent(self):
        for transport in TRANSPORTS:
            if transport == "dgram":  # its port begins with the first frame
                continue
            with self.subTest(transport), Observed() as self.room:
                self.observer = self.room.observer
                source = self.machine()
                destination = self.destination_of(source, transport)
                self.assert_lives(source)
                self.resume(source, destination)
                self.announce(destination)
                self.assert_lives(destination)
                source.close()
                self.assert_lives(destination)

    def test_machine_moves_to_another_port_when_the_old_one_has_closed(self):
        source = self.machine()
        destination = self.destination_of(source)
        self.resume(source, destination)
        source.close()
        self.announce(destination)
        self.assert_lives(destination)

    def test_machine_that_announces_itself_by_rarp_alone_is_found(self):
        source = self.machine()
        destination = self.destination_of(source)
        self.resume(source, destination)
        addresses, destination.addresses = destination.addresses, {}
        ip, destination.ip = destination.ip, dhcp.NOWHERE
        body = struct.pack(">HHBBH", 1, ETHERTYPE_IPV4, 6, 4, 3) + source.mac + bytes(4) + source.mac + bytes(4)
        for pause in (*QEMU_PAUSES, 0):
            destination.send_frame(BROADCAST, ETHERTYPE_RARP, body.ljust(46, b"\0"))
            destination.listen(pause)
        destination.ip, destination.addresses = ip, addresses
        self.assert_lives(destination)

    def test_machine_goes_there_and_back(self):
        source = self.machine()
        destination = self.destination_of(source, "vhost")
        for old, new in ((source, destination), (destination, source)) * 2:
            self.resume(old, new)
            self.announce(new)
            self.assert_lives(new)

    def test_cancelled_migration_changes_nothing(self):
        source = self.machine()
        destination = self.destination_of(source)
        destination.close()
        self.assert_lives(source)

    def test_machine_that_starts_again_keeps_mac_address_and_name(self):
        source = self.machine()
        ip = source.ip
        source.close()
        again = self.room.guest(source.mac, "vhost", host_name=b"vm")
        self.assertEqual(again.ip, ip)
        self.assert_lives(again)

    def test_machine_whose_old_connection_hangs_starts_again_elsewhere(self):
        """QEMU was killed, and lanlet has not noticed yet; the new one boots and asks by DHCP."""
        source = self.machine("dgram")
        source.answers = False
        again = self.room.connect(source.mac, "stream")
        again.lease(host_name=b"vm")
        self.assertEqual(again.ip, source.ip)
        again.announce()
        self.assert_lives(again)


class Bonding(Moves):
    """Two ports of one machine; the active one has MAC and addresses, the backup is silent (bonding.rst, active-backup)."""

    def fail_over(self, old, new):
        old.answers, new.answers = False, True
        new.ip, new.addresses, old.ip, old.addresses = old.ip, old.addresses, dhcp.NOWHERE, {}
        for _ in range(2):  # num_grat_arp, peer_notif_delay
            new.announce()
            new.listen(0.1)

    def test_active_backup_moves_mac_and_leased_address(self):
        one = self.room.guest(mac(1))
        two = self.room.connect(one.mac, "seqpacket", silent=True)
        for old, new in ((one, two), (two, one), (one, two)):
            ip = old.ip
            self.fail_over(old, new)
            self.assert_at(new, ip)

    def test_active_backup_whose_ports_keep_their_macs_moves_an_address(self):
        """fail_over_mac=active, with an address that no lease binds to a MAC."""
        one = self.room.guest(mac(1), ip="192.168.122.20")
        two = self.room.connect(mac(2), "vhost", silent=True)
        for old, new in ((one, two), (two, one)):
            ip = old.ip
            self.fail_over(old, new)
            self.assert_at(new, ip)


class VirtualAddresses(Moves):
    """An address that moves between two guests that are both alive, each with an address of its own."""

    def setUp(self):
        super().setUp()
        self.one = self.room.guest(mac(1), ip="192.168.122.21")
        self.two = self.room.guest(mac(2), "vhost", ip="192.168.122.22")
        self.room.use_ip6(self.one, self.two)

    def give(self, old, new, ip, hardware=None, times=5):
        """@new takes the address over; keepalived announces it five times (vrrp_garp_master_repeat)."""
        if old:
            old.addresses.pop(ip, None)
        new.addresses[ip] = hardware or new.mac
        for _ in range(times):
            new.announce(ip, hardware)
        new.listen(1)
        new.announce(ip, hardware)  # again after a pause (vrrp_garp_master_delay)

    def assert_moves(self, ip, hardware=None):
        for old, new in ((None, self.one), (self.one, self.two), (self.two, self.one)):
            self.give(old, new, ip, hardware)
            self.assert_at(new, ip, hardware or new.mac)
        for guest in (self.one, self.two):
            self.assert_at(guest, guest.ip)

    def test_vrrp_address_moves(self):
        self.assert_moves(VIP)

    def test_vrrp_ipv6_address_moves(self):
        self.assert_moves(VIP6)

    def test_vrrp_address_moves_with_its_virtual_mac(self):
        self.assert_moves(VIP, VRRP_MAC)

    def test_vrrp_ipv6_address_moves_with_its_virtual_mac(self):
        self.assert_moves(VIP6, VRRP6_MAC)

    def test_vrrp_advertisements_from_the_virtual_mac_move_it(self):
        """The new master's first frame is not ARP."""
        self.give(None, self.one, VIP, VRRP_MAC)
        self.assert_at(self.one, VIP, VRRP_MAC)
        self.one.addresses.clear()
        self.two.addresses[VIP] = VRRP_MAC
        for _ in range(4):
            advertisement = b"\x45" + bytes(45)
            self.two.send_frame(bytes.fromhex("01005e000012"), ETHERTYPE_IPV4, advertisement, VRRP_MAC)
            self.two.announce(VIP, VRRP_MAC)
            self.two.listen(0.4)
        self.assert_at(self.two, VIP, VRRP_MAC)

    def test_address_of_a_dead_master_moves(self):
        self.give(None, self.one, VIP)
        self.assert_at(self.one, VIP)
        self.one.answers = False
        self.give(self.one, self.two, VIP)
        self.assert_at(self.two, VIP)

    def test_metallb_address_moves(self):
        """Gratuitous ARP as request and as reply, and an unsolicited neighbour advertisement."""
        for old, new in ((None, self.one), (self.one, self.two), (self.two, self.one)):
            for ip in (VIP, VIP6):
                if old:
                    old.addresses.pop(ip, None)
                new.addresses[ip] = new.mac
            for _ in range(2):
                new.announce(VIP)
                new.send_arp(Arp.REPLY, VIP, VIP, target_mac=BROADCAST)
                new.send_neighbour(Neighbour(ADVERTISEMENT, VIP6, new.mac, Neighbour.OVERRIDE), VIP6, ALL_NODES)
                new.listen(1)
            self.assert_at(new, VIP)
            self.assert_at(new, VIP6)


class Many(Moves):
    """Ports with many MACs and addresses: macvlan, Docker, machines in a machine, routers."""

    def lease_for(self, guest, hardware, source=None, flags=0):
        """A lease for one of several MACs of a guest."""
        def send(kind, **options):
            message = dhcp.Message(hardware, kind, xid=os.urandom(4), flags=flags, options=guest.named(options))
            packet = Udp(68, 67, message.emit()).emit(dhcp.NOWHERE, b"\xff" * 4)
            guest.send_frame(BROADCAST, ETHERTYPE_IPV4, packet.emit(), source or hardware)
            return guest.dhcp_wait(message.xid)

        offer = send(dhcp.DISCOVER)
        ack = send(dhcp.REQUEST, requested_address=offer.yours, server_id=offer.options[dhcp.SERVER_ID])
        self.assertEqual(ack.kind, dhcp.ACK)
        return ack.yours

    def test_each_macvlan_of_a_guest_has_a_lease(self):
        for transport in TRANSPORTS:
            with self.subTest(transport):
                guest = self.room.guest(mac(0x10 + TRANSPORTS.index(transport)), transport)
                for number in range(4):
                    hardware = mac(0x100 * (TRANSPORTS.index(transport) + 1) + number)
                    ip = self.lease_for(guest, hardware)
                    guest.use(ip, hardware)
                    self.assert_at(guest, ip, hardware)
                self.assert_at(guest, guest.ip)
                self.assert_nothing_refused(guest)

    def test_machines_behind_a_bridge_have_addresses_of_their_own(self):
        host = self.room.guest(mac(1), "vhost")
        for number in range(20):
            hardware = mac(0x200 + number)
            for ip in (address(f"192.168.122.{100 + number}"), link_local(hardware)):
                host.use(ip, hardware)
                self.assert_at(host, ip, hardware)
        self.assert_nothing_refused(host)

    def test_machine_behind_a_bridge_moves_to_another_guest(self):
        one, two, hardware, ip = self.room.guest(mac(1)), self.room.guest(mac(2), "vde"), mac(0x200), address("192.168.122.100")
        for old, new in ((two, one), (one, two), (two, one)):
            old.addresses.clear()
            for _ in range(3):
                new.use(ip, hardware)
                new.listen(0.3)
            self.assert_at(new, ip, hardware)

    def test_bridge_that_translates_macs_gets_leases_for_others(self):
        """As a bridge over a wireless card: one MAC in all frames, and the client's own in chaddr."""
        bridge = self.room.guest(mac(1))
        for number in range(3):
            ip = self.lease_for(bridge, mac(0x200 + number), bridge.mac, flags=0x8000)
            bridge.use(ip)
            self.assert_at(bridge, ip, bridge.mac)
        self.assert_nothing_refused(bridge)

    def test_relay_is_answered_at_an_address_of_its_port(self):
        relay = self.room.guest(mac(1), ip="192.168.122.30")
        message = dhcp.Message(mac(0x200), dhcp.DISCOVER, xid=os.urandom(4), relay=relay.ip)
        relay.send_frame(self.room.gateway_mac, ETHERTYPE_IPV4, Udp(67, 67, message.emit()).emit(relay.ip, self.room.gateway).emit())

        def offer(frame):
            udp = (ip := relay.ip_of(frame, UDP)) and Udp.parse(ip)
            found = udp and udp.source == 67 and dhcp.Message.parse(udp.payload)
            return found if found and found.xid == message.xid else None

        self.assertEqual(relay.wait_for(offer).kind, dhcp.OFFER)

    def test_router_forwards_packets_of_another_subnet(self):
        router = self.room.guest(mac(1), "vhost")
        far = address("10.77.0.5")
        got = self.room.receivers(
            router, lambda marker: router.send_datagram(far, self.observer.ip, marker, self.observer.mac))
        self.assertEqual(got, {self.observer})
        got = self.room.receivers(self.observer, lambda marker: self.observer.send_datagram(self.observer.ip, far, marker, router.mac))
        self.assertEqual(got, {router})
        self.assert_nothing_refused(router, self.observer)

    def test_router_forwards_ipv6_of_another_network(self):
        router = self.room.guest(mac(1), "stream")

        def send(marker):
            packet = Ipv6(address6("2001:db8::5"), self.observer.ip6, 59, marker, 63)
            router.send_frame(self.observer.mac, ETHERTYPE_IPV6, packet.emit())

        self.assertEqual(self.room.receivers(router, send), {self.observer})
        self.assert_nothing_refused(router)

    def test_guest_with_two_cards_that_answers_for_both_on_each_keeps_both(self):
        """Linux answers ARP for any of its addresses on every card (arp_ignore=0)."""
        one, two = self.room.guest(mac(1)), self.room.guest(mac(2))
        self.observer.resolve(one.ip)
        self.observer.resolve(two.ip)
        one.addresses[two.ip], two.addresses[one.ip] = one.mac, two.mac
        for guest in (one, two):
            for ip in (one.ip, two.ip):
                self.observer.neighbours.pop(ip, None)
                self.observer.resolve(ip)
            self.assertEqual(self.room.holders(self.observer, guest.ip), {guest})
            self.observer.ping(text(guest.ip))


class Changes(Moves):
    """One port, whose guest changes."""

    def test_guest_that_changes_its_mac_keeps_its_address(self):
        for ip in (None, "192.168.122.40"):
            with self.subTest(leased=ip is None):
                guest = self.room.guest(mac(1 if ip else 2), ip=ip)
                guest.mac = mac(0x300 if ip else 0x301)
                guest.announce()
                self.assert_at(guest, guest.ip)

    def test_guest_that_gets_another_card_keeps_its_address(self):
        guest = self.room.guest(mac(1), ip="192.168.122.41")
        guest.close()
        again = self.room.guest(mac(2), "vhost", ip="192.168.122.41")
        self.assert_at(again, again.ip)

    def test_guest_that_changes_its_address_frees_the_old_one(self):
        one = self.room.guest(mac(1), ip="192.168.122.42")
        ip = one.ip
        one.use_address("192.168.122.43")
        two = self.room.guest(mac(2))
        for _ in range(3):
            two.use(ip)
            two.listen(0.3)
        self.assert_at(two, ip)
        self.assert_at(one, one.ip)

    def test_address_that_a_guest_released_goes_to_another(self):
        one = self.room.guest(mac(1))
        ip = one.ip
        one.dhcp_send(dhcp.Message(one.mac, dhcp.RELEASE, client=ip, options={dhcp.SERVER_ID: self.room.gateway}))
        one.ip = dhcp.NOWHERE
        two = self.room.connect(mac(2), "vde")
        two.lease(requested_address=ip)
        if two.ip == ip:
            two.announce()
            self.assert_at(two, ip)

    def test_duplicate_address_detection_passes(self):
        """RFC 4862 §5.4, RFC 5227 §2.1: questions about an address that is not used yet."""
        guest = self.room.guest(mac(1), "dgram")
        new, new6 = address("192.168.122.44"), address6("fe80::44")
        guest.send_arp(Arp.REQUEST, dhcp.NOWHERE, new)
        question = Neighbour(135, new6)
        packet = question.emit(bytes(16), address6("ff02::1:ff00:44"))
        guest.send(Ethernet(multicast_mac(packet.destination), guest.mac, ETHERTYPE_IPV6, packet.emit()).emit())
        for ip in (new, new6):
            guest.use(ip)
            self.assert_at(guest, ip)
        self.assert_nothing_refused(guest)

    def test_duplicate_address_detection_against_a_neighbour_is_answered(self):
        """A probe claims nothing: the holder's answer has to arrive."""
        one, two = self.room.guest(mac(1)), self.room.guest(mac(2))
        two.neighbours.pop(one.ip, None)
        two.send_arp(Arp.REQUEST, dhcp.NOWHERE, one.ip)
        two.wait_for(lambda _: two.neighbours.get(one.ip) == one.mac)
        self.assert_at(one, one.ip)
