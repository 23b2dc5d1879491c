/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Memory order: the driver writes descriptors, then the entry, then the index; the device reads the index first (acquire).  The device
 * writes the used entry, then the used index (release), and reads whether the driver wants a notification only after a full fence, as the
 * driver does on its side (§2.7.13.4.1).
 */
#include "link/vhost/ring.h"

#include "base/macros.h"
#include "link/vhost/memory.h"

#include <endian.h>
#include <errno.h>
#include <string.h>

enum {
	DESCRIPTOR_NEXT = 1,
	DESCRIPTOR_WRITE = 2,
	DESCRIPTOR_INDIRECT = 4,
	AVAILABLE_NO_INTERRUPT = 1,
	USED_NO_NOTIFY = 1,
};

/* All fields are little-endian (§2.7.5, §2.7.6, §2.7.8). */
struct ring_descriptor {
	uint64_t address;
	uint32_t len;
	uint16_t flags;
	uint16_t next;
};

struct ring_available {
	uint16_t flags;
	uint16_t index;
	uint16_t entries[]; /* size of them, then used_event */
};

struct ring_used_entry {
	uint32_t id;
	uint32_t len;
};

struct ring_used {
	uint16_t flags;
	uint16_t index;
	struct ring_used_entry entries[]; /* size of them, then avail_event */
};

static_assert(sizeof(struct ring_descriptor) == 16 && sizeof(struct ring_used_entry) == 8, "as on the wire");

int ring_init(struct ring *r, const struct ring_config *c)
{
	if (c->size == 0 || c->size > RING_SIZE_MAX || (c->size & (c->size - 1)) != 0)
		return -EINVAL;
	size_t event = sizeof(uint16_t);
	struct ring fresh = {
		.memory = c->memory,
		.size = c->size,
		.descriptors = memory_at_user(c->memory, c->descriptors, c->size * sizeof(struct ring_descriptor), 16),
		.available = memory_at_user(c->memory, c->available, sizeof(struct ring_available) + c->size * sizeof(uint16_t) + event, 2),
		.used = memory_at_user(c->memory, c->used, sizeof(struct ring_used) + c->size * sizeof(struct ring_used_entry) + event, 4),
		.event_idx = c->event_idx,
		.indirect = c->indirect,
		.seen = c->base,
		.next = c->base,
		.kicks_wanted = true,
	};
	if (!fresh.descriptors || !fresh.available || !fresh.used)
		return -EINVAL;
	fresh.given = fresh.published = le16toh(__atomic_load_n(&fresh.used->index, __ATOMIC_RELAXED));
	*r = fresh;
	return 0;
}

static int broken(struct ring *r)
{
	r->broken = true;
	return -EBADMSG;
}

/* Reads the driver's index.  It may be at most one ring size ahead. */
static int look(struct ring *r)
{
	uint16_t index = le16toh(__atomic_load_n(&r->available->index, __ATOMIC_ACQUIRE));
	if ((uint16_t)(index - r->next) > r->size)
		return broken(r);
	r->seen = index;
	return 0;
}

unsigned ring_waiting(struct ring *r)
{
	if (!r->memory || r->broken || look(r) < 0)
		return 0;
	return (uint16_t)(r->seen - r->next);
}

/* Copies a descriptor.  The barrier makes the compiler read it only once. */
static struct ring_descriptor read_descriptor(const uint8_t *table, unsigned at)
{
	struct ring_descriptor d;
	memcpy(&d, table + at * sizeof(d), sizeof(d));
	__asm__ volatile("" : "+m"(d));
	return (struct ring_descriptor){ le64toh(d.address), le32toh(d.len), le16toh(d.flags), le16toh(d.next) };
}

struct walk {
	const struct memory *memory;
	enum ring_direction direction;
	struct iovec *iov;
	unsigned max, n;
	unsigned steps; /* descriptors seen so far; bounded, because the chain may be a loop */
	size_t len;
};

static int add_buffer(struct walk *w, const struct ring_descriptor *d)
{
	enum ring_direction direction = d->flags & DESCRIPTOR_WRITE ? RING_TO_DRIVER : RING_FROM_DRIVER;
	if (direction != w->direction)
		return -EBADMSG;
	int n = memory_pieces(w->memory, d->address, d->len, w->iov + w->n, w->max - w->n);
	if (n < 0)
		return n;
	w->n += (unsigned)n;
	w->len += d->len;
	return 0;
}

/*
 * Walks a chain in @table from @at on.  Returns an indirect descriptor in @ret_indirect: it must be the last of its chain, and its table
 * must not contain another (§2.7.5.3.1).
 */
