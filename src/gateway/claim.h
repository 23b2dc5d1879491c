/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Claims: a frame from one port shows a MAC or an address that another port has.  The holder is asked whether it is still there, three
 * times within half a second.  When it is heard the claim is refused, and refused again without asking while it is remembered; when it is
 * silent, or its port is detached, the claim is granted and the frame that made it enters again.  A holder that is sent more than it can
 * take may not have been asked, so the claim is refused, too: the claimant may be the one that sends so much.
 *
 * Pure.  Bounded: a payer has a share of all claims, and each claim keeps one frame.
 */
#pragma once

#include "base/addr.h"
#include "base/list.h"
#include "base/usec.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct frame;
struct payer;

#define CLAIMS_MAX 512u
/* Of the frame that made a claim; longer ones do not enter again. */
#define CLAIM_FRAME_MAX 1518u
#define CLAIM_ASK_TIMES 3u
#define CLAIM_ASK_INTERVAL (166 * USEC_PER_MSEC)
#define CLAIM_ANSWER_TIME (500 * USEC_PER_MSEC)
/* A frame that the holder sent before it was asked may arrive this much later. */
#define CLAIM_LATE_TIME (10 * USEC_PER_MSEC)
#define CLAIM_MEMORY (5 * USEC_PER_SEC)

enum claim_state {
	CLAIM_ASKING,
	CLAIM_REFUSED,
	CLAIM_GRANTED, /* its frame is about to enter */
};

struct claim {
	enum claim_state state;
	struct mac mac;            /* with which the claim was made */
	struct ip_addr addr;       /* that is claimed; "::": it is the MAC */
	struct payer *by, *holder; /* referenced */
	struct mac asked_mac;      /* of the holder */
	struct ip_addr asked_addr; /* "::": the holder has no address that could be asked for */
	uint64_t n_taken, n_lost;  /* frames that the holder's port had taken, and had not taken because it was full, in the beginning */
	usec_t begun;

	/* private to claim.c */
	unsigned asked;
	usec_t deadline;
	struct list node;     /* in claims.all */
	struct list of_payer; /* in by->claims */
	size_t frame_len;     /* 0: no frame was kept */
	uint8_t frame[CLAIM_FRAME_MAX];
};

struct claim_ops {
	/* Ask at the port of @c->holder for @c->asked_addr. */
	void (*ask)(void *opaque, usec_t now, const struct claim *c);
	/* Whether the holder takes frames, but too slowly: it may be there and not have got what it was asked. */
	bool (*is_overrun)(void *opaque, const struct claim *c);
	/* @c was granted: @frame, of @c->by's port, enters now.  claims_take() finds @c meanwhile. */
	void (*enter)(void *opaque, usec_t now, const struct claim *c, const void *frame, size_t len);
	/* @c is refused: two ports use one MAC or address.  Once for each claim that is remembered. */
	void (*refused)(void *opaque, usec_t now, const struct claim *c);
};

struct claims {
	struct list all;
	unsigned n;
	usec_t next_deadline; /* lower bound */
	const struct claim_ops *ops;
	void *opaque;
};

void claims_init(struct claims *t, const struct claim_ops *ops, void *opaque);
void claims_done(struct claims *t);

/* The claim of @by to @addr ("::": to @mac) with @mac; NULL when there is no such claim. */
struct claim *claims_find(const struct claims *t, const struct payer *by, struct mac mac, const struct ip_addr *addr);
/*
 * Begins a claim as @begin says: by, holder, mac, addr, asked_mac, asked_addr, n_taken, n_lost; with state CLAIM_REFUSED it is only
 * remembered and reported.  Keeps a copy of @frame.  False when @begin->by has too many claims, or out of memory.
 */
bool claims_begin(struct claims *t, usec_t now, const struct claim *begin, const struct frame *frame);
/* Keeps a copy of @frame instead of the one before. */
void claims_keep(struct claim *c, const struct frame *frame);
/* Whether @c was granted; then it has done its service and is freed. */
bool claims_take(struct claims *t, struct claim *c);
/* A frame from @holder's port with source @mac; @addr: the address that it shows, or "::". */
void claims_heard(struct claims *t, usec_t now, const struct payer *holder, struct mac mac, const struct ip_addr *addr);
/* The port of @p was detached: its own claims end, those to what it had are granted at the next expiry. */
void claims_port_gone(struct claims *t, usec_t now, const struct payer *p);

usec_t claims_deadline(const struct claims *t);
void claims_expire(struct claims *t, usec_t now);
