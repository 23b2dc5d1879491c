/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Clients of DHCPv6 that come, renew, release, decline, change their network card and let leases end, against a list that is searched from
 * end to end.  Now and then the leases are saved, or the server starts again with what was saved.
 *
 * The seed of each run is GLib's: --seed repeats a run.
 */
#include "base/macros.h"
#include "gateway/ip6.h"
#include "lan/port.h"
#include "service/dhcp6/address.h"
#include "service/dhcp6/binding.h"
#include "service/dhcp6/dhcp6.h"

#include <glib.h>

#define N_CLIENTS 60u
#define STEPS 30000u
#define LEASE_TIME 600u

struct client {
	struct dhcp6_message message; /* with one association */
	struct mac mac;
	struct ip_addr address; /* "::": it has none */
	usec_t end;
};

struct world {
	struct gateway_ip6 ip6;
	struct dhcp6 dhcp;
	struct dhcp6_env env;
	struct port port;
	struct client clients[N_CLIENTS];
	unsigned next_mac;
	GArray *saved; /* struct dhcp6_saved_lease; their names are not kept */
	usec_t now;
};

static struct port *port_of(struct dhcp6_env *env, usec_t now, struct mac mac)
{
	struct world *w = container_of(env, struct world, env);
	for (unsigned i = 0; i < N_CLIENTS; i++)
		if (mac_equal(w->clients[i].mac, mac))
			return &w->port;
	return NULL;
}

static void identified(struct dhcp6_env *env, usec_t now, struct mac mac, const struct dhcp6_message *m)
{
}

static bool may_have_name(struct dhcp6_env *env, usec_t now, struct mac mac, const char *name)
{
	return true;
}

static const char *name_of(struct dhcp6_env *env, usec_t now, struct mac mac)
{
	return "";
}

static void changed(struct dhcp6_env *env, usec_t now, bool soon)
{
}

static void leased(struct dhcp6_env *env, usec_t now, const struct port *p, const struct lease6 *l, enum dhcp_lease_event what)
{
	const struct world *w = container_of(env, struct world, env);
	g_assert_true(prefix6_contains(&w->ip6.prefix, &l->addr));
	g_assert_true(lease6_is_active(l, now) == (what == DHCP_LEASE_GIVEN || what == DHCP_LEASE_RENEWED));
}

static const struct dhcp6_env_ops ops = { port_of, identified, may_have_name, name_of, changed, leased };

static void start(struct world *w)
{
	dhcp6_init(&w->dhcp, &(struct dhcp6_config){ .env = &w->env, .ip6 = &w->ip6, .lease_time = LEASE_TIME, .saves = true });
}

static unsigned pick(unsigned n)
{
	return (unsigned)g_test_rand_int_range(0, (int)n);
}

static struct mac new_mac(struct world *w)
{
	unsigned n = ++w->next_mac;
	return (struct mac){ { 2, 0, 0, (uint8_t)(n >> 16), (uint8_t)(n >> 8), (uint8_t)n } };
}

/* Every fourth client is a copy of the one before it. */
static void make_clients(struct world *w)
{
	for (unsigned i = 0; i < N_CLIENTS; i++) {
		struct client *c = &w->clients[i];
		c->mac = new_mac(w);
		c->message.client = (struct dhcp6_duid){ 5, { 0, 2, 0, 0, (uint8_t)(i % 4 == 3 ? i - 1 : i) } };
		c->message.n_ias = 1;
		c->message.ias[0] = (struct dhcp6_ia){ .option = DHCP6_OPTION_IA_NA, .iaid = 7 };
	}
}

/* --- what happens --- */

static bool has_lease(const struct world *w, const struct client *c)
{
	return !ip_is_unspecified(&c->address) && w->now < c->end;
}

static void lists_its_address(const struct world *w, struct client *c)
{
	struct dhcp6_ia *ia = &c->message.ias[0];
	ia->n_addresses = has_lease(w, c);
	ia->addresses[0] = c->address;
}

static void asks(struct world *w, struct client *c)
{
	bool had = has_lease(w, c);
	lists_its_address(w, c);
	struct ip_addr addr = dhcp6_address_of(&w->dhcp, w->now, &c->message, 0, c->mac, c->mac);
	for (unsigned i = 0; i < N_CLIENTS; i++)
		g_assert_true(&w->clients[i] == c || !has_lease(w, &w->clients[i]) || !ip_equal(&w->clients[i].address, &addr));
	g_assert_true(!had || ip_equal(&addr, &c->address));
	g_assert_nonnull(dhcp6_binding_give(&w->dhcp, w->now, &w->port, &c->message, &c->message.ias[0], c->mac, &addr));
	c->address = addr;
	c->end = w->now + LEASE_TIME * USEC_PER_SEC;
}

