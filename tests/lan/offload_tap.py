# SPDX-License-Identifier: GPL-2.0-or-later
"""
This machine's own kernel as a guest with a vhost-user card: a network namespace whose tap device leaves checksums and segmentation to
the card.  From Linux 6.17 on it leaves checksums inside of tunnels to it, too, which Linux's driver of virtio cards does only for cards
that segment tunnelled packets.
"""

import contextlib
import fcntl
import os
import select
import struct
import sys

from .tap import TapGuest, configure, open_tap
from .vhost import NetHeader, VhostClient

IFF_VNET_HDR, TUNSETOFFLOAD = 0x4000, 0x400454D0
TUN_F_CSUM, TUN_F_TSO4 = 1, 2
HEADER = struct.Struct("<BBHHHH")  # struct virtio_net_hdr


class OffloadTapGuest(TapGuest):
    """As TapGuest, on vhost.sock."""

    front = "lan.offload_tap"


def relay(tap, client):
    while True:
        ready, _, _ = select.select([tap, client], [], [])
        if tap in ready:
            data = os.read(tap, 1 << 17)
            client.send(data[HEADER.size :], NetHeader(*HEADER.unpack_from(data)))
        if client in ready:
            with contextlib.suppress(TimeoutError):
                while True:
                    os.write(tap, bytes(HEADER.size) + client.receive(0))


def main():
    vhost, mac, mtu, resolv_conf = sys.argv[1:]
    tap = open_tap("eth0", IFF_VNET_HDR)
    fcntl.ioctl(tap, TUNSETOFFLOAD, TUN_F_CSUM | TUN_F_TSO4)
    configure(mac, mtu, resolv_conf)
    client = VhostClient(vhost)
    print("connected", flush=True)
    with contextlib.suppress(EOFError):
        relay(tap, client)


if __name__ == "__main__":
    main()
