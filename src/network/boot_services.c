/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "network/boot_services.h"

#include "gateway/engine.h"
#include "gateway/gateway.h"
#include "host/boot_directory.h"
#include "host/entropy.h"
#include "options/settings.h"
#include "service/boot/http.h"
#include "service/boot/tftp.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct boot_services {
	struct boot_directory tftp_root, http_root;
	struct tftp tftp;
	struct boot_http http;
};

static int open_root(struct boot_directory *d, const char *path, const char *option, char *error, size_t size)
{
	int r = path[0] ? boot_directory_init(d, path) : 0;
	if (r < 0)
		snprintf(error, size, "%s %s: %s", option, path, strerror(-r));
	return r;
}

static void start(struct boot_services *b, const struct boot_services_config *c)
{
	struct hash_key key;
	entropy_get(&key, sizeof(key));
	if (c->settings->tftp_root[0]) {
		tftp_init(&b->tftp,
			  &(struct tftp_config){
				  .gateway = c->settings->gateway, .files = &b->tftp_root.files, .log = c->log, .hash_key = key });
		gateway_add_service(c->gateway, &b->tftp.service);
	}
	if (c->settings->http_root[0]) {
		boot_http_init(&b->http,
			       &(struct boot_http_config){ .files = &b->http_root.files, .sink = &c->gateway->sink, .log = c->log });
		gateway_add_service(c->gateway, &b->http.service);
	}
}

int boot_services_new(const struct boot_services_config *config, struct boot_services **ret, char *error, size_t size)
{
	const struct settings *s = config->settings;
	*ret = NULL;
	if (!s->tftp_root[0] && !s->http_root[0])
		return 0;
	struct boot_services *b = calloc(1, sizeof(*b));
	if (!b)
		return -ENOMEM;
	int r = open_root(&b->tftp_root, s->tftp_root, "tftp-root", error, size);
	if (r == 0)
		r = open_root(&b->http_root, s->http_root, "http-root", error, size);
	if (r < 0) {
		boot_services_free(b);
		return r;
	}
	start(b, config);
	*ret = b;
	return 0;
}

void boot_services_free(struct boot_services *b)
{
	if (!b)
		return;
	tftp_done(&b->tftp);
	boot_http_done(&b->http);
	boot_directory_done(&b->tftp_root);
	boot_directory_done(&b->http_root);
	free(b);
}

int boot_services_serve_tcp(struct boot_services *b, const struct engine_ops *ops, struct engine *engine)
{
	return b && b->http.service.ops ? ops->local(engine, BOOT_HTTP_PORT, &b->http.streams) : 0;
}
