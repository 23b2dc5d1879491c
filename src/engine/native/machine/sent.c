/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "engine/native/machine/sent.h"

#include "wire/ip.h"

void native_sent_add(struct native_sent *s, uint16_t key, uint8_t tos, bool has_df, uint16_t id)
{
	unsigned i = s->next;
	uint16_t bit = (uint16_t)(1u << i);
	s->next = (uint8_t)((i + 1) % NATIVE_SENT_MAX);
	s->keys[i] = key;
	s->ids[i] = id;
	s->tos[i] = tos;
	s->has_df = has_df ? s->has_df | bit : s->has_df & (uint16_t)~bit;
}

bool native_sent_find(const struct native_sent *s, uint16_t key, struct ip_header *ret)
{
	for (unsigned n = 1; n <= NATIVE_SENT_MAX; n++) {
		unsigned i = (s->next + NATIVE_SENT_MAX - n) % NATIVE_SENT_MAX;
		if (s->keys[i] != key)
			continue;
		ret->id = s->ids[i];
		ret->traffic_class = s->tos[i];
		ret->dont_fragment = s->has_df >> i & 1;
		return true;
	}
	return false;
}
