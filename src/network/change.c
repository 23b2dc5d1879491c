/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The settings in effect are those of the configuration and the entries added at run time: `settings` = `configured` + `added.settings`.  A
 * change makes new ones first, has settings_check() check the sum, and then puts them in place, so a failure changes nothing.
 */
#include "network/change.h"

#include "base/macros.h"
#include "host/clock.h"
#include "network/idle_options.h"
#include "network/network_internal.h"
#include "options/config.h"
#include "options/options.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

/* The sum of @configured and @added, checked.  -EEXIST: they contradict one another. */
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

/* Keeps the entry in @list, which was added at run time, if it fits the configuration. */
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
		log_warning(&n->log, "network: an entry that was added at run time contradicts the configuration and is skipped: %s",
			    reason);
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
	for (size_t i = 0; i < all.n_dhcp_hosts; i++)
		keep_fitting(n, &(struct settings){ .dhcp_hosts = &all.dhcp_hosts[i], .n_dhcp_hosts = 1 });
	for (size_t i = 0; i < all.n_names; i++)
		keep_fitting(n, &(struct settings){ .names = &all.names[i], .n_names = 1 });
	for (size_t i = 0; i < all.n_records; i++)
		keep_fitting(n, &(struct settings){ .records = &all.records[i], .n_records = 1 });
	settings_done(&all);
	return add_up(&n->configured, &n->added.settings, &n->settings, reason, sizeof(reason));
}

static void put_in_place(struct settings *place, struct settings *new)
{
	settings_done(place);
	*place = *new;
	*new = (struct settings){ 0 };
}

/* The hosts or names in effect are others. */
static void guests_changed(struct lanlet_network *n, usec_t now)
{
	guest_sockets_change(&n->guest_sockets, now, &n->settings);
	forwards_guests_changed(&n->forwards, now);
}

static int tell(int r, char *error, size_t size)
{
	if (r == -ENOMEM || (r < 0 && error[0] == '\0'))
		snprintf(error, size, "%s", strerror(-r));
	return r;
}

/* Puts @added, which is taken over in any case, in the place of all entries added so far. */
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
			guests_changed(n, clock_now());
			events_add(&n->events, &(struct event){ .when = clock_now(), .type = what });
		}
		settings_done(&sum);
	}
	settings_done(added);
	return tell(r, error, size);
}

