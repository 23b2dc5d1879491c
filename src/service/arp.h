/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Answers ARP requests for the gateway's address (RFC 826). */
#pragma once

#include "base/addr.h"
#include "gateway/service.h"

struct arp_service {
	struct service service;
	struct mac mac;
	ip4_t ip;
};

/* @mac and @ip: the gateway's. */
void arp_service_init(struct arp_service *s, struct mac mac, ip4_t ip);
