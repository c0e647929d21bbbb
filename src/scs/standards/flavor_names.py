# SPDX-FileCopyrightText: 2026 The scs authors
# SPDX-License-Identifier: AGPL-3.0-or-later
"""Flavor names as SCS-0100 defines them: read, written, and held against what a flavor gives.

    SCS-N{L|V|T|C}[i]-RAM[u][o][-[Mx]DISK[n|h|s|p]][_HYP][_hwv][_CPU][_GPU][_ib]

Version 1 of the standard wrote `:` and `-` where later ones write `-` and `_`; both are read.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, fields
from typing import Any, Self

PREFIX = "SCS-"

CPU_TYPES: Mapping[str, str] = {
    "L": "crowded-core",
    "V": "shared-core",
    "T": "dedicated-thread",
    "C": "dedicated-core",
}
"""Letter → value of the extra spec `scs:cpu-type`; each is better than the one before."""
DISK_TYPES: Mapping[str, str] = {"n": "network", "h": "hdd", "s": "ssd", "p": "nvme"}
"""Letter → value of `scs:disk0-type`; each is better than the one before."""
HYPERVISORS: Mapping[str, str] = {
    "kvm": "KVM",
    "xen": "Xen",
    "vmw": "VMware",
    "hyv": "Hyper-V",
    "bms": "bare metal",
}
CPU_VENDORS: Mapping[str, tuple[str, int]] = {
    "i": ("Intel", 6),
    "z": ("AMD", 5),
    "a": ("ARM", 5),
    "r": ("RISC-V", 0),
}
"""Letter → maker, and the youngest generation that the standard knows."""
GPU_BRANDS: Mapping[str, tuple[str, tuple[str, ...]]] = {
    "N": ("Nvidia", ("f", "k", "m", "p", "v", "t", "a", "l", "g")),
    "A": ("AMD", ("0.4", "0.5", "1", "2", "3", "3.5", "4")),
    "I": ("Intel", ("0.9", "0.95", "1", "2", "3")),
}
"""Letter → maker, and its generations, the oldest first."""


class NotAFlavorName(ValueError):
    """A name that the grammar does not allow; the text says where it goes wrong, and how."""


@dataclass(frozen=True)
class Disk:
    """The root disk: how many, GB each, and of what kind ("" says nothing)."""

    size: int
    type: str = ""
    count: int = 1

    def __str__(self) -> str:
        return f"{f'{self.count}x' if self.count > 1 else ''}{self.size}{self.type}"


@dataclass(frozen=True)
class Cpu:
    """The processor's make; generation None: not said. `perf` counts its h."""

    vendor: str
    generation: int | None = None
    perf: int = 0

    def __str__(self) -> str:
        generation = "" if self.generation is None else self.generation
        return f"{self.vendor}{generation}{'h' * self.perf}"


@dataclass(frozen=True)
class Gpu:
    """A graphics processor: g is a share of one, G a whole one."""

    type: str
    brand: str
    generation: str = ""
    units: int = 0
    """SMs, CUs or EUs; 0: not said."""
    perf: int = 0
    vram: int = 0
    """GiB; 0: not said."""
    bandwidth: int = 0

    def __str__(self) -> str:
        units = f"-{self.units}{'h' * self.perf}" if self.units else ""
        vram = f"-{self.vram}{'h' * self.bandwidth}" if self.vram else ""
        return f"{self.type}{self.brand}{self.generation}{units}{vram}"


