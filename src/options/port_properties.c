/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "options/port_properties.h"

#include "lan/port.h"
#include "options/value.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

int port_property_set(struct port_properties *p, const char *name, const char *value, const char **ret_why)
{
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
	snprintf(text, PORT_PROPERTIES_TEXT_SIZE, "%s%s%s", guards[p->guard], p->may_serve_dhcp ? ",dhcp-server=on" : "",
		 p->may_route ? ",router=on" : "");
	return text;
}
