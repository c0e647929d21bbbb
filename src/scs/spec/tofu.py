# SPDX-FileCopyrightText: 2026 The scs authors
# SPDX-License-Identifier: MPL-2.0
"""What cloud.yaml says of machines that OpenTofu makes. No credential has a place in it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Literal, get_args

from pydantic import Field

from scs.spec import kinds
from scs.spec.part import MAPPED, Part
from scs.spec.ssh import Datapath

Platform = Literal["openstack", "libvirt", "aws", "vmware"]


class Plugs(Part):
    """What the networks are on the platform: a network of OpenStack, a bridge, a subnet of AWS, a
    port group of VMware.
    """

    management: Annotated[str, kinds.PLUG] = Field(
        default="",
        description="That of networks.management; on OpenStack, empty: one is made.",
        examples=["br-management"],
    )
    tunnel: Annotated[str, kinds.PLUG] = Field(
        default="",
        description="That of networks.tunnel; on OpenStack, empty: one is made.",
        examples=["br-tunnel"],
    )
    external: Annotated[str, kinds.PLUG] = Field(
        default="",
        description="That of networks.external, where any address and any MAC may be used; on "
        "OpenStack, empty: one without port security is made.",
        examples=["br-external"],
    )


class OpenStack(Part):
    """The project of an OpenStack cloud in which machines are made, for `platform: openstack`."""

    cloud: Annotated[str, kinds.PLUG] = Field(
        default="",
        description="The entry of clouds.yaml with the credentials; empty: the variables `OS_…` of "
        "the environment have them.",
        examples=["production"],
    )
    clouds_file: Annotated[str, kinds.PATH] = Field(
        default="",
        description="The clouds.yaml; beside cloud.yaml if it does not begin with `/`. Empty: "
        "~/.config/openstack or /etc/openstack.",
        examples=["clouds.yaml"],
    )
    external_network: Annotated[str, kinds.PLUG] = Field(
        default="",
        description="Where a router that is made for the machines leads to.",
        examples=["public"],
    )
    router: Annotated[str, kinds.PLUG] = Field(
        default="",
        description="Instead: the name of a router that is there, which the networks that are made "
        "are plugged into.",
        examples=["office"],
    )


class Libvirt(Part):
    """A machine with libvirt, for `platform: libvirt`."""

    uri: Annotated[str, kinds.SENTENCE] = Field(
        default="qemu:///system",
        description="How libvirt is reached.",
        examples=["qemu+ssh://root@kvm.example.org/system"],
    )
    pool: Annotated[str, kinds.PLUG] = Field(
        default="default", description="The storage pool for disks.", examples=["machines"]
    )


class Aws(Part):
    """An account of AWS, for `platform: aws`; the credentials are where AWS's tools have them."""

    region: Annotated[str, kinds.PLUG] = Field(
        default="", description="The region.", examples=["eu-central-1"]
    )
    profile: Annotated[str, kinds.PLUG] = Field(
        default="",
        description="The profile in ~/.aws; empty: the variables `AWS_…` of the environment.",
        examples=["cloud"],
    )


class Vmware(Part):
    """A vCenter, for `platform: vmware`; `VSPHERE_USER` and `VSPHERE_PASSWORD` open it."""

    server: Annotated[str, kinds.HOST] = Field(
        default="", description="Its name or address.", examples=["vcenter.example.org"]
    )
    datacenter: Annotated[str, kinds.PLUG] = Field(
        default="", description="The data centre.", examples=["dc-1"]
    )
    cluster: Annotated[str, kinds.PLUG] = Field(
        default="",
        description="The cluster of nodes without a zone; a node's zone is the name of its "
        "cluster.",
        examples=["cluster-1"],
    )
    datastore: Annotated[str, kinds.PLUG] = Field(
        default="", description="The datastore for disks.", examples=["ssd"]
    )


class Tofu(Part):
    """Machines that OpenTofu makes, for `provider: tofu`; see tofu-nodes.md."""

    platform: Annotated[Platform, kinds.choice(get_args(Platform))] = Field(
        default="openstack", description="Where they are made.", examples=["openstack"]
    )
    image: Annotated[str, kinds.SENTENCE] = Field(
        default="",
        description="What they start from, a Debian 13 with cloud-init: an image's name on "
        "OpenStack, the path or URL of a disk in qcow2 form on libvirt, an AMI's id on AWS, a "
        "template's name on VMware. What a machine was made from stays when this changes.",
        examples=["Debian 13"],
    )
    size: Annotated[str, kinds.MACHINE_SIZE] = Field(
        default="",
        description="How large they are: a flavor's name, an instance type, or on libvirt and "
        "VMware processors and GiB of memory; `nodes[].size` says where it is different.",
        examples=["SCS-8V-32"],
    )
    disk: Annotated[int, kinds.number(0, 65536, "a size in GiB, or 0")] = Field(
        default=0,
        description="The size of the system's disk in GiB; 0: as image or size say. On OpenStack "
        "it is a volume then.",
        examples=["100"],
    )
    user: Annotated[str, kinds.LOGIN] = Field(
        default="debian",
        description="The account that is made there for scs; it may do all by sudo.",
        examples=["debian"],
    )
    key: Annotated[str, kinds.PATH] = Field(
        default="",
        description="The private key that opens it, without a passphrase, with the public key in "
        "`.pub` beside it; beside cloud.yaml if it does not begin with `/`.",
        examples=["ssh/id_ed25519"],
    )
    datapath: Annotated[Datapath, kinds.choice(get_args(Datapath))] = Field(
        default="kernel",
        description="Who switches packets: the machines' kernels, or, where these have no "
        "openvswitch, a process of Open vSwitch, which is slower.",
        examples=["userspace"],
    )
    networks: Plugs = Plugs()
    zones: Annotated[
        Mapping[Annotated[str, kinds.ZONE], Annotated[str, kinds.PLUG]],
        MAPPED,
    ] = Field(
        default_factory=dict,
        description="What a node's zone is called on the platform, where that has another name: an "
        "availability zone of OpenStack, a cluster of VMware. The others do not use it.",
        examples=["{east: az1}"],
    )
    tunnel_mtu: Annotated[int, kinds.number(1558, 9000, "a size in bytes")] = Field(
        default=1558,
        description="The MTU of the tunnel network, of the machines' interfaces there and of the "
        "network where one is made. A network that carries tunnels itself bears less than its "
        "switches do.",
        examples=["8942"],
    )
    openstack: OpenStack = OpenStack()
    libvirt: Libvirt = Libvirt()
    aws: Aws = Aws()
    vmware: Vmware = Vmware()
    program: Annotated[str, kinds.PATH] = Field(
        default="",
        description="An OpenTofu that is there; empty: scs builds one.",
        examples=["/usr/local/bin/tofu"],
    )
    plugins: Annotated[str, kinds.PATH] = Field(
        default="",
        description="A folder with OpenTofu's plugins, laid out as its mirrors are; beside "
        "cloud.yaml if it does not begin with `/`. Empty: that for OpenStack is built, others come "
        "from OpenTofu's registry.",
        examples=["/srv/tofu-plugins"],
    )
    registry: Annotated[bool, kinds.TRUTH] = Field(
        default=True,
        description="Whether OpenTofu may fetch a plugin from its registry that is neither built "
        "nor in `plugins`.",
        examples=["false"],
    )
