/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "network/forward/proxy.h"

#include "base/macros.h"
#include "host/poller.h"
#include "network/forward/client.h"
#include "network/forward/dial.h"
#include "network/forward/forward.h"
#include "wire/http_connect.h"
#include "wire/socks5.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define REQUEST_MAX 8192u /* bytes; servers choose their limit (RFC 9112 §3, §5) */
#define TALK_TIME (10 * USEC_PER_SEC)
#define TALKING_MAX 1024u
#define ANSWER_SIZE 512u
#define DRAIN_TIMES 16u

/* An error beside those of dials. */
#define NO_SUCH_METHOD ENOSYS

enum language {
	UNKNOWN,
	SOCKS, /* its method is agreed on, its request comes next */
	HTTP,
};

struct proxy_client {
	struct list node;
	struct forward *forward;
	enum language language;
	usec_t since;
	struct watch watch;
	struct dial dial;
};

static const struct {
	int error;
	enum socks5_reply socks;
	const char *http;
	const char *type; /* RFC 9209 §2.3 */
	const char *text; /* NULL: that of dial_explain() */
} outcomes[] = {
	{ ENOENT, SOCKS5_HOST_UNREACHABLE, "502 Bad Gateway", "dns_error", NULL },
	{ ENETUNREACH, SOCKS5_NOT_ALLOWED, "403 Forbidden", "destination_ip_prohibited", NULL },
	{ ECONNREFUSED, SOCKS5_REFUSED, "502 Bad Gateway", "connection_refused", NULL },
	{ EHOSTUNREACH, SOCKS5_HOST_UNREACHABLE, "502 Bad Gateway", "destination_ip_unroutable", NULL },
	{ ETIMEDOUT, SOCKS5_HOST_UNREACHABLE, "504 Gateway Timeout", "connection_timeout", NULL },
	{ NO_SUCH_METHOD, SOCKS5_COMMAND_NOT_SUPPORTED, "405 Method Not Allowed\r\nAllow: CONNECT", "http_request_error",
	  "this proxy accepts CONNECT only" },
	{ EAFNOSUPPORT, SOCKS5_ADDRESS_NOT_SUPPORTED, "400 Bad Request", "http_request_error", "this type of address is not supported" },
	{ EBADMSG, SOCKS5_GENERAL_FAILURE, "400 Bad Request", "http_request_error", "this is neither SOCKS 5 nor HTTP/1" },
	{ EMSGSIZE, SOCKS5_GENERAL_FAILURE, "431 Request Header Fields Too Large", "http_request_error", "the request is too long" },
	{ 0, SOCKS5_GENERAL_FAILURE, "503 Service Unavailable", "connection_limit_reached", NULL },
};

/* --- life --- */

void proxy_init(struct proxy *p)
{
	list_init(&p->talking);
	list_init(&p->dialling);
}

static void stop_talking(struct proxy_client *c)
{
	if (c->watch.active)
		c->forward->proxy.n_talking--;
	poller_unwatch(c->forward->env->poller, &c->watch);
	list_remove(&c->node);
}

/* Closes its descriptor, unless the engine owns it by now. */
static void client_free(struct proxy_client *c)
{
	stop_talking(c);
	if (c->watch.fd >= 0)
		close(c->watch.fd);
	free(c);
}

/* --- answers: the first bytes on a socket, which always has room for them --- */

static bool answer(const struct proxy_client *c, const void *bytes, size_t len)
{
	return send(c->watch.fd, bytes, len, MSG_NOSIGNAL | MSG_DONTWAIT) == (ssize_t)len;
}

static bool answer_socks(const struct proxy_client *c, enum socks5_reply reply)
{
	uint8_t bytes[SOCKS5_REPLY_LEN];
	struct bytes_writer w = bytes_writer(bytes, sizeof(bytes));
	socks5_emit_reply(&w, reply);
	return answer(c, bytes, w.len);
}

