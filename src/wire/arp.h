/* SPDX-License-Identifier: GPL-2.0-or-later */
/* ARP for IPv4 over Ethernet (RFC 826). */
#pragma once

#include "base/addr.h"
#include "base/bytes.h"

#define ARP_LEN 28

enum arp_operation {
	ARP_REQUEST = 1,
	ARP_REPLY = 2,
};

struct arp_message {
	uint16_t operation; /* enum arp_operation; other values parse too */
	struct mac sender_mac;
	ip4_t sender_ip;
	struct mac target_mac;
	ip4_t target_ip;
};

/* -EBADMSG when truncated, -EPROTONOSUPPORT when not IPv4 over Ethernet or IEEE 802. */
int arp_parse(struct bytes_reader *r, struct arp_message *ret);
void arp_emit(struct bytes_writer *w, const struct arp_message *m);
