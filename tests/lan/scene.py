# SPDX-License-Identifier: GPL-2.0-or-later
"""A network in which one guest attacks another: what both sides have, and whether the attack worked."""

import socket

from .guests import TRANSPORTS, Room
from .link import Packets
from .packet import address, mac, text
from .packet6 import link_local
from .process import Lanlet
from .wait import wait_until

GATEWAY = "192.168.122.1"
REFUSED_AFTER = 5.0  # seconds: the guard asks the holder for half a second


class Observed(Room):
    """The guests of a network that ends with them, among them an observer."""

    def __init__(self, *options, **more):
        super().__init__(Lanlet(*options, **more))

    def __enter__(self):
        self.network.__enter__()
        try:
            super().__enter__()
            self.furnish()
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_):
        try:
            super().__exit__()
        finally:
            self.network.close()

    def furnish(self):
        self.observer = self.guest(mac(0x0B), ip="192.168.122.250")
        self.gateway_mac = self.observer.neighbours[self.gateway]
        self.use_ip6(self.observer)

    @staticmethod
    def use_ip6(*guests):
        """Gives them their link-local addresses."""
        for guest in guests:
            guest.ip6 = link_local(guest.mac)
            guest.use(guest.ip6)


class Scene(Observed):
    """
    A victim with a leased address, a name and an IPv6 address, an attacker on a transport, and an observer to whom both are neighbours.
    The victim is on another transport than the attacker.
    """

    def __init__(self, guard=True, transport="stream", options=()):
        self.guard = guard
        self.transports = transport, TRANSPORTS[(TRANSPORTS.index(transport) + 1) % len(TRANSPORTS)]
        super().__init__(*options, *(() if guard else ("--guard", "off")))

    def furnish(self):
        super().furnish()
        self.victim = self.connect(mac(0xB0B), self.transports[1])
        self.victim.lease_again("192.168.122.100", host_name=b"db")
        self.attacker = self.guest(mac(0xBAD), self.transports[0], ip="192.168.122.251")
        self.use_ip6(self.victim, self.attacker)
        self.observer.resolve6(self.victim.ip6, self.observer.ip6)
        self.meet(self.victim.ip)

    def meet(self, ip):
        """The observer knows the victim by this address, and nothing that tells so is on its way any more."""
        self.observer.resolve(ip)
        self.observer.ping(text(ip))

    def harm(self):
        """What of the victim's is not its own any more, as text; "" when nothing."""
        if (got := self.holders(self.observer, self.victim.ip)) != {self.victim}:
            return f"packets to its address come to {self.names(got)}"
        if (got := self.behind(self.observer, self.victim.mac)) != {self.victim}:
            return f"frames to its MAC come to {self.names(got)}"
        for ip in (self.victim.ip, self.victim.ip6):
            if self.observer.neighbours.get(ip) != self.victim.mac:
                return f"the observer has {self.observer.neighbours.get(ip)} as the MAC of {ip}"
        if self.resolves(self.observer, "db") != ".".join(map(str, self.victim.ip)):
            return f"its name is at {self.resolves(self.observer, 'db')}"
        self.victim.ping(GATEWAY)
        return ""

    def names(self, guests):
        known = {self.victim: "the victim", self.attacker: "the attacker", self.observer: "the observer"}
        return {known.get(guest, "another guest") for guest in guests} or "nobody"

    def wait_for_refusal(self, before):
        """Returns when lanlet has counted a drop more at the attacker's port than in @before, its drops()."""
        return wait_until(lambda: self.attacker.drops() != before, "a counted refusal at the attacker's port", REFUSED_AFTER)


class Pair(Observed):
    """A guest that serves, on a port with these properties (",dhcp-server"), and an observer; both know their addresses."""

    def __init__(self, *options, properties=""):
        self.ours, self.theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        super().__init__(*options, "--fd", f"{self.ours.fileno()},name=server{properties}", fds=[self.ours.fileno()])

    def furnish(self):
        self.ours.close()
        self.server = self.adopt(mac(0x5E), Packets(self.theirs), "server")
        self.observer = self.connect(mac(0x0B))
        for guest, ip in ((self.server, "192.168.122.251"), (self.observer, "192.168.122.250")):
            guest.ip = address(ip)
            guest.announce()
        self.use_ip6(self.server, self.observer)
