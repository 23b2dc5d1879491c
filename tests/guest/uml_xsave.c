/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Preloaded by User-mode Linux of Linux 6.1, makes it run on processors whose XSAVE area is larger than it knows of (AVX-512, AMX).
 *
 * It sets its processes' registers by PTRACE_SETREGSET of NT_X86_XSTATE with a buffer of the size that was the largest once (2,696
 * bytes, HOST_FP_SIZE), and the host's kernel refuses an area that is not whole: "ptrace set fp regs failed".  Here what it gives
 * is laid over the area as it is, and that is set whole.
 */
#include <elf.h>
#include <errno.h>
#include <stdarg.h>
#include <string.h>
#include <sys/ptrace.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

#define XSTATE_MAX (64 << 10) /* AMX needs 11,008 bytes */

static long set_xstate(pid_t pid, const struct iovec *known)
{
	static unsigned char area[XSTATE_MAX]; /* on the stack of one of its kernel threads there is no room */
	struct iovec whole = { .iov_base = area, .iov_len = sizeof(area) };
	if (syscall(SYS_ptrace, PTRACE_GETREGSET, pid, NT_X86_XSTATE, &whole) < 0)
		return -1;
	memcpy(area, known->iov_base, known->iov_len < whole.iov_len ? known->iov_len : whole.iov_len);
	return syscall(SYS_ptrace, PTRACE_SETREGSET, pid, NT_X86_XSTATE, &whole);
}

/* As the C library's: what the kernel puts where @data points, a peek returns. */
static long peek(enum __ptrace_request request, pid_t pid, void *address)
{
	long word;
	long result = syscall(SYS_ptrace, request, pid, address, &word);
	if (result < 0)
		return result;
	errno = 0;
	return word;
}

long ptrace(enum __ptrace_request request, ...)
{
	va_list arguments;
	va_start(arguments, request);
	pid_t pid = va_arg(arguments, pid_t);
	void *address = va_arg(arguments, void *);
	void *data = va_arg(arguments, void *);
	va_end(arguments);
	if (request == PTRACE_SETREGSET && (long)address == NT_X86_XSTATE)
		return set_xstate(pid, data);
	if (request == PTRACE_PEEKTEXT || request == PTRACE_PEEKDATA || request == PTRACE_PEEKUSER)
		return peek(request, pid, address);
	return syscall(SYS_ptrace, request, pid, address, data);
}
