/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "native.h"
#include "netns.h"

#include "../support/descriptors.h"

#include "engine/native/native.h"

#include <stdio.h>

#define PATIENCE_MS 60000

static const struct engine_row native = { .ops = &native_engine_ops };

static const struct contract_test *const tables[] = { native_limits, native_errors, native_tcp,  native_udp,
						      native_mtu,    native_fields, native_ports };

void native_setup(struct fixture *f, gconstpointer row, const struct bench_options *options)
{
	f->row = row;
	f->fds = count_fds();
	f->s = (struct server){ .listener = -1, .fd = -1 };
	bench_init(&f->b, f->row->ops, options);
	f->b.patience_ms = PATIENCE_MS;
}

void native_setup_plain(struct fixture *f, gconstpointer row)
{
	native_setup(f, row, &(struct bench_options){ 0 });
}

int main(int argc, char **argv)
{
	const char *why_not = netns_enter();
	if (why_not) {
		printf("1..0 # SKIP %s\n", why_not);
		return 0;
	}
	g_test_init(&argc, &argv, NULL);
	/* Each engine takes its limits from the process when it is made. */
	descriptors_allow(NATIVE_DESCRIPTORS);
	for (size_t i = 0; i < ARRAY_SIZE(tables); i++) {
		for (const struct contract_test *t = tables[i]; t->name; t++) {
			g_autofree char *path = g_strdup_printf("/native/%s", t->name);
			g_test_add(path, struct fixture, &native, t->setup, t->run, teardown);
		}
	}
	return g_test_run();
}
