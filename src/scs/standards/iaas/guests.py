# SPDX-FileCopyrightText: 2026 The scs authors
# SPDX-License-Identifier: AGPL-3.0-or-later
"""SCS-0101 (entropy in guests), and a flavor proven by booting: one guest tells both.

The guest writes to its console what it sees, so neither a floating IP nor a login is needed.
"""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from scs.standards.iaas.flavors import flavors
from scs.standards.iaas.images import images
from scs.standards.iaas.inside import script
from scs.standards.iaas.lan import Lan, lan
from scs.standards.model import Check, Cloud, CouldNotRun, Finding, Needs, Severity, Standard
from scs.standards.randomness import BLOCK, wrong

URL = "https://docs.scs.community/standards/scs-0101-v1-entropy"
BLOCKS = 12
"""How many blocks of random bytes the guest shows: what a console log has room for."""
LINE = 66
"""Bytes in each line of them."""
SPARE = 10
"""Lines that may be spoilt by a message of the kernel's in between."""
SPOILT = 1
"""So many of them may fail FIPS' tests: good bytes do once in a thousand blocks."""
SYSTEMS = ("debian", "ubuntu")
VOLUME = 8
"""GiB of the volume that the guest boots from."""
BOOT_SECONDS = 420
"""Some images wait two minutes for a network without addresses before they go on."""
START_SECONDS = 180
KERNEL = (5, 18)
MARK = "scs-certify:"
SCRIPT = f"""#!/bin/sh
# What is said here is read in the console log.
say() {{ echo "{MARK} $*" >/dev/console; }}
say kernel $(uname -r)
say entropy $(cat /proc/sys/kernel/random/entropy_avail)
say cpus $(nproc)
say memory $(sed -n 's/^MemTotal: *\\([0-9]*\\) kB/\\1/p' /proc/meminfo)
say disk $(cat /sys/block/vda/size /sys/block/sda/size 2>/dev/null | head -n 1)
say flags $(grep -m 1 '^flags' /proc/cpuinfo | tr ' ' '\\n' | grep -E '^(rdrand|rdseed)$')
say rng $(cat /sys/class/misc/hw_random/rng_current)
say hwrng $(timeout 20 head -c 16 /dev/hwrng | wc -c)
head -c {(BLOCKS * BLOCK // LINE + 1 + SPARE) * LINE} /dev/random | base64 -w {LINE // 3 * 4} |
    while read -r line; do say = $line; done
"""


@dataclass(frozen=True)
class Guest:
    """What a guest has said of itself."""

    image: Mapping[str, Any]
    flavor: Mapping[str, Any]
    disk: int
    """GB that its disk should have."""
    said: Mapping[str, str]
    random: bytes
    server: str
    lan: Lan


