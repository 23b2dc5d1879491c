/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * How long a guest waits: a ping of the gateway and a message to the server and back, in turn, one every millisecond or less often.
 * Prints medians and 99th percentiles in microseconds.
 */
#include "load.h"

#include <arpa/inet.h>
#include <errno.h>
#include <inttypes.h>
#include <netinet/in.h>
#include <netinet/ip.h>
#include <netinet/ip_icmp.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#define PAUSE_NS 500000
#define LOST_MS 1000
#define SAMPLES_MAX 200000u

struct samples {
	uint32_t n;
	uint32_t us[SAMPLES_MAX];
};

static int compare(const void *a, const void *b)
{
	uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;
	return (x > y) - (x < y);
}

static uint32_t percentile(struct samples *s, unsigned percent)
{
	qsort(s->us, s->n, sizeof(s->us[0]), compare);
	return s->n == 0 ? 0 : s->us[(uint64_t)(s->n - 1) * percent / 100];
}

static void note(struct samples *s, uint64_t begin)
{
	if (s->n < SAMPLES_MAX)
		s->us[s->n++] = (uint32_t)(load_now_us() - begin);
}

static uint16_t checksum(const void *bytes, size_t len)
{
	const uint16_t *words = bytes;
	uint32_t sum = 0;
	for (size_t i = 0; i < len / 2; i++)
		sum += words[i];
	while (sum >> 16)
		sum = (sum & 0xffff) + (sum >> 16);
	return (uint16_t)~sum;
}

/* A ping that is lost counts with the time that was waited for it. */
static void ping(int fd, const struct sockaddr_in *gateway, uint16_t number)
{
	struct icmphdr request = { .type = ICMP_ECHO, .un.echo = { .id = htons(0x6c61), .sequence = htons(number) } };
	request.checksum = checksum(&request, sizeof(request));
	if (sendto(fd, &request, sizeof(request), 0, (const struct sockaddr *)gateway, sizeof(*gateway)) < 0)
		load_die("ping");
	uint64_t end = load_now_us() + LOST_MS * 1000;
	for (uint64_t now; (now = load_now_us()) < end;) {
		struct pollfd p = { .fd = fd, .events = POLLIN };
		uint8_t in[256];
		struct icmphdr answer;
		if (poll(&p, 1, (int)((end - now) / 1000) + 1) <= 0)
			continue;
		if (recv(fd, in, sizeof(in), 0) < (ssize_t)(sizeof(struct iphdr) + sizeof(answer)))
			continue;
		memcpy(&answer, in + sizeof(struct iphdr), sizeof(answer));
		if (answer.type == ICMP_ECHOREPLY && answer.un.echo.id == request.un.echo.id && answer.un.echo.sequence == htons(number))
			return;
	}
}

struct message {
	struct load_request request;
	uint8_t body[LOAD_DATAGRAM_MAX];
};

static int connect_to(const struct load_options *o, struct message *m)
{
	int fd = socket(o->server.any.sa_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (fd < 0 || connect(fd, &o->server.any, load_address_len(&o->server)) < 0)
		load_die("connect");
	setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &(int){ 1 }, sizeof(int));
	*m = (struct message){ .request = { .magic = LOAD_MAGIC, .op = LOAD_ECHO, .size = o->size } };
	if (send(fd, &m->request, sizeof(m->request), MSG_NOSIGNAL) < 0)
		load_die("send");
	return fd;
}

static void exchange(int fd, struct message *m, size_t size)
{
	if (send(fd, m->body, size, MSG_NOSIGNAL) != (ssize_t)size || recv(fd, m->body, size, MSG_WAITALL) != (ssize_t)size)
		load_die("exchange");
}

int load_latency(const struct load_options *o)
{
	struct sockaddr_in gateway = { .sin_family = AF_INET, .sin_addr.s_addr = o->gateway };
	struct samples *pings = calloc(1, sizeof(*pings)), *answers = calloc(1, sizeof(*answers));
	struct message m;
	int raw = socket(AF_INET, SOCK_RAW | SOCK_CLOEXEC, IPPROTO_ICMP), fd = connect_to(o, &m);
	if (raw < 0 || !pings || !answers)
		load_die("latency");
	exchange(fd, &m, o->size);
	uint64_t stop = load_now_us() + o->ms * (uint64_t)1000, begin;
	for (uint16_t number = 0; (begin = load_now_us()) < stop; number++) {
		ping(raw, &gateway, number);
		note(pings, begin);
		begin = load_now_us();
		exchange(fd, &m, o->size);
		note(answers, begin);
		nanosleep(&(struct timespec){ .tv_nsec = PAUSE_NS }, NULL);
	}
	printf("{\"n\": %" PRIu32 ", \"ping\": [%" PRIu32 ", %" PRIu32 "], \"rr\": [%" PRIu32 ", %" PRIu32 "]}\n", pings->n,
	       percentile(pings, 50), percentile(pings, 99), percentile(answers, 50), percentile(answers, 99));
	free(pings);
	free(answers);
	return 0;
}
