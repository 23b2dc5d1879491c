/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Servers for guests: non-blocking sockets of the host in the test's own process, so that the engine can run meanwhile. */
#pragma once

#include "bench.h"

#include <netinet/in.h>

struct server {
	int listener; /* -1: none */
	int fd;       /* the accepted connection or the UDP socket; -1: none */
	uint16_t port;
	size_t expected;
	GByteArray *received; /* bytes received over this connection */
};

/* Of all servers from now on. */
void server_set_family(enum family f);

/* Both listen at @port, or at any free port when it is 0. */
void server_listen(struct server *s, ip4_t at, uint16_t port);
void server_bind_udp(struct server *s, ip4_t at);
/* Makes fd and listener the two ends of a TCP connection over loopback. */
void server_pair(struct server *s);
void server_close(struct server *s);

/* Runs the engine until a client has connected. */
bool server_accept(struct server *s, struct bench *b);
/* Sends at once; the socket takes up to 4 MB. */
void server_send(struct server *s, const void *data, size_t len);
/* Expects @len more bytes. */
void server_expect(struct server *s, size_t len);
bool server_received_all(struct server *s, struct bench *b);
bool server_sees_end(struct server *s, struct bench *b);
bool server_sees_reset(struct server *s, struct bench *b);
/* Does not run the engine, which may have been freed. */
bool server_sees_reset_now(struct server *s);
/* Close the connection with FIN, with RST. */
void server_hang_up(struct server *s);
void server_reset(struct server *s);
/* The client's address. */
ip4_t server_peer(const struct server *s);
/* Resets all connections that wait to be accepted. */
void server_turn_away(struct server *s);
bool server_has_visitor(const struct server *s);

/* Addresses are those that the test speaks of, of IPv4 in any family. */
void server_expect_datagram(struct server *s, struct bench *b, const void *data, size_t len, struct sockaddr_in *ret_from);
bool server_has_datagram(const struct server *s);
void server_answer(struct server *s, const struct sockaddr_in *to, const void *data, size_t len);

/* A free TCP and UDP port. */
uint16_t free_port(void);
/* A raw socket that receives every packet of @protocol. */
int raw_socket(int protocol);
/* The TTL of the first packet to @port seen there. */
uint8_t raw_ttl_of_packet_to(int raw, uint16_t port);
bool fd_is_open(int fd);
/* Until allow_ping_sockets(), which takes the return value, the process is in another network namespace. */
int forbid_ping_sockets(void);
void allow_ping_sockets(int home);
