/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Why a frame, packet or message was not passed on.  Every drop has a name and is
 * counted under it; nothing is lost in silence.  One table makes the enum, the names
 * that users see and their explanations.
 */
#pragma once

#include <stdint.h>

/* enum suffix, name, explanation */
#define DROP_REASONS(X) \
	/* segment */ \
	X(FRAME_MALFORMED, "frame-malformed", "frame shorter than an Ethernet header") \
	X(SOURCE_MAC, "source-mac", "source MAC is a group address or zero") \
	X(GATEWAY_MAC, "gateway-mac", "a guest used the gateway's MAC as its own") \
	X(GATEWAY_ADDRESS, "gateway-address", "a guest claimed the gateway's IP address") \
	X(PINNED_MAC, "pinned-mac", "a port that is pinned to one MAC used another, in the frame, ARP, ND or DHCP") \
	X(ISOLATED, "isolated", "from one guest to another, and guests are kept from one another") \
	X(STORM, "storm", "more broadcast, multicast or unknown destinations than one port may send to everybody") \
	X(LOOP, "loop", "the port is blocked: what is sent out of another comes back by it") \
	X(HAIRPIN, "hairpin", "destination is on the port that the frame came from") \
	X(FDB_FULL, "fdb-full", "source MAC not learned, the table is full (the frame itself passed)") \
	X(PORT_FULL, "port-full", "the port's queue is full, its peer does not drain it") \
	X(OVERSIZE, "oversize", "too large for the port and not IP that could be fragmented or answered") \
	X(NO_MEMORY, "no-memory", "memory for this turn is used up") \
	/* gateway */ \
	X(ARP_MALFORMED, "arp-malformed", "ARP message that does not parse") \
	X(IP_MALFORMED, "ip-malformed", "IP header that does not parse or has a bad checksum") \
	X(ETHERTYPE, "ethertype", "sent to the gateway with an ethertype it does not speak") \
	X(MARTIAN_SOURCE, "martian-source", "IP source outside the segment") \
	X(MARTIAN_DESTINATION, "martian-destination", "IP destination that must never leave the segment") \
	X(LOCAL_MULTICAST, "local-multicast", "multicast or broadcast, never translated") \
	X(TTL_EXCEEDED, "ttl-exceeded", "TTL ran out at the gateway (answered where ICMP allows)") \
	X(FRAG_NEEDED, "frag-needed", "too large with DF set (answered with fragmentation needed)") \
	X(REASSEMBLY, "reassembly", "fragments that overlap, are too many or never completed") \
	X(NEIGHBOUR_UNKNOWN, "neighbour-unknown", "no guest answered ARP for the destination") \
	X(NEIGHBOUR_FULL, "neighbour-full", "the neighbour table or its waiting queue is full") \
	X(ICMP_MALFORMED, "icmp-malformed", "ICMP message that does not parse or has a bad checksum") \
	X(ICMP_RATE, "icmp-rate", "ICMP error held back by the rate limit") \
	X(ICMP_TYPE, "icmp-type", "ICMP message of a guest that has nobody outside: no echo request, no error about its connections") \
	X(UDP_MALFORMED, "udp-malformed", "UDP header that does not parse or has a bad checksum") \
	X(TCP_MALFORMED, "tcp-malformed", "TCP header that does not parse or has a bad checksum") \
	X(PROTOCOL, "protocol", "IP protocol that NAT cannot translate (answered)") \
	/* services */ \
	X(DHCP_MALFORMED, "dhcp-malformed", "DHCP message that does not parse") \
	X(DHCP_POOL_FULL, "dhcp-pool-full", "no free address for a DHCP client") \
	X(DHCP_IGNORED, "dhcp-ignored", "DHCP message that asks for no answer of ours") \
	X(DNS_MALFORMED, "dns-malformed", "DNS message that does not parse") \
	X(DNS_LIMIT, "dns-limit", "too many DNS queries of one guest at once") \
	/* engine */ \
	X(ENGINE_LIMIT, "engine-limit", "the NAT engine is at a limit of flows or descriptors") \
	X(FILTERED, "filtered", "answer from somebody whom the guest has not sent to") \
	X(ENGINE_ERROR, "engine-error", "the NAT engine could not open or use a host socket") \
	/* stream link */ \
	X(STREAM_LENGTH, "stream-length", "stream peer announced an impossible frame length and was closed") \
	/* links whose messages are frames */ \
	X(DATAGRAM_LENGTH, "datagram-length", "message longer than the largest frame") \
	X(DGRAM_UNBOUND, "dgram-unbound", "the sender's socket has no path, so that nothing can be sent to it") \
	X(DGRAM_SOURCE, "dgram-source", "the sender's path does not lead back to the sender") \
	X(DGRAM_LIMIT, "dgram-limit", "the datagram socket has as many ports as it may have") \
	X(PEER_UNREACHABLE, "peer-unreachable", "nobody receives at the other end of a UDP port") \
	X(VDE_REQUEST, "vde-request", "VDE client whose request was turned away, or found no free port") \
	/* vhost-user link */ \
	X(VHOST_STOPPED, "vhost-stopped", "the guest's driver has not started its receive ring") \
	X(VHOST_HEADER, "vhost-header", "frame whose virtio-net header asks for what cannot be") \
	X(VHOST_BUFFER, "vhost-buffer", "the guest's receive buffer is too small for the frame") \
	X(VHOST_MESSAGE, "vhost-message", "front end did not keep to vhost-user and was closed") \
	X(VHOST_RING, "vhost-ring", "a ring breaks the rules of virtio, the port was stopped") \
	X(VHOST_MEMORY, "vhost-memory", "memory of the guest vanished, the port was stopped")

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
