/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Connections to guests and to other networks, beside the sockets in the network's directory. */
#include "base/macros.h"
#include "host/socket_facts.h"
#include "link/vde/relay.h"
#include "options/option.h"
#include "options/settings.h"
#include "options/value.h"

#include <errno.h>
#include <string.h>

#define URL_MAX 1023 /* libvdeplug copies a URL into buffers of PATH_MAX bytes, some on the stack */

static int add_attachment(struct settings *s, enum attachment_kind kind, const char *value, const char **ret_why)
{
	struct attachment a;
	struct socket_facts facts;
	if (attachment_parse(kind, value, &a, ret_why) < 0)
		return -EINVAL;
	/* Now, because a descriptor that is not open yet may be another file's by the time the network is made. */
	int r = kind == ATTACHMENT_FD ? socket_facts_get(a.fd, &facts) : 0;
	if (r < 0) {
		*ret_why = socket_facts_explain(-r);
		return -EINVAL;
	}
	return attachment_list_add(&s->attachments, &a);
}

static int add_fd(struct settings *s, const char *value, const char **ret_why)
{
	return add_attachment(s, ATTACHMENT_FD, value, ret_why);
}

static void clear_fds(struct settings *s)
{
	attachment_list_remove(&s->attachments, ATTACHMENT_FD);
}

static int add_connect(struct settings *s, const char *value, const char **ret_why)
{
	return add_attachment(s, ATTACHMENT_CONNECT, value, ret_why);
}

static int add_vhost_connect(struct settings *s, const char *value, const char **ret_why)
{
	struct attachment a;
	if (attachment_parse(ATTACHMENT_CONNECT, value, &a, ret_why) < 0)
		return -EINVAL;
	a.type = "vhost";
	return attachment_list_add(&s->attachments, &a);
}

static void clear_connects(struct settings *s)
{
	attachment_list_remove(&s->attachments, ATTACHMENT_CONNECT);
}

static int add_udp(struct settings *s, const char *value, const char **ret_why)
{
	return add_attachment(s, ATTACHMENT_UDP, value, ret_why);
}

static void clear_udps(struct settings *s)
{
	attachment_list_remove(&s->attachments, ATTACHMENT_UDP);
}

static int add_vde(struct settings *s, const char *value, const char **ret_why)
{
	if (!value_is_text(value) || strlen(value) > URL_MAX)
		return -EINVAL;
	if (!vde_relay_is_available()) {
		*ret_why = "lanlet was built without libvdeplug";
		return -EINVAL;
	}
	return path_list_add(&s->vde, value);
}

static void clear_vde(struct settings *s)
{
	path_list_clear(&s->vde);
}

static int set_busy_poll(struct settings *s, const char *value, const char **ret_why)
{
	uint32_t us;
	if (value_unsigned(value, 0, SETTINGS_BUSY_POLL_MAX, &us) < 0)
		return -EINVAL;
	s->busy_poll_us = us;
	return 0;
}

static bool same_fds(const struct settings *a, const struct settings *b)
{
	return attachment_list_equal(&a->attachments, &b->attachments, ATTACHMENT_FD);
}

static bool same_connects(const struct settings *a, const struct settings *b)
{
	return attachment_list_equal(&a->attachments, &b->attachments, ATTACHMENT_CONNECT);
}

/* The values of vhost-connect are values of connect, and are compared there. */
static bool same_as_connect(const struct settings *a, const struct settings *b)
{
	return true;
}

static bool same_udps(const struct settings *a, const struct settings *b)
{
	return attachment_list_equal(&a->attachments, &b->attachments, ATTACHMENT_UDP);
}

static bool same_vde(const struct settings *a, const struct settings *b)
{
	return path_list_equal(&a->vde, &b->vde);
}

