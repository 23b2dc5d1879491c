/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "network/guest_sockets.h"

#include "base/hash.h"
#include "base/log.h"
#include "base/macros.h"
#include "gateway/guest.h"
#include "gateway/payer.h"
#include "host/dead_socket.h"
#include "host/unix_socket.h"
#include "lan/segment.h"
#include "link/links.h"
#include "options/settings.h"

#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

static const struct {
	const char *link, *name;
} sockets[] = { { "stream", "stream.sock" }, { "vhost", "vhost.sock" }, { "dgram", "dgram.sock" } };

/* Names come from the user, so a constant key will do. */
static const struct hash_key name_key = { { 0x6775657374, 0x736f636b6574 } };

struct declared {
	struct list node;
	struct hash_node named; /* in by_name */
	struct settings_host host;
	int fds[ARRAY_SIZE(sockets)]; /* owned by the links; -1: none */
	bool pinned;                  /* its ports are */
	bool wanted;                  /* by the change that is being made */
	char *directory;
};

static struct declared *declared_at(struct list *node)
{
	return container_of(node, struct declared, node);
}

static uint64_t hash_of(const char *name)
{
	return hash_bytes(&name_key, name, strlen(name));
}

/* NULL when memory is short. */
static char *path_of(const char *directory, size_t which)
{
	char *path;
	return asprintf(&path, "%s/%s", directory, sockets[which].name) < 0 ? NULL : path;
}

static void close_socket(struct guest_sockets *g, usec_t now, struct declared *guest, size_t which)
{
	struct link *l = links_find(g->links, sockets[which].link);
	char *path = path_of(guest->directory, which);
	l->ops->unlisten(l, now, guest->fds[which]);
	if (path)
		unlink(path);
	free(path);
}

static void declared_free(struct guest_sockets *g, usec_t now, struct declared *guest)
{
	for (size_t i = 0; i < ARRAY_SIZE(sockets); i++)
		if (guest->fds[i] >= 0)
			close_socket(g, now, guest, i);
	if (guest->directory)
		rmdir(guest->directory);
	free(guest->directory);
	list_remove(&guest->node);
	hash_table_remove(&g->by_name, &guest->named);
	g->n_unpinned -= !guest->pinned;
	free(guest);
}

/* --- making --- */

static int make_directory(const char *path, char *error, size_t size)
{
	struct stat st;
	int r = mkdir(path, 0700) == 0 || errno == EEXIST ? 0 : -errno;
	if (r == 0)
		r = lstat(path, &st) < 0 ? -errno : S_ISDIR(st.st_mode) ? 0 : -ENOTDIR;
	if (r < 0)
		snprintf(error, size, "%s: %s", path, strerror(-r));
	return r;
}

/* The port of a guest that is not guarded, by its own property or by the default @unguarded, may use any MAC. */
static bool is_pinned(const struct settings_host *h, bool unguarded)
{
	return h->properties.guard == PORT_GUARD_ON || (h->properties.guard == PORT_GUARD_DEFAULT && !unguarded);
}

static struct port_identity identity_of(const struct declared *guest)
{
	const struct settings_host *h = &guest->host;
	struct port_identity identity = { .properties = h->properties };
	if (guest->pinned)
		identity.pinned = h->mac;
	snprintf(identity.name, sizeof(identity.name), "%.*s", PORT_NAME_SIZE - 1, h->name);
	return identity;
}

static int open_socket(struct guest_sockets *g, struct declared *guest, size_t which, char *error, size_t size)
{
	struct link *l = links_find(g->links, sockets[which].link);
	struct port_identity identity = identity_of(guest);
	char *path = path_of(guest->directory, which);
	int fd = path ? unix_serve(path, l->ops->listen_type, error, size) : -ENOMEM;
	int r = fd < 0 ? fd : l->ops->listen(l, fd, &identity, error, size);
	if (r == 0)
		guest->fds[which] = fd;
	if (r < 0 && fd >= 0) {
		close(fd);
		unlink(path);
	}
	free(path);
	return r;
}

