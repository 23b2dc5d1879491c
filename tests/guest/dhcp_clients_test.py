# SPDX-License-Identifier: GPL-2.0-or-later
"""DHCP clients that people use, each in a network namespace of its own: lease, renewal, restart, release."""

import re
import shutil
import signal
import subprocess
import time
import unittest
from pathlib import Path

from lan import tap, vm
from lan.client import Host
from lan.packet import mac
from lan.process import Lanlet
from lan.programs import find, need
from lan.wait import wait_until

GATEWAY = "192.168.122.1"
MAC = "52:54:00:00:00:01"
NETWORKD = Path("/lib/systemd/systemd-networkd")

# Called by dhclient; takes the address and writes down what it was told.
DHCLIENT_SCRIPT = """#!/bin/sh
case $reason in
BOUND | RENEW | REBIND | REBOOT)
	ip address replace "$new_ip_address/24" dev "$interface"
	ip route replace default via "$new_routers"
	;;
EXPIRE | FAIL | RELEASE | STOP) ip address flush dev "$interface" ;;
esac
echo "$reason $new_ip_address $new_routers $new_domain_name_servers $new_domain_name mtu=$new_interface_mtu" >>"${0%/*}/events"
"""

UDHCPC_SCRIPT = """#!/bin/sh
case $1 in
bound | renew) ip address replace "$ip/$mask" dev "$interface" && ip route replace default via "$router" ;;
deconfig) ip address flush dev "$interface" ;;
esac
echo "$1 $ip $router $dns $domain mtu=$mtu" >>"${0%/*}/events"
"""

NETWORKD_CONFIG = """[Match]
Name=eth0
[Network]
DHCP=ipv4
LinkLocalAddressing=no
IPv6AcceptRA=no
[DHCPv4]
UseMTU=yes
"""


# eth0 is a tap.  The profile is as of a wired card: DHCP by NetworkManager's own client.
NETWORK_MANAGER_CONFIG = """[main]
plugins=keyfile
dhcp=internal
auth-polkit=false
dns=none
rc-manager=unmanaged
[logging]
level=DEBUG
domains=DHCP4,DEVICE,CORE,IP
[connectivity]
enabled=false
[device-tap]
match-device=interface-name:eth0
managed=true
"""

NETWORK_MANAGER_PROFILE = """[connection]
id=eth0
uuid=7f6f1e0c-2f0a-4d0c-9a53-0d7a2b6f3c11
type=tun
interface-name=eth0
[tun]
mode=2
[ipv4]
method=auto
dhcp-hostname=manager
[ipv6]
method=disabled
"""

# NetworkManager asks for a system bus; nothing else is on this one.
BUS_CONFIG = """<busconfig>
<type>session</type>
<listen>unix:path={path}</listen>
<auth>EXTERNAL</auth>
<policy context="default">
<allow user="*"/><allow own="*"/><allow send_destination="*"/><allow send_type="method_call"/><allow eavesdrop="true"/>
</policy>
</busconfig>
"""

# One echo request; prints the type of the answer that belongs to it.
PING = """
import socket, struct, sys
with socket.socket(socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_ICMP) as s:
    s.settimeout(30)
    s.sendto(struct.pack(">BBHHH", 8, 0, 0xFFFF - (0x0800 + 0x1234 + 1), 0x1234, 1), (sys.argv[1], 0))
    while (answer := s.recv(1500)[20:])[4:] != struct.pack(">HH", 0x1234, 1) or answer[0] == 8:
        pass
    print(answer[0])
"""


setUpModule = tap.need_tap


