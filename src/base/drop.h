/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Why a frame, packet or message was dropped.  Every drop is counted under a name; none is
 * silent.  One table makes the enum, and the names and explanations that `lanlet drops` shows.
 */
#pragma once

#include <stdint.h>

/* enum suffix, name, explanation */
#define DROP_REASONS(X) \
	/* segment */ \
	X(FRAME_MALFORMED, "frame-malformed", \
	  "frame is shorter than its Ethernet header, has more than 16 VLAN tags, or has ARP or IP behind a SNAP header") \
	X(SOURCE_MAC, "source-mac", "source MAC is a group address or zero") \
	X(GATEWAY_MAC, "gateway-mac", "guest used the gateway's MAC as its own") \
	X(GATEWAY_ADDRESS, "gateway-address", "guest claimed the gateway's IP address") \
	X(MAC_CONFLICT, "mac-conflict", "guest used a MAC that another port has") \
	X(ADDRESS_CONFLICT, "address-conflict", "guest used an IP address that belongs to another guest") \
	X(CLAIM_PENDING, "claim-pending", "guest used a MAC or address of another port, which is being asked (the last such frame waits)") \
	X(CLAIM_LIMIT, "claim-limit", "port has claimed too many MACs and addresses of other ports at once") \
	X(ROGUE_DHCP, "rogue-dhcp", "DHCP server's message from a guest whose port is not a dhcp-server (a property of ports)") \
	X(ROGUE_ROUTER, "rogue-router", "router advertisement or redirect from a guest whose port is not a router (a property of ports)") \
	X(PINNED_MAC, "pinned-mac", "guest used another MAC than its port is pinned to, in the frame, ARP, ND or DHCP") \
	X(ISOLATED, "isolated", "frame from one guest to another while guests are isolated") \
	X(STORM, "storm", "port sent more broadcast, multicast or unknown unicast than it may flood") \
	X(LOOP, "loop", "port is blocked: frames sent out of another port come back through it") \
	X(HAIRPIN, "hairpin", "destination is behind the port that the frame came from") \
	X(FDB_FULL, "fdb-full", "source MAC not learned: no room or no memory for it (the frame was forwarded)") \
	X(PORT_FULL, "port-full", "send queue of the port is full: its peer reads too slowly") \
	X(BANDWIDTH, "bandwidth", "frame came while as many as may wait were waiting for the port's or the network's limit of bandwidth") \
	X(OFFLOAD, "offload", "checksum or segmentation offload that does not match the frame's TCP or UDP header") \
	X(OVERSIZE, "oversize", "frame is too large for the port, and is not IP that could be fragmented or answered") \
	X(NO_MEMORY, "no-memory", "memory for one turn of the event loop is used up") \
	/* gateway */ \
	X(ARP_MALFORMED, "arp-malformed", "ARP message does not parse") \
	X(ND_MALFORMED, "nd-malformed", "neighbour discovery (IPv6) does not parse, is in fragments, or breaks the rules of RFC 4861") \
	X(IP_MALFORMED, "ip-malformed", "IP header does not parse or has a wrong checksum") \
	X(ETHERTYPE, "ethertype", "frame to the gateway with an ethertype that it does not support") \
	X(MARTIAN_SOURCE, "martian-source", "IP source address is outside the subnet") \
	X(MARTIAN_DESTINATION, "martian-destination", "IP destination address that must never leave the segment") \
	X(METADATA, "metadata", "destination is a cloud's metadata service, which is closed to guests (see --metadata; answered)") \
	X(LINK_LOCAL, "link-local", \
	  "destination is a link-local address of the host's network, which is closed to guests (see --link-local; answered)") \
	X(LOCAL_MULTICAST, "local-multicast", "multicast or broadcast, which NAT never translates") \
	X(TTL_EXCEEDED, "ttl-exceeded", "TTL expired at the gateway (answered where ICMP allows)") \
	X(FRAG_NEEDED, "frag-needed", \
	  "packet is too large for its receiver and must stay whole: it has DF set or is IPv6 (the sender is told the MTU)") \
	X(REASSEMBLY, "reassembly", "fragments overlap, are too many or were not completed in time") \
	X(NEIGHBOUR_UNKNOWN, "neighbour-unknown", "no guest answered ARP for the destination address") \
	X(NEIGHBOUR_FULL, "neighbour-full", "neighbour table or its queue of waiting packets is full") \
	X(ICMP_MALFORMED, "icmp-malformed", "ICMP message does not parse or has a wrong checksum") \
	X(ICMP_RATE, "icmp-rate", "ICMP error not sent because of the rate limit") \
	X(ICMP_TYPE, "icmp-type", "guest's ICMP message is neither an echo request nor an error about one of its flows") \
	X(UDP_MALFORMED, "udp-malformed", "UDP header does not parse or has a wrong checksum") \
	X(TCP_MALFORMED, "tcp-malformed", "TCP header does not parse, has a wrong checksum, or the source port 0, where no answer can go") \
	X(PROTOCOL, "protocol", "IP protocol that NAT cannot translate (answered)") \
	/* services */ \
	X(DHCP_MALFORMED, "dhcp-malformed", "DHCP message does not parse") \
	X(DHCP_POOL_FULL, "dhcp-pool-full", "no free address for a DHCP client") \
	X(DHCP_SHARE, "dhcp-share", "port has its share of the DHCP addresses or ARP probes, or has declined too many addresses") \
	X(DHCP_FOREIGN, "dhcp-foreign", "DHCP message about a client or relay that is behind another port") \
	X(DHCP_IGNORED, "dhcp-ignored", "DHCP message that this server does not answer") \
	X(TFTP_MALFORMED, "tftp-malformed", "TFTP packet does not parse, or no transfer waits for it") \
	X(HTTP_MALFORMED, "http-malformed", "HTTP request to the boot server does not parse") \
	X(BOOT_LIMIT, "boot-limit", "guest has too many TFTP transfers or HTTP connections to the boot server") \
	X(DNS_MALFORMED, "dns-malformed", "DNS message does not parse") \
	X(DNS_REBIND, "dns-rebind", "DNS answer from outside with an address of the guest itself or its network (see --rebind-domain-ok)") \
	X(DNS_LIMIT, "dns-limit", "guest has too many DNS queries in progress") \
	/* engine */ \
	X(ENGINE_LIMIT, "engine-limit", "NAT engine is at its limit of flows or descriptors") \
	X(HOST_PORTS, "host-ports", "guest has too many UDP ports and ICMP identifiers of the host") \
	X(FILTERED, "filtered", "packet from outside, from an address that the guest has not sent to") \
	X(ENGINE_ERROR, "engine-error", "NAT engine could not open or use a host socket") \
	/* stream link */ \
	X(STREAM_LENGTH, "stream-length", "stream peer announced an impossible frame length and was disconnected") \
	/* datagram links */ \
	X(DATAGRAM_LENGTH, "datagram-length", "datagram is longer than the largest frame") \
	X(DGRAM_UNBOUND, "dgram-unbound", "sender's socket has no path, so nothing can be sent to it") \
	X(DGRAM_SOURCE, "dgram-source", "sender cannot be reached at the path of its socket") \
	X(DGRAM_LIMIT, "dgram-limit", "datagram socket has reached its limit of ports") \
	X(PEER_UNREACHABLE, "peer-unreachable", "no program receives at the other end of a UDP port") \
	X(VDE_REQUEST, "vde-request", "VDE client's request was refused, or no port was free") \
	/* vhost-user link */ \
	X(VHOST_STOPPED, "vhost-stopped", "guest's driver has not started its receive ring") \
	X(VHOST_HEADER, "vhost-header", "frame with an invalid virtio-net header") \
	X(VHOST_BUFFER, "vhost-buffer", "guest's receive buffer is too small for the frame") \
	X(VHOST_MESSAGE, "vhost-message", "front end violated the vhost-user protocol and was disconnected") \
	X(VHOST_RING, "vhost-ring", "ring violates the virtio specification, the port was stopped") \
	X(VHOST_MEMORY, "vhost-memory", "guest memory disappeared, the port was stopped")

enum drop_reason {
#define X(id, name, text) DROP_##id,
	DROP_REASONS(X)
#undef X
		DROP_REASON_COUNT
};

struct drop_counters {
	uint64_t count[DROP_REASON_COUNT];
};

static inline void drop_count(struct drop_counters *c, enum drop_reason why)
{
	c->count[why]++;
}

const char *drop_name(enum drop_reason why);
const char *drop_explanation(enum drop_reason why);
