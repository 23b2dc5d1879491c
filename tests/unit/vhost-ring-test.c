/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Split virtqueues and the addresses in them: virtio 1.3 §2.7. */
#include "link/vhost/memory.h"
#include "link/vhost/ring.h"
#include "support/vring.h"

#include <errno.h>
#include <glib.h>
#include <string.h>

#define MEMORY_SIZE 65536u
#define SIZE 8u
#define DATA 0x4000u /* of memory: buffers from here on */

struct fixture {
	uint8_t *bytes;
	struct memory memory;
	struct vring driver;
	struct ring_config config;
	struct ring ring;
	struct iovec iov[RING_PIECES_MAX];
	struct ring_chain chain;
};

static void set_up(struct fixture *f, gconstpointer data)
{
	f->bytes = g_aligned_alloc0(1, MEMORY_SIZE, 4096);
	/* Two regions that are neighbours to the guest. */
	memory_add(&f->memory, &(struct memory_region){ VRING_GUEST, VRING_USER, MEMORY_SIZE / 2, f->bytes });
	memory_add(&f->memory, &(struct memory_region){ VRING_GUEST + MEMORY_SIZE / 2, VRING_USER + (1 << 30), MEMORY_SIZE / 2,
							f->bytes + MEMORY_SIZE / 2 });
	vring_init(&f->driver, f->bytes, 0, SIZE);
	f->config = (struct ring_config){
		.memory = &f->memory,
		.size = SIZE,
		.descriptors = VRING_USER + f->driver.descriptors_at,
		.available = VRING_USER + f->driver.available_at,
		.used = VRING_USER + f->driver.used_at,
		.indirect = true,
	};
	g_assert_cmpint(ring_init(&f->ring, &f->config), ==, 0);
}

static void tear_down(struct fixture *f, gconstpointer data)
{
	g_aligned_free(f->bytes);
}

static int take(struct fixture *f, enum ring_direction direction)
{
	return ring_take(&f->ring, direction, f->iov, RING_PIECES_MAX, &f->chain);
}

static uint16_t add(struct fixture *f, size_t at, uint32_t len)
{
	return vring_add(&f->driver, &(struct vring_piece){ at, len, false }, 1);
}

static void assert_broken(struct fixture *f)
{
	g_assert_cmpint(take(f, RING_FROM_DRIVER), ==, -EBADMSG);
	g_assert_true(f->ring.broken);
	add(f, DATA, 10);
	g_assert_cmpint(take(f, RING_FROM_DRIVER), ==, -EBADMSG); /* for good */
	g_assert_cmpuint(ring_waiting(&f->ring), ==, 0);
}

static void chain_is_taken_and_given_back(struct fixture *f, gconstpointer data)
{
	struct vring_piece pieces[] = { { DATA, 12, false }, { DATA + 100, 1500, false } };
	g_assert_cmpint(take(f, RING_FROM_DRIVER), ==, 0);
	uint16_t head = vring_add(&f->driver, pieces, 2);
	g_assert_cmpuint(ring_waiting(&f->ring), ==, 1);
	g_assert_cmpint(take(f, RING_FROM_DRIVER), ==, 1);
	g_assert_cmpuint(f->chain.head, ==, head);
	g_assert_cmpuint(f->chain.n_iov, ==, 2);
	g_assert_cmpuint(f->chain.len, ==, 1512);
	g_assert_true(f->iov[1].iov_base == f->bytes + DATA + 100);
	struct vring_used_entry used;
	ring_give(&f->ring, head, 7);
	g_assert_false(vring_take(&f->driver, &used)); /* not before it is published */
	g_assert_true(ring_publish(&f->ring));
	g_assert_true(vring_take(&f->driver, &used));
	g_assert_cmpuint(used.id, ==, head);
	g_assert_cmpuint(used.len, ==, 7);
	g_assert_false(ring_publish(&f->ring)); /* nothing new */
}

