/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "app/command/endpoint.h"

#include "app/command/api.h"

/* An IPv6 address is in brackets then (RFC 5952 §6). */
static char *with_port(const char *host, guint64 port)
{
	if (port && strchr(host, ':'))
		return g_strdup_printf("[%s]:%" G_GUINT64_FORMAT, host, port);
	return port ? g_strdup_printf("%s:%" G_GUINT64_FORMAT, host, port) : g_strdup(host);
}

char *endpoint_of(JsonObject *flow, const char *side)
{
	JsonObject *e = json_object_get_object_member(flow, side);
	return with_port(api_text(e, "address"), api_number(e, "port"));
}

char *endpoint_of_guest(JsonObject *flow)
{
	JsonObject *e = json_object_get_object_member(flow, "guest");
	const char *name = api_text(flow, "guest_name");
	return with_port(name[0] ? name : api_text(e, "address"), api_number(e, "port"));
}
