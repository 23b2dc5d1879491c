/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Answers ICMP echo requests to the gateway's address (RFC 792, RFC 1122 §3.2.2.6). */
#pragma once

#include "base/addr.h"
#include "gateway/service.h"

struct echo_service {
	struct service service;
	ip4_t ip;
};

/* @ip: the gateway's address. */
void echo_service_init(struct echo_service *s, ip4_t ip);