static void answer_http_error(const struct proxy_client *c, const char *status, const char *type, const char *text)
{
	char bytes[ANSWER_SIZE];
	int n = snprintf(bytes, sizeof(bytes),
			 "HTTP/1.1 %s\r\nProxy-Status: lanlet; error=%s\r\nContent-Type: text/plain\r\nContent-Length: %zu\r\nConnection: "
			 "close\r\n\r\n%s\n",
			 status, type, strlen(text) + 1, text);
	answer(c, bytes, (size_t)MIN(n, (int)sizeof(bytes) - 1));
}

/* With bytes left unread, close() would send a reset, and the client might not see the answer. */
static void drain(const struct proxy_client *c)
{
	uint8_t bytes[REQUEST_MAX];
	for (unsigned i = 0; i < DRAIN_TIMES && recv(c->watch.fd, bytes, sizeof(bytes), MSG_DONTWAIT) > 0; i++)
		;
}

static void refuse(struct proxy_client *c, usec_t now, int error)
{
	size_t i = 0;
	while (outcomes[i].error != error && outcomes[i].error != 0)
		i++;
	drain(c);
	if (c->language == SOCKS)
		answer_socks(c, outcomes[i].socks);
	else
		answer_http_error(c, outcomes[i].http, outcomes[i].type, outcomes[i].text ? outcomes[i].text : dial_explain(error));
	forward_client_count(c->forward, now, -error);
	client_free(c);
}

/* --- dialling --- */

static int opened(struct dial *d, usec_t now)
{
	static const char established[] = "HTTP/1.1 200 Connection established\r\n\r\n";
	struct proxy_client *c = container_of(d, struct proxy_client, dial);
	int fd = c->watch.fd;
	bool told = c->language == SOCKS ? answer_socks(c, SOCKS5_SUCCEEDED) : answer(c, established, strlen(established));
	forward_client_count(c->forward, now, told ? 0 : -ECONNABORTED);
	if (told)
		c->watch.fd = -1;
	client_free(c);
	return told ? fd : -ECONNABORTED;
}

static void failed(struct dial *d, usec_t now, int error)
{
	refuse(container_of(d, struct proxy_client, dial), now, error);
}

/* The request is complete.  The client may have been freed when this returns. */
static void dial(struct proxy_client *c, usec_t now, const struct guest_ref *guest, uint16_t port)
{
	const struct ip_endpoint host = { 0 };
	stop_talking(c);
	list_append(&c->forward->proxy.dialling, &c->node);
	c->dial = (struct dial){ .opened = opened, .failed = failed };
	int r = dial_begin(c->forward->env->dials, now, &c->dial, guest, port, &host);
	if (r < 0)
		refuse(c, now, -r);
}

static void dial_name(struct proxy_client *c, usec_t now, const char *name, uint16_t port)
{
	struct guest_ref guest;
	if (guest_ref_parse_in(name, c->forward->env->domain, &guest) == 0)
		dial(c, now, &guest, port);
	else
		refuse(c, now, ENOENT);
}

static void dial_address(struct proxy_client *c, usec_t now, const struct ip_addr *address, uint16_t port)
{
	const struct guest_ref guest = { .kind = GUEST_REF_ADDRESS, .ip = *address };
	dial(c, now, &guest, port);
}

/* --- talking --- */

/* Removes @len bytes, which were peeked at, from the socket. */
static void consume(const struct proxy_client *c, int len)
{
	uint8_t bytes[REQUEST_MAX];
	ssize_t n = recv(c->watch.fd, bytes, (size_t)len, MSG_DONTWAIT);
	(void)n;
}

/* True: there may be more to read.  False: the client may have been freed. */
static bool greet(struct proxy_client *c, usec_t now, const uint8_t *bytes, size_t len)
{
	uint8_t choice[SOCKS5_CHOICE_LEN];
	struct bytes_writer w = bytes_writer(choice, sizeof(choice));
	bool none;
	int n = socks5_parse_greeting(bytes, len, &none);
	if (n <= 0)
		return false; /* it begins as a request, so more is to come */
	consume(c, n);
	socks5_emit_choice(&w, none ? SOCKS5_METHOD_NONE : SOCKS5_METHOD_REFUSED);
	bool told = answer(c, choice, w.len);
	c->language = SOCKS;
	if (told && none)
		return true;
	forward_client_count(c->forward, now, -EACCES);
	client_free(c);
	return false;
}

