#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""What contrib/try shows: lanlet, two virtual machines on it, and what they reach.  Ends at the first thing that fails."""

import os
import re
import socket
import sys
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
from lan import servers, vm  # noqa: E402
from lan.process import Lanlet  # noqa: E402

GATEWAY = "192.168.122.1"
PING_GROUPS = "net.ipv4.ping_group_range"
SIZE = 20 << 20


def say(text):
    print(f"== {text}", flush=True)


def show(text):
    print(f"   {text}", flush=True)


def ping(guest, target, what):
    out = guest.check(f"ping -c 3 -i 0.2 {target}")
    show(f"{guest.name} pings {what} ({target}): {re.search(r'= ([0-9.]+)/([0-9.]+)', out)[2]} ms")


def own_address():
    """This machine's address towards the internet, or None without a route; sends no packet."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
        try:
            sock.connect(("192.0.2.1", 9))
        except OSError:
            return None
        return sock.getsockname()[0]


def router():
    """This machine's default router, or None."""
    for line in Path("/proc/net/route").read_text().splitlines()[1:]:
        _, destination, gateway, *_ = line.split()
        if destination == "00000000" and gateway != "00000000":
            return socket.inet_ntoa(bytes.fromhex(gateway)[::-1])
    return None


def may_ping():
    low, high = map(int, Path("/proc/sys/net/ipv4/ping_group_range").read_text().split())
    return any(low <= group <= high for group in {os.getegid(), *os.getgroups()})


def ping_outside(guest):
    if not may_ping():
        show("pings to the internet need one command by root:")
        show(f"    sysctl -w {PING_GROUPS}='0 2147483647'")
    elif target := router():
        ping(guest, target, "this machine's router")
    else:
        show("this machine has no router to ping")


def download(guest):
    """From a server of ours on this machine, at the gateway's address as on virbr0."""
    port = servers.serve(servers.TcpServer, servers.Http, own_address() or "127.0.0.1", 0)
    started = time.monotonic()
    out = guest.check(f"wget -q -O - http://{GATEWAY}:{port}/{SIZE} | sha256sum", 300)
    took = time.monotonic() - started
    if out.split()[0] != servers.blob_sha256(SIZE):
        raise AssertionError(f"the download came with other bytes: {out}")
    show(f"{guest.name} downloads {SIZE >> 20} MiB from a server on this machine: every byte right, {took:.1f} s on an emulated CPU")


def demo():
    # Without a route of its own, this machine has no public service, only loopback.
    options = [] if own_address() else ["--host-loopback"]
    with Lanlet(*options) as lanlet:
        say(f"lanlet runs, process {lanlet.process.pid}, as user {os.getuid()}")
        say("two virtual machines boot (a few seconds, QEMU without KVM)")
        with vm.Guest(lanlet.qemu_arguments("one"), "one") as one, vm.Guest(lanlet.qemu_arguments("two"), "two") as two:
            started = time.monotonic()
            for guest in (one, two):
                lease = guest.lease()
                show("{name} has the lease {ip}/{mask}, router {router}, DNS {dns}, {lease} s".format(name=guest.name, **lease))
            found = re.search(r"Name:\s+two.*\nAddress: (\S+)", one.check(f"nslookup -type=a two.lanlet.internal. {GATEWAY}"))
            show(f"one resolves two.lanlet.internal: {found[1]}")
            ping(one, GATEWAY, "the gateway")
            ping(one, "two", "the second guest")
            ping_outside(one)
            download(one)
            show(f"all of that {time.monotonic() - started:.0f} s after power-on")
    say("it works.  Your own network, in one terminal:")
    show("build/lanlet run")
    say("a machine of yours on it, in another:")
    show("qemu-system-x86_64 -m 1G -drive file=YOUR-DISK $(build/lanlet qemu --guest YOUR-NAME)")


if __name__ == "__main__":
    if reason := vm.why_no_vm():
        sys.exit(reason)
    try:
        demo()
    except AssertionError as error:
        sys.exit(f"that failed: {error}")
