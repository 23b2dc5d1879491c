/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "options/port_properties.h"

#include "lan/port.h"
#include "options/value.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

static int set_limit(struct rate_limit *limit, const char *value, const char **ret_why)
{
	if (!value) {
		*ret_why = "bandwidth-in and bandwidth-out need a rate, such as bandwidth-in=10M";
		return -EINVAL;
	}
	const char *why = "a bandwidth is off or AVERAGE[/PEAK[/BURST]], such as 10M or 10M/20M/256K";
	int r = rate_parse(value, limit, &why);
	if (r < 0)
		*ret_why = why;
	return r;
}

int port_property_set(struct port_properties *p, const char *name, const char *value, const char **ret_why)
{
	if (strcmp(name, "bandwidth-in") == 0)
		return set_limit(&p->bandwidth.in, value, ret_why);
	if (strcmp(name, "bandwidth-out") == 0)
		return set_limit(&p->bandwidth.out, value, ret_why);
	bool is_guard = strcmp(name, "guard") == 0, on = true;
	bool *flag = strcmp(name, "dhcp-server") == 0 ? &p->may_serve_dhcp : strcmp(name, "router") == 0 ? &p->may_route : NULL;
	if (!is_guard && !flag)
		return -ENOENT;
	if ((is_guard && !value) || (value && value_switch(value, &on) < 0)) {
		*ret_why = "guard, dhcp-server and router are on or off, such as guard=off";
		return -EINVAL;
	}
	if (is_guard)
		p->guard = on ? PORT_GUARD_ON : PORT_GUARD_OFF;
	else
		*flag = on;
	return 0;
}

char *port_properties_format(const struct port_properties *p, char text[static PORT_PROPERTIES_TEXT_SIZE])
{
	static const char *const guards[] = { [PORT_GUARD_DEFAULT] = "", [PORT_GUARD_ON] = ",guard=on", [PORT_GUARD_OFF] = ",guard=off" };
	char in[RATE_TEXT_SIZE], out[RATE_TEXT_SIZE];
	bool has_in = p->bandwidth.in.average > 0, has_out = p->bandwidth.out.average > 0;
	snprintf(text, PORT_PROPERTIES_TEXT_SIZE, "%s%s%s%s%s%s%s", guards[p->guard], p->may_serve_dhcp ? ",dhcp-server=on" : "",
		 p->may_route ? ",router=on" : "", has_in ? ",bandwidth-in=" : "", has_in ? rate_format(&p->bandwidth.in, in) : "",
		 has_out ? ",bandwidth-out=" : "", has_out ? rate_format(&p->bandwidth.out, out) : "");
	return text;
}
