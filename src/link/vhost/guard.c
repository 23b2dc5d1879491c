/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A slot is free (start 0), being filled by a thread (start 1), or in use. */
#include "link/vhost/guard.h"

#include "base/macros.h"

#include <errno.h>
#include <stdint.h>
#include <sys/mman.h>

#define GUARDS_MAX 4096
#define FILLING 1

struct guard {
	uintptr_t start;
	size_t size;
	bool hit;
};

static struct guard guards[GUARDS_MAX];

struct guard *guard_add(void *start, size_t size)
{
	for (size_t i = 0; i < ARRAY_SIZE(guards); i++) {
		struct guard *g = &guards[i];
		uintptr_t expected = 0;
		if (!__atomic_compare_exchange_n(&g->start, &expected, FILLING, false, __ATOMIC_ACQUIRE, __ATOMIC_RELAXED))
			continue;
		g->size = size;
		__atomic_store_n(&g->hit, false, __ATOMIC_RELAXED);
		__atomic_store_n(&g->start, (uintptr_t)start, __ATOMIC_RELEASE);
		return g;
	}
	return NULL;
}

void guard_remove(struct guard *g)
{
	if (g)
		__atomic_store_n(&g->start, 0, __ATOMIC_RELEASE);
}

bool guard_was_hit(const struct guard *g)
{
	return __atomic_load_n(&g->hit, __ATOMIC_ACQUIRE);
}

static bool replace(struct guard *g, uintptr_t start)
{
	int saved = errno;
	void *p = mmap((void *)start, g->size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE | MAP_FIXED, -1, 0);
	errno = saved;
	if (p == MAP_FAILED)
		return false;
	__atomic_store_n(&g->hit, true, __ATOMIC_RELEASE);
	return true;
}

bool guard_handle(void *address)
{
	for (size_t i = 0; i < ARRAY_SIZE(guards); i++) {
		uintptr_t start = __atomic_load_n(&guards[i].start, __ATOMIC_ACQUIRE);
		if (start > FILLING && (uintptr_t)address - start < guards[i].size)
			return replace(&guards[i], start);
	}
	return false;
}
