/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What is in effect is what was configured and what was added: `settings` = `configured` + `added.settings`.  Every change makes new ones
 * of these first, has settings_check() judge the sum, and then puts them in place.
 */
#include "network/change.h"

#include "base/macros.h"
#include "host/clock.h"
#include "network/network.h"
#include "options/options.h"

#include <errno.h>
#include <stdio.h>

/* The sum of @configured and @added, checked.  -EEXIST: it contradicts itself. */
static int add_up(const struct settings *configured, const struct settings *added, struct settings *ret, char *error, size_t size)
{
	struct settings sum;
	int r = settings_copy(configured, &sum);
	if (r < 0)
		return r;
	r = settings_append(&sum, added);
	if (r == 0 && settings_check(&sum, error, size) < 0)
		r = -EEXIST;
	if (r < 0)
		settings_done(&sum);
	else
		*ret = sum;
	return r;
}

/* Of @list, which was added once, what still fits what is configured. */
static void keep_fitting(struct lanlet_network *n, const struct settings *list)
{
	char reason[512];
	struct settings sum;
	int r = add_up(&n->configured, list, &sum, reason, sizeof(reason));
	if (r == 0) {
		settings_done(&sum);
		r = settings_append(&n->added.settings, list);
	}
	if (r == -EEXIST)
		log_warning(&n->log, "what was added to the configuration does not fit it any more and is left out: %s", reason);
}

int change_begin(struct lanlet_network *n)
{
	char reason[512];
	int r = add_up(&n->configured, &n->added.settings, &n->settings, reason, sizeof(reason));
	if (r != -EEXIST)
		return r;
	struct settings all = n->added.settings;
	n->added.settings = (struct settings){ 0 };
	for (size_t i = 0; i < all.n_hosts; i++)
		keep_fitting(n, &(struct settings){ .hosts = &all.hosts[i], .n_hosts = 1 });
	for (size_t i = 0; i < all.n_names; i++)
		keep_fitting(n, &(struct settings){ .names = &all.names[i], .n_names = 1 });
	settings_done(&all);
	return add_up(&n->configured, &n->added.settings, &n->settings, reason, sizeof(reason));
}

static void put_in_place(struct settings *place, struct settings *new)
{
	settings_done(place);
	*place = *new;
	*new = (struct settings){ 0 };
}

static int tell(int r, char *error, size_t size)
{
	if (r == -ENOMEM || (r < 0 && error[0] == '\0'))
		snprintf(error, size, "%s", strerror(-r));
	return r;
}

/* Has @added, taken over in any case, instead of what was added so far. */
static int change_added(struct lanlet_network *n, struct settings *added, enum event_type what, char *error, size_t size)
{
	struct settings sum;
	int r = add_up(&n->configured, added, &sum, error, size);
	if (r == 0) {
		r = runtime_entries_replace(&n->added, added);
		if (r == 0)
			r = name_services_change(&n->name_services, &sum, clock_now());
		if (r == 0) {
			put_in_place(&n->settings, &sum);
			forwards_guests_changed(&n->forwards, clock_now());
			events_add(&n->events, &(struct event){ .when = clock_now(), .type = what });
		}
		settings_done(&sum);
	}
	settings_done(added);
	return tell(r, error, size);
}

/* A copy of what was added, with @text added as the value of @option. */
static int with(const struct lanlet_network *n, const char *option, const char *text, struct settings *ret, char *error, size_t size)
{
	struct settings one = { 0 }, added;
	error[0] = '\0';
	int r = option_set(&one, option, text, error, size);
	if (r < 0)
		return r;
	r = settings_copy(&n->added.settings, &added);
	if (r == 0) {
		for (size_t i = 0; i < one.n_hosts; i++)
			settings_remove_host(&added, one.hosts[i].mac);
		for (size_t i = 0; i < one.n_names; i++)
			settings_remove_name(&added, one.names[i].name);
		r = settings_append(&added, &one);
		if (r == 0)
			*ret = added;
		else
			settings_done(&added);
	}
	settings_done(&one);
	return tell(r, error, size);
}

int change_add_reservation(struct lanlet_network *n, const char *text, char *error, size_t size)
{
	struct settings added;
	int r = with(n, "host", text, &added, error, size);
	return r < 0 ? r : change_added(n, &added, EVENT_RESERVATIONS, error, size);
}

int change_add_name(struct lanlet_network *n, const char *text, char *error, size_t size)
{
	struct settings added;
	int r = with(n, "name", text, &added, error, size);
	return r < 0 ? r : change_added(n, &added, EVENT_NAMES, error, size);
}

static int not_added(bool configured, const char *what, char *error, size_t size)
{
	snprintf(error, size, configured ? "%s stands in the configuration: take it out there, and reload" : "there is no %s", what);
	return configured ? -EPERM : -ENOENT;
}

