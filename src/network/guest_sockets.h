/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The sockets of declared guests (settings_host with a name): RUNTIME_DIRECTORY/guests/NAME/stream.sock, vhost.sock and dgram.sock.  A port
 * on them is called NAME and has the declared properties.  While it is guarded it may use the declared MAC only; a guest that bridges
 * other machines, or changes its MAC, is declared with guard=off.
 *
 * They exist as long as the guest is declared.  When it no longer is, its connections stay until they end; guests on dgram.sock, which have
 * no connection, lose their port.  Two connections of one guest may exist at once, because a QEMU that restarts or migrates has two for a
 * moment.
 */
#pragma once

#include "base/addr.h"
#include "base/hash_table.h"
#include "base/list.h"
#include "base/usec.h"

#include <stdbool.h>
#include <stddef.h>

#define GUEST_SOCKETS_DIRECTORY "guests"

struct guest;
struct guest_table;
struct links;
struct log;
struct segment;
struct settings;

struct guest_sockets {
	char *directory; /* NULL: guests have no sockets of their own */
	const struct links *links;
	struct log *log;
	struct list guests;
	struct hash_table by_name;
	unsigned n_unpinned; /* of them */
	unsigned failed;     /* guests that have no sockets, as was logged */
};

/*
 * @runtime_dir, a private directory that exists, may be NULL: there are no sockets then.  @links and @log are borrowed.  Removes what an
 * earlier process has left there.  -ENOMEM.
 */
int guest_sockets_init(struct guest_sockets *g, const char *runtime_dir, const struct links *links, struct log *log);
/* Removes the sockets; before links_done().  Harmless on a zeroed one. */
void guest_sockets_done(struct guest_sockets *g, usec_t now);

/*
 * Makes the sockets of the hosts of @s and removes those of other guests.  A guest whose sockets cannot be made attaches where all guests
 * do; one line is logged when there are more of them than before.
 */
void guest_sockets_change(struct guest_sockets *g, usec_t now, const struct settings *s);

/*
 * A guest that is not pinned and is attached with another MAC than the declared one: names and forwards of @name, in lower case, lead to
 * its port, whatever MAC it shows there.  NULL: the lease or reservation of the declared MAC tells the addresses.
 */
const struct guest *guest_sockets_guest(const struct guest_sockets *g, usec_t now, const struct segment *segment,
					struct guest_table *guests, const char *name);

/* The name that @guest has because of its port, which is a declared guest's that is not pinned; "": none. */
const char *guest_sockets_name(const struct guest_sockets *g, const struct guest *guest);

/* The directory of the sockets of the guest called @name, "" when it has none.  At most @size bytes with the NUL. */
void guest_sockets_find(const struct guest_sockets *g, const char *name, char *ret, size_t size);
