# SPDX-License-Identifier: GPL-2.0-or-later
"""libvirt's description of a network: what lanlet import makes of it, and lanlet run --libvirt-network."""

import re

from lan import runner
from lan.case import TestCase

SUBNET = '<ip address="192.168.5.1" netmask="255.255.255.0"/>'


class LibvirtNetwork(TestCase):
    def imported(self, inside, warnings=()):
        """The lines that lanlet import prints for a network with the elements @inside; its warnings are @warnings."""
        done = self.lanlet("import", self.write("net.xml", "<network>\n<name>lab</name>\n%s\n</network>\n" % inside))
        self.assertEqual(done.returncode, 0, done.stderr)
        pattern = r"lanlet: warning: %s:\d+: (.*)\n" % re.escape(self.path("net.xml"))
        self.assertEqual(tuple(re.findall(pattern, done.stderr)), tuple(warnings))
        self.assertEqual(re.sub(pattern, "", done.stderr), "")
        lines = done.stdout.splitlines()
        self.assertEqual(lines[0], "[network]")
        return lines[1:]

    def nat(self, inside, warnings=()):
        """The lines for a network with NAT, without those that NAT itself makes."""
        lines = self.imported("<forward/>" + inside, warnings)
        return [line for line in lines if not re.match(r"(subnet|gateway|no-dhcp) =", line)]

    def refused(self, inside, message):
        path = self.write("net.xml", "<network>\n%s\n</network>\n" % inside)
        self.assert_fails(2, "%s:%s" % (path, message), "import", path)

    # --- addresses ---

    def test_address_and_mask_are_the_subnet_and_the_gateway(self):
        for mask in ('netmask="255.255.0.0"', 'prefix="16"'):
            self.assertEqual(self.imported('<forward mode="nat"/><ip address="10.7.0.1" %s><dhcp/></ip>' % mask),
                             ["subnet = 10.7.0.0/16", "gateway = 10.7.0.1"])

    def test_without_a_mask_the_class_of_the_address_counts(self):
        for address, subnet in (("10.2.3.4", "10.0.0.0/8"), ("172.16.3.4", "172.16.0.0/16"), ("192.168.3.4", "192.168.3.0/24")):
            self.assertIn("subnet = " + subnet, self.imported('<forward/><ip address="%s"/>' % address))

    def test_wrong_addresses_are_refused_with_their_line(self):
        self.refused("<ip/>", "2: <ip>: the attribute address is missing")
        self.refused('\n<ip address="10.0.0.256"/>', "3: <ip>: address='10.0.0.256': expected an IPv4 address")
        self.refused('<ip address="10.0.0.1" netmask="255.0.255.0"/>',
                     "2: <ip>: netmask='255.0.255.0': expected a netmask, such as 255.255.255.0")
        self.refused('<ip address="10.0.0.1" prefix="33"/>', "2: <ip>: prefix='33': expected a number from 0 to 32")
        self.refused('<ip address="10.0.0.1" prefix="8" netmask="255.0.0.0"/>', "2: <ip>: netmask and prefix say the same thing twice")

    def test_second_subnet_is_named(self):
        more = '<ip address="192.168.6.1" prefix="24"/><ip address="192.168.7.1" prefix="24"/>'
        self.assertEqual(self.nat(SUBNET + more, ["a second <ip> of IPv4: a network has one subnet; run another network for it"]), [])

    def test_gateway_keeps_its_mac(self):
        self.assertEqual(self.nat('<mac address="52:54:00:00:00:01"/>' + SUBNET), ["gateway-mac = 52:54:00:00:00:01"])

    # --- DHCP ---

    def test_without_dhcp_there_is_no_dhcp_server(self):
        self.assertIn("no-dhcp = true", self.imported("<forward/>" + SUBNET))
        self.assertNotIn("no-dhcp = true", self.imported('<forward/><ip address="10.0.0.1"><dhcp/></ip>'))

    def dhcp(self, inside, warnings=()):
        return self.nat('<ip address="192.168.5.1" prefix="24"><dhcp>%s</dhcp></ip>' % inside, warnings)

    def test_ranges_and_their_lease_times(self):
        for expiry, seconds in (('expiry="90" unit="seconds"', "90"), ('expiry="10"', "600"), ('expiry="2" unit="hours"', "7200"),
                                ('expiry="0"', "infinite")):
            self.assertEqual(self.dhcp('<range start="192.168.5.10" end="192.168.5.20"><lease %s/></range>' % expiry),
                             ["dhcp-range = 192.168.5.10-192.168.5.20," + seconds])
        self.assertEqual(self.dhcp('<range start="192.168.5.30" end="192.168.5.40"><lease expiry="3" unit="hours"/></range>'
                                   '<host mac="52:54:00:00:00:01" ip="192.168.5.9"/><range start="192.168.5.10" end="192.168.5.20"/>'),
                         ["dhcp-range = 192.168.5.30-192.168.5.40,10800 192.168.5.10-192.168.5.20",
                          "host = 52:54:00:00:00:01,192.168.5.9"])
        self.refused('<ip address="192.168.5.1"><dhcp>\n<range start="192.168.5.9"/></dhcp></ip>',
                     "3: <range>: the attribute end is missing")

    def test_as_many_ranges_as_there_can_be(self):
        ranges = ["192.168.5.%d-192.168.5.%d" % (10 * i, 10 * i + 5) for i in range(1, 18)]
        elements = ['<range start="%s" end="%s"/>' % tuple(r.split("-")) for r in ranges]
        self.assertEqual(self.dhcp("".join(elements[:16])), ["dhcp-range = " + " ".join(ranges[:16])])
        self.assertIn("no more than 16 ranges are possible",
                      self.lanlet("import", self.write("net.xml", '<network><forward/><ip address="192.168.5.1"><dhcp>%s</dhcp></ip>'
                                                                  "</network>" % "".join(elements))).stderr)

    def test_hosts_by_client_id_and_by_name(self):
        self.assertEqual(self.dhcp('<host id="01:52:54:00:00:00:01" ip="192.168.5.9" name="web"><lease expiry="5"/></host>'
                                   '<host id="abc" ip="192.168.5.10"/><host name="db" ip="192.168.5.11"/>'),
                         ["dhcp-host = id:01:52:54:00:00:00:01,192.168.5.9,web,lease-time=300", "dhcp-host = id:abc,192.168.5.10",
                          "dhcp-host = name:db,192.168.5.11"])
        self.assertEqual(self.dhcp('<host mac="52:54:00:00:00:01" id="01:02" ip="192.168.5.9"/><host name="db"/><host id="01:02"/>',
                                   ["<host id='01:02'>: the MAC identifies the guest",
                                    "<host> with neither mac nor ip: a reservation without a MAC needs an address"]),
                         ["host = 52:54:00:00:00:01,192.168.5.9"])
        self.refused('<ip address="192.168.5.1"><dhcp><host ip="192.168.5.9"/></dhcp></ip>',
                     "2: <host>: one of the attributes mac, id and name is needed")

    def test_reservations(self):
        self.assertEqual(self.dhcp('<host mac="52:54:00:00:00:01" ip="192.168.5.9" name="web"/>'
                                   '<host mac="52:54:00:00:00:02" name="db"/>'),
                         ["host = 52:54:00:00:00:01,192.168.5.9,web", "host = 52:54:00:00:00:02,db"])

    def test_reservation_s_lease_time(self):
        self.assertEqual(self.dhcp('<host mac="52:54:00:00:00:01" ip="192.168.5.9"><lease expiry="20" unit="minutes"/></host>'),
                         ["host = 52:54:00:00:00:01,192.168.5.9,lease-time=1200"])

    def test_options_and_what_is_booted(self):
        self.assertEqual(self.dhcp('<bootp file="pxelinux.0" server="192.168.5.2"/>'), ["dhcp-boot = pxelinux.0,192.168.5.2"])
        self.assertEqual(self.dhcp('<bootp file="/undionly.kpxe"/>'), ["dhcp-boot = /undionly.kpxe"])
        root = self.path()
        self.assertEqual(self.nat('<ip address="192.168.5.1" prefix="24"><tftp root="%s"/></ip>' % root), ["tftp-root = " + root])
        self.assertEqual(self.dhcp('<option number="42" value="192.168.5.20"/><option number="252" value="http://a/" force="yes"/>'),
                         ["dhcp-option = 42,192.168.5.20", "dhcp-option = force,252,http://a/"])

    def test_option_s_control_characters_and_spaces_at_its_ends_stay(self):
        self.assertEqual(self.dhcp(r'<option number="252" value="\n"/><option number="253" value=" a b "/>'
                                   r'<option number="252" value="&#10;"/><option number="40" value="a\\b"/>'),
                         ["dhcp-option = 252,hex:0a", "dhcp-option = 253,hex:2061206220", "dhcp-option = 252,hex:0a",
                          "dhcp-option = 40,hex:615c62"])

    def test_guest_s_name_is_its_first_label(self):
        host = '<ip address="192.168.5.1"><dhcp><host mac="52:54:00:00:00:01" name="web.lab.test"/></dhcp></ip>'
        self.assertEqual(self.nat('%s<domain name="lab.test" localOnly="yes"/>' % host),
                         ["host = 52:54:00:00:00:01,web", "domain = lab.test"])
        self.assertEqual(self.nat(host, ['".lab.test": guests have names of one label, in the domain of the network']),
                         ["host = 52:54:00:00:00:01,web"])

    # --- names ---

    def test_domain_is_asked_outside_too_unless_it_is_local_only(self):
        self.assertEqual(self.nat('<domain name="Lab.Test"/>' + SUBNET), ["domain = Lab.Test", "local-only = false"])
        self.assertEqual(self.nat('<domain name="lab.test" localOnly="yes"/>' + SUBNET), ["domain = lab.test"])
        self.nat('<domain name="lab.test" register="yes"/>' + SUBNET,
                 ["<domain register='yes'>: names of guests are not told to the host's resolver"])

    def test_forwarders_for_all_names_and_for_domains(self):
        dns = ('<dns><forwarder addr="192.0.2.53"/><forwarder addr="2001:db8::53"/><forwarder domain="corp.test" addr="192.0.2.54"/>'
               '<forwarder domain="www.corp.test"/></dns>')
        self.assertEqual(self.nat(dns + SUBNET), ["dns = 192.0.2.53", "dns = 2001:db8::53", "dns = corp.test=192.0.2.54",
                                                  "dns = www.corp.test=default"])
        self.refused("<dns><forwarder/></dns>" + SUBNET, "2: <forwarder>: one of the attributes addr and domain is needed")

    def test_names_and_records(self):
        dns = ('<dns><host ip="192.168.5.9"><hostname>nas</hostname><hostname> files.lab.test </hostname></host>'
               '<host ip="2001:db8::9"><hostname>nas6</hostname></host><txt name="note.lab.test" value="a, b"/>'
               '<srv service="ldap" protocol="tcp" domain="lab.test" target="db.lab.test" port="389" priority="1" weight="2"/></dns>')
        self.assertEqual(self.nat(dns + SUBNET),
                         ["name = nas,192.168.5.9", "name = files.lab.test,192.168.5.9", "name = nas6,2001:db8::9",
                          "name = note.lab.test,TXT,a, b", "name = _ldap._tcp.lab.test,SRV,1 2 389 db.lab.test"])

    def test_gateway_keeps_its_name(self):
        dns = '<dns><host ip="192.168.5.1"><hostname>host</hostname><hostname>gateway</hostname></host></dns>'
        self.assertEqual(self.nat(dns + SUBNET, ['"gateway": the gateway has this name in each network']), ["name = host,192.168.5.1"])

    def test_names_of_dns_that_have_no_effect(self):
        self.nat('<dns enable="no" forwardPlainNames="no"/>' + SUBNET,
                 ["<dns forwardPlainNames='no'>: plain names are looked up as the host does, unless a guest has them",
                  "<dns enable='no'>: guests find their own names by the gateway's DNS server, which is always there"])
        self.nat('<dns enable="yes" forwardPlainNames="yes"/>' + SUBNET)

    def test_options_of_dnsmasq_that_have_a_counterpart(self):
        def options(*values):
            return '<d:options xmlns:d="http://libvirt.org/schemas/network/dnsmasq/1.0">%s</d:options>' % "".join(
                '<d:option value="%s"/>' % value for value in values)
        self.assertEqual(self.nat(SUBNET + options("cname=www.lab.test,web.lab.test", "host-record=nas.lab.test,192.168.5.9",
                                                   "dhcp-option=option:ntp-server,192.168.5.2", "dhcp-option=252,x",
                                                   "server=/corp.test/192.0.2.54", "rebind-domain-ok=/dev.test/")),
                         ["name = www.lab.test,CNAME,web.lab.test", "name = nas.lab.test,192.168.5.9",
                          "dhcp-option = ntp-server,192.168.5.2", "dhcp-option = 252,x", "dns = corp.test=192.0.2.54",
                          "rebind-domain-ok = dev.test"])
        self.assertEqual(self.nat(SUBNET + options("host-record=nas,nas.lab.test,192.168.5.9,fd00::9,300", "cname=a,b,web.lab.test",
                                                   "srv-host=_ldap._tcp.lab.test,db.lab.test,389,1,2", "srv-host=_no._tcp",
                                                   "mx-host=lab.test,mail.lab.test,10", "txt-record=note.lab.test,a b",
                                                   "ptr-record=9.5.168.192.in-addr.arpa,nas.lab.test", "rebind-domain-ok=/a.test/b.test/",
                                                   "server=/a.test/b.test/192.0.2.54", "server=192.0.2.53")),
                         ["name = nas,192.168.5.9", "name = nas.lab.test,192.168.5.9", "name = nas,fd00::9", "name = nas.lab.test,fd00::9",
                          "name = a,CNAME,web.lab.test", "name = b,CNAME,web.lab.test",
                          "name = _ldap._tcp.lab.test,SRV,1 2 389 db.lab.test", "name = _no._tcp,SRV,0 0 1 .",
                          "name = lab.test,MX,10 mail.lab.test", "name = note.lab.test,TXT,a b",
                          "name = 9.5.168.192.in-addr.arpa,PTR,nas.lab.test", "rebind-domain-ok = a.test", "rebind-domain-ok = b.test",
                          "dns = a.test=192.0.2.54", "dns = b.test=192.0.2.54", "dns = 192.0.2.53"])
        self.assertEqual(self.nat(SUBNET + options("dhcp-match=set:efi,option:client-arch,7", "dhcp-match=set:efi,93,9",
                                                   "dhcp-vendorclass=set:pxe,PXEClient", "dhcp-userclass=set:ipxe,iPXE",
                                                   "dhcp-boot=tag:efi,tag:!ipxe,grub.efi", "dhcp-boot=http://192.168.5.1/a",
                                                   "dhcp-boot=a,server,192.168.5.2", "dhcp-option=tag:efi,option:ntp-server,192.168.5.2",
                                                   "dhcp-option-force=210,/a/")),
                         ["dhcp-tag = efi,arch:7", "dhcp-tag = efi,arch:9", "dhcp-tag = pxe,vendor:PXEClient", "dhcp-tag = ipxe,user:iPXE",
                          "dhcp-boot = tag:efi,tag:!ipxe,grub.efi", "dhcp-boot = http://192.168.5.1/a", "dhcp-boot = a,192.168.5.2",
                          "dhcp-option = tag:efi,ntp-server,192.168.5.2", "dhcp-option = force,210,/a/"])
        self.nat(SUBNET + options("dhcp-boot=a,server", "dhcp-match=set:a,option:vendor-class,b", "cname=a", "host-record=a",
                                  "dhcp-option=option6:dns-server,[::]"),
                 ['"%s": an option of dnsmasq that is not understood' % option for option in
                  ("dhcp-boot=a,server", "dhcp-match=set:a,option:vendor-class,b", "cname=a", "host-record=a",
                   "dhcp-option=option6:dns-server,[::]")])
        self.nat(SUBNET + options("foo=bar", "log-queries"),
                 ['"foo=bar": an option of dnsmasq that is not understood', '"log-queries": an option of dnsmasq that is not understood'])

    # --- IPv6 ---

    def test_unique_local_prefix_is_the_networks(self):
        self.assertEqual(self.nat(SUBNET + '<ip family="ipv6" address="fd00:1::1" prefix="64"/>'), ["ipv6 = fd00:1::/64"])
        self.assertEqual(self.nat(SUBNET + '<ip family="ipv6" address="fd00:1::7" prefix="64"/>',
                                  ["<ip family='ipv6'> with another address than the first: the gateway has the first address of the "
                                   "prefix"]),
                         ["ipv6 = fd00:1::/64"])

    def test_other_prefixes_become_one_of_the_networks_own(self):
        reason = "<ip family='ipv6'> with another prefix than a unique local /64: guests get a prefix of the network's own"
        for address in ('address="2001:db8::1" prefix="64"', 'address="fd00::1" prefix="48"', 'address="fd00::1"'):
            self.assertEqual(self.nat(SUBNET + '<ip family="ipv6" %s/>' % address, [reason]), ["ipv6 = auto"])
        self.refused('<ip family="ipv6" address="10.0.0.1"/>', "2: <ip>: address='10.0.0.1': expected an IPv6 address")

    def test_network_without_ipv4_has_it_all_the_same(self):
        self.assertEqual(self.nat('<ip family="ipv6" address="fd00::1" prefix="64"/>',
                                  ["a network without <ip> of IPv4: guests get IPv4 addresses, too"]), ["ipv6 = fd00::/64"])

    def test_ranges_and_hosts_of_dhcpv6_are_named(self):
        self.nat(SUBNET + '<ip family="ipv6" address="fd00::1" prefix="64"><dhcp><range start="fd00::2" end="fd00::9"/>'
                 '<host name="a" ip="fd00::5"/></dhcp></ip>',
                 ["<range>: addresses of DHCPv6 follow from the clients' identifiers",
                  "<host>: a reservation of an IPv4 address reserves the IPv6 address that ends in it"])

    # --- the way out ---

    def test_without_forward_the_network_is_isolated(self):
        self.assertIn("engine = null", self.imported(SUBNET))
        self.assertNotIn("engine = null", self.imported("<forward/>" + SUBNET))

    def test_without_an_address_it_is_a_switch(self):
        self.assertEqual(self.imported(""), ["no-gateway = true"])

    def test_routed_networks_get_nat(self):
        for mode in ("route", "open"):
            self.imported('<forward mode="%s"/>%s' % (mode, SUBNET),
                          ["<forward mode='%s'>: guests go out by NAT; the outside reaches guests by forward" % mode])

    def test_card_of_the_host_is_refused(self):
        for mode in ("bridge", "private", "vepa", "passthrough", "hostdev", "nonsense"):
            self.refused('<forward mode="%s"/>' % mode,
                         "2: <forward>: mode='%s' gives guests a network card or a bridge of the host, for which root is needed; "
                         "--vde joins other segments" % mode)

    def test_interface_ports_and_addresses_of_nat_are_named(self):
        self.imported('<forward dev="eth0"><interface dev="eth0"/><nat><port start="1024" end="2048"/><address start="192.0.2.1"/></nat>'
                      "</forward>" + SUBNET,
                      ["<forward dev='eth0'>: guests go out by the host's routes", "<interface>: guests go out by the host's routes",
                       "<port>: the kernel chooses source ports outside", "<address>: guests go out with the host's own address"])

    # --- the segment ---

    def test_mtu_and_isolated_ports(self):
        self.assertEqual(self.nat('<mtu size="1400"/><port isolated="yes"/>' + SUBNET), ["mtu = 1400", "isolate = true"])
        self.assertEqual(self.nat('<port isolated="no"/>' + SUBNET), [])

    def test_bandwidth_in_kilobytes_becomes_bits(self):
        self.assertEqual(self.nat('<bandwidth><inbound average="1000" peak="5000" burst="5120"/><outbound average="128" burst="8"/>'
                                  "</bandwidth>" + SUBNET), ["bandwidth-in = 8000k/40000k/5120K", "bandwidth-out = 1024k//8K"])
        self.nat('<bandwidth><inbound average="1000" floor="200"/></bandwidth>' + SUBNET,
                 ["<inbound floor='200'>: no guest has a share that is set apart for it; all have fair shares"])
        self.refused('<bandwidth><inbound average="x"/></bandwidth>', "2: <inbound>: average='x': expected a number from 1 on")

    def test_labels_of_libvirt_are_silent(self):
        self.assertEqual(self.nat("<uuid>6d4b9b2c-0c5f-4c0e-9d7e-5a1f1c2b3d4e</uuid><title>x</title><description>x</description>"
                                  "<metadata><x:y xmlns:x='z'/></metadata>" + SUBNET), [])

    def test_what_has_no_effect_is_named_once_with_the_reason(self):
        lines = self.nat('<bridge name="virbr0"/><vlan><tag id="1"/></vlan><virtualport type="openvswitch"/><portgroup name="a"/>'
                         '<portgroup name="b"/><route address="10.0.0.0" prefix="8" gateway="192.168.5.2"/><future/><future/>' + SUBNET,
                         ["<bridge>: there is no bridge on the host; loops and storms are always looked for",
                          "<vlan>: tagged frames pass between guests as they are",
                          "<virtualport>: there is no Open vSwitch and no 802.1Qbg behind it",
                          "<portgroup>: all ports of a network are alike",
                          "<route>: guests reach other networks by the gateway and the host's routes",
                          "<future>: not known to this version"])
        self.assertEqual(lines, [])

    # --- files ---

    def test_what_is_not_a_network_is_refused(self):
        path = self.write("net.xml", "<domain/>")
        self.assert_fails(2, path + ":1: <domain>: expected libvirt's <network>, as virsh net-dumpxml prints it", "import", path)
        path = self.write("net.xml", "<network>")
        self.assertIn("elements still open", self.lanlet("import", path).stderr)
        path = self.write("net.xml", "<?xml version='1.0'?>")
        self.assert_fails(2, path + ": there is no element", "import", path)
        path = self.write("net.xml", "<network/><network/>")
        self.assertIn("more than one element outside all others", self.lanlet("import", path).stderr)
        self.assert_fails(2, self.path("none.xml") + ": No such file or directory", "import", self.path("none.xml"))

    def test_value_with_a_line_feed_makes_no_line(self):
        self.refused('<domain name="a&#10;dns = 9.9.9.9"/>', "2: <domain>: domain has no value, or one with control characters")

    def test_elements_within_elements_are_limited(self):
        path = self.write("net.xml", "<network>" + "<a>" * 100 + "</a>" * 100 + "</network>")
        self.assertIn("more than 64 elements inside one another", self.lanlet("import", path).stderr)

    def test_output_is_a_configuration_file(self):
        xml = self.write("net.xml", '<network><name>lab</name><forward/>%s<domain name="lab.test"/></network>' % SUBNET)
        self.write("config/lanlet/lab.conf", self.lanlet("import", xml).stdout)
        self.start("lab")
        self.assertIn("192.168.5.1", self.status("lab"))

    # --- run ---

    def test_network_runs_under_the_name_in_the_file(self):
        xml = self.write("net.xml", "<network><name>lab</name><forward/>%s</network>" % SUBNET)
        self.start("--libvirt-network", xml)
        self.assertIn("192.168.5.1", self.status("lab"))

    def test_name_and_options_of_the_command_line_come_on_top(self):
        xml = self.write("net.xml", "<network><name>lab</name><forward/>%s</network>" % SUBNET)
        self.write("config/lanlet/other.conf", "[network]\nmtu = 1280\n")
        self.start("other", "--libvirt-network", xml, "--gateway", "192.168.5.7")
        self.assertIn("192.168.5.7", self.status("other"))

    def test_run_names_what_has_no_effect(self):
        xml = self.write("net.xml", "<network><name>default</name><forward/><bridge name='x'/>%s</network>" % SUBNET)
        network = self.start("--libvirt-network", xml)
        network.stop()
        self.assertIn("<bridge>: there is no bridge on the host", network.log.read_text())

    def test_name_that_is_missing_or_invalid_is_refused(self):
        path = self.write("net.xml", "<network/>")
        self.assert_fails(2, path + ":1: <network>: the element <name> is missing", "run", "--libvirt-network", path)
        path = self.write("net.xml", "<network><name>../x</name></network>")
        self.assertEqual(self.lanlet("run", "--libvirt-network", path).returncode, 2)

    def test_reload_reads_the_description_again(self):
        xml = self.write("net.xml", '<network><name>default</name><forward/><ip address="192.168.5.1"/></network>')
        self.start("--libvirt-network", xml)
        self.write("net.xml", '<network><name>default</name><forward/><dns><host ip="192.168.5.9"><hostname>nas</hostname></host></dns>'
                   '<ip address="192.168.5.1"/></network>')
        self.assertIn("changed: name", self.lanlet("reload").stdout)
        self.assertIn("nas", self.lanlet("names").stdout)


if __name__ == "__main__":
    runner.main()
