/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Answers ICMP echo requests to the gateway's addresses (RFC 792, RFC 1122 §3.2.2.6, RFC 4443 §4). */
#pragma once

#include "base/addr.h"
#include "gateway/service.h"

struct gateway_ip6;

struct echo_service {
	struct service service;
	ip4_t ip;
	const struct gateway_ip6 *ip6;
};

/* @ip and @ip6: the gateway's addresses; @ip6 is borrowed. */
void echo_service_init(struct echo_service *s, ip4_t ip, const struct gateway_ip6 *ip6);