static void ring_index_wraps_many_times(struct fixture *f, gconstpointer data)
{
	struct vring_used_entry used;
	for (unsigned i = 0; i < 70000; i++) {
		uint16_t head = add(f, DATA + i % 100, 60);
		g_assert_cmpint(take(f, RING_FROM_DRIVER), ==, 1);
		ring_give(&f->ring, f->chain.head, 0);
		ring_publish(&f->ring);
		g_assert_true(vring_take(&f->driver, &used));
		g_assert_cmpuint(used.id, ==, head);
	}
	g_assert_cmpint(take(f, RING_FROM_DRIVER), ==, 0);
}

static void untaken_chains_come_again(struct fixture *f, gconstpointer data)
{
	uint16_t first = add(f, DATA, 1);
	add(f, DATA, 2);
	g_assert_cmpint(take(f, RING_FROM_DRIVER), ==, 1);
	g_assert_cmpint(take(f, RING_FROM_DRIVER), ==, 1);
	ring_untake(&f->ring, 2);
	g_assert_cmpint(take(f, RING_FROM_DRIVER), ==, 1);
	g_assert_cmpuint(f->chain.head, ==, first);
}

static void indirect_table_is_a_chain(struct fixture *f, gconstpointer data)
{
	struct vring_piece pieces[20];
	for (unsigned i = 0; i < G_N_ELEMENTS(pieces); i++)
		pieces[i] = (struct vring_piece){ DATA + i * 64, 50, false };
	vring_add_indirect(&f->driver, 0x2004, pieces, G_N_ELEMENTS(pieces)); /* more than the ring has; aligned to nothing much */
	g_assert_cmpint(take(f, RING_FROM_DRIVER), ==, 1);
	g_assert_cmpuint(f->chain.n_iov, ==, 20);
	g_assert_cmpuint(f->chain.len, ==, 1000);
}

static void indirect_table_behind_direct_ones_is_followed(struct fixture *f, gconstpointer data)
{
	vring_add_indirect(&f->driver, 0x2000, &(struct vring_piece){ DATA, 50, false }, 1);
	f->driver.descriptors[1] = (struct vring_descriptor){ VRING_GUEST + DATA, 10, VRING_NEXT, 0 };
	f->driver.available[2] = 1;
	g_assert_cmpint(take(f, RING_FROM_DRIVER), ==, 1);
	g_assert_cmpuint(f->chain.len, ==, 60);
}

static void buffer_may_go_on_in_the_next_region(struct fixture *f, gconstpointer data)
{
	add(f, MEMORY_SIZE / 2 - 10, 30);
	g_assert_cmpint(take(f, RING_FROM_DRIVER), ==, 1);
	g_assert_cmpuint(f->chain.n_iov, ==, 2);
	g_assert_cmpuint(f->iov[0].iov_len, ==, 10);
	g_assert_cmpuint(f->iov[1].iov_len, ==, 20);
}

/* Each leaves a chain that must break the ring. */
static void break_head(struct vring *v)
{
	vring_offer(v, SIZE);
}

static void break_next(struct vring *v)
{
	vring_add(v, (struct vring_piece[]){ { DATA, 1, false }, { DATA, 1, false } }, 2);
	v->descriptors[0].next = SIZE;
}

static void break_by_loop(struct vring *v)
{
	vring_add(v, (struct vring_piece[]){ { DATA, 0, false }, { DATA, 0, false } }, 2);
	v->descriptors[1].flags = VRING_NEXT;
	v->descriptors[1].next = 0;
}

static void break_direction(struct vring *v)
{
	vring_add(v, &(struct vring_piece){ DATA, 10, true }, 1);
}

static void break_mixed_direction(struct vring *v)
{
	vring_add(v, (struct vring_piece[]){ { DATA, 10, false }, { DATA, 10, true } }, 2);
}

static void break_unmapped(struct vring *v)
{
	vring_add(v, &(struct vring_piece){ MEMORY_SIZE - 10, 11, false }, 1);
}

