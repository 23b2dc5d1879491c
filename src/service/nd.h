/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Neighbour discovery of the gateway (RFC 4861 §7, RFC 4862 §5.4): answers solicitations for its own addresses, also those of machines that
 * look whether an address is free.  It never answers for others.  What guests advertise is learned by the guard (gateway/guard.h), which
 * has seen each message before.
 */
#pragma once

#include "base/addr.h"
#include "gateway/service.h"

#include <stdbool.h>

struct gateway_ip6;

struct nd_service {
	struct service service;
	struct mac mac;
	const struct gateway_ip6 *ip6;
};

/* @mac and @ip6: the gateway's; @ip6 is borrowed. */
void nd_service_init(struct nd_service *s, struct mac mac, const struct gateway_ip6 *ip6);

/*
 * Whether receivers take @p, whose p->nd is valid: it was not forwarded, its checksum is right, and it keeps the rules of its type
 * (RFC 4861 §6.1.1, §7.1).
 */
bool nd_is_valid(const struct packet *p);
