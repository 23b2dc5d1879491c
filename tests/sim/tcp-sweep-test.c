/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * TCP transfers over links with different loss and delay.  tcp_sweep_figures.h has the durations in milliseconds when the
 * file was written; the test fails when one gets worse by more than a quarter.
 */
#include "tcp_link.h"

#include "base/macros.h"

#include <glib.h>

#define LOSSES 5
#define RTTS 5

static const unsigned loss_percent[LOSSES] = { 0, 1, 2, 5, 10 };
static const unsigned rtt_ms[RTTS] = { 0, 10, 50, 150, 300 };

struct sweep {
	const char *name;
	size_t to_guest, to_host;
	uint32_t host_takes;
	unsigned stored_ms[LOSSES][RTTS];
};

static const struct sweep sweeps[] = {
#include "tcp_sweep_figures.h"
};

static struct tcp_link_result run_cell(const struct sweep *s, unsigned loss, unsigned rtt, uint32_t seed)
{
	return tcp_link_run(&(struct tcp_link_config){
		.seed = seed,
		.loss = loss / 100.0,
		.duplicates = loss / 500.0,
		.delay = rtt * USEC_PER_MSEC / 2,
		.late = loss / 500.0,
		.to_guest = s->to_guest,
		.to_host = s->to_host,
		.host_takes = s->host_takes,
		.mss = 1460,
		.limit = 1200 * USEC_PER_SEC,
	});
}

/* The mean over some seeds, because one lost segment at the end costs a timeout. */
#define SEEDS 20
#define SLACK_MS 20

static void check(gconstpointer data)
{
	const struct sweep *s = data;
	for (unsigned i = 0; i < LOSSES; i++) {
		for (unsigned j = 0; j < RTTS; j++) {
			usec_t took = 0;
			for (uint32_t seed = 1; seed <= SEEDS; seed++) {
				struct tcp_link_result r = run_cell(s, loss_percent[i], rtt_ms[j], seed);
				if (!r.complete || !r.intact)
					g_error("loss %u%% rtt %u ms seed %u: complete %d intact %d", loss_percent[i], rtt_ms[j], seed,
						r.complete, r.intact);
				took += r.took / SEEDS;
			}
			unsigned ms = (unsigned)(took / USEC_PER_MSEC);
			g_test_message("loss %u%% rtt %u ms: %u ms (stored %u)", loss_percent[i], rtt_ms[j], ms, s->stored_ms[i][j]);
			g_assert_cmpuint(ms, <=, s->stored_ms[i][j] + s->stored_ms[i][j] / 4 + SLACK_MS);
		}
	}
}

int main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	for (size_t i = 0; i < ARRAY_SIZE(sweeps); i++) {
		g_autofree char *path = g_strdup_printf("/tcp-sweep/%s", sweeps[i].name);
		g_test_add_data_func(path, &sweeps[i], check);
	}
	return g_test_run();
}
