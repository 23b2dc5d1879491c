/* SPDX-License-Identifier: GPL-2.0-or-later */
/* GET /v1: all routes. */
#include "control/request.h"

static void get_routes(struct request *r)
{
	const struct route *route;
	struct json j = { .text = g_string_new(NULL) };
	json_open_object(&j, NULL);
	json_open_array(&j, "routes");
	for (size_t i = 0; (route = route_at(i)); i++) {
		json_open_object(&j, NULL);
		json_string(&j, "method", route->method);
		json_string(&j, "path", route->path);
		json_close_object(&j);
	}
	json_close_array(&j);
	json_close_object(&j);
	request_respond_json(r, j.text);
}

const struct route routes_routes[] = {
	{ "GET", "/v1", get_routes },
	{ NULL },
};