/* A copy of the entries added so far, with @text added as a value of @option. */
static int with(const struct lanlet_network *n, const char *option, const char *text, struct settings *ret, char *error, size_t size)
{
	struct settings one = { 0 }, added;
	error[0] = '\0';
	if (text[0] == '\0') { /* which means "none" in the configuration */
		snprintf(error, size, "%s: expected a value", option);
		return -EINVAL;
	}
	int r = option_set(&one, option, text, error, size);
	if (r < 0)
		return r;
	r = settings_copy(&n->added.settings, &added);
	if (r == 0) {
		for (size_t i = 0; i < one.n_hosts; i++)
			settings_remove_host(&added, one.hosts[i].mac);
		for (size_t i = 0; i < one.n_dhcp_hosts; i++)
			settings_remove_dhcp_host(&added, &one.dhcp_hosts[i]);
		for (size_t i = 0; i < one.n_names; i++)
			settings_remove_name(&added, one.names[i].name);
		for (size_t i = 0; i < one.n_records; i++)
			settings_remove_record(&added, &one.records[i]);
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
	bool by_client = strncmp(text, "id:", strlen("id:")) == 0 || strncmp(text, "name:", strlen("name:")) == 0;
	int r = with(n, by_client ? "dhcp-host" : "host", text, &added, error, size);
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
	snprintf(error, size, configured ? "the %s is part of the configuration: remove it there, and reload" : "there is no %s", what);
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

int change_remove_client_reservation(struct lanlet_network *n, const struct reservation *client, char *error, size_t size)
{
	struct settings added;
	char what[32 + SETTINGS_CLIENT_TEXT_SIZE], text[SETTINGS_CLIENT_TEXT_SIZE];
	bool configured = false;
	error[0] = '\0';
	int r = settings_copy(&n->added.settings, &added);
	if (r < 0)
		return tell(r, error, size);
	if (settings_remove_dhcp_host(&added, client) == 0)
		return change_added(n, &added, EVENT_RESERVATIONS, error, size);
	settings_done(&added);
	for (size_t i = 0; i < n->configured.n_dhcp_hosts; i++)
		configured |= settings_same_client(&n->configured.dhcp_hosts[i], client);
	snprintf(what, sizeof(what), "reservation for %s", settings_client_format(client, text));
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
	for (size_t i = 0; i < n->configured.n_records; i++)
		configured |= strcmp(n->configured.records[i].name, name) == 0;
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

/* A copy of @configured with the values of @from for all options that a reload changes. */
static int take_over(const struct settings *configured, const struct settings *from, struct settings *ret)
{
	struct settings new, values;
	int r = settings_copy(configured, &new);
	if (r < 0)
		return r;
	r = settings_copy(from, &values);
	if (r < 0) {
		settings_done(&new);
		return r;
	}
	option_swap_live(&new, &values);
	settings_done(&values);
	*ret = new;
	return 0;
}

static void report(const struct settings *before, const struct settings *wanted, struct change_report *ret)
{
	const struct lanlet_option *o;
	ret->n = 0;
	for (unsigned i = 0; i < CHANGE_OPTIONS_MAX && (o = lanlet_option_at(i)); i++) {
		enum change change = option_is_same(i, before, wanted) ? CHANGE_NONE : option_is_live(i) ? CHANGE_DONE : CHANGE_RESTART;
		ret->options[ret->n].option = o->name;
		ret->options[ret->n++].change = change;
	}
}

static int change_services(struct lanlet_network *n, const struct settings *sum, usec_t now)
{
	int r = name_services_change(&n->name_services, sum, now);
	if (r == 0)
		name_services_change_servers(&n->name_services, sum);
	return r;
}

static void change_guard(struct lanlet_network *n, bool unguarded, usec_t now)
{
	segment_set_unguarded(&n->segment, unguarded);
	if (!unguarded)
		name_services_guard_begins(&n->name_services, now);
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
	if (n->configured.log_level != configured->log_level)
		change_log_level(n, configured->log_level);
	if (n->settings.unguarded != sum->unguarded)
		change_guard(n, sum->unguarded, now);
	gateway_set_opened(&n->gateway, settings_opened(sum));
	if (!bandwidth_equal(&n->settings.bandwidth, &sum->bandwidth))
		segment_set_bandwidth(&n->segment, &sum->bandwidth);
	put_in_place(&n->configured, configured);
	put_in_place(&n->settings, sum);
	idle_options_warn(&n->settings, &n->log);
	guests_changed(n, now);
	events_add(&n->events, &(struct event){ .when = now, .type = EVENT_RELOADED });
	return 0;
}

/* @error is about an entry of the configuration and one that was added, which the user may not remember. */
static void tell_how_to_remove(char *error, size_t size)
{
	size_t len = strlen(error);
	snprintf(error + len, size - len,
		 "; one of them was added at run time: lanlet reserve and lanlet names show where entries are from, and remove them with "
		 "--remove");
}

int change_reload(struct lanlet_network *n, const struct lanlet_config *config, struct change_report *ret, char *error, size_t size)
{
	struct settings wanted, configured, sum;
	error[0] = '\0';
	int r = settings_copy(&config->settings, &wanted);
	if (r < 0)
		return tell(r, error, size);
	r = settings_check(&wanted, error, size);
	if (r == 0)
		r = take_over(&n->configured, &wanted, &configured);
	if (r == 0) {
		r = add_up(&configured, &n->added.settings, &sum, error, size);
		if (r == -EEXIST)
			tell_how_to_remove(error, size);
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