@dataclass(frozen=True)
class FlavorName:
    """What a name promises; `str` writes it as version 2 and later do."""

    cpus: int
    cpu_type: str
    ram: float
    """GiB, in halves."""
    insecure: bool = False
    """i: without protection against processor bugs."""
    no_ecc: bool = False
    oversubscribed: bool = False
    """o: RAM that is promised more than once."""
    disk: Disk | None = None
    hypervisor: str = ""
    nested: bool = False
    """hwv: guests can use the processor's virtualisation."""
    cpu: Cpu | None = None
    gpu: Gpu | None = None
    infiniband: bool = False

    def __post_init__(self) -> None:
        for problem in _impossible(self):
            raise NotAFlavorName(problem)

    @classmethod
    def parse(cls, name: str) -> Self:
        """Read a name in either form; raises NotAFlavorName, which says what is wrong where."""
        return cls(**_Reader(name).read())

    def __str__(self) -> str:
        ram = f"{self.ram:.0f}" if self.ram == int(self.ram) else f"{self.ram:.1f}"
        text = f"{PREFIX}{self.cpus}{self.cpu_type}{'i' * self.insecure}-{ram}"
        text += "u" * self.no_ecc + "o" * self.oversubscribed
        text += f"-{self.disk}" if self.disk else ""
        extensions = (
            self.hypervisor,
            "hwv" * self.nested,
            self.cpu,
            self.gpu,
            "ib" * self.infiniband,
        )
        return "_".join([text, *(str(part) for part in extensions if part)])

    @property
    def first_form(self) -> str:
        """The same name as version 1 wrote it."""
        rest = str(self).removeprefix(PREFIX)
        return PREFIX + rest.replace("-", ":").replace("_", "-")

    @property
    def short(self) -> FlavorName:
        """The same without what the standard lets one leave out: for x86 the processor's make."""
        cpu = Cpu(self.cpu.vendor) if self.cpu and self.cpu.vendor in "ar" else None
        kept = {item.name: getattr(self, item.name) for item in fields(self)}
        if self.gpu:
            gpu = self.gpu
            kept["gpu"] = Gpu(gpu.type, gpu.brand, gpu.generation, gpu.units, vram=gpu.vram)
        return FlavorName(**{**kept, "hypervisor": "", "nested": False, "cpu": cpu})

    @property
    def extra_specs(self) -> Mapping[str, str]:
        """What SCS-0103 wants a flavor of this name to carry, so that it can be found."""
        specs = {
            "scs:name-v1": self.first_form,
            "scs:name-v2": str(self),
            "scs:cpu-type": CPU_TYPES[self.cpu_type],
        }
        if self.disk and self.disk.type:
            specs["scs:disk0-type"] = DISK_TYPES[self.disk.type]
        return specs

    def overstates(self, vcpus: int, ram: float, disk: int) -> list[str]:
        """In what this name promises more than a flavor of so many vCPUs, GiB RAM, GB disk."""
        found = []
        if self.cpus > vcpus:
            found.append(f"{self.cpus} vCPUs, has {vcpus}")
        if self.ram > ram:
            found.append(f"{self.ram:g} GiB RAM, has {ram:g}")
        if self.disk and self.disk.size > disk:
            found.append(f"{self.disk.size} GB disk, has {disk}")
        return found

    def promises_more(self, other: FlavorName) -> list[str]:
        """In what this name promises more than the other one; empty: it may stand in for it."""
        found = self.overstates(other.cpus, other.ram, other.disk.size if other.disk else 0)
        for what, mine, others in _ranks(self, other):
            if mine > others:
                found.append(what)
        return found


