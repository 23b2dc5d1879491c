# SPDX-License-Identifier: GPL-2.0-or-later
"""A small IPv4 host at the end of a link."""

import contextlib
import os
import struct
import time

from . import dhcp, dns
from .link import StreamClient
from .packet import (
    BROADCAST, ECHO_REPLY, ECHO_REQUEST, ETHERTYPE_ARP, ETHERTYPE_IPV4, ICMP, UDP,
    Arp, Ethernet, Icmp, Ipv4, Udp, address, text,
)

PATIENCE = 10.0  # seconds until an answer that must come counts as lost
MALFORMED = (ValueError, IndexError, struct.error)  # what packet's parsers raise: a host drops such frames


class Station:
    """A MAC address at the end of a link, until it is closed.  @link: one of link.py's, or the path of stream.sock."""

    def __init__(self, link, mac):
        self.link = link if hasattr(link, "receive") else StreamClient(link)
        self.mac = mac

    def close(self):
        self.link.close()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()


class Host(Station):
    """A host that answers ARP and echo requests, as any would, while it waits for something."""

    def __init__(self, link, mac, ip=None, gateway="192.168.122.1"):
        super().__init__(link, mac)
        self.ip = address(ip) if ip else dhcp.NOWHERE
        self.gateway = address(gateway)
        self.neighbours = {}
        self.prefix = 24

    def send_frame(self, destination, ethertype, payload):
        self.link.send(Ethernet(destination, self.mac, ethertype, payload).emit())

    def send_ip(self, ip):
        """To the neighbour that has it, or by way of the gateway."""
        near = int.from_bytes(ip.destination, "big") >> (32 - self.prefix) == int.from_bytes(self.ip, "big") >> (32 - self.prefix)
        self.send_frame(self.resolve(ip.destination if near else self.gateway), ETHERTYPE_IPV4, ip.emit())

    def wait_for(self, wanted, timeout=PATIENCE):
        """The first frame for which wanted(Ethernet) says something true; that something."""
        deadline = time.monotonic() + timeout
        while True:
            frame = Ethernet.parse(self.link.receive(max(0.0, deadline - time.monotonic())))
            with contextlib.suppress(*MALFORMED):
                self._answer(frame)
                if found := wanted(frame):
                    return found

    def listen(self, seconds):
        """Lives on for a while; the frames that came."""
        frames = []
        try:
            self.wait_for(frames.append, seconds)
        except TimeoutError:
            return frames

    def _answer(self, frame):
        if frame.ethertype == ETHERTYPE_ARP:
            arp = Arp.parse(frame.payload)
            self.neighbours[arp.sender] = arp.sender_mac
            if arp.operation == Arp.REQUEST and arp.target == self.ip != dhcp.NOWHERE:
                reply = Arp(Arp.REPLY, self.mac, self.ip, arp.sender_mac, arp.sender)
                self.send_frame(arp.sender_mac, ETHERTYPE_ARP, reply.emit())
        elif frame.ethertype == ETHERTYPE_IPV4 and frame.destination == self.mac:
            ip = Ipv4.parse(frame.payload)
            if ip.protocol == ICMP and ip.destination == self.ip and not ip.fragment & 0x3FFF:
                echo = Icmp.parse(ip)
                if echo.type == ECHO_REQUEST:
                    echo.type = ECHO_REPLY
                    self.send_frame(frame.source, ETHERTYPE_IPV4, echo.emit(self.ip, ip.source).emit())

    def arp_request(self, ip):
        return Arp(Arp.REQUEST, self.mac, self.ip, b"\0" * 6, ip).emit()

    def resolve(self, ip, timeout=PATIENCE):
        """Asks by ARP for the MAC of an IPv4 address."""
        if ip not in self.neighbours:
            self.send_frame(BROADCAST, ETHERTYPE_ARP, self.arp_request(ip))
            self.wait_for(lambda _: ip in self.neighbours, timeout)
        return self.neighbours[ip]

    @staticmethod
    def named(options):
        return {getattr(dhcp, name.upper()): value for name, value in options.items()}

    def dhcp_send(self, message):
        """Broadcasts a message; returns its xid."""
        message.xid = message.xid if any(message.xid) else os.urandom(4)
        ip = Udp(68, 67, message.emit()).emit(message.client, b"\xff" * 4)
        self.send_frame(BROADCAST, ETHERTYPE_IPV4, ip.emit())
        return message.xid

    def dhcp_wait(self, xid, timeout=PATIENCE):
        """Waits for the answer to the message with this xid."""

        def answer(frame):
            ip = self.ip_of(frame, UDP)
            udp = ip and Udp.parse(ip)
            if udp and (udp.source, udp.destination) == (67, 68):
                found = dhcp.Message.parse(udp.payload)
                return found if found.xid == xid else None

        return self.wait_for(answer, timeout)

    def dhcp(self, message, timeout=PATIENCE):
        """Broadcasts a message; returns the answer."""
        return self.dhcp_wait(self.dhcp_send(message), timeout)

    @staticmethod
    def ip_of(frame, protocol):
        ip = Ipv4.parse(frame.payload) if frame.ethertype == ETHERTYPE_IPV4 else None
        return ip if ip and ip.protocol == protocol else None

    def lease(self, **options):
        """DISCOVER, OFFER, REQUEST, ACK; the ACK.  Takes the address.  Options by their lower case names."""
        return self.lease_offered(self.discover(**options), **options)

    def discover(self, **options):
        """Sends a DISCOVER; returns its xid."""
        return self.dhcp_send(dhcp.Message(self.mac, dhcp.DISCOVER, options=self.named(options)))

    def lease_offered(self, xid, **options):
        """The rest of the exchange that discover() began."""
        offer = self.dhcp_wait(xid)
        chosen = {dhcp.REQUESTED_ADDRESS: offer.yours, dhcp.SERVER_ID: offer.options[dhcp.SERVER_ID]}
        ack = self.dhcp(dhcp.Message(self.mac, dhcp.REQUEST, options=self.named(options) | chosen))
        if ack.kind != dhcp.ACK:
            raise AssertionError(f"{ack} instead of an ACK")
        self.ip = ack.yours
        return ack

    def udp(self, destination, port, payload, source=40000, timeout=PATIENCE):
        """Sends a datagram; returns the payload of the answer."""
        self.send_ip(Udp(source, port, payload).emit(self.ip, address(destination)))

        def answer(frame):
            ip = self.ip_of(frame, UDP)
            if ip and ip.source == address(destination) and ip.destination == self.ip:
                udp = Udp.parse(ip)
                return udp if (udp.source, udp.destination) == (port, source) else None

        return self.wait_for(answer, timeout).payload

    def ping(self, destination, size=56, sequence=1, timeout=PATIENCE):
        """The reply's IPv4 value; AssertionError when it does not mirror the request."""
        data = os.urandom(size)
        rest = struct.pack(">HH", 0x1234, sequence)
        self.send_ip(Icmp(ECHO_REQUEST, 0, rest, data).emit(self.ip, address(destination)))

        def answer(frame):
            ip = self.ip_of(frame, ICMP)
            return ip if ip and ip.source == address(destination) and Icmp.parse(ip).type == ECHO_REPLY else None

        ip = self.wait_for(answer, timeout)
        reply = Icmp.parse(ip)
        assert (reply.rest, reply.payload) == (rest, data), "an echo reply with other bytes than the request's"
        return ip

    def dns(self, name, type_=dns.A, server=None, timeout=PATIENCE, **fields):
        """Sends a query over UDP; returns the answer."""
        question = dns.Message(int.from_bytes(os.urandom(2), "big"), name, type_, **fields)
        port = 30000 + question.id % 20000
        payload = self.udp(server or text(self.gateway), 53, question.emit(), port, timeout)
        answer = dns.Message.parse(payload)
        assert answer.id == question.id, "an answer to another question"
        return answer