def read(console: str) -> tuple[Mapping[str, str], bytes]:
    """What a guest said on its console, and its random bytes (cut to whole blocks)."""
    said: dict[str, str] = {}
    data = b""
    for line in console.splitlines():
        match = re.search(rf"{MARK} (\S+) ?(.*)", line)
        if match and match[1] == "=":
            data += _whole(match[2].strip())
        elif match:
            said[match[1]] = match[2].strip()
    return said, data[: min(len(data) // BLOCK, BLOCKS) * BLOCK]


def _whole(text: str) -> bytes:
    """A line's random bytes; none where something was said in between: they can't be judged."""
    try:
        data = base64.b64decode(text, validate=True)
    except (ValueError, binascii.Error):
        return b""
    return data if len(data) == LINE else b""


def choose_image(known: Iterable[Mapping[str, Any]]) -> Mapping[str, Any]:
    """The newest Debian, else the newest Ubuntu; raises CouldNotRun without either."""

    def rank(image: Mapping[str, Any]) -> tuple[int, list[int]]:
        numbers = [int(number) for number in re.findall(r"\d+", str(image.get("os_version", "")))]
        return -SYSTEMS.index(str(image["os_distro"]).lower()), numbers

    fit = [image for image in known if str(image.get("os_distro", "")).lower() in SYSTEMS]
    if not fit:
        raise CouldNotRun(f"no public image of {' or '.join(SYSTEMS)} to boot")
    return max(fit, key=rank)


def choose_flavor(
    known: Iterable[Mapping[str, Any]], image: Mapping[str, Any], *, with_disk: bool
) -> Mapping[str, Any]:
    """The smallest on which the image runs; raises CouldNotRun when there is none."""
    fit = [
        flavor
        for flavor in known
        if flavor["ram"] >= max(image.get("min_ram") or 0, 512)
        and (not with_disk or flavor["disk"] >= max(image.get("min_disk") or 0, 1))
    ]
    if not fit:
        disk = ", and a disk (there is no block storage to boot from)" if with_disk else ""
        raise CouldNotRun(f"no flavor has enough RAM for image {image['name']}{disk}")

    def size(flavor: Mapping[str, Any]) -> tuple[bool, float]:
        rng = (flavor.get("extra_specs") or {}).get("hw_rng:allowed", "").lower() == "true"
        return not rng, flavor["vcpus"] + flavor["ram"] / 3072 + flavor["disk"] / 10

    return min(fit, key=size)


def guest(cloud: Cloud) -> Guest:
    """A guest on a fresh network behind a router, booted once for all checks of a run."""
    return cloud.shared("guest", lambda: _booted(cloud))


def _booted(cloud: Cloud) -> Guest:
    image = choose_image(images(cloud))
    volumes = cloud.has("block-storage")
    flavor = choose_flavor(flavors(cloud), image, with_disk=not volumes)
    around = lan(cloud)
    told = f"{SCRIPT}{script(MARK, around)}say end\n"
    size = max(image.get("min_disk") or 0, VOLUME) if volumes else flavor["disk"]
    server: dict[str, Any] = {
        **cloud.marks,
        "flavorRef": flavor["id"],
        "networks": [{"uuid": network} for network in around.networks],
        "user_data": base64.b64encode(told.encode()).decode(),
    }
    if volumes:
        boot = {"boot_index": 0, "source_type": "volume", "destination_type": "volume"}
        server["block_device_mapping_v2"] = [{**boot, "uuid": _volume(cloud, image, size)}]
    else:
        server["imageRef"] = image["id"]
    made = cloud.send("POST", "compute", "/servers", {"server": server}, microversion="2.19")
    known = made.checked().body["server"]["id"]

    def active() -> bool | None:
        seen = cloud.send("GET", "compute", f"/servers/{known}").checked().body["server"]
        if seen["status"] == "ERROR":
            why = seen.get("fault", {}).get("message", "no fault is told")
            raise CouldNotRun(f"the guest's server is in ERROR: {why}")
        return True if seen["status"] == "ACTIVE" else None

    cloud.until(active, START_SECONDS, "the guest's server to be ACTIVE")
    # A longer pause between questions: a console log is long, and a boot takes a while.
    action: dict[str, Any] = {"os-getConsoleOutput": {}}
    path = f"/servers/{known}/action"

    def ended() -> str | None:
        text = cloud.send("POST", "compute", path, action).checked().body["output"]
        return str(text) if f"{MARK} end" in text else None

    said, data = read(cloud.until(ended, BOOT_SECONDS, "the guest's last word on its console"))
    return Guest(image, flavor, size, said, data, known, around)


def _volume(cloud: Cloud, image: Mapping[str, Any], size: int) -> str:
    values = {**cloud.marks, "size": size, "imageRef": image["id"]}
    made = cloud.send("POST", "block-storage", "/volumes", {"volume": values}).checked()
    known = str(made.body["volume"]["id"])

    def available() -> bool | None:
        answer = cloud.send("GET", "block-storage", f"/volumes/{known}").checked()
        status = answer.body["volume"]["status"]
        if "error" in status:
            raise CouldNotRun(f"the guest's volume is {status}")
        return True if status == "available" else None

    cloud.until(available, START_SECONDS, "the guest's volume to be available")
    return known


def _word(seen: Guest, key: str) -> str:
    if key not in seen.said:
        raise CouldNotRun(f"the guest did not tell its {key}")
    return seen.said[key]


def entropy(cloud: Cloud, _parameters: Mapping[str, Any]) -> Iterable[Finding]:
    """A kernel of today always has 256 bits ready."""
    seen = guest(cloud)
    value = _word(seen, "entropy")
    if value != "256":
        yield _finding(seen, "entropy_avail 256", f"entropy_avail {value}", "offer newer images")


def statistics(cloud: Cloud, _parameters: Mapping[str, Any]) -> Iterable[Finding]:
    """The guest's random bytes pass FIPS 140-2's tests."""
    seen = guest(cloud)
    count = len(seen.random) // BLOCK
    if count < BLOCKS:
        raise CouldNotRun(f"of {BLOCKS} blocks of random bytes {count} could be read")
    spoilt = [wrong(seen.random[i * BLOCK : (i + 1) * BLOCK]) for i in range(count)]
    failed = [names for names in spoilt if names]
    if len(failed) > SPOILT:
        tests = ", ".join(sorted({name for names in failed for name in names}))
        yield _finding(
            seen,
            f"at most {SPOILT} of {count} blocks of /dev/random fails FIPS 140-2's tests",
            f"{len(failed)} do: {tests}",
            "look at the image's kernel and its source of randomness",
        )


def kernel(cloud: Cloud, _parameters: Mapping[str, Any]) -> Iterable[Finding]:
    """The image's kernel has today's random number generator."""
    seen = guest(cloud)
    version = _word(seen, "kernel")
    numbers = tuple(int(number) for number in re.findall(r"\d+", version)[:2])
    if numbers < KERNEL:
        wanted = ".".join(map(str, KERNEL))
        yield _finding(seen, f"a kernel of at least {wanted}", version, "offer newer images")


def instructions(cloud: Cloud, _parameters: Mapping[str, Any]) -> Iterable[Finding]:
    """The processor's own source of randomness reaches the guest."""
    seen = guest(cloud)
    architecture = seen.image.get("architecture", "x86_64")
    if architecture != "x86_64":
        raise CouldNotRun(f"looks for x86's instructions, and the image is for {architecture}")
    flags = _word(seen, "flags").split()
    missing = [name for name in ("rdrand", "rdseed") if name not in flags]
    if missing:
        yield _finding(
            seen,
            "RDRAND and RDSEED in /proc/cpuinfo",
            f"{' and '.join(missing)} missing",
            "Nova: cpu_mode host-passthrough, or a cpu_models entry that has both",
        )


def device(cloud: Cloud, _parameters: Mapping[str, Any]) -> Iterable[Finding]:
    """The host's randomness reaches the guest through virtio-rng."""
    seen = guest(cloud)
    current, count = seen.said.get("rng", ""), seen.said.get("hwrng", "0")
    if not current.startswith("virtio_rng") or count != "16":
        yield _finding(
            seen,
            "virtio_rng gives bytes at /dev/hwrng",
            f"{current or 'no device'}, {count} of 16 bytes",
            "image: hw_rng_model=virtio; flavor: hw_rng:allowed=True",
        )


def as_named(cloud: Cloud, _parameters: Mapping[str, Any]) -> Iterable[Finding]:
    """A guest really has the vCPUs, the RAM and the disk that its flavor says."""
    seen = guest(cloud)
    flavor = seen.flavor
    mend = "look at the hypervisor: the flavor says one thing and the guest sees another"
    if (cpus := int(_word(seen, "cpus"))) != flavor["vcpus"]:
        yield _finding(seen, f"{flavor['vcpus']} vCPUs", f"{cpus}", mend)
    # The firmware and the kernel keep a part of the memory for themselves.
    memory = int(_word(seen, "memory")) / 1024
    if not 0.88 * flavor["ram"] - 64 <= memory <= flavor["ram"]:
        yield _finding(seen, f"{flavor['ram']} MiB RAM", f"{memory:.0f} MiB", mend)
    disk = int(_word(seen, "disk")) * 512 / (1 << 30)
    if disk != seen.disk:
        yield _finding(seen, f"a disk of {seen.disk} GiB", f"{disk:g} GiB", mend)


def _finding(seen: Guest, expected: str, saw: str, mend: str) -> Finding:
    return Finding(
        f"a guest of {seen.image['name']} with {seen.flavor['name']}", expected, saw, mend
    )


def image_property(cloud: Cloud, _parameters: Mapping[str, Any]) -> Iterable[Finding]:
    """Public images ask for virtio-rng."""
    for image in images(cloud):
        if image.get("hw_rng_model") != "virtio":
            yield Finding(
                f"image {image['name']}",
                "hw_rng_model: virtio",
                str(image.get("hw_rng_model", "not set")),
                f"openstack image set --property hw_rng_model=virtio {image['id']}",
            )


def flavor_property(cloud: Cloud, _parameters: Mapping[str, Any]) -> Iterable[Finding]:
    """Flavors allow it."""
    for flavor in flavors(cloud):
        value = (flavor.get("extra_specs") or {}).get("hw_rng:allowed")
        if value != "True":
            yield Finding(
                f"flavor {flavor['name']}",
                "hw_rng:allowed=True",
                value or "not set",
                f"openstack flavor set --property hw_rng:allowed=True {flavor['name']}",
            )


def booting(
    name: str, title: str, ask: Any, rationale: str, severity: Severity, *services: str
) -> Check:
    """A check that looks at what the guest of the run has told."""
    return Check(
        id=name,
        title=title,
        ask=ask,
        rationale=rationale,
        severity=severity,
        services=("compute", "image", "network", *services),
        needs=frozenset({Needs.MAKES}),
        seconds=90,
    )


STANDARD = Standard(
    "scs-0101",
    "v1",
    "Entropy",
    URL,
    (
        booting(
            "scs-0101-entropy-avail",
            "A guest has entropy at hand",
            entropy,
            "Keys that a guest makes are as good as its randomness.",
            Severity.MANDATORY,
        ),
        booting(
            "scs-0101-fips-test",
            "A guest's random bytes pass FIPS 140-2's tests",
            statistics,
            "A broken source is found by what it gives, not by what it claims.",
            Severity.MANDATORY,
        ),
        booting(
            "scs-0101-kernel",
            f"The kernel of a public image is at least {KERNEL[0]}.{KERNEL[1]}",
            kernel,
            "From then on the kernel never runs out of randomness.",
            Severity.RECOMMENDED,
        ),
        booting(
            "scs-0101-cpu-instructions",
            "Guests see RDRAND and RDSEED",
            instructions,
            "The processor's randomness is there from the first moment of a boot.",
            Severity.RECOMMENDED,
        ),
        booting(
            "scs-0101-rng-device",
            "Guests have virtio-rng",
            device,
            "The host's randomness mixes with the guest's own.",
            Severity.RECOMMENDED,
        ),
        Check(
            id="scs-0101-image-property",
            title="Public images ask for virtio-rng",
            rationale="Without the property Nova adds no device.",
            ask=image_property,
            severity=Severity.RECOMMENDED,
            services=("image",),
        ),
        Check(
            id="scs-0101-flavor-property",
            title="Flavors allow virtio-rng",
            rationale="Without it Nova adds no device.",
            ask=flavor_property,
            severity=Severity.RECOMMENDED,
            services=("compute",),
        ),
    ),
)

BOOTED = Standard(
    "scs-0100",
    "proven",
    "Flavors proven by booting",
    "https://docs.scs.community/standards/scs-0100-v3-flavor-naming",
    (
        booting(
            "scs-flavor-booted",
            "A guest has what its flavor says",
            as_named,
            "What the API says of a flavor is a claim until a guest has looked.",
            Severity.MANDATORY,
        ),
    ),
)
