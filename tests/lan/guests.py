# SPDX-License-Identifier: GPL-2.0-or-later
"""
Hand-made guests of one network, on any transport, which send what a test wants and live on meanwhile: a thread answers ARP, neighbour
solicitations and echo requests for each of them, as a guest's kernel does, and keeps what comes for the test.
"""

import contextlib
import os
import select
import threading
import time
from collections import deque

from . import link
from .client import MALFORMED, Host
from .dhcp import ACK, NOWHERE, REQUEST, Message
from .packet import (
    BROADCAST, ECHO_REPLY, ECHO_REQUEST, ETHERTYPE_ARP, ETHERTYPE_IPV4, ICMP, UDP, Arp, Ethernet, Icmp, Ipv4, Udp, address, text,
)
from .packet6 import (
    ADVERTISEMENT, ECHO6_REPLY, ECHO6_REQUEST, ETHERTYPE_IPV6, SOLICITATION, UNSPECIFIED, Icmp6, Ipv6, Neighbour, multicast_mac,
    solicited_node,
)
from .vhost import VhostClient
from .wait import PATIENCE, wait_until

TRANSPORTS = ("stream", "seqpacket", "dgram", "vhost", "vde")
EXPERIMENTAL = 0x88B5  # IEEE 802's ethertype for private use


def attach(network, transport, own):
    """A guest's end of one of the network's sockets.  @own: a path for a socket of the guest's."""
    match transport:
        case "stream":
            return link.StreamClient(network.stream)
        case "seqpacket":
            return link.seqpacket(network.seqpacket)
        case "dgram":
            return link.dgram(network.dgram, own)
        case "vhost":
            return VhostClient(network.vhost)
        case "vde":
            return link.VdeClient(network.vde, own)
    raise ValueError(transport)


