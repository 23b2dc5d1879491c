/* SPDX-License-Identifier: GPL-2.0-or-later */
/* `lanlet top`: reads the flows twice and shows the difference by guest and by flow; repeatedly on a terminal. */
#include "app/arguments.h"
#include "app/command.h"
#include "app/command/api.h"
#include "app/command/endpoint.h"
#include "app/command/table.h"

#include <stdio.h>
#include <sys/ioctl.h>
#include <unistd.h>

struct top_flags {
	double interval;
};

#define ROWS_ELSEWHERE 20u /* without a terminal */
#define CLEAR "\033[H\033[J"

/* A flow, or the sum of a guest's flows. */
struct load {
	guint64 id;
	char *guest, *remote;
	const char *protocol; /* interned */
	unsigned n_flows;
	guint64 out, in;          /* bytes so far */
	double out_rate, in_rate; /* bytes per second */
};

static void load_free(gpointer opaque)
{
	struct load *l = opaque;
	g_free(l->guest);
	g_free(l->remote);
	g_free(l);
}

/* The flows at one time, by id. */
struct look {
	GHashTable *flows; /* id -> struct load */
	gint64 when;
};

static bool add_flow(void *opaque, JsonObject *f)
{
	struct look *look = opaque;
	struct load *l = g_new0(struct load, 1);
	JsonObject *guest = json_object_get_object_member(f, "guest");
	const char *name = api_text(f, "guest_name");
	l->id = api_number(f, "id");
	l->guest = g_strdup(name[0] ? name : api_text(guest, "address"));
	l->remote = endpoint_of(f, "remote");
	l->protocol = g_intern_string(api_text(f, "protocol"));
	l->n_flows = 1;
	l->out = api_number(f, "bytes_out");
	l->in = api_number(f, "bytes_in");
	g_hash_table_replace(look->flows, &l->id, l);
	return true;
}

static bool take_look(struct api *api, struct look *ret, GError **error)
{
	ret->flows = g_hash_table_new_full(g_int64_hash, g_int64_equal, NULL, load_free);
	ret->when = g_get_monotonic_time();
	return api_each(api, "/v1/flows", add_flow, ret, error);
}

static void set_rates(const struct look *before, const struct look *now)
{
	double seconds = MAX((double)(now->when - before->when) / G_USEC_PER_SEC, 0.001);
	GHashTableIter i;
	gpointer value;
	g_hash_table_iter_init(&i, now->flows);
	while (g_hash_table_iter_next(&i, NULL, &value)) {
		struct load *l = value;
		const struct load *old = g_hash_table_lookup(before->flows, &l->id);
		l->out_rate = (double)(l->out - (old ? old->out : 0)) / seconds;
		l->in_rate = (double)(l->in - (old ? old->in : 0)) / seconds;
	}
}

static GHashTable *sum_by_guest(const struct look *look)
{
	GHashTable *guests = g_hash_table_new_full(g_str_hash, g_str_equal, NULL, load_free);
	GHashTableIter i;
	gpointer value;
	g_hash_table_iter_init(&i, look->flows);
	while (g_hash_table_iter_next(&i, NULL, &value)) {
		const struct load *l = value;
		struct load *sum = g_hash_table_lookup(guests, l->guest);
		if (!sum) {
			sum = g_new0(struct load, 1);
			sum->guest = g_strdup(l->guest);
			g_hash_table_insert(guests, sum->guest, sum);
		}
		sum->n_flows++;
		sum->out += l->out;
		sum->in += l->in;
		sum->out_rate += l->out_rate;
		sum->in_rate += l->in_rate;
	}
	return guests;
}

/* Busiest first; equal rates by total bytes. */
static gint compare(gconstpointer a, gconstpointer b)
{
	const struct load *x = a, *y = b;
	double rates = (y->out_rate + y->in_rate) - (x->out_rate + x->in_rate);
	guint64 mine = x->out + x->in, theirs = y->out + y->in;
	return rates > 0 ? 1 : rates < 0 ? -1 : (theirs > mine) - (theirs < mine);
}

