# SPDX-FileCopyrightText: 2026 The scs authors
# SPDX-License-Identifier: AGPL-3.0-or-later
"""Flavor names: the grammar both ways, in both forms; errors that say where; overstating."""

from __future__ import annotations

import random
import re
from dataclasses import replace
from typing import TypeVar

import pytest

from scs.components.flavors import flavor
from scs.standards.flavor_names import (
    CPU_TYPES,
    CPU_VENDORS,
    DISK_TYPES,
    GPU_BRANDS,
    HYPERVISORS,
    PREFIX,
    Cpu,
    Disk,
    FlavorName,
    Gpu,
    NotAFlavorName,
)
from scs.standards.flavors import MANDATORY, RECOMMENDED

T = TypeVar("T")


def drawn(dice: random.Random) -> FlavorName:
    """Any name that the grammar has."""

    def maybe(value: T) -> T | None:
        return value if dice.random() < 0.5 else None

    vendor = dice.choice(list(CPU_VENDORS))
    brand = dice.choice(list(GPU_BRANDS))
    generation = dice.choice([None, *range(CPU_VENDORS[vendor][1] + 1)])
    units = maybe(dice.randint(1, 200)) or 0
    vram = (maybe(dice.randint(1, 96)) or 0) if units else 0
    gpu = Gpu(
        dice.choice("gG"),
        brand,
        dice.choice(["", *GPU_BRANDS[brand][1]]),
        units,
        dice.randint(0, 2) if units else 0,
        vram,
        dice.randint(0, 2) if vram else 0,
    )
    return FlavorName(
        cpus=dice.randint(1, 256),
        cpu_type=dice.choice(list(CPU_TYPES)),
        ram=dice.randint(1, 2048) / 2,
        insecure=dice.random() < 0.5,
        no_ecc=dice.random() < 0.5,
        oversubscribed=dice.random() < 0.5,
        disk=maybe(
            Disk(dice.randint(1, 999), dice.choice(["", *DISK_TYPES]), dice.choice([1, 1, 2, 3]))
        ),
        hypervisor=maybe(dice.choice(list(HYPERVISORS))) or "",
        nested=dice.random() < 0.5,
        cpu=maybe(Cpu(vendor, generation, dice.randint(0, 3))),
        gpu=maybe(gpu),
        infiniband=dice.random() < 0.5,
    )


NAMES = [drawn(random.Random(seed)) for seed in range(2000)]


def test_what_is_written_is_read_again_in_both_forms() -> None:
    for name in NAMES:
        assert FlavorName.parse(str(name)) == name
        assert FlavorName.parse(name.first_form) == name


def test_two_names_are_never_written_the_same() -> None:
    assert len({str(name) for name in NAMES}) == len(set(NAMES))
    assert len({name.first_form for name in NAMES}) == len(set(NAMES))


def test_a_letter_more_or_less_is_another_name_or_none() -> None:
    """No name is read as if a part of it were not there."""
    dice = random.Random(1)
    refused = 0
    for name in NAMES[:500]:
        text = str(name)
        where = dice.randrange(len(PREFIX), len(text))
        spoilt = text[:where] + dice.choice("aZ9-_:.xh ") + text[where:]
        try:
            read = FlavorName.parse(spoilt)
        except NotAFlavorName:
            refused += 1
        else:
            # What may be said in two ways: 4.0 for 4, 1x20 for 20.
            plain = re.sub(r"(-\d+)\.0(?=[uo_-]|$)", r"\1", spoilt).replace("-1x", "-")
            assert str(read) == plain
    assert refused > 200


def test_no_name_promises_more_than_itself_or_its_long_form() -> None:
    for name in NAMES:
        assert name.promises_more(name) == []
        assert name.short.promises_more(name) == []


def test_more_of_anything_is_overstating() -> None:
    for name in NAMES:
        assert replace(name, cpus=name.cpus + 1).promises_more(name)
        assert replace(name, ram=name.ram + 0.5).promises_more(name)
        assert name.promises_more(replace(name, cpus=name.cpus + 1)) == []
        if not name.nested:
            assert replace(name, nested=True).promises_more(name)
        if name.insecure:
            assert replace(name, insecure=False).promises_more(name)