class Guest(Host):
    """
    A guest of a Room.  Besides its own address it may have others, of both families, each with a MAC: .addresses.  Frames
    that the test does not wait for stay in .inbox.
    """

    port = None  # its id in the API
    answers = True  # False: it receives, and sends nothing by itself

    def __init__(self, room, end, mac):
        super().__init__(end, mac)
        self.room = room
        self.gateway = room.gateway
        self.addresses = {}
        self.inbox = deque()
        self.is_open = True
        self.sending = threading.Lock()

    def fileno(self):
        return self.link.fileno()

    # --- sending ---

    def send(self, frame, *more):
        """A whole frame; @more as the link takes it."""
        with self.sending:
            self.link.send(frame, *more)

    def send_frame(self, destination, ethertype, payload, source=None):
        self.send(Ethernet(destination, source or self.mac, ethertype, payload).emit())

    def send_arp(self, operation, sender, target, destination=BROADCAST, sender_mac=None, target_mac=bytes(6), source=None):
        arp = Arp(operation, sender_mac or self.mac, sender, target_mac, target)
        self.send_frame(destination, ETHERTYPE_ARP, arp.emit(), source)

    def announce(self, ip=None, mac=None):
        """Gratuitous ARP, or an unsolicited neighbour advertisement."""
        ip, mac = ip or self.ip, mac or self.mac
        if len(ip) == 4:
            self.send_arp(Arp.REQUEST, ip, ip, sender_mac=mac, source=mac)
        else:
            all_nodes = b"\xff\x02" + bytes(13) + b"\1"
            self.send_neighbour(Neighbour(ADVERTISEMENT, ip, mac, Neighbour.OVERRIDE), ip, all_nodes, source=mac)

    def send_neighbour(self, message, source_ip, destination_ip, destination=None, source=None):
        destination = destination or multicast_mac(destination_ip)
        self.send_frame(destination, ETHERTYPE_IPV6, message.emit(source_ip, destination_ip).emit(), source)

    def send_datagram(self, source, ip, payload, destination, ports=(40000, 9), mac=None):
        """A UDP datagram from any address, to a neighbour's MAC or the gateway's."""
        self.send_frame(destination, ETHERTYPE_IPV4, Udp(*ports, payload).emit(source, ip).emit(), mac)

    # --- addresses ---

    def use(self, ip, mac=None):
        """Has another address from now on, and says so."""
        self.addresses[ip] = mac or self.mac
        self.announce(ip, self.addresses[ip])

    def use_address(self, text_of_it):
        """Has this address without DHCP; returns when the gateway knows it."""
        self.ip = address(text_of_it)
        self.neighbours.pop(self.gateway, None)
        self.announce()
        self.resolve(self.gateway)

    def lease_again(self, ip, **options):
        """A lease of that free address at once, as of a client that starts again (RFC 2131 §4.3.2, INIT-REBOOT)."""
        options = self.named(options | {"requested_address": address(ip)})
        ack = self.dhcp(Message(self.mac, REQUEST, options=options))
        if ack.kind != ACK:
            raise AssertionError(f"{ack} instead of an ACK")
        self.ip = ack.yours
        self.resolve(self.gateway)

    def mac_of(self, ip):
        """With which MAC it answers for @ip; None."""
        return self.mac if ip == self.ip != NOWHERE else self.addresses.get(ip)

    # --- receiving ---

    def wait_for(self, wanted, timeout=PATIENCE):
        deadline = time.monotonic() + timeout
        while True:
            with self.room.news:
                while not self.inbox:
                    if not self.is_open:
                        raise EOFError("closed")
                    if not self.room.news.wait(max(0.0, deadline - time.monotonic())) and time.monotonic() >= deadline:
                        raise TimeoutError("no frame")
                frame = self.inbox.popleft()
            with contextlib.suppress(*MALFORMED):
                if found := wanted(frame):
                    return found

    def has(self, wanted):
        """Whether a frame that nobody waited for is as wanted.  Takes none."""
        with self.room.news:
            frames = list(self.inbox)
        for frame in frames:
            with contextlib.suppress(*MALFORMED):
                if wanted(frame):
                    return True
        return False

    def receive(self):
        """In the room's thread: what has come."""
        try:
            while True:
                data = self.link.receive(0)
                if not data:
                    raise EOFError
                frame = Ethernet.parse(data)
                with contextlib.suppress(*MALFORMED):
                    self._answer(frame)
                with self.room.news:
                    self.inbox.append(frame)
                    self.room.news.notify_all()
        except TimeoutError:
            pass
        except (EOFError, OSError):
            with self.room.news:
                self.is_open = False
                self.room.news.notify_all()

    def _answer(self, frame):
        if frame.ethertype == ETHERTYPE_ARP:
            arp = Arp.parse(frame.payload)
            self.neighbours[arp.sender] = arp.sender_mac
            if self.answers and arp.operation == Arp.REQUEST and (mac := self.mac_of(arp.target)) and arp.sender != arp.target:
                self.send_arp(Arp.REPLY, arp.target, arp.sender, arp.sender_mac, mac, arp.sender_mac, source=mac)
        elif self.answers and frame.ethertype == ETHERTYPE_IPV4:
            ip = Ipv4.parse(frame.payload)
            if ip.protocol == ICMP and frame.destination == self.mac_of(ip.destination) and not ip.fragment & 0x3FFF:
                echo = Icmp.parse(ip)
                if echo.type == ECHO_REQUEST:
                    echo.type = ECHO_REPLY
                    reply = echo.emit(ip.destination, ip.source).emit()
                    self.send_frame(frame.source, ETHERTYPE_IPV4, reply, frame.destination)
        elif frame.ethertype == ETHERTYPE_IPV6:
            self._answer6(frame)

    def _answer6(self, frame):
        ip = Ipv6.parse(frame.payload)
        icmp = Icmp6.parse(ip)
        if icmp.type in (SOLICITATION, ADVERTISEMENT):
            asked = Neighbour.parse(icmp)
            if asked.mac:
                self.neighbours[ip.source if icmp.type == SOLICITATION else asked.target] = asked.mac
            mac = self.mac_of(asked.target)
            if self.answers and icmp.type == SOLICITATION and mac and ip.source != UNSPECIFIED:
                reply = Neighbour(ADVERTISEMENT, asked.target, mac, Neighbour.SOLICITED | Neighbour.OVERRIDE)
                self.send_neighbour(reply, asked.target, ip.source, frame.source, mac)
        elif self.answers and icmp.type == ECHO6_REQUEST and frame.destination == self.mac_of(ip.destination):
            reply = Icmp6(ECHO6_REPLY, 0, icmp.body).emit(ip.destination, ip.source).emit()
            self.send_frame(frame.source, ETHERTYPE_IPV6, reply, frame.destination)

    def resolve6(self, ip, source, timeout=PATIENCE):
        """Asks by a neighbour solicitation for the MAC of an IPv6 address."""
        self.neighbours.pop(ip, None)
        self.send_neighbour(Neighbour(SOLICITATION, ip, self.mac), source, solicited_node(ip))
        self.wait_for(lambda _: ip in self.neighbours, timeout)
        return self.neighbours[ip]

    # --- what lanlet has counted ---

    def drops(self):
        """Reason → number of the frames that lanlet dropped of this guest's port."""
        return next((port["drops"] for port in self.room.ports() if port["id"] == self.port), {})

    def close(self):
        """Disconnects."""
        self.room.forget(self)
        super().close()