int change_remove_reservation(struct lanlet_network *n, struct mac mac, char *error, size_t size)
{
	struct settings added;
	char what[64], text[MAC_TEXT_SIZE];
	bool configured = false;
	error[0] = '\0';
	int r = settings_copy(&n->added.settings, &added);
	if (r < 0)
		return tell(r, error, size);
	if (settings_remove_host(&added, mac) == 0)
		return change_added(n, &added, EVENT_RESERVATIONS, error, size);
	settings_done(&added);
	for (size_t i = 0; i < n->configured.n_hosts; i++)
		configured |= mac_equal(n->configured.hosts[i].mac, mac);
	snprintf(what, sizeof(what), "reservation for %s", mac_format(mac, text));
	return not_added(configured, what, error, size);
}

int change_remove_name(struct lanlet_network *n, const char *name, char *error, size_t size)
{
	struct settings added;
	char what[64 + SETTINGS_LABEL_MAX];
	bool configured = false;
	error[0] = '\0';
	int r = settings_copy(&n->added.settings, &added);
	if (r < 0)
		return tell(r, error, size);
	if (settings_remove_name(&added, name) == 0)
		return change_added(n, &added, EVENT_NAMES, error, size);
	settings_done(&added);
	for (size_t i = 0; i < n->configured.n_names; i++)
		configured |= strcmp(n->configured.names[i].name, name) == 0;
	snprintf(what, sizeof(what), "name %.63s", name);
	return not_added(configured, what, error, size);
}

void change_log_level(struct lanlet_network *n, enum log_level level)
{
	static const char *const names[] = { "error", "warning", "info", "debug" };
	if (n->log.level == level)
		return;
	n->log.level = level;
	events_add(&n->events, &(struct event){ .when = clock_now(), .type = EVENT_LOG_LEVEL, .detail = names[level] });
}

/* --- reload --- */

static bool same_hosts(const struct settings *a, const struct settings *b)
{
	bool same = a->n_hosts == b->n_hosts;
	for (size_t i = 0; same && i < a->n_hosts; i++)
		same = mac_equal(a->hosts[i].mac, b->hosts[i].mac) && a->hosts[i].ip == b->hosts[i].ip &&
		       strcmp(a->hosts[i].name, b->hosts[i].name) == 0;
	return same;
}

static bool same_names(const struct settings *a, const struct settings *b)
{
	bool same = a->n_names == b->n_names;
	for (size_t i = 0; same && i < a->n_names; i++)
		same = a->names[i].ip == b->names[i].ip && strcmp(a->names[i].name, b->names[i].name) == 0;
	return same;
}

static bool same_dns(const struct settings *a, const struct settings *b)
{
	return dns_server_list_equal(&a->dns, &b->dns);
}

static bool same_subnet(const struct settings *a, const struct settings *b)
{
	return a->subnet.network == b->subnet.network && a->subnet.length == b->subnet.length;
}

static bool same_range(const struct settings *a, const struct settings *b)
{
	return a->dhcp_first == b->dhcp_first && a->dhcp_last == b->dhcp_last;
}

static bool same_domain(const struct settings *a, const struct settings *b)
{
	return strcmp(a->domain, b->domain) == 0;
}

#define SAME(member) \
	static bool same_##member(const struct settings *a, const struct settings *b) \
	{ \
		return a->member == b->member; \
	}
SAME(gateway)
SAME(lease_time_s)
SAME(mtu)
SAME(host_loopback)
SAME(isolate)
SAME(multicast_snooping)
SAME(no_dhcp)
SAME(no_gateway)
SAME(storm_limit)
SAME(busy_poll_us)
SAME(engine)
SAME(udp_filtering)
SAME(log_level)

static bool same_paths(const struct path_list *a, const struct path_list *b)
{
	bool same = a->n == b->n;
	for (size_t i = 0; same && i < a->n; i++)
		same = strcmp(a->at[i], b->at[i]) == 0;
	return same;
}

static bool same_vde(const struct settings *a, const struct settings *b)
{
	return same_paths(&a->vde, &b->vde);
}

/* Compares the attachments of @kind. */
static bool same_attachments(const struct settings *a, const struct settings *b, enum attachment_kind kind)
{
	size_t i = 0, k = 0;
	for (;; i++, k++) {
		while (i < a->attachments.n && a->attachments.at[i].kind != kind)
			i++;
		while (k < b->attachments.n && b->attachments.at[k].kind != kind)
			k++;
		if (i == a->attachments.n || k == b->attachments.n)
			return i == a->attachments.n && k == b->attachments.n;
		if (!attachment_equal(&a->attachments.at[i], &b->attachments.at[k]))
			return false;
	}
}

static bool same_fds(const struct settings *a, const struct settings *b)
{
	return same_attachments(a, b, ATTACHMENT_FD);
}

static bool same_connects(const struct settings *a, const struct settings *b)
{
	return same_attachments(a, b, ATTACHMENT_CONNECT);
}

/* Its values are attachments as those of "connect", which are compared there. */
static bool same_vhost_connects(const struct settings *a, const struct settings *b)
{
	return true;
}

static bool same_udps(const struct settings *a, const struct settings *b)
{
	return same_attachments(a, b, ATTACHMENT_UDP);
}

