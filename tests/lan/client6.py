# SPDX-License-Identifier: GPL-2.0-or-later
"""A small IPv6 host at the end of a link, which does what a test says and no more."""

import contextlib
import os
import struct
import time

from . import dhcp6
from .client import Station
from .packet import UDP, Ethernet, checksum
from .packet6 import ETHERTYPE_IPV6, SOLICITATION, Icmp6, Ipv6, Neighbour, address6, link_local, multicast_mac
from .wait import PATIENCE

AGENTS = address6("ff02::1:2")
GATEWAY = address6("fe80::1")
MALFORMED = (ValueError, IndexError, struct.error, KeyError)


def udp6(source, destination, ports, payload, hops=64):
    length = 8 + len(payload)
    head = struct.pack(">HHHH", *ports, length, 0)
    total = checksum(source + destination + struct.pack(">II", length, UDP) + head + payload) or 0xFFFF
    return Ipv6(source, destination, UDP, head[:6] + struct.pack(">H", total) + payload, hops)


class Host6(Station):
    """A host with a link-local address.  It answers neighbour solicitations for its addresses while it waits."""

    def __init__(self, link, mac):
        super().__init__(link, mac)
        self.ip = link_local(mac)
        self.addresses = {self.ip}
        self.gateway_mac = None

    def send(self, ip, to=None):
        """Sends an Ipv6 value to a MAC: of the group, or the gateway's."""
        if not to:
            to = multicast_mac(ip.destination) if ip.destination[0] == 0xFF else self.gateway()
        self.link.send(Ethernet(to, self.mac, ETHERTYPE_IPV6, ip.emit()).emit())

    def wait_for(self, wanted, timeout=PATIENCE):
        """The first IPv6 packet for which wanted(Ipv6, Ethernet) says something true; that something."""
        deadline = time.monotonic() + timeout
        while True:
            frame = Ethernet.parse(self.link.receive(max(0.0, deadline - time.monotonic())))
            if frame.ethertype != ETHERTYPE_IPV6:
                continue
            with contextlib.suppress(*MALFORMED):
                ip = Ipv6.parse(frame.payload)
                self._answer(ip, frame)
                if found := wanted(ip, frame):
                    return found

    def _answer(self, ip, frame):
        if ip.next_header != 58 or ip.payload[0] != SOLICITATION:
            return
        asked = Neighbour.parse(Icmp6.parse(ip))
        if asked.target in self.addresses and any(ip.source):
            flags = Neighbour.SOLICITED | Neighbour.OVERRIDE
            self.send(Neighbour(136, asked.target, self.mac, flags).emit(asked.target, ip.source), frame.source)

    def icmp(self, kind, timeout=PATIENCE):
        """The next ICMPv6 message of a type, as Icmp6, and its packet."""
        return self.wait_for(lambda ip, _: (Icmp6.parse(ip), ip) if ip.next_header == 58 and ip.payload[0] == kind else None, timeout)

    def gateway(self):
        if not self.gateway_mac:
            solicitation = Neighbour(SOLICITATION, GATEWAY, self.mac)
            group = address6("ff02::1:ff00:1")
            self.send(solicitation.emit(self.ip, group))
            self.gateway_mac = self.wait_for(lambda ip, f: f.source if ip.source == GATEWAY and ip.payload[0] == 136 else None)
        return self.gateway_mac

    def dhcp_send(self, kind, *options, to=AGENTS, duid=None):
        """Sends a message with the client's DUID (b"": without) and @options; its transaction id."""
        xid = os.urandom(3)
        identity = dhcp6.duid_of(self.mac) if duid is None else duid
        message = bytes([kind]) + xid + (dhcp6.option(dhcp6.CLIENT_ID, identity) if identity else b"") + b"".join(options)
        self.send(udp6(self.ip, to, (546, 547), message))
        return xid

    def dhcp_wait(self, xid, timeout=PATIENCE):
        def answer(ip, _):
            if ip.next_header != UDP or ip.payload[2:4] != b"\x02\x22":
                return None
            found = dhcp6.Message.parse(ip.payload[8:])
            return found if found.xid == xid else None

        return self.wait_for(answer, timeout)

    def dhcp(self, kind, *options, **more):
        return self.dhcp_wait(self.dhcp_send(kind, *options, **more))

    def lease(self, iaid=1, *options, **more):
        """SOLICIT to REPLY; takes the address.  The REPLY."""
        offer = self.dhcp(dhcp6.SOLICIT, dhcp6.association(iaid), *options, **more)
        server = dhcp6.option(dhcp6.SERVER_ID, offer.options[dhcp6.SERVER_ID])
        reply = self.dhcp(dhcp6.REQUEST, server, dhcp6.association(iaid, offer.address), *options, **more)
        self.addresses.add(reply.address)
        return reply