class Room:
    """The guests of a network.  Use as a context."""

    def __init__(self, network, gateway="192.168.122.1"):
        self.network = network
        self.gateway = address(gateway)
        self.guests = []
        self.count = 0
        self.news = threading.Condition()
        self.wake = os.eventfd(0, os.EFD_NONBLOCK)
        self.ended = False
        self.thread = threading.Thread(target=self.live, name="guests", daemon=True)

    def __enter__(self):
        self.thread.start()
        return self

    def __exit__(self, *_):
        self.ended = True
        os.eventfd_write(self.wake, 1)
        self.thread.join(PATIENCE)
        for guest in list(self.guests):
            guest.link.close()
        os.close(self.wake)

    def live(self):
        while not self.ended:
            with self.news:
                guests = [guest for guest in self.guests if guest.is_open]
            ready = select.select([self.wake, *guests], [], [], PATIENCE)[0]
            if self.wake in ready:
                os.eventfd_read(self.wake)
            for guest in guests:
                with self.news:
                    is_here = guest in self.guests
                if guest in ready and is_here:
                    guest.receive()
            with self.news:
                self.news.notify_all()  # forget() waits for a round without the guest

    def forget(self, guest):
        """Returns when the thread uses the guest's link no more."""
        with self.news:
            if guest not in self.guests:
                return
            self.guests.remove(guest)
            guest.is_open = False
        os.eventfd_write(self.wake, 1)
        with self.news:
            self.news.wait(PATIENCE)

    def ports(self):
        return self.network.api.get("/v1/ports")["ports"]

    def connect(self, mac, transport="stream", silent=False):
        """A guest that has no address yet.  @silent: it sends nothing either, not even answers; then it cannot be on dgram."""
        self.count += 1
        before = {port["id"] for port in self.ports()}
        guest = Guest(self, attach(self.network, transport, self.network.directory / f"own{self.count}"), mac)
        guest.answers = not silent
        if not silent:
            guest.send_frame(BROADCAST, EXPERIMENTAL, b"here I am".ljust(46, b"\0"))  # a datagram makes the port
        guest.port = wait_until(lambda: next((port["id"] for port in self.ports() if port["id"] not in before), None), "the port")
        return self.add(guest)

    def adopt(self, mac, end, name):
        """A guest without an address at the port with this name; @end: its end of the link."""
        guest = Guest(self, end, mac)
        guest.port = next(port["id"] for port in self.ports() if port["name"] == name)
        return self.add(guest)

    def add(self, guest):
        with self.news:
            self.guests.append(guest)
        os.eventfd_write(self.wake, 1)
        return guest

    def guest(self, mac, transport="stream", ip=None, **options):
        """A guest with an address: @ip, or a lease, to whose messages @options are added."""
        guest = self.connect(mac, transport)
        if ip:
            guest.use_address(ip)
        else:
            guest.lease(**options)
            guest.resolve(guest.gateway)
        return guest

    def receivers(self, sender, send, timeout=PATIENCE):
        """
        Which guests get a frame: send(marker) sends one with these bytes from guest @sender, which has an address.  Empty when
        it comes to nobody in @timeout seconds.
        """
        marker = os.urandom(16)

        def found():
            return {guest for guest in self.guests if guest.has(lambda frame: marker in frame.payload)}

        send(marker)
        with contextlib.suppress(AssertionError):
            wait_until(found, "the frame", timeout)
        sender.ping(text(self.gateway))  # what lanlet sent in the same turn as the frame has come when this is answered
        return found()

    def holders(self, observer, ip):
        """Which guests get what the gateway sends to an address."""
        gateway = observer.resolve(self.gateway)
        return self.receivers(observer, lambda marker: observer.send_datagram(observer.ip, ip, marker, gateway))

    def behind(self, observer, mac):
        """Which guests get frames to a MAC."""
        return self.receivers(observer, lambda marker: observer.send_frame(mac, EXPERIMENTAL, marker.ljust(46, b"\0")))

    def resolves(self, observer, name):
        """The address that DNS gives for a guest's name, as text; None."""
        answers = observer.dns(name).answers
        return text(answers[0].data) if answers else None


def is_from(guest):
    """For Guest.has(): IPv4 from an address of the guest's."""
    return lambda frame: frame.ethertype == ETHERTYPE_IPV4 and Ipv4.parse(frame.payload).source == guest.ip


def udp_in(frame):
    """The datagram in a frame; None."""
    with contextlib.suppress(*MALFORMED):
        ip = Ipv4.parse(frame.payload) if frame.ethertype == ETHERTYPE_IPV4 else None
        return Udp.parse(ip) if ip and ip.protocol == UDP else None
    return None