def _impossible(name: FlavorName) -> Iterator[str]:
    """What of these values no name may have."""
    if name.cpus < 1:
        yield f"{name.cpus} vCPUs: there is at least one"
    if name.cpu_type not in CPU_TYPES:
        yield f"CPU type {name.cpu_type!r} is none of {', '.join(CPU_TYPES)}"
    if name.ram <= 0 or name.ram * 2 != int(name.ram * 2):
        yield f"{name.ram:g} GiB RAM: must be a positive multiple of 0.5"
    if (disk := name.disk) is not None:
        if disk.size < 1 or disk.count < 1:
            yield f"disk {disk}: size and number are at least 1 (without a disk say nothing)"
        if disk.type and disk.type not in DISK_TYPES:
            yield f"disk type {disk.type!r} is none of {', '.join(DISK_TYPES)}"
    if name.hypervisor and name.hypervisor not in HYPERVISORS:
        yield f"hypervisor {name.hypervisor!r} is none of {', '.join(HYPERVISORS)}"
    if (cpu := name.cpu) is not None:
        maker, newest = CPU_VENDORS.get(cpu.vendor, ("", -1))
        if not maker:
            yield f"CPU vendor {cpu.vendor!r} is none of {', '.join(CPU_VENDORS)}"
        elif cpu.generation is not None and not 0 <= cpu.generation <= newest:
            yield f"{maker} has generations 0 to {newest}, not {cpu.generation}"
        if not 0 <= cpu.perf <= 3:
            yield f"{cpu.perf} h after the CPU: there are at most three"
    if (gpu := name.gpu) is not None:
        maker, generations = GPU_BRANDS.get(gpu.brand, ("", ()))
        if gpu.type not in {"g", "G"} or not maker:
            yield f"GPU {gpu.type}{gpu.brand}: g or G, then one of {', '.join(GPU_BRANDS)}"
        elif gpu.generation and gpu.generation not in generations:
            yield f"{maker} has generations {', '.join(generations)}, not {gpu.generation!r}"
        if max(gpu.perf, gpu.bandwidth) > 2:
            yield "more than two h after a GPU's figure"
        if (
            (gpu.perf and not gpu.units)
            or (gpu.vram and not gpu.units)
            or (gpu.bandwidth and not gpu.vram)
        ):
            yield "a GPU's h and GiB stand after the number of its units"


def _ranks(one: FlavorName, other: FlavorName) -> Iterator[tuple[str, Any, Any]]:
    """(what, how much one promises, how much the other does) for all that has no plain number."""
    types = tuple(CPU_TYPES)
    yield "a better kind of vCPU", types.index(one.cpu_type), types.index(other.cpu_type)
    yield "protection against processor bugs", not one.insecure, not other.insecure
    yield "ECC", not one.no_ecc, not other.no_ecc
    yield "RAM of its own", not one.oversubscribed, not other.oversubscribed
    mine, others = one.disk or Disk(0, "", 0), other.disk or Disk(0, "", 0)
    yield "more disks", mine.count, others.count
    letters = ("", *DISK_TYPES)
    yield "a better kind of disk", letters.index(mine.type), letters.index(others.type)
    yield "that hypervisor", bool(one.hypervisor) and one.hypervisor != other.hypervisor, False
    yield "virtualisation in the guest", one.nested, other.nested
    if one.cpu:
        cpu = other.cpu or Cpu("")
        same = one.cpu.vendor == cpu.vendor
        yield "that make of CPU", not same, False
        if same:
            yield "a younger CPU", one.cpu.generation or 0, cpu.generation or 0
            yield "a faster CPU", one.cpu.perf, cpu.perf
    if one.gpu:
        gpu = other.gpu or Gpu("", "")
        same = one.gpu.brand == gpu.brand
        yield "that make of GPU", not same, False
        if same:
            ages = ("", *GPU_BRANDS[gpu.brand][1])
            yield "a whole GPU", one.gpu.type == "G", gpu.type == "G"
            yield "a younger GPU", ages.index(one.gpu.generation), ages.index(gpu.generation)
            yield "more of a GPU", one.gpu.units, gpu.units
            yield "more VRAM", one.gpu.vram, gpu.vram
            yield "a faster GPU", one.gpu.perf, gpu.perf
            yield "faster VRAM", one.gpu.bandwidth, gpu.bandwidth
    yield "InfiniBand", one.infiniband, other.infiniband


_N = r"[1-9][0-9]*"
_I = r"(?:0|[1-9][0-9]*)"
_PARTS: tuple[tuple[str, str, str], ...] = (
    # In this order in a name; `-` and `_` stand for the separators of the form that is read.
    (
        "cpus",
        rf"(?P<cpus>{_N})(?P<cpu_type>[A-Za-z])(?P<i>i?)-(?P<ram>{_I}(?:\.[0-9])?)(?P<u>u?)(?P<o>o?)",
        "vCPUs with their kind and RAM, such as 4V-16",
    ),
    ("disk", rf"-(?:(?P<count>{_N})x)?(?P<size>{_I})(?P<type>[a-z]?)", "a disk, such as -20s"),
    (
        "hypervisor",
        rf"_(?P<hypervisor>{'|'.join(HYPERVISORS)})(?=_|$)",
        "a hypervisor, such as _kvm",
    ),
    ("nested", r"_(?P<nested>hwv)(?=_|$)", "_hwv"),
    ("cpu", rf"_(?P<vendor>[izar])(?P<gen>(?:{_I})?)(?P<perf>h*)(?=_|$)", "a CPU, such as _i3h"),
    (
        "gpu",
        rf"_(?P<type>[gG])(?P<brand>[A-Z])(?P<gen>[a-gi-z]|[0-9.]*)"
        rf"(?:-(?P<units>{_N})(?P<perf>h*)(?:-(?P<vram>{_N})(?P<bandwidth>h*))?)?(?=_|$)",
        "a GPU, such as _GNa-14",
    ),
    ("infiniband", r"_(?P<infiniband>ib)(?=_|$)", "_ib"),
)


