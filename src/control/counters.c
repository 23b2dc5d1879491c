/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "control/counters.h"

#include "base/macros.h"

#include <string.h>

#define AT(member) .offset = offsetof(struct snapshot_counters, member)
#define SMALL(member) AT(member), .is_unsigned = true

static const struct counter counters[] = {
	{ "ports", "Guests' ports.", .goes_down = true, SMALL(n_ports) },
	{ "leases", "Active DHCP leases.", .goes_down = true, SMALL(n_leases) },
	{ "reservations", "DHCP reservations.", .goes_down = true, SMALL(n_reservations) },
	{ "rx_frames", "Frames from guests into the segment, over the ports that exist now.", .goes_down = true, AT(rx_frames) },
	{ "rx_bytes", "Bytes of these frames.", .goes_down = true, AT(rx_bytes) },
	{ "tx_frames", "Frames to guests, over the ports that exist now.", .goes_down = true, AT(tx_frames) },
	{ "tx_bytes", "Bytes of these frames.", .goes_down = true, AT(tx_bytes) },
	{ "flows_tcp", "Open TCP connections.", .goes_down = true, AT(engine.flows_tcp) },
	{ "flows_udp", "Open UDP mappings.", .goes_down = true, AT(engine.flows_udp) },
	{ "flows_icmp", "Open ICMP echo mappings.", .goes_down = true, AT(engine.flows_icmp) },
	{ "flows_opened", "Flows opened since the start.", AT(engine.flows_opened) },
	{ "flows_refused", "Flows refused because of a limit.", AT(engine.flows_refused) },
	{ "flows_evicted", "Flows of absent guests and idle mappings ended at a limit, so that others could be opened.",
	  AT(engine.flows_evicted) },
	{ "host_ports", "UDP ports and ICMP identifiers of the host that guests' flows use.", .goes_down = true, AT(engine.host_ports) },
	{ "host_ports_max", "Most of them for all guests.", .goes_down = true, AT(engine.host_ports_max) },
	{ "dials_opened", "Connections to guests opened by lanlet connect and by proxies.", AT(dials_opened) },
	{ "dials_failed", "Connections to guests that lanlet connect and proxies could not open.", AT(dials_failed) },
	{ "dns_queries", "DNS queries from guests.", AT(dns.queries) },
	{ "dns_local", "DNS queries answered by the gateway.", AT(dns.local) },
	{ "dns_forwarded", "DNS queries forwarded to servers outside.", AT(dns.forwarded) },
	{ "dns_answered", "Forwarded DNS queries that were answered.", AT(dns.answered) },
	{ "dns_unanswered", "Forwarded DNS queries that were not answered.", AT(dns.unanswered) },
	{ "dns_retries", "Forwarded DNS queries that were sent again.", AT(dns.retries) },
	{ "dns_cached", "DNS queries answered from the cache.", AT(dns.cached) },
	{ "dns_stale", "DNS queries answered with an expired answer, because no server answered.", AT(dns.stale) },
	{ "dns_shared", "DNS queries that waited for the answer to an equal one.", AT(dns.shared) },
	{ "dns_forged", "Messages from DNS servers that answered no query.", AT(dns.forged) },
	{ "captures", "Running captures.", .goes_down = true, SMALL(n_captures) },
	{ "capture_records", "Records of all captures since the start.", AT(capture_records) },
	{ "capture_lost", "Records that captures lost because their ring was full.", AT(capture_lost) },
	{ "events", "Events since the start.", AT(last_event) },
};

const struct counter *counter_at(size_t index)
{
	return index < ARRAY_SIZE(counters) ? &counters[index] : NULL;
}

uint64_t counter_value(const struct counter *c, const struct snapshot_counters *s)
{
	const char *at = (const char *)s + c->offset;
	unsigned small;
	uint64_t large;
	if (c->is_unsigned) {
		memcpy(&small, at, sizeof(small));
		return small;
	}
	memcpy(&large, at, sizeof(large));
	return large;
}
