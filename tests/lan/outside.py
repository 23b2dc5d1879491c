# SPDX-License-Identifier: GPL-2.0-or-later
"""Outside: a second network namespace, one cable away from the one in which lanlet and the tests run.

    lanlet (UPLINK) ── veth ── (ROUTER, FAR) servers.serve_everything()
"""

import os
import signal
import subprocess
import sys
from pathlib import Path

from . import servers
from .programs import Program, Session, check as run
from .wait import PATIENCE

UPLINK = "198.51.100.2"  # this side
ROUTER = "198.51.100.1"  # the other side, also a name server
FAR = "203.0.113.5"  # an address behind it
# Addresses of IPv6 that are none of documentation, which lanlet takes for martians; nothing leaves these namespaces.
UPLINK6 = "2a00:1450:4001:2::2"
ROUTER6 = "2a00:1450:4001:2::1"
FAR6 = "2a00:1450:4001:5::5"
METADATA = ("169.254.169.254", "100.100.100.200", "168.63.129.16", "192.0.0.192")  # addresses behind it, as in clouds
LINK_LOCAL = "169.254.7.7"  # likewise
DNS_PORT = 5353  # of name servers at LINK_LOCAL and the first of METADATA

PING_GROUPS = Path("/proc/sys/net/ipv4/ping_group_range")  # of this namespace; empty in a new one
ICMP_RATEMASK = Path("/proc/sys/net/ipv4/icmp_ratemask")  # which ICMP errors the kernel sends a few of only


class Outside(Session):
    """The other namespace and the cable, as long as the object lives."""

    def __init__(self, uplink=UPLINK, router=ROUTER, may_ping=True, ipv6=False):
        self.ipv6 = ipv6
        self.uplink = uplink
        self.router = router
        self.may_ping = may_ping

    def launch(self):
        return Program(
            ["unshare", "-n", sys.executable, "-m", "lan.outside", self.router, *(["ipv6"] if self.ipv6 else [])], text=True,
            cwd=Path(__file__).parents[1], stdin=subprocess.PIPE, stdout=subprocess.PIPE)

    def connect(self):
        self.process.expect("unshared")
        run("ip", "link", "add", "uplink", "type", "veth", "peer", "name", "outer", "netns", str(self.process.pid))
        run("ip", "address", "add", f"{self.uplink}/24", "dev", "uplink")
        run("ip", "link", "set", "uplink", "up")
        run("ip", "route", "add", "default", "via", self.router)
        if self.ipv6:
            run("ip", "address", "add", f"{UPLINK6}/64", "dev", "uplink", "nodad")
            run("ip", "-6", "route", "add", "default", "via", ROUTER6)
        ICMP_RATEMASK.write_text("0")
        if self.may_ping:
            PING_GROUPS.write_text(f"{os.getgid()} {os.getgid()}")
        self.process.stdin.write("connected\n")
        self.process.stdin.flush()
        self.process.expect("serving")

    def __exit__(self, *_):
        super().__exit__()
        subprocess.run(["ip", "link", "delete", "uplink"], capture_output=True, timeout=PATIENCE)  # gone, perhaps, with its peer


def main():
    print("unshared", flush=True)
    sys.stdin.readline()
    ICMP_RATEMASK.write_text("0")
    run("ip", "link", "set", "lo", "up")
    for address in (FAR, *METADATA, LINK_LOCAL):
        run("ip", "address", "add", f"{address}/32", "dev", "lo")
    run("ip", "address", "add", f"{sys.argv[1]}/24", "dev", "outer")
    run("ip", "link", "set", "outer", "up")
    if sys.argv[2:] == ["ipv6"]:
        run("ip", "address", "add", f"{FAR6}/128", "dev", "lo", "nodad")
        run("ip", "address", "add", f"{ROUTER6}/64", "dev", "outer", "nodad")
        servers.serve_everything6(FAR6)
    servers.serve_everything("0.0.0.0")
    for address in (METADATA[0], LINK_LOCAL):
        servers.serve_dns(address, DNS_PORT)
    print("serving", flush=True)
    signal.pause()


if __name__ == "__main__":
    main()
