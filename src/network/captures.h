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
	struct captures *all; /* of the network; NULL while the capture does not run */
	struct list node;     /* in all->all */
	unsigned id;          /* from 1 on, never used again */
	unsigned port_id;     /* the port, or where the guest was seen last; 0: nowhere yet */
	struct mac guest;
	uint8_t *scratch; /* config.reach bytes, for frames in pieces */
	struct capture_ring ring;
	uint64_t records, lost;
	uint64_t untold; /* lost records that no record has reported yet */
	usec_t started;
	bool fresh;       /* a record was added in this turn */
	atomic_bool over; /* the port is gone: there will be no more records */
};

struct captures {
	struct list all;
	unsigned n, last_id;
	uint64_t records, lost; /* of all captures since the start */
};