class ClientTest(unittest.TestCase):
    root = True
    lease_time = "3600"
    options = ()

    def setUp(self):
        self.lanlet = self.enterContext(Lanlet("--lease-time", self.lease_time, *self.options))
        self.guest = self.enterContext(tap.TapGuest(self.lanlet.stream, MAC, root=self.root))
        self.directory = Path(self.guest.directory.name)

    def program(self, name):
        """A copy, because a profile of AppArmor may tie the installed one to the system's own files."""
        need(name)
        return shutil.copy(find(name), self.directory / name)

    def script(self, text):
        path = self.directory / "script"
        path.write_text(text)
        path.chmod(0o755)
        return path

    def events(self):
        path = self.directory / "events"
        return path.read_text() if path.exists() else ""

    def wait_for_event(self, pattern, timeout=20):
        return wait_until(
            lambda: re.search(pattern, self.events(), re.MULTILINE),
            lambda: f"{pattern!r} in:\n{self.events()}{self.lanlet.text()}", timeout)

    def lease(self):
        return self.lanlet.wait_for_lease(MAC)

    def assert_has_lease(self):
        self.assertIn(f"{self.lease()[1]}/24", self.guest.addresses())
        self.assert_reaches_gateway()

    def assert_reaches_gateway(self):
        self.assertEqual(self.guest.python(PING, GATEWAY).strip(), "0")


class Dhclient:
    def dhclient(self, *options):
        directory = self.directory
        config = directory / "dhclient.conf"
        config.write_text(
            "timeout 15;\nretry 5;\nbackoff-cutoff 2;\ninitial-interval 1;\n"
            'send host-name "isc";\n'
            "request subnet-mask, broadcast-address, routers, domain-name, domain-name-servers, host-name, interface-mtu;\n"
        )
        return self.guest.run(
            directory / "dhclient", "-4", "-v", "-cf", config, "-lf", directory / "leases", "-pf", directory / "pid",
            "-sf", self.script(DHCLIENT_SCRIPT), *options, "eth0")

    def setUp(self):
        super().setUp()
        self.program("dhclient")
        (self.directory / "leases").write_text("")


class DhclientTest(Dhclient, ClientTest):
    def test_lease(self):
        out = self.dhclient("-1").stdout
        self.assertRegex(out, "DHCPOFFER of .* from 192.168.122.1")
        self.wait_for_event(r"BOUND 192\.168\.122\.\d+ 192\.168\.122\.1 192\.168\.122\.1 lanlet\.internal mtu=65520$")
        self.assertEqual(self.lease()[2], "isc")
        self.assert_has_lease()

    def test_restart_gets_the_same_address_without_a_discover(self):
        self.dhclient("-1")
        before = self.lease()[1]
        self.dhclient("-x")
        out = self.dhclient("-1").stdout
        self.assertNotIn("DHCPDISCOVER", out)
        self.wait_for_event(f"REBOOT {before}")

    def test_restart_with_an_address_of_another_network_is_refused_and_heals(self):
        self.dhclient("-1")
        self.dhclient("-x")
        leases = self.directory / "leases"
        leases.write_text(leases.read_text().replace("192.168.122.", "10.9.8."))
        out = self.dhclient("-1").stdout
        self.assertIn("DHCPNAK", out)
        self.wait_for_event(r"BOUND 192\.168\.122\.", 30)

    def test_release_ends_the_lease(self):
        self.dhclient("-1")
        before = self.lease()[1]
        # The script flushes the address while the kernel may still ask by ARP where to send the release: have it know.
        self.assert_has_lease()
        self.dhclient("-r")
        self.lanlet.wait_for_no_lease(MAC)
        self.dhclient("-1")
        self.assertEqual(self.lease()[1], before)


class DhclientRenewalTest(Dhclient, ClientTest):
    lease_time = "20"

    def test_lease_is_renewed_at_half_its_time(self):
        self.dhclient("-1")
        expiry, ip, *_ = self.lease()
        self.wait_for_event(f"^RENEW {ip}", 25)
        self.assertGreater(self.lease()[0], expiry)

    def test_lease_is_renewed_after_kill_9_of_lanlet(self):
        self.dhclient("-1")
        ip = self.lease()[1]
        self.lanlet.kill()
        self.lanlet.start()
        self.wait_for_event(f"^RENEW {ip}", 25)
        self.assert_reaches_gateway()