static void break_wrapping_address(struct vring *v)
{
	vring_add(v, &(struct vring_piece){ DATA, UINT32_MAX, false }, 1);
	v->descriptors[0].address = UINT64_MAX - 100;
}

static void break_index(struct vring *v)
{
	v->available[1] = SIZE + 1;
}

static void break_index_backwards(struct vring *v)
{
	v->available[1] = 0xffff;
}

static void break_indirect_len(struct vring *v)
{
	vring_add_indirect(v, 0x2000, &(struct vring_piece){ DATA, 10, false }, 1);
	v->descriptors[0].len = 17;
}

static void break_indirect_empty(struct vring *v)
{
	vring_add_indirect(v, 0x2000, &(struct vring_piece){ DATA, 10, false }, 1);
	v->descriptors[0].len = 0;
}

static void break_indirect_unmapped(struct vring *v)
{
	vring_add_indirect(v, 0x2000, &(struct vring_piece){ DATA, 10, false }, 1);
	v->descriptors[0].address = VRING_GUEST + MEMORY_SIZE - 8;
}

static void break_indirect_nested(struct vring *v)
{
	vring_add_indirect(v, 0x2000, &(struct vring_piece){ 0x2000, 16, false }, 1);
	((struct vring_descriptor *)(void *)(v->memory + 0x2000))->flags = VRING_INDIRECT;
}

static void break_indirect_goes_on(struct vring *v)
{
	vring_add_indirect(v, 0x2000, &(struct vring_piece){ DATA, 10, false }, 1);
	v->descriptors[0].flags |= VRING_NEXT;
	v->descriptors[0].next = 1;
}

static void break_indirect_next(struct vring *v)
{
	vring_add_indirect(v, 0x2000, (struct vring_piece[]){ { DATA, 1, false }, { DATA, 1, false } }, 2);
	((struct vring_descriptor *)(void *)(v->memory + 0x2000))->next = 2;
}

static void break_too_many_pieces(struct vring *v)
{
	/* A table of 2000 empty descriptors: work for nothing. */
	struct vring_descriptor *table = (void *)(v->memory + 0x4000);
	for (unsigned i = 0; i < 2000; i++)
		table[i] = (struct vring_descriptor){ VRING_GUEST, 0, VRING_NEXT, (uint16_t)(i + 1) };
	table[1999].flags = 0;
	vring_add_indirect(v, 0x2000, &(struct vring_piece){ DATA, 10, false }, 1);
	v->descriptors[0].address = VRING_GUEST + 0x4000;
	v->descriptors[0].len = 2000 * 16;
}

static const struct {
	const char *name;
	void (*apply)(struct vring *v);
} breakages[] = {
	{ "head_out_of_range", break_head },
	{ "next_out_of_range", break_next },
	{ "loop", break_by_loop },
	{ "wrong_direction", break_direction },
	{ "mixed_direction", break_mixed_direction },
	{ "buffer_outside_memory", break_unmapped },
	{ "buffer_that_wraps", break_wrapping_address },
	{ "index_too_far_ahead", break_index },
	{ "index_that_went_back", break_index_backwards },
	{ "indirect_table_of_odd_size", break_indirect_len },
	{ "indirect_table_without_entries", break_indirect_empty },
	{ "indirect_table_outside_memory", break_indirect_unmapped },
	{ "indirect_table_in_a_table", break_indirect_nested },
	{ "indirect_table_with_next", break_indirect_goes_on },
	{ "indirect_next_out_of_range", break_indirect_next },
	{ "endless_chain", break_too_many_pieces },
};

static void breaks_the_ring(struct fixture *f, gconstpointer data)
{
	breakages[GPOINTER_TO_SIZE(data)].apply(&f->driver);
	assert_broken(f);
}

static void indirect_without_the_feature_breaks_the_ring(struct fixture *f, gconstpointer data)
{
	f->config.indirect = false;
	g_assert_cmpint(ring_init(&f->ring, &f->config), ==, 0);
	vring_add_indirect(&f->driver, 0x2000, &(struct vring_piece){ DATA, 10, false }, 1);
	assert_broken(f);
}

