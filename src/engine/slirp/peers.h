/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The peers that a guest's UDP ports have sent to, for address-dependent filtering (RFC 4787 REQ-8). libslirp passes on every
 * datagram that reaches the host socket of a guest's port, so anyone who guesses the port could send to the guest; this table tells
 * which datagrams are answers.
 *
 * Bounded: when a set is full, the entry idle for longest is replaced, and datagrams from its peer are dropped until the guest sends
 * to that peer again.
 */
#pragma once

#include "base/addr.h"
#include "base/hash.h"
#include "base/usec.h"

#include <stdbool.h>

struct peers {
	struct peer_entry *entries; /* PEERS_SETS sets of PEERS_WAYS; NULL until the first datagram */
	struct hash_key key;
};

void peers_init(struct peers *p, const struct hash_key *key);
void peers_done(struct peers *p);
/* The guest sent from @port to @peer.  -ENOMEM. */
int peers_sent(struct peers *p, usec_t now, uint16_t port, ip4_t peer);
/* Whether the guest's @port has sent to @peer and the pair has not been idle for too long since. */
bool peers_expects(struct peers *p, usec_t now, uint16_t port, ip4_t peer);
