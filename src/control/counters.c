/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "control/counters.h"

#include "base/macros.h"

#include <string.h>

#define AT(member) .offset = offsetof(struct snapshot_counters, member)
#define SMALL(member) AT(member), .is_unsigned = true

static const struct counter counters[] = {
	{ "ports", "Guests' ports that are plugged in.", .goes_down = true, SMALL(n_ports) },
	{ "leases", "Addresses given by DHCP.", .goes_down = true, SMALL(n_leases) },
	{ "reservations", "Reserved addresses.", .goes_down = true, SMALL(n_reservations) },
	{ "rx_frames", "Frames that guests' ports, those plugged in now, sent into the segment.", .goes_down = true, AT(rx_frames) },
	{ "rx_bytes", "Bytes of these frames.", .goes_down = true, AT(rx_bytes) },
	{ "tx_frames", "Frames that were sent to them.", .goes_down = true, AT(tx_frames) },
	{ "tx_bytes", "Bytes of these frames.", .goes_down = true, AT(tx_bytes) },
	{ "flows_tcp", "TCP connections now.", .goes_down = true, AT(engine.flows_tcp) },
	{ "flows_udp", "UDP mappings now.", .goes_down = true, AT(engine.flows_udp) },
	{ "flows_icmp", "Echo mappings now.", .goes_down = true, AT(engine.flows_icmp) },
	{ "flows_opened", "Flows ever opened.", AT(engine.flows_opened) },
	{ "flows_refused", "Flows refused at a limit.", AT(engine.flows_refused) },
	{ "dials_opened", "Connections to guests that lanlet connect and proxies opened.", AT(dials_opened) },
	{ "dials_failed", "Such connections that could not be opened.", AT(dials_failed) },
	{ "dns_queries", "Questions of guests.", AT(dns.queries) },
	{ "dns_local", "Questions answered here.", AT(dns.local) },
	{ "dns_forwarded", "Questions asked outside.", AT(dns.forwarded) },
	{ "dns_answered", "Of these: answered.", AT(dns.answered) },
	{ "dns_unanswered", "Of these: not answered.", AT(dns.unanswered) },
	{ "dns_retries", "Questions sent again.", AT(dns.retries) },
	{ "dns_forged", "Messages from name servers that were no answers.", AT(dns.forged) },
	{ "captures", "Captures that are running.", .goes_down = true, SMALL(n_captures) },
	{ "capture_records", "Records of captures ever.", AT(capture_records) },
	{ "capture_lost", "Records that captures had no room for.", AT(capture_lost) },
	{ "events", "Events so far.", AT(last_event) },
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
