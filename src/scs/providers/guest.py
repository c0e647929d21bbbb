# SPDX-FileCopyrightText: 2026 The scs authors
# SPDX-License-Identifier: AGPL-3.0-or-later
"""A guest of 512 bytes that proves virtualisation: it does what every kernel does at boot.

Some machines have a /dev/kvm that emulates a guest's kernel mode instead of running it. There
a guest in real mode looks healthy, and a kernel dies in the first instruction that the
emulator lacks. So this boot sector turns on paging and 64-bit mode, computes with SSE and,
where the processor says it has it, with BMI2 (what stock kernels were seen to fail at), and
waits for an interrupt from its local APIC's timer. The interrupt's handler writes to QEMU's
debug port, which ends QEMU with `PASSED`: no other way through the guest has that end.
"""

from __future__ import annotations

DEBUG_PORT = 0xF4
PASSED = 0x2A << 1 | 1
"""QEMU's exit code when the guest has written 0x2a to the debug port."""

_MACHINE_CODE = (
    # 7c00, real mode: segments and stack at 0, both interrupt controllers masked
    "fa 31c0 8ed8 8ec0 8ed0 bc007c",  # cli; ax = 0; ds = es = ss = ax; sp = 0x7c00
    "b0ff e621 e6a1",  # out 0x21, 0xff; out 0xa1, 0xff
    "e492 0c02 e692",  # address line 20 on: in al, 0x92; or al, 2; out 0x92, al
    # page tables at 1000 (level 4), 2000 (level 3), 3000-6fff (level 2), first 4 GiB as they are
    "fc 31c0 bf0010 b90010 f3ab",  # clear 0x1000 to 0x2fff: rep stosw
    "c70600100320 c70600200330 c70608200340",  # [1000] = 2003; [2000] = 3003; [2008] = 4003
    "c70610200350 c70618200360",  # [2010] = 5003; [2018] = 6003
    "bf0030 66b883000000",  # di = 0x3000; eax = 0x83: present, writable, a page of 2 MiB
    "668905 66c7450400000000 83c708",  # again: [di] = eax; [di + 4] = 0; di += 8
    "660500002000 73ea",  # eax += 2 MiB; jnc again
    # to 64-bit mode
    "66b820060000 0f22e0",  # cr4 = PAE, OSFXSR, OSXMMEXCPT
    "66b800100000 0f22d8",  # cr3 = 0x1000
    "66b9800000c0 0f32 0d0001 0f30",  # EFER |= LME
    "0f0116547d",  # lgdt [7d54]
    "0f20c0 6683e0fb 660d03000080 0f22c0",  # cr0: EM off; PE, MP and PG on
    "ea997c0800",  # jmp 8:7c99
    # 7c99, 64-bit mode: data segments, stack, one gate of the interrupt table at 8000
    "b810000000 8ed8 8ec0 8ed0 bc007c0000",  # ds = es = ss = 0x10; esp = 0x7c00
    "bf00820000 8d0425367d0000",  # edi = 0x8200 (gate 0x20); eax = 7d36
    "668907 c747020800008e",  # [rdi] = ax; [rdi + 2] = selector 8, interrupt gate
    "c7470600000000 48c7470800000000",  # the gate's upper half is 0
    "0f011c255a7d0000",  # lidt [7d5a]
    # SSE; BMI2 if cpuid has it
    "660f6ec7 660fefc0",  # movd xmm0, edi; pxor xmm0, xmm0
    "31c0 0fa2 83f807 721e",  # cpuid 0: fewer than 7 leaves: go to 7d05
    "b807000000 31c9 0fa2 0fbae308 730f",  # cpuid 7: no BMI2: go to 7d05
    "b903000000 c4e271f7c1 83f818 752e",  # 3 << 3 by shlx; if not 24: go to 7d33
    # 7d05: the local APIC's timer, once, as interrupt 0x20
    "bb0000e0fe",  # ebx = the APIC's address
    "c783f0000000ff010000",  # on, spurious vector 0xff
    "c783e00300000b000000 c7832003000020000000",  # divide by 1; vector 0x20, one shot
    "c7838003000040420f00 fb",  # start at 1,000,000; sti
    "f4 ebfd",  # 7d33: hlt; jmp 7d33
    # 7d36, the timer's interrupt
    "b02a e6f4 ebf7",  # out 0xf4, 0x2a; jmp 7d33
    # 7d3c, the segments: none, 64-bit code, data; 7d54 and 7d5a, where the tables are
    "0000000000000000 ffff0000009aaf00 ffff00000092cf00",
    "1700 3c7d0000",
    "2f02 0080000000000000",
)


def boot_sector() -> bytes:
    """The guest's disk: 512 bytes, started by the BIOS at 0x7c00."""
    return bytes.fromhex("".join(_MACHINE_CODE)).ljust(510, b"\0") + b"\x55\xaa"