class UdhcpcTest(ClientTest):
    def test_lease_renewal_and_release(self):
        script = self.script(UDHCPC_SCRIPT)
        command = [vm.busybox(), "udhcpc", "-f", "-i", "eth0", "-s", script, "-x", "hostname:udhcpc", "-O", "mtu", "-R"]
        with self.guest.start(*command) as client:
            self.wait_for_event(r"^bound 192\.168\.122\.\d+ 192\.168\.122\.1 192\.168\.122\.1 lanlet\.internal mtu=65520$")
            self.assert_has_lease()
            self.assertEqual(self.lease()[2], "udhcpc")
            client.send_signal(signal.SIGUSR1)
            self.wait_for_event(r"^renew 192\.168\.122\.")
            client.send_signal(signal.SIGUSR2)
            self.lanlet.wait_for_no_lease(MAC)


class NestedTest(ClientTest):
    def test_machine_behind_a_bridge_in_the_guest_is_not_told_the_mtu_of_the_guests_card(self):
        """As a container or a nested machine: what the bridge carries is not known."""
        self.guest.check(
            "sh", "-c",
            f"ip link add br0 address {MAC} type bridge && ip link set eth0 master br0 && ip link set br0 up &&"
            "ip link add inner address 52:54:00:00:00:02 type veth peer name outer &&"
            "ip link set outer master br0 up && ip link set inner up")
        script = self.script(UDHCPC_SCRIPT)
        for interface, mtu in ("br0", 65520), ("inner", ""), ("br0", 65520):
            self.guest.check(vm.busybox(), "udhcpc", "-q", "-i", interface, "-s", script, "-O", "mtu")
            self.wait_for_event(rf"^bound .* mtu={mtu}$")
            self.directory.joinpath("events").unlink()


class UnguardedUdhcpcTest(ClientTest):
    options = ("--guard", "off")  # with the guard, nobody but the client has the address that it was leased

    def test_address_in_use_is_declined_and_another_one_taken(self):
        """udhcpc -a asks by ARP; a host that lanlet does not know answers for the offered address."""
        script = self.script(UDHCPC_SCRIPT)
        command = [vm.busybox(), "udhcpc", "-q", "-A", "1", "-i", "eth0", "-s", script]
        self.guest.check(*command)
        first = self.lease()[1]
        with Host(self.lanlet.stream, mac(99), first) as squatter:
            with self.guest.start(*command, "-a") as client:
                deadline = time.monotonic() + 30
                while client.is_running() and time.monotonic() < deadline:
                    squatter.listen(0.1)
        self.assertNotIn(f"{first}/24", self.guest.addresses())
        self.assertIn(f"{self.lease()[1]}/24", self.guest.addresses())


class DhcpcdTest(ClientTest):
    def test_lease_and_release(self):
        dhcpcd = self.program("dhcpcd")
        # Directories of its own below a /run and a /var/lib of this namespace; and no user dhcpcd, because a namespace with one id
        # cannot change to it.
        self.guest.check(
            "sh", "-c",
            f"grep -v dhcpcd /etc/passwd >{self.directory}/passwd; mount --bind {self.directory}/passwd /etc/passwd;"
            "mount -t tmpfs run /run && mount -t tmpfs lib /var/lib && mkdir -p /run/dhcpcd /var/lib/dhcpcd;"
            f"echo option interface_mtu >{self.directory}/dhcpcd.conf")  # as Debian's
        config = self.directory / "dhcpcd.conf"
        out = self.guest.check(dhcpcd, "-4", "-d", "-1", "-B", "-t", "20", "-f", config, "-c", "/bin/true", "-h", "dhcpcd", "eth0")
        self.assertRegex(out, r"leased 192\.168\.122\.\d+ for 3600 seconds")
        self.assert_has_lease()
        # It would put the MTU on the routes without asking the card, which may take no more than 1500.
        self.assertNotIn("mtu", self.guest.check("ip", "route"))


