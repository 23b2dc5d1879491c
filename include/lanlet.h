/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * lanlet as a library: a virtual Ethernet segment with gateway, DHCP, DNS and NAT inside your
 * process and your event loop.  `lanlet run` is nothing but a user of this header.
 *
 *     struct lanlet_config *config;
 *     struct lanlet_network *net;
 *     lanlet_config_new(&config);
 *     lanlet_config_set(config, "subnet", "10.20.30.0/24", error, sizeof(error));
 *     lanlet_network_new(config, &net, error, sizeof(error));
 *     lanlet_network_listen_stream(net, "/run/user/1000/stream.sock", error, sizeof(error));
 *     while (lanlet_network_wait(net) == 0)
 *             ;
 *
 * A program with an event loop of its own polls lanlet_network_fd() until lanlet_network_timeout_ms() and calls
 * lanlet_network_dispatch().
 *
 * Objects are opaque and independent: two networks are two objects.  One thread at a time may use
 * an object.  Functions return 0 or a negative errno; those that take @error also write one line
 * there that names what is wrong and what to do, @size bytes at most, NUL-terminated.  Nothing here
 * touches argv, signals, the working directory or standard output.
 */
#pragma once

#include <stddef.h>

#ifdef __cplusplus
extern "C" {
#endif

struct lanlet_config;
struct lanlet_network;

/* One option: the same name on the command line (--name), in the INI file and here. */
struct lanlet_option {
	const char *name;
	const char *argument;      /* what stands for the value in --help; NULL: a switch, "true" or "false" */
	const char *default_value; /* as text for people; NULL: none */
	const char *help;          /* one or more sentences */
	int repeatable;            /* each lanlet_config_set() adds a value, an empty one takes all back */
};

/* The option at @index, or NULL behind the last one. */
const struct lanlet_option *lanlet_option_at(size_t index);

/* What @option, one from lanlet_option_at(), is about: options of one subject follow each other and have the same string. */
const char *lanlet_option_subject(const struct lanlet_option *option);

/*
 * The @index-th of the fixed words that @option, one from lanlet_option_at(), accepts, with a sentence about it in
 * *@ret_help; NULL behind the last word and for everything else.
 */
const char *lanlet_option_choice(const struct lanlet_option *option, size_t index, const char **ret_help);

/* A configuration with every default.  -ENOMEM. */
int lanlet_config_new(struct lanlet_config **ret);
void lanlet_config_free(struct lanlet_config *config);
/*
 * Sets one option by name.  A repeatable one adds a value; an empty value takes all its values back.
 * -ENOENT: no such option; -EINVAL: @error says which option, which value and what is accepted.  After a failure
 * the configuration is as before.
 */
int lanlet_config_set(struct lanlet_config *config, const char *name, const char *value, char *error, size_t size);

enum lanlet_log_level {
	LANLET_LOG_ERROR,
	LANLET_LOG_WARNING,
	LANLET_LOG_INFO,
	LANLET_LOG_DEBUG,
};

/* Where log lines go (default: nowhere).  @log must outlive the networks made from @config. */
void lanlet_config_set_log(struct lanlet_config *config, void (*log)(void *opaque, enum lanlet_log_level level, const char *line),
			   void *opaque);
/* The directory (0700, must exist) that leases and the gateway's MAC are kept in; NULL (default): nothing is kept. */
int lanlet_config_set_state_dir(struct lanlet_config *config, const char *path);
/* A directory (0700, must exist) for private sockets of ours; NULL (default): one is made under $TMPDIR when needed. */
int lanlet_config_set_runtime_dir(struct lanlet_config *config, const char *path);

/*
 * Makes a network; @config may be freed afterwards.  -EINVAL when options contradict one another,
 * else the errno of what failed.
 */
int lanlet_network_new(const struct lanlet_config *config, struct lanlet_network **ret, char *error, size_t size);
/* Writes the leases, closes every connection and socket. */
void lanlet_network_free(struct lanlet_network *net);

/* A descriptor that polls readable when dispatch has something to do.  Owned by @net. */
int lanlet_network_fd(const struct lanlet_network *net);
/* Microseconds of CLOCK_BOOTTIME at which dispatch wants to be called at the latest; -1: no such time. */
long long lanlet_network_deadline_usec(const struct lanlet_network *net);
/* The same as a timeout for poll(): milliseconds from now, rounded up; -1: none. */
int lanlet_network_timeout_ms(const struct lanlet_network *net);
/* Does what there is to do, without blocking. */
int lanlet_network_dispatch(struct lanlet_network *net);

/*
 * For a program whose only event loop is this one: waits until there is something to do, and does it.  One system call
 * less a turn than poll() and lanlet_network_dispatch().
 */
int lanlet_network_wait(struct lanlet_network *net);

struct lanlet_watch;
/*
 * Waits for a descriptor of the embedder's too: @ready is called from dispatch while poll() would report @events (POLLIN,
 * POLLOUT) or an error.  @fd is borrowed.  Negative errno.
 */
int lanlet_network_watch(struct lanlet_network *net, int fd, short events, void (*ready)(void *opaque, short events), void *opaque,
			 struct lanlet_watch **ret);
/* Before @fd is closed and before the network is freed; also from within ready().  NULL is fine. */
void lanlet_watch_free(struct lanlet_watch *watch);

/*
 * Listens on a unix stream socket for QEMU's `-netdev stream`; every connection is a port.  A stale socket
 * at @path is replaced; -EADDRINUSE when somebody listens there.
 */
int lanlet_network_listen_stream(struct lanlet_network *net, const char *path, char *error, size_t size);
/* A connected stream socket as a port.  Owned by @net on success.  @name may be NULL. */
int lanlet_network_add_stream(struct lanlet_network *net, int fd, const char *name);

/*
 * Listens on a unix stream socket for vhost-user front ends, such as QEMU's `-netdev vhost-user`; every connection is a
 * port.  Errors as for lanlet_network_listen_stream().
 */
int lanlet_network_listen_vhost(struct lanlet_network *net, const char *path, char *error, size_t size);
/*
 * Connects to @path, where a vhost-user front end listens (QEMU's chardev with server=on), as soon as it is there and again whenever
 * the connection ends; every connection is a port.  -ENAMETOOLONG, -ENOMEM.
 */
int lanlet_network_connect_vhost(struct lanlet_network *net, const char *path, char *error, size_t size);
/* A connected socket to a vhost-user front end as a port.  Owned by @net on success.  @name may be NULL. */
int lanlet_network_add_vhost(struct lanlet_network *net, int fd, const char *name);

/*
 * Is a VDE switch at @directory, which is made when it is not there: QEMU's `-netdev vde`, vde_plug, vdens and User-mode Linux plug in
 * there.  -EADDRINUSE when a switch runs there, -ENAMETOOLONG, …  The sockets, and the directory when it is empty then, go with @net.
 */
int lanlet_network_listen_vde(struct lanlet_network *net, const char *directory, char *error, size_t size);

/*
 * Receives at a unix datagram socket from guests that have a path of their own, such as QEMU's `-netdev dgram` with local.path and
 * remote.path; every path is a port.  Errors as for lanlet_network_listen_stream().
 */
int lanlet_network_listen_dgram(struct lanlet_network *net, const char *path, char *error, size_t size);
/* Listens on a unix SOCK_SEQPACKET: a frame is a packet, every connection is a port.  Errors as above. */
int lanlet_network_listen_seqpacket(struct lanlet_network *net, const char *path, char *error, size_t size);

/*
 * What the options fd, connect and udp do, for a network that is there already; @text is what the option takes.  The descriptor is
 * owned by @net on success.  -EINVAL when @text is not understood or the socket is none that can be plugged in.
 */
int lanlet_network_plug_fd(struct lanlet_network *net, const char *text, char *error, size_t size);
int lanlet_network_plug_connect(struct lanlet_network *net, const char *text, char *error, size_t size);
int lanlet_network_plug_udp(struct lanlet_network *net, const char *text, char *error, size_t size);

/*
 * Opens a forward, "tcp|udp [ADDRESS:]PORT[-PORT] GUEST:PORT" or "proxy PORT" as the option forward has it, and keeps it in the state
 * directory until it is removed.  Returns its number, from 1 on, or a negative errno with one line in @error: -EINVAL, -EEXIST,
 * -EADDRINUSE, …
 */
int lanlet_network_add_forward(struct lanlet_network *net, const char *forward, char *error, size_t size);
/* Ends the forward with this number; its flows go on.  -ENOENT. */
int lanlet_network_remove_forward(struct lanlet_network *net, unsigned number);

/*
 * Joins another VDE network by a URL of libvdeplug (vde://, ptp://, udp://, vxlan://, vxvde:// …), as soon as it is there and again
 * whenever the connection ends; it is a port with a whole segment behind it.  A URL loads plugins and runs programs: never take one
 * from somebody whom you would not let run programs.  -EOPNOTSUPP: built without libvdeplug, -ENOMEM.
 */
int lanlet_network_join_vde(struct lanlet_network *net, const char *url, char *error, size_t size);

/*
 * For a handler of SIGBUS, with its si_addr: 1 when the address was in the memory of a vhost-user guest that vanished, and the
 * handler shall return; 0 when the signal is somebody else's.  A front end that shrinks its guest's memory ends a process that has
 * vhost-user ports and no such handler.  Async-signal-safe; may be called by any thread.
 */
int lanlet_sigbus(void *address);

#ifdef __cplusplus
}
#endif
