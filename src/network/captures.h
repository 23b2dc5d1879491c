/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The captures of a network, as src/network sees them; others see network/capture.h. */
#pragma once

#include "base/addr.h"
#include "base/list.h"
#include "lan/observer.h"
#include "network/capture.h"
#include "network/capture_ring.h"

#include <stdatomic.h>

struct capture {
	struct capture_config config;
	struct observer observer;
	struct captures *all; /* the network's; NULL while it does not run */
	struct list node;     /* in them */
	unsigned id;          /* from 1 on, never used again */
	unsigned port_id;     /* of the port, or where the guest was seen last; 0: nowhere yet */
	struct mac guest;
	uint8_t *scratch; /* config.reach bytes, for frames in pieces */
	struct capture_ring ring;
	uint64_t records, lost;
	uint64_t untold; /* of those lost: what no record has told yet */
	usec_t started;
	bool fresh;       /* something was added in this turn */
	atomic_bool over; /* the port has gone: nothing more will come */
};

struct captures {
	struct list all;
	unsigned n, last_id;
	uint64_t records, lost; /* of all that there ever were */
};
