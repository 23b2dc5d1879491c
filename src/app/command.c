/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "app/command.h"

#include <string.h>

static const struct command commands[] = {
	{
		.name = "run",
		.id = COMMAND_RUN,
		.takes_options = true,
		.summary = "Run a network in the foreground.",
		.description =
			"Runs the network called NAME until SIGTERM or SIGINT, and prints the QEMU arguments that plug a guest "
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
			"Runs COMMAND with an interface of its own in the network called NAME, which has to run: it is a guest like a virtual machine, "
			"with an address from DHCP, the network's names and nothing of the host's network, as the same user and without root. ping, tcpdump "
			"and the like work. The exit status is the command's; 125 when lanlet failed, 126 when the command cannot be run, 127 when it "
			"is not found.",
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
		.name = "ports",
		.id = COMMAND_PORTS,
		.summary = "List who is plugged into a network.",
		.description = "Lists the ports of the network's switch, one for each guest and one for the gateway, with what went through them.",
		.run = command_ports,
	},
	{
		.name = "forward",
		.id = COMMAND_FORWARD,
		.operands = "[list | add PROTOCOL FROM TO | remove NUMBER]",
		.max_operands = 4,
		.summary = "List, add and remove forwards from ports of the host to guests.",
		.description =
			"add tcp|udp [ADDRESS:]PORT[-PORT] GUEST:PORT takes those who come to a port of the host, of 127.0.0.1 unless another ADDRESS "
			"is given (* is all), to a port of a guest, which is a name, a MAC or an address; for tcp, unix:PATH may stand instead of a "
			"port. The guest sees the client's own address; clients on the host itself appear as the gateway. A guest that has no "
			"address yet is waited for. Prints the forward's number. It is kept, also across restarts, until it is removed; "
			"connections that are open then go on.",
		.run = command_forward,
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