static bool same_forwards(const struct settings *a, const struct settings *b)
{
	bool same = a->n_forwards == b->n_forwards;
	for (size_t i = 0; same && i < a->n_forwards; i++)
		same = forward_spec_is_equal(&a->forwards[i], &b->forwards[i]);
	return same;
}

/* A row for every option (src/options); a test compares the two. */
static const struct {
	const char *option;
	bool (*same)(const struct settings *a, const struct settings *b);
	bool live; /* take_over() has it take effect */
} options[] = {
	{ "subnet", same_subnet, false },
	{ "gateway", same_gateway, false },
	{ "dhcp-range", same_range, false },
	{ "lease-time", same_lease_time_s, true },
	{ "mtu", same_mtu, false },
	{ "domain", same_domain, false },
	{ "dns", same_dns, true },
	{ "host", same_hosts, true },
	{ "name", same_names, true },
	{ "fd", same_fds, false },
	{ "connect", same_connects, false },
	{ "vhost-connect", same_vhost_connects, false },
	{ "udp", same_udps, false },
	{ "host-loopback", same_host_loopback, false },
	{ "isolate", same_isolate, false },
	{ "forward", same_forwards, true },
	{ "multicast-snooping", same_multicast_snooping, false },
	{ "vde", same_vde, false },
	{ "no-dhcp", same_no_dhcp, false },
	{ "no-gateway", same_no_gateway, false },
	{ "storm-limit", same_storm_limit, false },
	{ "busy-poll", same_busy_poll_us, false },
	{ "engine", same_engine, false },
	{ "udp-filtering", same_udp_filtering, false },
	{ "log-level", same_log_level, true },
};

static_assert(ARRAY_SIZE(options) <= CHANGE_OPTIONS_MAX, "a report has a place for each");

const char *change_option_at(size_t index)
{
	return index < ARRAY_SIZE(options) ? options[index].option : NULL;
}

/* The lists and values of @from that can be changed, in a copy of what the network was configured with. */
static int take_over(const struct settings *configured, const struct settings *from, struct settings *ret)
{
	struct settings new, lists;
	int r = settings_copy(configured, &new);
	if (r < 0)
		return r;
	r = settings_copy(from, &lists);
	if (r < 0) {
		settings_done(&new);
		return r;
	}
	settings_swap_entries(&new, &lists);
	settings_done(&lists);
	new.lease_time_s = from->lease_time_s;
	new.dns = from->dns;
	new.log_level = from->log_level;
	*ret = new;
	return 0;
}

static void report(const struct settings *before, const struct settings *wanted, struct change_report *ret)
{
	ret->n = ARRAY_SIZE(options);
	for (unsigned i = 0; i < ret->n; i++) {
		ret->options[i].option = options[i].option;
		ret->options[i].change = options[i].same(before, wanted) ? CHANGE_NONE : options[i].live ? CHANGE_DONE : CHANGE_RESTART;
	}
}

static int change_services(struct lanlet_network *n, const struct settings *sum, usec_t now)
{
	int r = name_services_change(&n->name_services, sum, now);
	return r == 0 && !same_dns(&n->settings, sum) ? name_services_change_servers(&n->name_services, sum) : r;
}

static int put_reload_in_place(struct lanlet_network *n, struct settings *configured, struct settings *sum, usec_t now, char *error,
			       size_t size)
{
	char again[256];
	int r = forwards_configure(&n->forwards, now, sum->forwards, sum->n_forwards, error, size);
	if (r < 0)
		return r;
	r = change_services(n, sum, now);
	if (r < 0) {
		if (forwards_configure(&n->forwards, now, n->settings.forwards, n->settings.n_forwards, again, sizeof(again)) < 0)
			log_warning(&n->log, "%s", again);
		return r;
	}
	if (!same_log_level(&n->configured, configured))
		change_log_level(n, configured->log_level);
	put_in_place(&n->configured, configured);
	put_in_place(&n->settings, sum);
	forwards_guests_changed(&n->forwards, now);
	events_add(&n->events, &(struct event){ .when = now, .type = EVENT_RELOADED });
	return 0;
}

int change_reload(struct lanlet_network *n, const struct settings *settings, struct change_report *ret, char *error, size_t size)
{
	struct settings wanted, configured, sum;
	error[0] = '\0';
	int r = settings_copy(settings, &wanted);
	if (r < 0)
		return tell(r, error, size);
	r = settings_check(&wanted, error, size);
	if (r == 0)
		r = take_over(&n->configured, &wanted, &configured);
	if (r == 0) {
		r = add_up(&configured, &n->added.settings, &sum, error, size);
		if (r == 0) {
			report(&n->configured, &wanted, ret);
			r = put_reload_in_place(n, &configured, &sum, clock_now(), error, size);
			settings_done(&sum);
		}
		settings_done(&configured);
	}
	settings_done(&wanted);
	return tell(r == -EEXIST ? -EINVAL : r, error, size);
}