static int walk_table(struct walk *w, const uint8_t *table, unsigned size, unsigned at, struct ring_descriptor *ret_indirect)
{
	for (;;) {
		if (at >= size || ++w->steps > RING_PIECES_MAX)
			return -EBADMSG;
		struct ring_descriptor d = read_descriptor(table, at);
		if (d.flags & DESCRIPTOR_INDIRECT) {
			if (!ret_indirect || d.flags & DESCRIPTOR_NEXT)
				return -EBADMSG;
			*ret_indirect = d;
			return 0;
		}
		int r = add_buffer(w, &d);
		if (r < 0 || !(d.flags & DESCRIPTOR_NEXT))
			return r;
		at = d.next;
	}
}

static int walk_chain(const struct ring *r, struct walk *w, unsigned head)
{
	struct ring_descriptor indirect = { 0 };
	int error = walk_table(w, r->descriptors, r->size, head, r->indirect ? &indirect : NULL);
	if (error < 0 || !(indirect.flags & DESCRIPTOR_INDIRECT))
		return error;
	unsigned size = indirect.len / sizeof(indirect);
	const uint8_t *table = memory_at_guest(w->memory, indirect.address, indirect.len);
	if (!table || size == 0 || indirect.len % sizeof(indirect) != 0)
		return -EBADMSG;
	return walk_table(w, table, size, 0, NULL);
}

int ring_take(struct ring *r, enum ring_direction direction, struct iovec *iov, unsigned max, struct ring_chain *ret)
{
	if (!r->memory || r->broken)
		return r->broken ? -EBADMSG : 0;
	if (r->seen == r->next && look(r) < 0)
		return -EBADMSG;
	if (r->seen == r->next)
		return 0;
	uint16_t head = le16toh(__atomic_load_n(&r->available->entries[r->next & (r->size - 1)], __ATOMIC_RELAXED));
	struct walk w = { .memory = r->memory, .direction = direction, .iov = iov, .max = max };
	if (walk_chain(r, &w, head) < 0)
		return broken(r);
	r->next++;
	*ret = (struct ring_chain){ .head = head, .n_iov = w.n, .len = w.len };
	return 1;
}

void ring_untake(struct ring *r, unsigned n)
{
	r->next = (uint16_t)(r->next - n);
}

void ring_give(struct ring *r, uint16_t head, uint32_t written)
{
	struct ring_used_entry *e = &r->used->entries[r->given++ & (r->size - 1)];
	__atomic_store_n(&e->id, htole32(head), __ATOMIC_RELAXED);
	__atomic_store_n(&e->len, htole32(written), __ATOMIC_RELAXED);
}

static uint16_t *used_event(struct ring *r)
{
	return &r->available->entries[r->size];
}

static uint16_t *available_event(struct ring *r)
{
	return (uint16_t *)(void *)&r->used->entries[r->size];
}

bool ring_publish(struct ring *r)
{
	uint16_t before = r->published;
	if (!r->memory || r->given == before)
		return false;
	r->published = r->given;
	__atomic_store_n(&r->used->index, htole16(r->given), __ATOMIC_RELEASE);
	__atomic_thread_fence(__ATOMIC_SEQ_CST);
	if (!r->event_idx)
		return !(le16toh(__atomic_load_n(&r->available->flags, __ATOMIC_RELAXED)) & AVAILABLE_NO_INTERRUPT);
	/* §2.7.7.2: the driver waits for one of the new entries. */
	uint16_t event = le16toh(__atomic_load_n(used_event(r), __ATOMIC_RELAXED));
	return (uint16_t)(r->given - event - 1) < (uint16_t)(r->given - before);
}

bool ring_want_kicks(struct ring *r)
{
	if (!r->memory || r->broken)
		return false;
	uint16_t seen = r->seen;
	if (r->event_idx)
		__atomic_store_n(available_event(r), htole16(seen), __ATOMIC_RELAXED);
	else
		__atomic_store_n(&r->used->flags, 0, __ATOMIC_RELAXED);
	r->kicks_wanted = true;
	__atomic_thread_fence(__ATOMIC_SEQ_CST);
	return look(r) == 0 && r->seen != seen;
}

void ring_refuse_kicks(struct ring *r)
{
	/* With VIRTIO_F_EVENT_IDX an avail_event in the past suppresses kicks (§2.7.10.2). */
	if (r->memory && !r->event_idx && r->kicks_wanted)
		__atomic_store_n(&r->used->flags, htole16(USED_NO_NOTIFY), __ATOMIC_RELAXED);
	r->kicks_wanted = false;
}