class NetworkdTest(ClientTest):
    root = False  # as root it would change to a user that a namespace with one id does not have

    def test_lease(self):
        if not NETWORKD.exists():
            self.skipTest("not installed: systemd-networkd (contrib/test installs it)")
        self.guest.check(
            "sh", "-c",
            "mount -t tmpfs run /run && cd /run && mkdir -p systemd/network systemd/netif/links systemd/netif/leases systemd/netif/lldp"
            f" && echo container >/run/systemd/container && printf %s '{NETWORKD_CONFIG}' >/run/systemd/network/10-eth0.network"
            " && mount -t sysfs -o ro sysfs /sys")
        path = self.directory / "networkd.log"
        with open(path, "wb") as log, self.guest.start(
                "env", "SYSTEMD_LOG_LEVEL=debug", "SYSTEMD_LOG_TARGET=console", NETWORKD, stdout=log, stderr=log):
            wait_until(self.guest.addresses, lambda: f"an address: {path.read_text()[-5000:]}")
            self.assert_has_lease()
            self.assertRegex(self.lease()[3], "^ff:")  # a DUID-based client id
            self.assertIn("mtu 65520", self.guest.check("ip", "link", "show", "eth0"))


def network_manager():
    """How to start NetworkManager: that of this machine, or what contrib/common.sh's fetch_network_manager unpacked, with its libraries."""
    unpacked = vm.parts() / "network-manager" / "usr"
    installed = find("NetworkManager")
    command = [installed] if installed else [
        "env", "LD_LIBRARY_PATH=" + ":".join(map(str, unpacked.glob("lib/*-linux-*"))), unpacked / "sbin/NetworkManager"]
    if not installed and not command[-1].exists():
        raise unittest.SkipTest("not there: NetworkManager (contrib/test unpacks it)")
    if (done := subprocess.run([*command, "--version"], capture_output=True, text=True)).returncode:
        raise unittest.SkipTest(f"NetworkManager does not run here: {done.stderr}")
    return command


class NetworkManagerTest(ClientTest):
    """Its internal client, as desktops use it.  It runs without its service, with a bus and a /run of its own."""

    def write(self, name, text):
        path = self.directory / name
        path.write_text(text)
        path.chmod(0o600)
        return path

    def start_bus(self):
        path = self.directory / "bus"
        config = self.write("bus.conf", BUS_CONFIG.format(path=path))
        with open(self.directory / "bus.log", "wb") as log:
            self.enterContext(self.guest.start(
                "dbus-daemon", f"--config-file={config}", "--nofork", "--nopidfile", stdout=log, stderr=log))
        wait_until(path.exists, "the socket of the bus")
        return path

    def start_network_manager(self):
        command = network_manager()
        need("dbus-daemon")
        config, profile = self.write("nm.conf", NETWORK_MANAGER_CONFIG), self.write("eth0.nmconnection", NETWORK_MANAGER_PROFILE)
        self.guest.check(
            "sh", "-c",
            "mount -t tmpfs run /run && mount -t tmpfs lib /var/lib && mount -t sysfs -o ro sysfs /sys && cd /run &&"
            f"mkdir -p NetworkManager/system-connections /var/lib/NetworkManager && cp -p {profile} NetworkManager/system-connections/")
        bus = self.start_bus()
        self.log = self.directory / "nm.log"
        with open(self.log, "wb") as log:
            self.enterContext(self.guest.start(
                "env", f"DBUS_SYSTEM_BUS_ADDRESS=unix:path={bus}", *command, "--debug", f"--config={config}",
                "--config-dir=/nonexistent", "--system-config-dir=/nonexistent", f"--intern-config={self.directory}/intern.conf",
                f"--state-file={self.directory}/state", f"--pid-file={self.directory}/pid", stdout=log, stderr=log))

    def test_lease_name_and_mtu(self):
        self.start_network_manager()
        wait_until(self.guest.addresses, lambda: f"an address: {self.log.read_text()[-8000:]}")
        self.assert_has_lease()
        self.assertEqual(self.lease()[2:4], ("manager", f"01:{MAC}"))
        self.assertIn("mtu 65520", self.guest.check("ip", "link", "show", "eth0"))
        self.assertIn("default via 192.168.122.1", self.guest.check("ip", "route"))
