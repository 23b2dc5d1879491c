/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A service of the gateway: DHCP, DNS, echo, …  Pure: no descriptor, no clock, no randomness.  It gets packets
 * and the time, and answers through a sink.  The struct is embedded in the service's own object.
 */
#pragma once

#include "base/usec.h"

struct packet;
struct service;
struct sink;

enum service_verdict {
	SERVICE_NOT_MINE, /* for the next service */
	SERVICE_TAKEN,    /* answered, or dropped and counted */
};

struct service_ops {
	const char *name;
	/*
	 * A packet that a guest sent to the gateway's MAC, to a group MAC or to broadcast.
	 * @p and everything it points to is borrowed until the end of the turn.
	 */
	enum service_verdict (*input)(struct service *s, usec_t now, const struct packet *p, struct sink *out);
	/* When expire() wants to be called; USEC_INFINITY for never.  NULL: never. */
	usec_t (*deadline)(const struct service *s);
	/* Does what is due at @now.  May be called early or late.  NULL with deadline. */
	void (*expire)(struct service *s, usec_t now, struct sink *out);
};

struct service {
	const struct service_ops *ops;
};
