# SPDX-FileCopyrightText: 2026 The scs authors
# SPDX-License-Identifier: AGPL-3.0-or-later
"""What a server stands on: an image, a network with a way out, a key, rules."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from ipaddress import IPv4Network
from pathlib import Path
from typing import Any

from scs.api.clients import checked
from scs.model.content import VERIFY as IMAGE
from scs.model.security_rules import let_in, not_let_out
from scs.verify import guest
from scs.verify.run import Run
from scs.verify.steps import Finding, ProofFailed

IMAGE_PROPERTIES = (
    # What the SCS standard on image metadata asks for, and what this guest needs to be fast.
    "architecture",
    "hw_disk_bus",
    "hw_rng_model",
    "image_build_date",
    "image_description",
    "image_original_user",
    "image_source",
    "os_distro",
    "os_version",
    "provided_until",
    "replace_frequency",
    "uuid_validity",
)
RANGES = ("10.250.0.0/24", "172.29.250.0/24", "192.168.250.0/24")
"""The first that meets none of the cloud's own networks is the guest's."""


class Ground:
    """Each value is set by the step that finds it out, before a step that needs it is tried."""

    def __init__(self, run: Run, key: Path) -> None:
        self._run = run
        self.key = key
        """Where the private key is, once there is access."""
        self.image_id = ""
        self.network_id = ""
        self.subnet_id = ""
        self.mtu = 0
        self.external_id = ""
        """The network outside."""
        self.group_id = ""
        """The security group."""

    def image(self) -> Finding:
        """The image for checks: there, active, the project's own, with its properties."""
        answer = checked(self._run.cloud.image.get(f"/images?name={IMAGE}"), "images")
        found = answer["images"]
        if not found:
            raise ProofFailed(f"there is no image {IMAGE}")
        image = next((item for item in found if item["status"] == "active"), found[0])
        if image["status"] != "active":
            raise ProofFailed(f"image {IMAGE} is {image['status']}")
        if image["visibility"] == "public":
            raise ProofFailed(f"image {IMAGE} is public, although it is for checks only")
        missing = [name for name in IMAGE_PROPERTIES if not image.get(name)]
        if missing:
            raise ProofFailed(f"image {IMAGE} lacks properties: {', '.join(missing)}")
        self.image_id = image["id"]
        return Finding(
            f"{IMAGE} is active, {image['visibility']}, {image['size'] / 1e6:.1f} MB,"
            f" built {image['image_build_date'][:10]}"
        )

    def network(self) -> Finding:
        """An own network with an address range."""
        run, network = self._run, self._run.cloud.network
        own = network.create_network(**run.marks)
        self.network_id, self.mtu = own.id, own.mtu
        cidr = free_range(item.ipv4 for item in run.view.networks.values())
        run.saying("network")(cidr)
        run.patience.check()
        self.subnet_id = network.create_subnet(
            **run.marks,
            network_id=own.id,
            cidr=cidr,
            ip_version=4,
            dns_nameservers=[str(item) for item in run.view.resolvers if item.version == 4],
        ).id
        return Finding(f"{cidr}, MTU {self.mtu}")

    def router(self) -> Finding:
        """An own router that joins the network to the outside."""
        run, network = self._run, self._run.cloud.network
        external = self._external_network()
        gateway = {"network_id": external.id}
        run.patience.check()
        router = network.create_router(**run.marks, external_gateway_info=gateway)
        run.patience.check()
        network.add_interface_to_router(router, self.subnet_id)
        self.external_id = external.id
        fixed = (router.external_gateway_info or {}).get("external_fixed_ips") or []
        outside = ", ".join(item["ip_address"] for item in fixed) or "no address"
        return Finding(f"to {external.name}, there {outside}")

    def _external_network(self) -> Any:
        found = list(self._run.cloud.network.networks(is_router_external=True))
        if not found:
            raise ProofFailed("no external network can be seen")
        return next((item for item in found if item.is_default), found[0])

    def access(self, more: Sequence[tuple[str, int]]) -> Finding:
        """An own key and own rules: ssh, ping, the port for the throughput, and more ports."""
        run, cloud = self._run, self._run.cloud
        public = guest.make_key(self.key, run.mark)
        cloud.compute.create_keypair(name=run.name, public_key=public)
        run.patience.check()
        made = cloud.network.create_security_group(**run.marks)
        self.group_id = made.id
        # A new group has whatever rules the provider gives to all, be they more or fewer.
        for kind in not_let_out(made.security_group_rules):
            cloud.network.create_security_group_rule(
                security_group_id=self.group_id, direction="egress", ethertype=kind
            )
        there = let_in(made.security_group_rules)
        wanted = [("tcp", 22), ("tcp", guest.PORT), ("icmp", None), *more]
        for protocol, port in wanted:
            run.patience.check()
            if ("IPv4", protocol, port or 0) in there:
                continue
            cloud.network.create_security_group_rule(
                security_group_id=self.group_id,
                direction="ingress",
                ethertype="IPv4",
                protocol=protocol,
                port_range_min=port,
                port_range_max=port,
            )
        told = [f"{kind.upper()} {port}" for kind, port in wanted[1:] if port]
        return Finding(f"an own key; rules for ssh, {', '.join(told)} and ICMP")


def free_range(taken: Iterable[IPv4Network]) -> str:
    """An address range that none of these overlaps."""
    known = list(taken)
    for cidr in RANGES:
        if not any(IPv4Network(cidr).overlaps(other) for other in known):
            return cidr
    raise ProofFailed(f"the cloud's own networks overlap all of {', '.join(RANGES)}")
