/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A TCP service at the gateway that sends back its input eight times. */
#pragma once

#include "gateway/engine.h"
#include "gateway/stream_service.h"

#include <glib.h>

struct echo_service {
	struct stream_service service;
	GPtrArray *conns; /* open connections */
	bool refuse, close_at_once;
	unsigned accepted, eofs, closed;
	struct ip_endpoint last_guest;
};

struct echo_service *echo_service_new(void);
void echo_service_free(struct echo_service *e);
