/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "engine/native/machine/mapping.h"

#include "base/macros.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define UDP_IDLE (300 * USEC_PER_SEC)     /* RFC 4787 REQ-5(c) recommends five minutes or more */
#define QUESTION_IDLE (20 * USEC_PER_SEC) /* REQ-5(a) allows less for well-known ports; resolvers give up earlier */
#define ECHO_IDLE (60 * USEC_PER_SEC)     /* the minimum of RFC 5508 REQ-2 */
#define DNS_PORT 53
#define FIRST_PEERS 4u

void mapping_init(struct mapping *m, usec_t now)
{
	*m = (struct mapping){ .active = now, .questions = true };
}

void mapping_done(struct mapping *m)
{
	free(m->peers);
	m->peers = NULL;
	m->n_peers = m->size = 0;
}

static void to_front(struct mapping *m, unsigned i)
{
	struct mapping_peer p = m->peers[i];
	memmove(&m->peers[1], &m->peers[0], i * sizeof(p));
	m->peers[0] = p;
}

static int make_room(struct mapping *m)
{
	if (m->n_peers < m->size)
		return 0;
	if (m->size == MAPPING_PEERS_MAX) {
		m->n_peers--;
		return 0;
	}
	unsigned size = m->size > 0 ? m->size * 2 : FIRST_PEERS;
	struct mapping_peer *peers = realloc(m->peers, size * sizeof(*peers));
	if (!peers)
		return -ENOMEM;
	m->peers = peers;
	m->size = size;
	return 0;
}

int mapping_sent(struct mapping *m, usec_t now, const struct ip_endpoint *claimed, const struct ip_endpoint *real)
{
	m->active = now;
	if (real->port != DNS_PORT)
		m->questions = false;
	for (unsigned i = 0; i < m->n_peers; i++) {
		if (ip_endpoint_equal(&m->peers[i].claimed, claimed) && ip_endpoint_equal(&m->peers[i].real, real)) {
			if (i > 0)
				to_front(m, i);
			return 0;
		}
	}
	int r = make_room(m);
	if (r < 0)
		return r;
	m->peers[m->n_peers++] = (struct mapping_peer){ .real = *real, .claimed = *claimed };
	to_front(m, m->n_peers - 1);
	return 0;
}

bool mapping_admits(struct mapping *m, enum mapping_filter filter, const struct ip_endpoint *from, struct ip_endpoint *ret_claimed)
{
	const struct mapping_peer *same_address = NULL;
	for (unsigned i = 0; i < m->n_peers; i++) {
		const struct mapping_peer *p = &m->peers[i];
		if (!ip_equal(&p->real.addr, &from->addr))
			continue;
		if (p->real.port == from->port) {
			*ret_claimed = p->claimed;
			return true;
		}
		if (!same_address)
			same_address = p;
	}
	if (filter == MAPPING_FILTER_ADDRESS_AND_PORT || (filter == MAPPING_FILTER_ADDRESS && !same_address))
		return false;
	*ret_claimed = *from;
	if (same_address)
		ret_claimed->addr = same_address->claimed.addr;
	return true;
}

usec_t mapping_udp_deadline(const struct mapping *m)
{
	return m->active + (m->questions ? QUESTION_IDLE : UDP_IDLE);
}

usec_t mapping_echo_deadline(const struct mapping *m)
{
	return m->active + ECHO_IDLE;
}
