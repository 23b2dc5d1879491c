/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "app/command.h"

#include "app/arguments.h"

#include <string.h>

static const struct command commands[] = {
	{
		.name = "run",
		.id = COMMAND_RUN,
		.takes_options = true,
		.summary = "Run a network in the foreground.",
		.description = "Runs the network called NAME until SIGTERM or SIGINT, and prints the QEMU arguments that plug a guest "
			       "into it. SIGHUP has it read its configuration again. There can be one process for each name.",
		.run = command_run,
	},
	{
		.name = "qemu",
		.id = COMMAND_QEMU,
		.summary = "Print the QEMU arguments that plug a guest into a network.",
		.description =
			"Prints one line and nothing else, quoted for a shell where that is needed. Every guest needs a MAC of its own: "
			"--guest gives the same one each time, without it the line has a new one each time.",
		.run = command_qemu,
	},
	{
		.name = "exec",
		.id = COMMAND_EXEC,
		.takes_command = true,
		.summary = "Run a command as a guest of a network.",
		.description =
			"Runs COMMAND with an interface of its own in the network called NAME, which has to run: it is a guest like a "
			"virtual machine, with an address from DHCP, the network's names and nothing of the host's network, as the same "
			"user and without root. ping, tcpdump and the like work. The exit status is the command's; 125 when lanlet "
			"failed, 126 when the command cannot be run, 127 when it is not found.",
		.run = command_exec,
	},
	{
		.name = "status",
		.id = COMMAND_STATUS,
		.summary = "Show a running network's ports, leases, flows and drops.",
		.description = "Asks the process that runs the network called NAME for its state.",
		.run = command_status,
	},
	{
		.name = "web",
		.id = COMMAND_WEB,
		.summary = "Show a running network as a page in a browser.",
		.description =
			"Opens a port of 127.0.0.1 and prints a link to it: a page that shows the network's guests, their rates, flows, "
			"leases, drops and events as they happen, and adds and removes forwards. The link works once. On a desktop the "
			"page is opened, too. Until interrupted, or until the network ends.",
		.run = command_web,
	},
	{
		.name = "ports",
		.id = COMMAND_PORTS,
		.summary = "List who is plugged into a network.",
		.description =
			"Lists the ports of the network's switch, one for each guest and one for the gateway, with what went through "
			"them.",
		.run = command_ports,
	},
	{
		.name = "forward",
		.id = COMMAND_FORWARD,
		.operands = "[list | add PROTOCOL FROM TO | remove NUMBER]",
		.max_operands = 4,
		.summary = "List, add and remove forwards from ports of the host to guests.",
		.description =
			"add tcp|udp [ADDRESS:]PORT[-PORT] GUEST:PORT takes those who come to a port of the host, of 127.0.0.1 unless "
			"another ADDRESS is given (* is all), to a port of a guest, which is a name, a MAC or an address; for tcp, "
			"unix:PATH may stand instead of a port. The guest sees the client's own address; clients on the host itself "
			"appear as the gateway. A guest that has no address yet is waited for. Prints the forward's number. It is kept, "
			"also across restarts, until it is removed; connections that are open then go on.",
		.run = command_forward,
	},
	{
		.name = "leases",
		.id = COMMAND_LEASES,
		.summary = "List the addresses that guests have by DHCP.",
		.description = "Lists the leases that are in effect: addresses, MACs, names, and how long they last.",
		.run = command_leases,
	},
	{
		.name = "wait",
		.id = COMMAND_WAIT,
		.operands = "GUEST",
		.min_operands = 1,
		.max_operands = 1,
		.summary = "Wait until a guest has its address, and print that.",
		.description =
			"Waits until the guest of this name or MAC has an address by DHCP, and prints the address and nothing else. Ends "
			"with 6 when that takes too long, see --timeout.",
		.run = command_wait,
	},
	{
		.name = "connect",
		.id = COMMAND_CONNECT,
		.operands = "GUEST PORT",
		.min_operands = 2,
		.max_operands = 2,
		.summary = "Connect standard input and output to a port of a guest.",
		.description =
			"Connects to a TCP port of the guest of this name, MAC or address, and carries bytes both ways until both sides "
			"have ended, as ssh's ProxyCommand wants it: ssh -o 'ProxyCommand lanlet connect %h %p' web. The guest sees the "
			"gateway. Ends with 5 when there is no such guest or it has no address, with 6 when it does not answer, with 7 "
			"when it refuses, with 8 when nobody has its address.",
		.run = command_connect,
	},
	{
		.name = "proxy",
		.id = COMMAND_PROXY,
		.operands = "[[ADDRESS:]PORT | unix:PATH]",
		.max_operands = 1,
		.summary = "Have programs of this machine reach every guest through a proxy.",
		.description =
			"Opens a proxy, SOCKS 5 and HTTP CONNECT on one port, of 127.0.0.1:1080 unless another loopback address or a "
			"unix socket is given, and prints it as programs take it: curl --proxy socks5h://127.0.0.1:1080 http://web/. "
			"Names are guests' names, and nothing but guests is reached. It is one of the forwards (lanlet forward lists it "
			"with its counters) and kept, also across restarts, until it is removed with --remove.",
		.run = command_proxy,
	},
	{
		.name = "flows",
		.id = COMMAND_FLOWS,
		.summary = "List guests' connections.",
		.description =
			"Lists what guests have open towards the outside: TCP connections, UDP and echo mappings, with their two sides, "
			"state, age, bytes each way, round-trip time to the guest and retransmissions towards it.",
		.run = command_flows,
	},
	{
		.name = "top",
		.id = COMMAND_TOP,
		.summary = "Show which guests and connections carry most, live.",
		.description = "Shows the rates of guests and of their connections, the busiest first, again and again on a terminal until "
			       "interrupted. Elsewhere it measures once and prints the result.",
		.run = command_top,
	},
	{
		.name = "drops",
		.id = COMMAND_DROPS,
		.summary = "Show what was not passed on, and why.",
		.description =
			"Lists each reason for which frames, packets or messages were dropped, how often, and the last example. Nothing "
			"is lost without being counted here.",
		.run = command_drops,
	},
	{
		.name = "events",
		.id = COMMAND_EVENTS,
		.summary = "Follow what happens on a network.",
		.description = "Prints a line for each thing that happens, until interrupted: ports that come and go, leases, guests that "
			       "appear, drops for a new reason, changes of the configuration.",
		.run = command_events,
	},
	{
		.name = "capture",
		.id = COMMAND_CAPTURE,
		.operands = "[PORT | GUEST] [FILTER...]",
		.max_operands = ARGUMENTS_OPERANDS_MAX,
		.summary = "Capture what passes on a network, as tcpdump does.",
		.description =
			"Writes frames as pcapng, which tcpdump, tshark and Wireshark read, until interrupted: all of the network, each "
			"once as it enters; or what goes in and out at a PORT, by its name or number; or what a GUEST, by its name, MAC "
			"or address, sends and gets. FILTER is an expression as tcpdump takes it, see pcap-filter(7). Any number can run "
			"at once, and none makes a guest wait: what a slow reader or a full disk leaves no room for is lost to the "
			"capture only, and counted. Says at the end how many frames it has and how many it lost.",
		.run = command_capture,
	},
	{
		.name = "reserve",
		.id = COMMAND_RESERVE,
		.operands = "[MAC ADDRESS [NAME]]",
		.max_operands = 3,
		.summary = "Reserve an address for a guest, or list reservations.",
		.description =
			"The guest with this MAC always gets this address, and NAME is its name. This takes effect at once, touches no "
			"connection and is kept over restarts, until it is taken back with --remove. Without operands the reservations "
			"are listed.",
		.run = command_reserve,
	},
	{
		.name = "names",
		.id = COMMAND_NAMES,
		.operands = "[NAME ADDRESS]",
		.max_operands = 2,
		.summary = "Add a name that guests can look up, or list names.",
		.description =
			"The gateway's DNS server answers for NAME with ADDRESS from now on, over restarts too, until it is taken back "
			"with --remove. Without operands all names are listed, those of guests as well.",
		.run = command_names,
	},
	{
		.name = "log-level",
		.id = COMMAND_LOG_LEVEL,
		.operands = "[LEVEL]",
		.max_operands = 1,
		.summary = "Show or change how much a running network says.",
		.description = "LEVEL is error, warning, info or debug. It holds until the network ends or is told otherwise.",
		.run = command_log_level,
	},
	{
		.name = "reload",
		.id = COMMAND_RELOAD,
		.summary = "Have a running network read its configuration again.",
		.description =
			"As SIGHUP does: reservations, names, forwards, DNS servers, the lease time and the log level take effect at "
			"once, without touching a connection. Options that have changed and need a restart are named. A wrong "
			"configuration changes nothing.",
		.run = command_reload,
	},
	{
		.name = "doctor",
		.id = COMMAND_DOCTOR,
		.summary = "Look for what commonly goes wrong on this machine.",
		.description =
			"Checks what guests' connections depend on, of the machine and, if it runs, of the network, and prints for each "
			"problem the line that repairs it. Ends with 1 when something does not work.",
		.run = command_doctor,
	},
};

const struct command *command_at(size_t index)
{
	return index < G_N_ELEMENTS(commands) ? &commands[index] : NULL;
}

const struct command *command_find(const char *name)
{
	for (size_t i = 0; i < G_N_ELEMENTS(commands); i++)
		if (strcmp(commands[i].name, name) == 0)
			return &commands[i];
	return NULL;
}
