# SPDX-FileCopyrightText: 2026 The scs authors
# SPDX-License-Identifier: AGPL-3.0-or-later
"""Whether KVM works on a machine that has no qemu yet.

The guest is that of local nodes, which needs no BIOS: it does what a kernel does at boot. Here the
machine's Python takes QEMU's place, with nothing but the kernel's own interface.
"""

from __future__ import annotations

import base64

from scs.providers.guest import DEBUG_PORT, PASSED, boot_sector

WORKS = "kvm works"

_PROGRAM = """\
import base64, ctypes, fcntl, mmap, os, signal, struct
signal.alarm(5)
CREATE_VM, CREATE_CPU, CPU_SIZE, RUN, CREATE_IRQCHIP = 0xAE01, 0xAE41, 0xAE04, 0xAE80, 0xAE60
SET_TSS, SET_MEMORY, GET_CPUID, SET_CPUID = 0xAE47, 0x4020AE46, 0xC008AE05, 0x4008AE90
GET_SREGS, SET_SREGS, SET_REGS = 0x8138AE83, 0x4138AE84, 0x4090AE82
IO, OUT, START, SIZE = 2, 1, 0x7C00, 1 << 20
kvm = os.open("/dev/kvm", os.O_RDWR)
vm = fcntl.ioctl(kvm, CREATE_VM, 0)
fcntl.ioctl(vm, SET_TSS, 0x70000000)  # anywhere that the guest does not use
fcntl.ioctl(vm, CREATE_IRQCHIP, 0)  # the guest waits for its local APIC's timer
memory = mmap.mmap(-1, SIZE)
memory[START : START + 512] = base64.b64decode("@SECTOR@")
place = ctypes.addressof(ctypes.c_char.from_buffer(memory))
fcntl.ioctl(vm, SET_MEMORY, struct.pack("IIQQQ", 0, 0, 0, SIZE, place))
cpu = fcntl.ioctl(vm, CREATE_CPU, 0)
shared = mmap.mmap(cpu, fcntl.ioctl(kvm, CPU_SIZE, 0))
abilities = bytearray(8 + 256 * 40)
struct.pack_into("I", abilities, 0, 256)
fcntl.ioctl(kvm, GET_CPUID, abilities)
fcntl.ioctl(cpu, SET_CPUID, abilities)
segments = bytearray(0x138)
fcntl.ioctl(cpu, GET_SREGS, segments)
segments[0:8] = bytes(8)  # the code segment's base,
segments[12:14] = bytes(2)  # and its selector
fcntl.ioctl(cpu, SET_SREGS, bytes(segments))
fcntl.ioctl(cpu, SET_REGS, struct.pack("18Q", *[0] * 16, START, 2))
for _ in range(100):
    fcntl.ioctl(cpu, RUN, 0)
    reason, = struct.unpack_from("I", shared, 8)
    direction, _, port = struct.unpack_from("BBH", shared, 32)
    if reason != IO:
        print("the guest ended with exit", reason)
        break
    if direction == OUT and port == @PORT@:
        where, = struct.unpack_from("Q", shared, 40)
        print("@WORKS@" if shared[where] == @PASSED@ else "the guest says it does not")
        break
"""

PROGRAM = (
    _PROGRAM.replace("@SECTOR@", base64.b64encode(boot_sector()).decode())
    .replace("@PORT@", str(DEBUG_PORT))
    .replace("@PASSED@", str(PASSED >> 1))
    .replace("@WORKS@", WORKS)
)
"""For the machine's Python: prints `WORKS` where the guest has come to its end."""