static void add_rates(struct table *t, const struct load *l)
{
	const double values[] = { l->out_rate, l->in_rate, (double)l->out, (double)l->in };
	for (unsigned i = 0; i < G_N_ELEMENTS(values); i++) {
		g_autofree char *text = table_bytes((guint64)values[i]);
		table_addf(t, "%s%s", text, i < 2 ? "/s" : "");
	}
}

static struct table *table_of_guests(GHashTable *guests)
{
	struct table *t = table_new("GUEST|>FLOWS|>OUT|>IN|>SENT|>RECEIVED");
	g_autoptr(GList) sorted = g_list_sort(g_hash_table_get_values(guests), compare);
	for (GList *i = sorted; i; i = i->next) {
		const struct load *l = i->data;
		table_add(t, l->guest);
		table_addf(t, "%u", l->n_flows);
		add_rates(t, l);
	}
	return t;
}

static struct table *table_of_flows(GHashTable *flows)
{
	struct table *t = table_new("PROTOCOL|GUEST|REMOTE|>OUT|>IN|>SENT|>RECEIVED");
	g_autoptr(GList) sorted = g_list_sort(g_hash_table_get_values(flows), compare);
	for (GList *i = sorted; i; i = i->next) {
		const struct load *l = i->data;
		table_add(t, l->protocol);
		table_add(t, l->guest);
		table_add(t, l->remote);
		add_rates(t, l);
	}
	return t;
}

static void show(const struct look *look, bool live)
{
	struct winsize size = { 0 };
	g_autoptr(GHashTable) guests = sum_by_guest(look);
	g_autoptr(Table) of_guests = table_of_guests(guests), of_flows = table_of_flows(look->flows);
	if (live && ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) < 0)
		size = (struct winsize){ 0 };
	unsigned rows = live && size.ws_row > 8 ? size.ws_row - 4u : ROWS_ELSEWHERE;
	unsigned for_guests = MIN(table_rows(of_guests), rows / 2);
	if (live)
		fputs(CLEAR, stdout);
	table_print(of_guests, stdout, MAX(for_guests, 1u), size.ws_col);
	putchar('\n');
	table_print(of_flows, stdout, MAX(rows - for_guests, 1u), size.ws_col);
}

static void look_done(struct look *l)
{
	g_clear_pointer(&l->flows, g_hash_table_unref);
}

static bool top_main(const struct arguments *a, GError **error)
{
	const struct top_flags *own = a->flags;
	g_autoptr(Api) api = api_new(a, error);
	struct look before = { NULL }, now = { NULL };
	bool live = table_has_colours();
	bool good = api && take_look(api, &before, error);
	while (good) {
		g_usleep((gulong)(own->interval * G_USEC_PER_SEC));
		good = take_look(api, &now, error);
		if (!good)
			break;
		set_rates(&before, &now);
		show(&now, live);
		good = table_finish(error);
		look_done(&before);
		before = now;
		now = (struct look){ NULL };
		if (!live)
			break;
	}
	look_done(&before);
	look_done(&now);
	return good;
}

static const struct flag flags[] = {
	{
		.option = {
			.name = "interval",
			.argument = "SECONDS",
			.default_value = "1",
			.help = "Measure for SECONDS at a time.",
		},
		FLAG_SECONDS(struct top_flags, interval),
	},
	FLAG_END,
};

const struct command command_top = {
	.name = "top",
	.summary = "Show the busiest guests and connections, live.",
	.description = "On a terminal, shows the rates of guests and of their connections, busiest first, until interrupted."
		       " Otherwise measures once and prints the result.",
	.flags = flags,
	.flags_size = sizeof(struct top_flags),
	.flags_initial = &(const struct top_flags){ .interval = 1 },
	.shares = FLAG_SHARED_NETWORK,
	.run = top_main,
};