static const struct option options[] = {
	{
		.public = {
			.name = "fd",
			.argument = "N[,type=TYPE][,mac=MAC][,name=NAME][,PROPERTY]",
			.help =
				"A socket that the parent process left open as descriptor N. A connected socket is one guest; a "
				"listening socket, or a unix datagram socket with a path, serves any number. TYPE is stream, dgram, "
				"seqpacket, vhost (vhost-user) or vde. Default: that of the socket; vhost has to be given, and so has "
				"vde for the ctl socket of a VDE switch. mac= drops frames from any other MAC, name= names the "
				"port. PROPERTY is guard=on or guard=off (see --guard), dhcp-server: this guest may answer other "
				"guests' DHCP requests, router: this guest may send router advertisements to other guests, or bandwidth-in=RATE or "
				"bandwidth-out=RATE: the limit of what it is sent, and of what it sends (see --bandwidth-in).",
			.repeatable = true,
		},
		.accepts = "the number of an open socket, such as 3, 4,type=vhost or 5,mac=52:54:00:12:34:56,name=web",
		.set = add_fd,
		.clear = clear_fds,
		.same = same_fds,
	},
	{
		.public = {
			.name = "connect",
			.argument = "PATH[,type=TYPE][,mac=MAC][,name=NAME][,PROPERTY]",
			.help =
				"A unix socket where a guest listens, such as QEMU's -netdev stream,server=on. lanlet connects as "
				"soon as the socket exists, and again whenever the connection ends. TYPE is stream (the default) or "
				"vhost (vhost-user). mac=, name= and PROPERTY as in --fd.",
			.repeatable = true,
		},
		.accepts =
			"the path of a socket, such as /run/vm/web.sock or "
			"/run/vm/web.sock,type=vhost,mac=52:54:00:12:34:56,name=web",
		.set = add_connect,
		.clear = clear_connects,
		.same = same_connects,
	},
	{
		.public = {
			.name = "udp",
			.argument = "LOCAL,PEER[,mac=MAC][,name=NAME][,PROPERTY]",
			.help =
				"One guest over UDP, such as QEMU's -netdev dgram with local.type=inet. LOCAL is lanlet's address, "
				"PEER is the guest's. Not encrypted: whatever can send from PEER's address is taken for the guest. "
				"mac=, name= and PROPERTY as in --fd.",
			.repeatable = true,
		},
		.accepts = "two addresses with ports, such as 127.0.0.1:5001,127.0.0.1:5002 or [::1]:5001,[::1]:5002",
		.set = add_udp,
		.clear = clear_udps,
		.same = same_udps,
	},
	{
		.public = {
			.name = "vhost-connect",
			.argument = "PATH[,mac=MAC][,name=NAME][,PROPERTY]",
			.help =
				"The same as --connect PATH,type=vhost: a socket where a vhost-user front end listens, such as QEMU "
				"with server=on.",
			.repeatable = true,
		},
		.accepts =
			"the path of a socket, such as /run/vm/web.sock or /run/vm/web.sock,mac=52:54:00:12:34:56,name=web",
		.set = add_vhost_connect,
		.clear = clear_connects,
		.same = same_as_connect,
	},
	{
		.public = {
			.name = "vde",
			.argument = "URL",
			.help =
				"Another VDE network to join, by a URL of libvdeplug such as vde:///run/other.ctl, "
				"udp://5555->host:5555, vxvde://239.1.2.3 or vxlan://239.1.2.3. lanlet connects as soon as it can, "
				"and again whenever the connection ends. Only one member of a joined network may have the gateway and "
				"DHCP: see --no-gateway and --no-dhcp. A URL can run programs (cmd://), so take none from a source "
				"you do not trust.",
			.repeatable = true,
		},
		.accepts = "a URL of libvdeplug or the directory of a VDE switch, at most 1023 characters and no control characters",
		.set = add_vde,
		.clear = clear_vde,
		.same = same_vde,
	},
	{
		.public = {
			.name = "busy-poll",
			.argument = "USEC",
			.default_value = "0",
			.help =
				"Poll for up to USEC microseconds before sleeping, while that finds work. Lowers latency and spares "
				"vhost-user guests a wake-up; costs CPU. 0 is off.",
		},
		.accepts = "a number from 0 to 1000",
		.set = set_busy_poll,
		.place = OPTION_PLACE(busy_poll_us),
	},
};

const struct option_group options_of_ports = { "Connections", options, ARRAY_SIZE(options) };
