/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * lanlet as a library: libvirt's default network without root, inside your process and your event loop: a virtual switch (in place of a
 * bridge) with gateway, DHCP, DNS, NAT and port forwarding.  `lanlet run` is a user of this header like any other.
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
 * A program that has an event loop waits until lanlet_network_fd() is readable, for lanlet_network_timeout_ms() at most, and then calls
 * lanlet_network_dispatch().
 *
 * Objects are opaque and independent: a process may have any number of networks.  An object is used by one thread at a time.  Functions
 * return 0 or a negative errno.  Those with @error also write one line there, of at most @size bytes with the NUL, that names what is wrong
 * and what to do.  Nothing here touches argv, signals, the working directory or standard output.
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
	const char *argument;      /* the placeholder of the value in --help; NULL: a switch, "true" or "false" */
	const char *default_value; /* as text; NULL: none */
	const char *help;          /* one or more sentences */
	int repeatable;            /* each lanlet_config_set() adds a value, an empty one removes all */
};

/* The option at @index, or NULL after the last one. */
const struct lanlet_option *lanlet_option_at(size_t index);

/* The subject of @option, which is from lanlet_option_at(): options of one subject follow each other and share the string. */
const char *lanlet_option_subject(const struct lanlet_option *option);

/*
 * The @index-th of the fixed words that @option, which is from lanlet_option_at(), accepts, with its explanation in *@ret_help; NULL after
 * the last word, and for an option without fixed words.
 */
const char *lanlet_option_choice(const struct lanlet_option *option, size_t index, const char **ret_help);

/* A configuration with all defaults.  -ENOMEM. */
int lanlet_config_new(struct lanlet_config **ret);
void lanlet_config_free(struct lanlet_config *config);
/*
 * Sets one option by name.  A repeatable option adds a value; an empty value removes all of its values.
 * -ENOENT: no such option; -EINVAL: @error has the option, the value and what is accepted.  A failure leaves the configuration unchanged.
 */
int lanlet_config_set(struct lanlet_config *config, const char *name, const char *value, char *error, size_t size);

enum lanlet_log_level {
	LANLET_LOG_ERROR,
	LANLET_LOG_WARNING,
	LANLET_LOG_INFO,
	LANLET_LOG_DEBUG,
};

/* Where log lines go (default: nowhere).  @log has to outlive the networks made from @config. */
void lanlet_config_set_log(struct lanlet_config *config, void (*log)(void *opaque, enum lanlet_log_level level, const char *line),
			   void *opaque);
/* The directory (0700, has to exist) for leases, forwards and the gateway's MAC; NULL (default): nothing outlives the network. */
int lanlet_config_set_state_dir(struct lanlet_config *config, const char *path);
/*
 * A directory (0700, has to exist) for private sockets, and for guests/NAME/ with the sockets of guests that are declared (option host);
 * NULL (default): one is made in $TMPDIR when it is needed, and guests have no sockets of their own.
 */
int lanlet_config_set_runtime_dir(struct lanlet_config *config, const char *path);

/*
 * Makes a network; @config may be freed afterwards.  -EINVAL when options contradict one another, otherwise the errno of what failed.
 */
int lanlet_network_new(const struct lanlet_config *config, struct lanlet_network **ret, char *error, size_t size);
/* Saves the leases and closes all connections and sockets.  NULL is fine. */
void lanlet_network_free(struct lanlet_network *net);

/* A descriptor that is readable when dispatch has something to do.  Owned by @net. */
int lanlet_network_fd(const struct lanlet_network *net);
/* When dispatch has to be called at the latest, in microseconds of CLOCK_BOOTTIME; -1: never. */
long long lanlet_network_deadline_usec(const struct lanlet_network *net);
/* The same as a timeout of poll(): milliseconds from now, rounded up; -1: none. */
int lanlet_network_timeout_ms(const struct lanlet_network *net);
/* Does what is to be done now, without blocking. */
int lanlet_network_dispatch(struct lanlet_network *net);

/*
 * For a program without an event loop: waits until there is something to do, and does it.  Saves one system call per turn over poll() and
 * lanlet_network_dispatch().
 */
int lanlet_network_wait(struct lanlet_network *net);