static void ring_that_is_not_in_memory_is_refused(struct fixture *f, gconstpointer data)
{
	struct ring_config c = f->config;
	c.descriptors += 8;
	g_assert_cmpint(ring_init(&f->ring, &c), ==, -EINVAL);
	c = f->config;
	c.available += 1;
	g_assert_cmpint(ring_init(&f->ring, &c), ==, -EINVAL);
	c = f->config;
	c.used = VRING_USER + MEMORY_SIZE / 2 - 8; /* to the front end, the regions are no neighbours */
	g_assert_cmpint(ring_init(&f->ring, &c), ==, -EINVAL);
	c = f->config;
	c.size = 12;
	g_assert_cmpint(ring_init(&f->ring, &c), ==, -EINVAL);
	c.size = 65536;
	g_assert_cmpint(ring_init(&f->ring, &c), ==, -EINVAL);
}

static void driver_without_event_idx_is_called_unless_it_says_no(struct fixture *f, gconstpointer data)
{
	ring_give(&f->ring, 0, 0);
	g_assert_true(ring_publish(&f->ring));
	f->driver.available[0] = 1; /* VIRTQ_AVAIL_F_NO_INTERRUPT */
	ring_give(&f->ring, 0, 0);
	g_assert_false(ring_publish(&f->ring));
}

static void event_idx_calls_when_the_entry_is_passed(struct fixture *f, gconstpointer data)
{
	f->config.event_idx = true;
	g_assert_cmpint(ring_init(&f->ring, &f->config), ==, 0);
	*vring_used_event(&f->driver) = 2;
	ring_give(&f->ring, 0, 0);
	ring_give(&f->ring, 1, 0);
	g_assert_false(ring_publish(&f->ring)); /* entries 0 and 1 */
	ring_give(&f->ring, 2, 0);
	g_assert_true(ring_publish(&f->ring));
	ring_give(&f->ring, 3, 0);
	g_assert_false(ring_publish(&f->ring));
}

static void kicks_are_asked_for_and_refused(struct fixture *f, gconstpointer data)
{
	ring_refuse_kicks(&f->ring);
	g_assert_cmpuint(f->driver.used[0], ==, 1); /* VIRTQ_USED_F_NO_NOTIFY */
	g_assert_false(ring_want_kicks(&f->ring));
	g_assert_cmpuint(f->driver.used[0], ==, 0);
	add(f, DATA, 1);
	g_assert_true(ring_want_kicks(&f->ring)); /* came before we asked */
}

static void event_idx_asks_for_the_next_kick(struct fixture *f, gconstpointer data)
{
	f->config.event_idx = true;
	g_assert_cmpint(ring_init(&f->ring, &f->config), ==, 0);
	for (unsigned i = 0; i < 3; i++) {
		add(f, DATA, 1);
		g_assert_cmpint(take(f, RING_FROM_DRIVER), ==, 1);
	}
	g_assert_false(ring_want_kicks(&f->ring));
	g_assert_cmpuint(vring_avail_event(&f->driver), ==, 3);
	g_assert_cmpuint(f->driver.used[0], ==, 0); /* flags are not used with it */
}

static void ring_starts_at_its_base(struct fixture *f, gconstpointer data)
{
	f->driver.index = f->driver.available[1] = 0xfffe;
	f->driver.used[1] = 0xfffe;
	f->config.base = 0xfffe;
	g_assert_cmpint(ring_init(&f->ring, &f->config), ==, 0);
	g_assert_cmpint(take(f, RING_FROM_DRIVER), ==, 0);
	for (unsigned i = 0; i < 4; i++)
		add(f, DATA + i, 1);
	for (unsigned i = 0; i < 4; i++) {
		g_assert_cmpint(take(f, RING_FROM_DRIVER), ==, 1);
		g_assert_true(f->iov[0].iov_base == f->bytes + DATA + i);
	}
	g_assert_cmpuint(f->ring.next, ==, 2);
}