static void ends(struct world *w, struct client *c, enum dhcp_lease_event what)
{
	bool had = has_lease(w, c);
	lists_its_address(w, c);
	if (what == DHCP_LEASE_DECLINED && had)
		dhcp6_address_declined(&w->dhcp, &c->message, &c->message.ias[0], c->mac, pick(1000000));
	g_assert_true(dhcp6_binding_end(&w->dhcp, w->now, &w->port, &c->message, &c->message.ias[0], c->mac, what) == had);
	c->address = (struct ip_addr){ { 0 } };
}

/* A client with another card asks again as one that has nothing; what it had ends with its time, unless it gets that again. */
static void changes_its_card(struct world *w, struct client *c)
{
	c->mac = new_mac(w);
	c->address = (struct ip_addr){ { 0 } };
}

static void keep(void *opaque, const struct lease6 *l)
{
	struct dhcp6_saved_lease saved = { .addr = l->addr, .client = l->client, .iaid = l->iaid, .expires = l->expires, .name = "" };
	g_array_append_val((GArray *)opaque, saved);
}

static void starts_again(struct world *w)
{
	g_array_set_size(w->saved, 0);
	dhcp6_for_each_lease(&w->dhcp, w->now, keep, w->saved);
	dhcp6_done(&w->dhcp);
	start(w);
	for (unsigned i = 0; i < w->saved->len; i++)
		g_assert_cmpint(dhcp6_restore(&w->dhcp, w->now, &g_array_index(w->saved, struct dhcp6_saved_lease, i)), ==, 0);
	/* Until then, a copy of a machine without an address could get the machine's. */
	for (unsigned i = 0; i < N_CLIENTS; i++)
		if (has_lease(w, &w->clients[i]))
			asks(w, &w->clients[i]);
}

static void happens(struct world *w)
{
	struct client *c = &w->clients[pick(N_CLIENTS)];
	switch (pick(40)) {
	case 0: ends(w, c, DHCP_LEASE_RELEASED); break;
	case 1: ends(w, c, DHCP_LEASE_DECLINED); break;
	case 2: changes_its_card(w, c); break;
	case 3: dhcp6_saved(&w->dhcp, w->now); break;
	case 4:
		if (pick(20) == 0)
			starts_again(w);
		break;
	default: asks(w, c); break;
	}
	w->now += pick(8) * USEC_PER_SEC;
	const struct service *s = &w->dhcp.service;
	if (s->ops->deadline(s) <= w->now)
		s->ops->expire(&w->dhcp.service, w->now, NULL);
	g_assert_cmpuint(s->ops->deadline(s), >, w->now);
}

/* How many clients have a lease. */
static unsigned check(const struct world *w)
{
	unsigned n = 0;
	for (unsigned i = 0; i < N_CLIENTS; i++) {
		const struct client *c = &w->clients[i];
		if (!has_lease(w, c))
			continue;
		const struct lease6 *l = dhcp6_find_address(&w->dhcp, w->now, &c->address);
		g_assert_true(l && dhcp6_duid_equal(&l->client, &c->message.client));
		g_assert_true(mac_is_zero(l->mac) || mac_equal(l->mac, c->mac));
		g_assert_cmpuint(l->expires, ==, c->end);
		n++;
	}
	return n;
}

static void leases_agree_with_a_list(void)
{
	struct world *w = g_new0(struct world, 1);
	struct prefix6 prefix = { { { 0xfd, 0x12, 0x34, 0x56, 0x78, 0x9a } }, 64 };
	w->ip6 = gateway_ip6_of(&prefix);
	w->env.ops = &ops;
	w->now = 1000 * USEC_PER_SEC;
	w->saved = g_array_new(FALSE, FALSE, sizeof(struct dhcp6_saved_lease));
	make_clients(w);
	start(w);
	unsigned most = 0;
	for (unsigned i = 0; i < STEPS; i++) {
		happens(w);
		most = MAX(most, check(w));
	}
	g_assert_cmpuint(most, >, N_CLIENTS / 2);
	dhcp6_done(&w->dhcp);
	g_array_free(w->saved, TRUE);
	g_free(w);
}

int main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	g_test_add_func("/lease6-sim/leases_agree_with_a_list", leases_agree_with_a_list);
	return g_test_run();
}
