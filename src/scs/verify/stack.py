# SPDX-FileCopyrightText: 2026 The scs authors
# SPDX-License-Identifier: AGPL-3.0-or-later
"""A stack for the proof: what it has, and that it is told from outside to go on."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

from scs.api.clients import checked
from scs.verify.steps import Finding, Patience, ProofFailed

if TYPE_CHECKING:
    from openstack.connection import Connection

SECONDS = 180
"""How long a stack may take to be made, changed or removed."""
CIDR = "10.251.0.0/24"


def template(label: str) -> dict[str, Any]:
    """A network with a port, and two that wait for a signal: one each way that guests know.

    `label` is the port's description.
    """
    resources: dict[str, tuple[str, Mapping[str, Any]]] = {
        "network": ("OS::Neutron::Net", {}),
        "subnet": (
            "OS::Neutron::Subnet",
            {"network": {"get_resource": "network"}, "cidr": CIDR, "gateway_ip": ""},
        ),
        "group": ("OS::Neutron::SecurityGroup", {}),
        "port": (
            "OS::Neutron::Port",
            {
                "network": {"get_resource": "network"},
                "fixed_ips": [{"subnet": {"get_resource": "subnet"}}],
                "security_groups": [{"get_resource": "group"}],
                "value_specs": {"description": label},
            },
        ),
        "by_token": ("OS::Heat::WaitConditionHandle", {"signal_transport": "TOKEN_SIGNAL"}),
        "first": (
            "OS::Heat::WaitCondition",
            {"handle": {"get_resource": "by_token"}, "timeout": SECONDS},
        ),
        "by_signature": ("AWS::CloudFormation::WaitConditionHandle", {}),
        "second": (
            "AWS::CloudFormation::WaitCondition",
            {"Handle": {"get_resource": "by_signature"}, "Timeout": SECONDS},
        ),
    }
    outputs = {
        "endpoint": {"get_attr": ["by_token", "endpoint"]},
        "token": {"get_attr": ["by_token", "token"]},
        "signed": {"get_resource": "by_signature"},
        "port": {"get_resource": "port"},
    }
    return {
        "heat_template_version": "2018-08-31",
        "resources": {
            name: {"type": kind, "properties": dict(properties)}
            for name, (kind, properties) in resources.items()
        },
        "outputs": {name: {"value": value} for name, value in outputs.items()},
    }


def prove(
    cloud: Connection, marks: Mapping[str, str], patience: Patience, say: Callable[[str], None]
) -> Finding:
    """Make a stack, signal, change and remove it, as its user; raises ProofFailed."""
    stacks: Any = cloud.orchestration
    name, tags = marks["name"], marks["description"]
    say("making it")
    body = {"stack_name": name, "tags": tags, "template": template("first")}
    made = checked(stacks.post("/stacks", json=body), "stack")["stack"]["id"]
    path = f"/stacks/{name}/{made}"

    def seen() -> tuple[Mapping[str, Any], dict[str, str]]:
        stack = checked(stacks.get(path), "stack")["stack"]
        if stack["stack_status"].endswith("_FAILED"):
            raise ProofFailed(f"{stack['stack_status']}: {stack['stack_status_reason']}")
        outputs = {item["output_key"]: item.get("output_value") for item in stack["outputs"]}
        return stack, {key: value for key, value in outputs.items() if value}

    def handles() -> dict[str, str] | None:
        _, outputs = seen()
        # Before it is made, a handle is told by its resource's name.
        ready = all(outputs.get(key, "").startswith("http") for key in ("endpoint", "signed"))
        return outputs if ready and "token" in outputs else None

    def reached(status: str) -> dict[str, str]:
        def probe() -> dict[str, str] | None:
            stack, outputs = seen()
            return outputs if stack["stack_status"] == status else None

        return patience.until(probe, SECONDS, lambda: f"it is not {status}")

    there = patience.until(handles, SECONDS, lambda: "it has no handles to signal")
    say("signalling")
    _signal(
        cloud, "POST", there["endpoint"], {"status": "SUCCESS"}, {"X-Auth-Token": there["token"]}
    )
    told = {"Status": "SUCCESS", "UniqueId": "1", "Data": "well", "Reason": "proof"}
    _signal(cloud, "PUT", there["signed"], told, {})
    port = reached("CREATE_COMPLETE")["port"]
    say("changing it")
    body = {"tags": tags, "template": template("second")}
    _accepted(stacks.put(path, json=body))
    reached("UPDATE_COMPLETE")
    label = cloud.network.get_port(port).description
    if label != "second":
        raise ProofFailed(f"after the update its port is described as {label!r}")
    say("removing it")
    _accepted(stacks.delete(path))

    def gone() -> bool:
        answer = stacks.get(path)
        if answer.status_code == 404:
            return True
        return bool(checked(answer, "stack")["stack"]["stack_status"] == "DELETE_COMPLETE")

    patience.until(gone, SECONDS, lambda: "it is not removed")
    if cloud.network.find_port(port):
        raise ProofFailed("it is removed, but its port is not")
    return Finding("made, signalled by token and by signature, changed, removed with its port")


def _accepted(answer: Any) -> None:
    """What Heat answers to a change is no JSON."""
    if answer.status_code >= 400:
        checked(answer, "stack")


def _signal(
    cloud: Connection, method: str, url: str, body: object, headers: Mapping[str, str]
) -> None:
    """What a guest would send, with nothing but what the stack gave it."""
    answer = cloud.session.request(
        url,
        method,
        data=json.dumps(body),
        headers={"Content-Type": "application/json", **headers},
        authenticated=False,
        raise_exc=False,
    )
    if answer.status_code >= 400:
        where = url.partition("?")[0]
        raise ProofFailed(f"{where} answered {answer.status_code}: {answer.text[:300]}")
