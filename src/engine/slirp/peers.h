/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Whom a guest's UDP ports have sent to: the memory behind address-dependent filtering (RFC 4787 REQ-8).  libslirp
 * passes on whatever reaches the host socket of a guest's port, so anybody who guesses the port could send
 * to the guest; this table says whose datagrams are answers.
 *
 * Bounded: when a set is full, the entry that was quiet longest makes room, and a datagram of that
 * peer is dropped until the guest sends to it again.
 */
#pragma once

#include "base/addr.h"
#include "base/hash.h"
#include "base/usec.h"

#include <stdbool.h>

struct peers {
	struct peer_entry *entries; /* PEERS_SETS sets of PEERS_WAYS; NULL until something was sent */
	struct hash_key key;
};

void peers_init(struct peers *p, const struct hash_key *key);
void peers_done(struct peers *p);
/* The guest sent from @port to @peer.  -ENOMEM. */
int peers_sent(struct peers *p, usec_t now, uint16_t port, ip4_t peer);
/* Whether the guest's @port has sent to @peer, and neither was quiet for too long since. */
bool peers_expects(struct peers *p, usec_t now, uint16_t port, ip4_t peer);