static void hear_socks(struct proxy_client *c, usec_t now, const uint8_t *bytes, size_t len)
{
	struct socks5_request q;
	int n = socks5_parse_request(bytes, len, &q);
	if (n == 0)
		return;
	if (n < 0) {
		refuse(c, now, -n);
		return;
	}
	consume(c, n);
	if (q.command != SOCKS5_CONNECT)
		refuse(c, now, NO_SUCH_METHOD);
	else if (q.name[0])
		dial_name(c, now, q.name, q.port);
	else
		dial_address(c, now, &q.address, q.port);
}

static void hear_http(struct proxy_client *c, usec_t now, const uint8_t *bytes, size_t len)
{
	struct http_connect q;
	int n = http_connect_parse((const char *)bytes, len, &q);
	c->language = HTTP;
	if (n > 0) {
		consume(c, n);
		dial_name(c, now, q.host, q.port);
	} else if (n < 0) {
		refuse(c, now, n == -EOPNOTSUPP ? NO_SUCH_METHOD : -n);
	} else if (len == REQUEST_MAX) {
		refuse(c, now, EMSGSIZE);
	}
}

/* Reads what has come.  True: call again. */
static bool hear(struct proxy_client *c, usec_t now)
{
	uint8_t bytes[REQUEST_MAX];
	ssize_t n = recv(c->watch.fd, bytes, sizeof(bytes), MSG_PEEK | MSG_DONTWAIT);
	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return false;
	if (n <= 0) {
		client_free(c); /* it closed without a request */
		return false;
	}
	if (c->language == UNKNOWN && bytes[0] == SOCKS5_VERSION)
		return greet(c, now, bytes, (size_t)n);
	if (c->language == SOCKS)
		hear_socks(c, now, bytes, (size_t)n);
	else
		hear_http(c, now, bytes, (size_t)n);
	return false;
}

static void ready(struct watch *w, usec_t now, unsigned events)
{
	struct proxy_client *c = container_of(w, struct proxy_client, watch);
	while (hear(c, now))
		;
}

static struct proxy_client *oldest(const struct proxy *p)
{
	return list_empty(&p->talking) ? NULL : container_of(p->talking.next, struct proxy_client, node);
}

int proxy_take(struct forward *f, usec_t now, int fd)
{
	struct proxy_client *c = calloc(1, sizeof(*c));
	if (!c)
		return -ENOMEM;
	*c = (struct proxy_client){ .forward = f, .since = now, .watch = { .ready = ready } };
	/* Edge-triggered: each piece that comes wakes us, though earlier pieces are still in the socket. */
	int r = poller_watch(f->env->poller, &c->watch, fd, POLL_EVENT_IN | POLL_EVENT_EDGE);
	if (r < 0) {
		free(c);
		return r;
	}
	if (f->proxy.n_talking == TALKING_MAX) {
		forward_client_count(f, now, -EAGAIN);
		client_free(oldest(&f->proxy));
	}
	list_append(&f->proxy.talking, &c->node);
	f->proxy.n_talking++;
	return 0;
}

void proxy_close(struct forward *f, usec_t now)
{
	list_for_each(node, &f->proxy.talking)
		client_free(container_of(node, struct proxy_client, node));
	list_for_each(node, &f->proxy.dialling) {
		struct proxy_client *c = container_of(node, struct proxy_client, node);
		dial_cancel(&c->dial, now);
		client_free(c);
	}
}

usec_t proxy_deadline(const struct proxy *p)
{
	const struct proxy_client *c = oldest(p);
	return c ? c->since + TALK_TIME : USEC_INFINITY;
}

void proxy_expire(struct forward *f, usec_t now)
{
	struct proxy_client *c;
	while ((c = oldest(&f->proxy)) && c->since + TALK_TIME <= now) {
		forward_client_count(f, now, -ETIMEDOUT);
		client_free(c);
	}
}