static void regions_that_overlap_or_wrap_are_refused(void)
{
	struct memory m = { 0 };
	struct memory_region r = { .guest = 0x1000, .user = 0x5000, .size = 0x1000 };
	g_assert_cmpint(memory_check(&m, &r), ==, 0);
	memory_add(&m, &r);
	g_assert_cmpint(memory_check(&m, &r), ==, -EINVAL);
	g_assert_cmpint(memory_check(&m, &(struct memory_region){ 0x1fff, 0x9000, 1, NULL }), ==, -EINVAL);
	g_assert_cmpint(memory_check(&m, &(struct memory_region){ 0x2000, 0x5fff, 1, NULL }), ==, -EINVAL);
	g_assert_cmpint(memory_check(&m, &(struct memory_region){ 0x2000, 0x6000, 1, NULL }), ==, 0);
	g_assert_cmpint(memory_check(&m, &(struct memory_region){ 0, 0, 0x1001, NULL }), ==, -EINVAL);
	g_assert_cmpint(memory_check(&m, &(struct memory_region){ UINT64_MAX, 0x9000, 2, NULL }), ==, -EINVAL);
	g_assert_cmpint(memory_check(&m, &(struct memory_region){ 0x9000, 0x9000, 0, NULL }), ==, -EINVAL);
	for (unsigned i = 1; i < MEMORY_REGIONS_MAX; i++)
		memory_add(&m, &(struct memory_region){ 0x10000 * i, 0x10000 * i, 0x1000, NULL });
	g_assert_cmpint(memory_check(&m, &(struct memory_region){ 0x2000, 0x6000, 1, NULL }), ==, -ENOSPC);
}

static void region_is_removed_by_all_its_numbers(void)
{
	struct memory m = { 0 };
	struct memory_region r = { .guest = 0x1000, .user = 0x5000, .size = 0x1000 }, removed;
	memory_add(&m, &r);
	g_assert_cmpint(memory_remove(&m, &(struct memory_region){ 0x1000, 0x5000, 0x800, NULL }, &removed), ==, -ENOENT);
	g_assert_cmpint(memory_remove(&m, &r, &removed), ==, 0);
	g_assert_cmpuint(m.n, ==, 0);
	g_assert_null(memory_at_user(&m, 0x5000, 1, 1));
}

int main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
#define TEST(name) g_test_add("/vhost-ring/" #name, struct fixture, NULL, set_up, name, tear_down)
	TEST(chain_is_taken_and_given_back);
	TEST(ring_index_wraps_many_times);
	TEST(untaken_chains_come_again);
	TEST(indirect_table_is_a_chain);
	TEST(indirect_table_behind_direct_ones_is_followed);
	TEST(buffer_may_go_on_in_the_next_region);
	TEST(indirect_without_the_feature_breaks_the_ring);
	TEST(ring_that_is_not_in_memory_is_refused);
	TEST(driver_without_event_idx_is_called_unless_it_says_no);
	TEST(event_idx_calls_when_the_entry_is_passed);
	TEST(kicks_are_asked_for_and_refused);
	TEST(event_idx_asks_for_the_next_kick);
	TEST(ring_starts_at_its_base);
#undef TEST
	for (size_t i = 0; i < G_N_ELEMENTS(breakages); i++) {
		g_autofree char *path = g_strconcat("/vhost-ring/broken_by_", breakages[i].name, NULL);
		g_test_add(path, struct fixture, GSIZE_TO_POINTER(i), set_up, breaks_the_ring, tear_down);
	}
	g_test_add_func("/vhost-memory/regions_that_overlap_or_wrap_are_refused", regions_that_overlap_or_wrap_are_refused);
	g_test_add_func("/vhost-memory/region_is_removed_by_all_its_numbers", region_is_removed_by_all_its_numbers);
	return g_test_run();
}
