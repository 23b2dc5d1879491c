/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A TFTP server for network boot: read-only, octet mode, from one directory (files.h).  A service of the gateway; pure but for what the
 * files do.  Each transfer is answered from a port of its own (RFC 1350 §4).  A port of the segment has a share of the transfers.
 */
#pragma once

#include "base/addr.h"
#include "base/hash.h"
#include "base/list.h"
#include "base/usec.h"
#include "gateway/service.h"

#include <stdbool.h>
#include <stdint.h>

struct boot_files;
struct log;

#define TFTP_TRANSFERS_MAX 256u
/* Blocks on their way; more would only fill the guest's queue. */
#define TFTP_WINDOW_MAX 64u

struct tftp_config {
	ip4_t gateway;
	struct boot_files *files; /* borrowed */
	struct log *log;          /* borrowed, may be NULL */
	struct hash_key hash_key; /* for the ports of transfers */
};

struct tftp {
	struct service service;
	struct tftp_config config;
	struct list transfers; /* by deadline */
	unsigned n;
	uint64_t n_begun;
	uint8_t buf[65536]; /* one packet under construction */
};

void tftp_init(struct tftp *t, const struct tftp_config *config);
/* Ends all transfers.  Harmless on a zeroed struct. */
void tftp_done(struct tftp *t);
