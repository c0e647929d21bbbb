# SPDX-FileCopyrightText: 2026 The scs authors
# SPDX-License-Identifier: MPL-2.0
"""What cloud.yaml says of machines that are there already and are reached by ssh."""

from __future__ import annotations

from typing import Annotated, Literal, get_args

from pydantic import Field

from scs.spec import kinds
from scs.spec.part import Part

Datapath = Literal["kernel", "userspace"]


class Interfaces(Part):
    """What network interfaces are called, for `provider: ssh`; each network has one of its own.

    Those in `ssh` are all machines'; those of a node say where it is different.
    """

    management: Annotated[str, kinds.INTERFACE] = Field(
        default="",
        description="Has the machine's address in the management network.",
        examples=["eno1"],
    )
    tunnel: Annotated[str, kinds.INTERFACE] = Field(
        default="",
        description="Has its address in the tunnel network, and an MTU of at least 1558 bytes.",
        examples=["eno2"],
    )
    external: Annotated[str, kinds.INTERFACE] = Field(
        default="",
        description="Is plugged into the external network and has no address: Open vSwitch takes "
        "it as a whole. For nodes with the role `network` or `compute`.",
        examples=["eno3"],
    )


class Ssh(Part):
    """How to reach machines that are there already, for `provider: ssh`."""

    user: Annotated[str, kinds.LOGIN] = Field(
        default="root",
        description="Who logs in: root, or one who may do all by sudo without a password.",
        examples=["root"],
    )
    key: Annotated[str, kinds.PATH] = Field(
        default="",
        description="The private key's file, without a passphrase, with the public key in `.pub` "
        "beside it; beside cloud.yaml if it does not begin with `/`.",
        examples=["ssh/id_ed25519"],
    )
    known_hosts: Annotated[str, kinds.PATH] = Field(
        default="",
        description="A file with the machines' host keys as ssh keeps them: a key that is not in "
        "it is never accepted.",
        examples=["ssh/known_hosts"],
    )
    datapath: Annotated[Datapath, kinds.choice(get_args(Datapath))] = Field(
        default="kernel",
        description="Who switches packets: the machines' kernels, or, where these have no "
        "openvswitch, a process of Open vSwitch, which is slower.",
        examples=["userspace"],
    )
    port: Annotated[int, kinds.PORT] = Field(
        default=22, description="Where the machines' sshd listens.", examples=["22"]
    )
    interfaces: Interfaces = Interfaces()