/* Flows need descriptors, too: at most a quarter of them is for sockets to which perhaps no guest will connect. */
static bool may_have_more(const struct guest_sockets *g)
{
	struct rlimit limit;
	return getrlimit(RLIMIT_NOFILE, &limit) < 0 || g->by_name.n * ARRAY_SIZE(sockets) <= limit.rlim_cur / 4;
}

static int open_sockets(struct guest_sockets *g, struct declared *guest, char *error, size_t size)
{
	if (!may_have_more(g)) {
		snprintf(error, size, "too few descriptors (ulimit -n)");
		return -EMFILE;
	}
	int r = make_directory(g->directory, error, size);
	if (r == 0)
		r = make_directory(guest->directory, error, size);
	for (size_t i = 0; i < ARRAY_SIZE(sockets) && r == 0; i++)
		r = open_socket(g, guest, i, error, size);
	if (r < 0 && error[0] == '\0')
		snprintf(error, size, "%s: %s", guest->directory, strerror(-r));
	return r;
}

static int add(struct guest_sockets *g, usec_t now, const struct settings_host *h, bool unguarded, char *error, size_t size)
{
	struct declared *guest = calloc(1, sizeof(*guest));
	error[0] = '\0';
	char *directory;
	if (asprintf(&directory, "%s/%s", g->directory, h->name) < 0)
		directory = NULL;
	if (!guest || !directory || hash_table_add(&g->by_name, &guest->named, hash_of(h->name)) < 0) {
		free(directory);
		free(guest);
		snprintf(error, size, "%s", strerror(ENOMEM));
		return -ENOMEM;
	}
	guest->directory = directory;
	guest->host = *h;
	guest->pinned = is_pinned(h, unguarded);
	guest->wanted = true;
	for (size_t i = 0; i < ARRAY_SIZE(sockets); i++)
		guest->fds[i] = -1;
	list_append(&g->guests, &guest->node);
	g->n_unpinned += !guest->pinned;
	int r = open_sockets(g, guest, error, size);
	if (r < 0)
		declared_free(g, now, guest);
	return r;
}

/* --- changing --- */

static struct declared *find(const struct guest_sockets *g, const char *name)
{
	for (struct hash_node *node = hash_table_find(&g->by_name, hash_of(name)); node; node = hash_node_next(node)) {
		struct declared *guest = container_of(node, struct declared, named);
		if (strcmp(guest->host.name, name) == 0)
			return guest;
	}
	return NULL;
}

static bool serves(const struct declared *guest, const struct settings_host *h, bool unguarded)
{
	return guest->pinned == is_pinned(h, unguarded) && mac_equal(guest->host.mac, h->mac) &&
	       port_properties_equal(&guest->host.properties, &h->properties);
}

static void remove_unwanted(struct guest_sockets *g, usec_t now, const struct settings *s)
{
	list_for_each(node, &g->guests)
		declared_at(node)->wanted = false;
	for (size_t i = 0; i < s->n_hosts; i++) {
		struct declared *guest = s->hosts[i].name[0] != '\0' ? find(g, s->hosts[i].name) : NULL;
		if (guest && serves(guest, &s->hosts[i], s->unguarded))
			guest->wanted = true;
	}
	list_for_each(node, &g->guests)
		if (!declared_at(node)->wanted)
			declared_free(g, now, declared_at(node));
}

void guest_sockets_change(struct guest_sockets *g, usec_t now, const struct settings *s)
{
	char error[320], first[400] = "";
	unsigned failed = 0;
	if (!g->directory)
		return;
	remove_unwanted(g, now, s);
	for (size_t i = 0; i < s->n_hosts; i++) {
		const struct settings_host *h = &s->hosts[i];
		if (h->name[0] == '\0' || find(g, h->name) || add(g, now, h, s->unguarded, error, sizeof(error)) == 0)
			continue;
		if (failed++ == 0)
			snprintf(first, sizeof(first), "%s: %s", h->name, error);
	}
	if (list_empty(&g->guests))
		rmdir(g->directory);
	if (failed > g->failed)
		log_warning(g->log,
			    "%u of the declared guests cannot have sockets of their own, and attach where all guests do; the first is %s",
			    failed, first);
	g->failed = failed;
}