struct lanlet_watch;
/*
 * Watches a descriptor of the caller: dispatch calls @ready whenever poll() would report @events (POLLIN, POLLOUT) or an error.  @fd
 * is borrowed.  Negative errno.
 */
int lanlet_network_watch(struct lanlet_network *net, int fd, short events, void (*ready)(void *opaque, short events), void *opaque,
			 struct lanlet_watch **ret);
/* Before @fd is closed and before the network is freed; also from within ready().  NULL is fine. */
void lanlet_watch_free(struct lanlet_watch *watch);

/*
 * Listens on a unix stream socket for QEMU's `-netdev stream`; every connection is a port.  A stale socket
 * at @path is replaced; -EADDRINUSE when another process listens there.
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
 * Connects to @path, where a vhost-user front end listens (QEMU's chardev with server=on), as soon as the socket exists and again
 * whenever the connection ends; every connection is a port.  -ENAMETOOLONG, -ENOMEM.
 */
int lanlet_network_connect_vhost(struct lanlet_network *net, const char *path, char *error, size_t size);
/* A connected socket to a vhost-user front end as a port.  Owned by @net on success.  @name may be NULL. */
int lanlet_network_add_vhost(struct lanlet_network *net, int fd, const char *name);

/*
 * Offers a VDE switch at @directory, which is made if need be, to QEMU's `-netdev vde`, vde_plug, vdens and User-mode Linux.
 * -EADDRINUSE when a switch runs there, -ENAMETOOLONG, …  lanlet_network_free() removes the sockets, and the directory if it is empty then.
 */
int lanlet_network_listen_vde(struct lanlet_network *net, const char *directory, char *error, size_t size);

/*
 * Receives on a unix datagram socket from guests that each have a path, such as QEMU's `-netdev dgram` with local.path and remote.path;
 * every path is a port.  Errors as for lanlet_network_listen_stream().
 */
int lanlet_network_listen_dgram(struct lanlet_network *net, const char *path, char *error, size_t size);
/* Listens on a unix SOCK_SEQPACKET: a frame is a packet, every connection is a port.  Errors as above. */
int lanlet_network_listen_seqpacket(struct lanlet_network *net, const char *path, char *error, size_t size);

/*
 * What the options fd, connect and udp do, for a running network; @text is the value of the option.  The descriptor is owned by @net on
 * success.  -EINVAL when @text is invalid or the socket is of the wrong kind.
 */
int lanlet_network_attach_fd(struct lanlet_network *net, const char *text, char *error, size_t size);
int lanlet_network_attach_connect(struct lanlet_network *net, const char *text, char *error, size_t size);
int lanlet_network_attach_udp(struct lanlet_network *net, const char *text, char *error, size_t size);

/*
 * Port forwarding: opens a forward, "tcp|udp [ADDRESS:]PORT[-PORT] GUEST:PORT" or "proxy PORT" as with the option forward, and keeps it in
 * the state directory until it is removed.  Returns its number, which is 1 or more, or a negative errno with one line in @error: -EINVAL,
 * -EEXIST, -EADDRINUSE, …
 */
int lanlet_network_add_forward(struct lanlet_network *net, const char *forward, char *error, size_t size);
/* Closes the forward with this number; open connections stay.  -ENOENT. */
int lanlet_network_remove_forward(struct lanlet_network *net, unsigned number);

/*
 * Joins another VDE network by a URL of libvdeplug (vde://, ptp://, udp://, vxlan://, vxvde:// …), as soon as it can be reached and again
 * whenever the connection ends; the port leads to a whole segment.  A URL loads plugins and can run programs: take none from a source that
 * may not run programs.  -EOPNOTSUPP: built without libvdeplug, -ENOMEM.
 */
int lanlet_network_join_vde(struct lanlet_network *net, const char *url, char *error, size_t size);

/*
 * For a handler of SIGBUS, with its si_addr.  1: the address was in memory of a vhost-user guest that its front end has taken away, and the
 * handler returns; 0: the signal has another cause.  Without such a handler, a front end that shrinks its guest's memory kills a process
 * that has vhost-user ports.  Async-signal-safe, for any thread.
 */
int lanlet_sigbus(void *address);

#ifdef __cplusplus
}
#endif
