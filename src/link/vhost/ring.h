/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The device's side of a split virtqueue (virtio 1.3 §2.7), on memory only.
 *
 * The driver may write to that memory at any moment, whatever the rules say: everything is read once, into a
 * value, and checked before it is used.  A ring that breaks a rule stays broken until it is set up again: its driver and we no
 * longer agree on what is in it.
 *
 * Chains are taken with ring_take() and given back in any order with ring_give(); the driver sees what was given when
 * ring_publish() is called.  ring_untake() puts the chains taken last back as if they had not been looked at.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>
#include <sys/uio.h>

struct memory;
struct ring_available;
struct ring_used;

#define RING_SIZE_MAX 32768u
/* Most descriptors of a chain, those of its indirect table included. */
#define RING_PIECES_MAX 1024u

struct ring_config {
	const struct memory *memory; /* borrowed */
	unsigned size;               /* entries; a power of two */
	/* Addresses in the front end's process. */
	uint64_t descriptors, available, used;
	uint16_t base;  /* the next available entry to look at */
	bool event_idx; /* VIRTIO_F_EVENT_IDX */
	bool indirect;  /* VIRTIO_F_INDIRECT_DESC */
};

struct ring {
	const struct memory *memory; /* NULL: not set up */
	unsigned size;
	const uint8_t *descriptors;
	struct ring_available *available;
	struct ring_used *used;
	bool event_idx, indirect;
	bool broken;
	bool kicks_wanted;
	uint16_t seen;      /* the driver's available index when last read */
	uint16_t next;      /* the next available entry to take */
	uint16_t given;     /* our used index, what is not published included */
	uint16_t published; /* our used index as the driver sees it */
};

enum ring_direction {
	RING_FROM_DRIVER, /* the device reads the buffers */
	RING_TO_DRIVER,   /* the device writes them */
};

struct ring_chain {
	uint16_t head;
	unsigned n_iov;
	size_t len; /* bytes in all pieces */
};

/* Finds the ring in memory.  -EINVAL when size or addresses cannot be; @r is then not set up. */
int ring_init(struct ring *r, const struct ring_config *config);

/* Chains that wait to be taken; 0 too when the ring is broken. */
unsigned ring_waiting(struct ring *r);
/*
 * Takes the next chain, all of whose buffers must be for @direction; its pieces go to @iov.  1, 0 when there is none, or
 * -EBADMSG: the ring is broken.
 */
int ring_take(struct ring *r, enum ring_direction direction, struct iovec *iov, unsigned max, struct ring_chain *ret);
/* Puts the @n chains that were taken last back. */
void ring_untake(struct ring *r, unsigned n);

/* Gives a chain back, into which @written bytes were written. */
void ring_give(struct ring *r, uint16_t head, uint32_t written);
/* Chains that were given and that the driver cannot see yet. */
static inline unsigned ring_unpublished(const struct ring *r)
{
	return (uint16_t)(r->given - r->published);
}

/* Shows the driver what was given; true when it wants to be called. */
bool ring_publish(struct ring *r);

/*
 * Asks for a kick when there are more chains than when the ring was last looked at, or says that none is needed for now.
 * Returns true when there are more already, which no kick will tell of.
 */
bool ring_want_kicks(struct ring *r);
void ring_refuse_kicks(struct ring *r);
