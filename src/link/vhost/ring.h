/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The device's side of a split virtqueue (virtio 1.3 §2.7), on memory only.
 *
 * The driver may write to that memory at any moment, so everything is read once, into a value, and checked before it is used.  A ring that
 * breaks a rule stays broken until it is set up again, because driver and device no longer agree on its contents.
 *
 * Chains are taken with ring_take() and given back in any order with ring_give(); ring_publish() shows them to the driver.  ring_untake()
 * undoes the latest ring_take()s.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>
#include <sys/uio.h>

struct memory;
struct ring_available;
struct ring_used;

#define RING_SIZE_MAX 32768u
/* Most descriptors of a chain, its indirect table included. */
#define RING_PIECES_MAX 1024u

struct ring_config {
	const struct memory *memory; /* borrowed */
	unsigned size;               /* entries; a power of two */
	/* Addresses in the front end's process. */
	uint64_t descriptors, available, used;
	uint16_t base;  /* the next available entry to take */
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
	uint16_t seen;      /* the driver's available index as last read */
	uint16_t next;      /* the next available entry to take */
	uint16_t given;     /* the used index, unpublished entries included */
	uint16_t published; /* the used index that the driver sees */
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

/* Sets @r up.  -EINVAL when the size or an address is invalid; @r is then not set up. */
int ring_init(struct ring *r, const struct ring_config *config);

/* Number of chains to take; 0 when the ring is broken. */
unsigned ring_waiting(struct ring *r);
/*
 * Takes the next chain, whose buffers must all be for @direction; its pieces go to @iov.  Returns 1; 0 when no chain waits; -EBADMSG
 * when the ring is broken.
 */
int ring_take(struct ring *r, enum ring_direction direction, struct iovec *iov, unsigned max, struct ring_chain *ret);
/* Puts back the @n chains that were taken last. */
void ring_untake(struct ring *r, unsigned n);

/* Gives back a chain with @written bytes in it. */
void ring_give(struct ring *r, uint16_t head, uint32_t written);
/* Number of chains given back but not published. */
static inline unsigned ring_unpublished(const struct ring *r)
{
	return (uint16_t)(r->given - r->published);
}

/* Publishes the chains given back; true when the driver wants a notification. */
bool ring_publish(struct ring *r);

/*
 * Asks the driver to kick when it adds chains, or not to.  Returns true when chains were added meanwhile, for which no kick comes.
 */
bool ring_want_kicks(struct ring *r);
void ring_refuse_kicks(struct ring *r);
