/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * When leases are saved, and the ACKs that wait for it.
 *
 * An ACK of a new lease, of a changed one, or of one that the saved leases let end much earlier, is sent after the leases have been
 * saved.  That happens at the end of a turn, once for all clients of the turn, and SAVES_PER_SECOND times a second in the long run: a guest
 * that asks all the time costs the others a short delay of their ACKs, not the time for thousands of saves.  Other renewals are not saved.
 */
#pragma once

#include "base/addr.h"
#include "base/list.h"
#include "base/usec.h"
#include "gateway/sink.h"

#include <stdbool.h>
#include <stdint.h>

#define DHCP_GONE_MAX 64u

struct dhcp;
struct dhcp_ack;
struct dhcp_request;
struct lease;

struct dhcp_saving {
	bool due;            /* changes wait to be saved */
	struct list unsaved; /* lease.unsaved, that have changed */
	/* Leases that the saved ones have, and whose records are gone; when there are more, all are saved. */
	struct dhcp_gone {
		struct mac mac;
		ip4_t ip;
	} gone[DHCP_GONE_MAX];
	unsigned n_gone;
	bool outdated;    /* the saved leases let some end earlier than they do */
	usec_t pace;      /* when the saves of the past will not delay the next one any more */
	struct list acks; /* struct dhcp_ack */
	struct sink sink; /* keeps what is sent to it, for @lease */
	struct lease *lease;
	int error;
};

void dhcp_saving_init(struct dhcp_saving *s);
void dhcp_saving_done(struct dhcp_saving *s);

/* @l, which is BOUND or was until now, has changed, and has to be saved. */
void dhcp_saving_needed(struct dhcp *d, usec_t now, struct lease *l);
/* The lease of @mac to @ip, which was saved, is gone. */
void dhcp_saving_gone(struct dhcp *d, usec_t now, struct mac mac, ip4_t ip);
/* Whether the saved leases need no more than dhcp_saving_for_each(). */
bool dhcp_saving_needs_few(const struct dhcp_saving *s);
/* As dhcp_for_each_unsaved(). */
void dhcp_saving_for_each(const struct dhcp_saving *s, void (*each)(void *opaque, const struct lease *l), void *opaque);
/* @l was renewed.  Whether it need not be saved for that. */
bool dhcp_saving_covers(struct dhcp *d, usec_t now, const struct lease *l);
/* Sends an ACK of @l for @lease_time seconds after the next save, instead of an earlier one that still waits.  -ENOMEM. */
int dhcp_saving_ack(struct dhcp *d, usec_t now, const struct dhcp_request *rq, struct lease *l, uint32_t lease_time);
/* Does not send @a, which may be NULL, and frees it. */
void dhcp_ack_free(struct dhcp_ack *a);

/* When dhcp_saving_run() wants to be called; USEC_INFINITY: nothing is to be saved. */
usec_t dhcp_saving_deadline(const struct dhcp *d);
/* Saves the leases if that is due, and sends the ACKs. */
void dhcp_saving_run(struct dhcp *d, usec_t now, struct sink *out);