class _Reader:
    """Reads a name part by part, so that an error can say how far it made sense."""

    def __init__(self, name: str) -> None:
        self.name = name
        # The RAM is the first thing after a separator, and that tells the form.
        self.first = bool(re.match(rf"{PREFIX}[^-]*:", name))

    def read(self) -> dict[str, Any]:
        if not self.name.startswith(PREFIX):
            raise NotAFlavorName(f"{self.name!r} does not start with {PREFIX}")
        position = len(PREFIX)
        found: dict[str, re.Match[str]] = {}
        for part, pattern, what in _PARTS:
            match = self._pattern(pattern).match(self.name, position)
            if match:
                found[part], position = match, match.end()
            elif part == "cpus":
                raise self._error(position, f"there should be {what}")
        if position < len(self.name):
            allowed = [what for part, _, what in _PARTS[_last(found) + 1 :]]
            misplaced = next(
                (
                    what
                    for part, pattern, what in _PARTS[: _last(found) + 1]
                    if part != "cpus" and self._pattern(pattern).match(self.name, position)
                ),
                "",
            )
            if misplaced:
                raise self._error(position, f"{misplaced} comes twice or too late")
            expected = ", or ".join(allowed) if allowed else "nothing"
            raise self._error(position, f"there may be {expected}")
        return _values(found)

    def _pattern(self, pattern: str) -> re.Pattern[str]:
        if self.first:
            # Only separators stand outside of brackets; a set has its hyphen inside.
            swapped = re.sub(r"(\[[^]]*\])|-", lambda m: m[1] or ":", pattern)
            pattern = re.sub(r"(\(\?P<\w+>)|_", lambda m: m[1] or "-", swapped)
        return re.compile(pattern)

    def _error(self, position: int, text: str) -> NotAFlavorName:
        rest = self.name[position:]
        where = f"instead of {rest!r}" if rest else "but it ends"
        return NotAFlavorName(f"after {self.name[:position]!r} {text}, {where}")


def _last(found: Mapping[str, Any]) -> int:
    return max(index for index, (part, _, _) in enumerate(_PARTS) if part in found)


def _values(found: Mapping[str, re.Match[str]]) -> dict[str, Any]:
    main = found["cpus"]
    values: dict[str, Any] = {
        "cpus": int(main["cpus"]),
        "cpu_type": main["cpu_type"],
        "ram": float(main["ram"]),
        "insecure": bool(main["i"]),
        "no_ecc": bool(main["u"]),
        "oversubscribed": bool(main["o"]),
        "nested": "nested" in found,
        "infiniband": "infiniband" in found,
    }
    if match := found.get("disk"):
        values["disk"] = Disk(int(match["size"]), match["type"], int(match["count"] or 1))
    if match := found.get("hypervisor"):
        values["hypervisor"] = match["hypervisor"]
    if match := found.get("cpu"):
        generation = int(match["gen"]) if match["gen"] else None
        values["cpu"] = Cpu(match["vendor"], generation, len(match["perf"]))
    if match := found.get("gpu"):
        values["gpu"] = Gpu(
            match["type"],
            match["brand"],
            match["gen"],
            int(match["units"] or 0),
            len(match["perf"] or ""),
            int(match["vram"] or 0),
            len(match["bandwidth"] or ""),
        )
    return values