@pytest.mark.parametrize(
    ("name", "other", "said"),
    [
        ("SCS-4V-16", "SCS-2V-16", "4 vCPUs, has 2"),
        ("SCS-4V-16", "SCS-4V-8", "16 GiB RAM, has 8"),
        ("SCS-4V-16-20", "SCS-4V-16", "20 GB disk, has 0"),
        ("SCS-4V-16-20s", "SCS-4V-16-20h", "a better kind of disk"),
        ("SCS-4V-16-20s", "SCS-4V-16-20", "a better kind of disk"),
        ("SCS-4C-16", "SCS-4T-16", "a better kind of vCPU"),
        ("SCS-4V-16_kvm", "SCS-4V-16", "that hypervisor"),
        ("SCS-4V-16_z3", "SCS-4V-16_i3", "that make of CPU"),
        ("SCS-4V-16_z3", "SCS-4V-16_z2", "a younger CPU"),
        ("SCS-4V-16_GNa-14", "SCS-4V-16_GNt-14", "a younger GPU"),
        ("SCS-4V-16_ib", "SCS-4V-16", "InfiniBand"),
    ],
)
def test_overstating_is_told(name: str, other: str, said: str) -> None:
    assert said in FlavorName.parse(name).promises_more(FlavorName.parse(other))
    if "make" not in said:  # each lacks the other's
        assert said not in FlavorName.parse(other).promises_more(FlavorName.parse(name))


@pytest.mark.parametrize(
    ("name", "first"),
    [
        ("SCS-2V-4-20s", "SCS-2V:4:20s"),
        ("SCS-16T-64-3x10s_GNa-14", "SCS-16T:64:3x10s-GNa:14"),
        ("SCS-4Vi-8.5uo_kvm_hwv_i3h_ib", "SCS-4Vi:8.5uo-kvm-hwv-i3h-ib"),
    ],
)
def test_known_names(name: str, first: str) -> None:
    assert FlavorName.parse(name).first_form == first
    assert str(FlavorName.parse(first)) == name


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("m1.small", "does not start with SCS-"),
        ("SCS-V-4", "there should be vCPUs"),
        ("SCS-0V-4", "there should be vCPUs"),
        ("SCS-4X-16", "CPU type 'X' is none of L, V, T, C"),
        ("SCS-4V-0", "must be a positive multiple of 0.5"),
        ("SCS-4V-1.3", "must be a positive multiple of 0.5"),
        ("SCS-4V-16-", "after 'SCS-4V-16' there may be a disk"),
        ("SCS-4V-16-0", "at least 1"),
        ("SCS-4V-16-20q", "disk type 'q' is none of"),
        ("SCS-4V-16_qemu", "after 'SCS-4V-16' there may be a disk"),
        ("SCS-4V-16_hwv_kvm", "a hypervisor, such as _kvm comes twice or too late"),
        ("SCS-4V-16_i9", "Intel has generations 0 to 6, not 9"),
        ("SCS-4V-16_GNx", "Nvidia has generations"),
        ("SCS-4V:16-20", "there may be"),
        ("SCS-4V-16 ", "instead of ' '"),
        ("scs-4V-16", "does not start"),
        ("SCS-", "but it ends"),
    ],
)
def test_an_error_says_where_and_what(name: str, said: str) -> None:
    with pytest.raises(NotAFlavorName, match=re.escape(said)):
        FlavorName.parse(name)


def test_all_names_of_the_standard_are_names() -> None:
    for name in (*MANDATORY, *RECOMMENDED):
        assert str(FlavorName.parse(name)) == name


def test_a_flavor_follows_from_its_name() -> None:
    made = flavor("SCS-4V-16-100s")
    assert (made.vcpus, made.ram, made.disk) == (4, 16384, 100)
    assert made.extra_specs == {
        "scs:name-v1": "SCS-4V:16:100s",
        "scs:name-v2": "SCS-4V-16-100s",
        "scs:cpu-type": "shared-core",
        "scs:disk0-type": "ssd",
        "hw_rng:allowed": "True",
    }
    assert flavor("SCS-1L-1").extra_specs["scs:cpu-type"] == "crowded-core"
