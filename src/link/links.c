/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "link/links.h"

#include "base/macros.h"
#include "link/dgram.h"
#include "link/packet.h"
#include "link/stream.h"
#include "link/vde/join.h"
#include "link/vde/vde.h"
#include "link/vhost/vhost.h"

#include <string.h>

static const struct link_ops *const table[] = {
	&stream_link_ops, &dgram_link_ops, &packet_link_ops, &vhost_link_ops, &vde_link_ops, &join_link_ops,
};

static_assert(ARRAY_SIZE(table) < LINKS_MAX, "the last place stays NULL");

#define for_each_link(l, link) for (struct link *const *at_ = (l)->at, *link; (link = *at_) != NULL; at_++)

int links_init(struct links *l, const struct link_config *config)
{
	*l = (struct links){ 0 };
	for (size_t i = 0; i < ARRAY_SIZE(table); i++) {
		struct link_config own = *config;
		if (own.mtu == 0)
			own.mtu = table[i]->mtu;
		int r = table[i]->new (&own, &l->at[i]);
		if (r < 0)
			return r;
	}
	return 0;
}

void links_done(struct links *l, usec_t now)
{
	for_each_link(l, link)
		link->ops->free(link, now);
	*l = (struct links){ 0 };
}

usec_t links_deadline(const struct links *l)
{
	usec_t first = USEC_INFINITY;
	for_each_link(l, link)
		first = usec_min(first, link->ops->deadline(link));
	return first;
}

void links_expire(struct links *l, usec_t now)
{
	for_each_link(l, link)
		link->ops->expire(link, now);
}

bool links_have_work(const struct links *l)
{
	for_each_link(l, link)
		if (link->ops->has_work && link->ops->has_work(link))
			return true;
	return false;
}

void links_poll(struct links *l, usec_t now)
{
	for_each_link(l, link)
		if (link->ops->poll)
			link->ops->poll(link, now);
}

void links_settle(struct links *l)
{
	for_each_link(l, link)
		if (link->ops->settle)
			link->ops->settle(link);
}

void links_for_each_target(const struct links *l, link_target_f f, void *opaque)
{
	for_each_link(l, link)
		if (link->ops->for_each_target)
			link->ops->for_each_target(link, f, opaque);
}

struct link *links_find(const struct links *l, const char *name)
{
	for_each_link(l, link)
		if (strcmp(link->ops->name, name) == 0)
			return link;
	assert(!"a name of the table");
	return NULL;
}

static const struct link_socket *find_socket(const struct link_ops *ops, const char *word, int type, unsigned uses)
{
	if (!word)
		uses |= LINK_SOCKET_DEFAULT;
	for (const struct link_socket *s = ops->sockets; s->word; s++)
		if ((!word || strcmp(s->word, word) == 0) && (type == 0 || s->type == type) && (s->uses & uses) == uses)
			return s;
	return NULL;
}

struct link *links_find_socket(const struct links *l, const char *word, int type, unsigned uses)
{
	for_each_link(l, link)
		if (find_socket(link->ops, word, type, uses))
			return link;
	return NULL;
}

const struct link_socket *link_socket_find(const char *word, int type, unsigned uses)
{
	const struct link_socket *found = NULL;
	for (size_t i = 0; i < ARRAY_SIZE(table) && !found; i++)
		found = find_socket(table[i], word, type, uses);
	return found;
}
