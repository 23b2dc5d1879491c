/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "engine/slirp/peers.h"

#include <errno.h>
#include <stdlib.h>

#define PEERS_SETS 512u
#define PEERS_WAYS 4u
/* As long as libslirp keeps an idle port's socket; RFC 4787 REQ-5 requires two minutes or more. */
#define GOOD_FOR (240 * USEC_PER_SEC)

struct peer_entry {
	usec_t used; /* last datagram either way; 0: free */
	ip4_t peer;
	uint16_t port;
};

void peers_init(struct peers *p, const struct hash_key *key)
{
	*p = (struct peers){ .key = *key };
}

void peers_done(struct peers *p)
{
	free(p->entries);
	p->entries = NULL;
}

static struct peer_entry *set_of(const struct peers *p, uint16_t port, ip4_t peer)
{
	uint32_t what[2] = { peer, port };
	return p->entries + hash_bytes(&p->key, what, sizeof(what)) % PEERS_SETS * PEERS_WAYS;
}

static bool is_good(const struct peer_entry *e, usec_t now)
{
	return e->used != 0 && now <= usec_add(e->used, GOOD_FOR);
}

static struct peer_entry *find(const struct peers *p, uint16_t port, ip4_t peer)
{
	struct peer_entry *set = set_of(p, port, peer);
	for (unsigned i = 0; i < PEERS_WAYS; i++)
		if (set[i].used != 0 && set[i].port == port && set[i].peer == peer)
			return &set[i];
	return NULL;
}

static struct peer_entry *oldest(const struct peers *p, uint16_t port, ip4_t peer)
{
	struct peer_entry *set = set_of(p, port, peer), *least = set;
	for (unsigned i = 1; i < PEERS_WAYS; i++)
		if (set[i].used < least->used)
			least = &set[i];
	return least;
}

int peers_sent(struct peers *p, usec_t now, uint16_t port, ip4_t peer)
{
	if (!p->entries)
		p->entries = calloc(PEERS_SETS * PEERS_WAYS, sizeof(*p->entries));
	if (!p->entries)
		return -ENOMEM;
	struct peer_entry *e = find(p, port, peer);
	if (!e)
		e = oldest(p, port, peer);
	*e = (struct peer_entry){ .used = now > 0 ? now : 1, .peer = peer, .port = port };
	return 0;
}

bool peers_expects(struct peers *p, usec_t now, uint16_t port, ip4_t peer)
{
	struct peer_entry *e = p->entries ? find(p, port, peer) : NULL;
	if (!e || !is_good(e, now))
		return false;
	e->used = now > 0 ? now : 1;
	return true;
}