/* --- guests that show another MAC --- */

/*
 * The guest at @p that used its address last; NULL when no guest is there, or when one of them has @mac.  A guest that appeared after the
 * one with @mac was heard may be the same machine with another MAC: then the old one is forgotten unless it answers.
 */
static const struct guest *guest_at(const struct port *p, usec_t now, struct guest_table *guests, struct mac mac)
{
	struct guest_address *declared = NULL;
	const struct guest *found = NULL;
	list_for_each(node, &p->payer->addresses) {
		struct guest_address *a = container_of(node, struct guest_address, of_payer);
		if (mac_equal(a->guest->mac, mac))
			declared = a;
		else if (!mac_is_zero(a->guest->mac))
			found = a->guest;
	}
	if (!declared)
		return found;
	if (found && found->since > declared->seen)
		guest_check(guests, now, declared);
	return NULL;
}

static bool is_called(const struct port *p, const struct declared *guest)
{
	return strncmp(p->name, guest->host.name, PORT_NAME_SIZE - 1) == 0;
}

const struct guest *guest_sockets_guest(const struct guest_sockets *g, usec_t now, const struct segment *segment,
					struct guest_table *guests, const char *name)
{
	const struct declared *declared = g->n_unpinned > 0 ? find(g, name) : NULL;
	const struct guest *found = NULL;
	if (!declared || declared->pinned)
		return NULL;
	list_for_each(node, &segment->ports) {
		const struct port *p = container_of(node, struct port, node);
		if (!found && p->payer && is_called(p, declared))
			found = guest_at(p, now, guests, declared->host.mac);
	}
	return found;
}

const char *guest_sockets_name(const struct guest_sockets *g, const struct guest *guest)
{
	const struct declared *declared = g->n_unpinned > 0 && guest->port ? find(g, guest->port->name) : NULL;
	return declared && !declared->pinned ? declared->host.name : "";
}

void guest_sockets_find(const struct guest_sockets *g, const char *name, char *ret, size_t size)
{
	const struct declared *guest = name[0] != '\0' && g->directory ? find(g, name) : NULL;
	snprintf(ret, size, "%s", guest ? guest->directory : "");
}

/* --- life --- */

static bool is_left_behind(const char *name)
{
	for (size_t i = 0; i < ARRAY_SIZE(sockets); i++)
		if (strcmp(name, sockets[i].name) == 0)
			return true;
	return false;
}

/* Removes what a process that was killed has left, of guests that may no longer be declared. */
static void sweep(const char *directory)
{
	DIR *dir = opendir(directory);
	char *path;
	if (!dir)
		return;
	for (struct dirent *e; (e = readdir(dir));) {
		if (e->d_name[0] == '.' || asprintf(&path, "%s/%s", directory, e->d_name) < 0)
			continue;
		dead_socket_sweep(path, is_left_behind);
		rmdir(path);
		free(path);
	}
	closedir(dir);
}

int guest_sockets_init(struct guest_sockets *g, const char *runtime_dir, const struct links *links, struct log *log)
{
	*g = (struct guest_sockets){ .links = links, .log = log };
	list_init(&g->guests);
	if (!runtime_dir)
		return 0;
	if (asprintf(&g->directory, "%s/" GUEST_SOCKETS_DIRECTORY, runtime_dir) < 0) {
		g->directory = NULL;
		return -ENOMEM;
	}
	sweep(g->directory);
	return 0;
}

void guest_sockets_done(struct guest_sockets *g, usec_t now)
{
	if (!g->directory)
		return;
	list_for_each(node, &g->guests)
		declared_free(g, now, declared_at(node));
	hash_table_done(&g->by_name);
	rmdir(g->directory);
	free(g->directory);
	g->directory = NULL;
}
