/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What guests talk to: sockets of the host, in the test's own process and without waiting in system calls, so that
 * the engine can run meanwhile.
 */
#pragma once

#include "bench.h"

#include <netinet/in.h>

struct server {
	int listener; /* -1: none */
	int fd;       /* the accepted connection or the UDP socket; -1: none */
	uint16_t port;
	size_t expected;
	GByteArray *received; /* over this connection */
};

/* Both at any free port, or @port. */
void server_listen(struct server *s, ip4_t at, uint16_t port);
void server_bind_udp(struct server *s, ip4_t at);
/* fd and listener become two ends of a TCP connection over loopback. */
void server_pair(struct server *s);
void server_close(struct server *s);

/* Runs the engine until somebody connected. */
bool server_accept(struct server *s, struct bench *b);
/* The socket takes up to 4 MB at once. */
void server_send(struct server *s, const void *data, size_t len);
/* @len more bytes are to come. */
void server_expect(struct server *s, size_t len);
bool server_received_all(struct server *s, struct bench *b);
bool server_sees_end(struct server *s, struct bench *b);
bool server_sees_reset(struct server *s, struct bench *b);
/* Without running the engine, which may be gone. */
bool server_sees_reset_now(struct server *s);
/* Closes the connection with FIN, with RST. */
void server_hang_up(struct server *s);
void server_reset(struct server *s);
/* Who connected. */
ip4_t server_peer(const struct server *s);
/* Resets everybody who waits to be accepted. */
void server_turn_away(struct server *s);
bool server_has_visitor(const struct server *s);

void server_expect_datagram(struct server *s, struct bench *b, const void *data, size_t len, struct sockaddr_in *ret_from);
bool server_has_datagram(const struct server *s);
void server_answer(struct server *s, const struct sockaddr_in *to, const void *data, size_t len);

/* A TCP and UDP port where nobody listens. */
uint16_t free_port(void);
/* Sees every packet of @protocol that arrives. */
int raw_socket(int protocol);
/* The TTL of the first packet to @port seen there. */
uint8_t raw_ttl_of_packet_to(int raw, uint16_t port);
bool fd_is_open(int fd);
/* From here to allow_ping_sockets(), which takes what this returns, the process is on another network. */
int forbid_ping_sockets(void);
void allow_ping_sockets(int home);
