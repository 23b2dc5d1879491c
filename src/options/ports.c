/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Ways into the network beside the sockets in its directory. */
#include "base/macros.h"
#include "host/socket_facts.h"
#include "link/vde/relay.h"
#include "options/option.h"
#include "options/settings.h"
#include "options/value.h"

#include <errno.h>
#include <string.h>

#define URL_MAX 1023 /* libvdeplug copies it into buffers of PATH_MAX and onto the stack */

static int add_attachment(struct settings *s, enum attachment_kind kind, const char *value, const char **ret_why)
{
	struct attachment a;
	struct socket_facts facts;
	if (attachment_parse(kind, value, &a, ret_why) < 0)
		return -EINVAL;
	/* At once, before another descriptor takes the place of one that is not open. */
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
	a.type = ATTACHMENT_TYPE_VHOST;
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
			.argument = "N[,type=TYPE][,mac=MAC][,name=NAME]",
			.help =
				"A socket that the program which started lanlet left open as descriptor N: a connection is a guest, a "
				"listening socket, or a unix datagram socket with a path, is for many. TYPE is stream, dgram, seqpacket, "
				"vhost or vde; the socket says which unless it is vhost, or the ctl of a VDE switch. mac= lets nobody "
				"but the card with this MAC speak, name= is what the port is called.",
			.repeatable = true,
		},
		.accepts = "the number of an open socket, as 3, 4,type=vhost or 5,mac=52:54:00:12:34:56,name=web",
		.set = add_fd,
		.clear = clear_fds,
		.same = same_fds,
	},
	{
		.public = {
			.name = "connect",
			.argument = "PATH[,type=TYPE][,mac=MAC][,name=NAME]",
			.help =
				"A unix socket where a guest listens, such as QEMU's -netdev stream,server=on: connects to it, as soon "
				"as it is there, and again whenever the connection ends. TYPE is stream, which needs not be said, or "
				"vhost.",
			.repeatable = true,
		},
		.accepts = "the path of a socket, as /run/vm/web.sock or /run/vm/web.sock,type=vhost,mac=52:54:00:12:34:56,name=web",
		.set = add_connect,
		.clear = clear_connects,
		.same = same_connects,
	},
	{
		.public = {
			.name = "udp",
			.argument = "LOCAL,PEER[,mac=MAC][,name=NAME]",
			.help =
				"One guest by UDP, such as QEMU's -netdev dgram with local.type=inet: datagrams between the addresses "
				"LOCAL, which is ours, and PEER. Anybody who can send from PEER's address is that guest, and nothing is "
				"encrypted.",
			.repeatable = true,
		},
		.accepts = "two addresses with ports, as 127.0.0.1:5001,127.0.0.1:5002 or [::1]:5001,[::1]:5002",
		.set = add_udp,
		.clear = clear_udps,
		.same = same_udps,
	},
	{
		.public = {
			.name = "vhost-connect",
			.argument = "PATH[,mac=MAC][,name=NAME]",
			.help =
				"The same as --connect PATH,type=vhost: a socket where a vhost-user front end listens, such as QEMU with "
				"server=on.",
			.repeatable = true,
		},
		.accepts = "the path of a socket, as /run/vm/web.sock or /run/vm/web.sock,mac=52:54:00:12:34:56,name=web",
		.set = add_vhost_connect,
		.clear = clear_connects,
		.same = same_as_connect,
	},
	{
		.public = {
			.name = "vde",
			.argument = "URL",
			.help =
				"Another VDE network to join, by a URL of libvdeplug, as vde:///run/other.ctl, udp://5555->host:5555, "
				"vxvde://239.1.2.3 or vxlan://239.1.2.3: as soon as it is there, and again whenever the connection ends. "
				"Let one member of such a network have the gateway and DHCP, see --no-gateway and --no-dhcp. A URL can "
				"run programs (cmd://).",
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
				"How many microseconds to look for more work before sleeping, while that pays: answers come sooner, "
				"guests by vhost-user need not wake lanlet, and a processor is kept busy for that long. 0 is never.",
		},
		.accepts = "a number from 0 to 1000",
		.set = set_busy_poll,
		.place = OPTION_PLACE(busy_poll_us),
	},
};

const struct option_group options_of_ports = { "Ways in", options, ARRAY_SIZE(options) };
