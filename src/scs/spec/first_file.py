# SPDX-FileCopyrightText: 2026 The scs authors
# SPDX-License-Identifier: MPL-2.0
"""The first cloud.yaml of a cloud."""

from __future__ import annotations

from scs.errors import BadInput, Problem
from scs.spec.kinds import CLOUD_NAME, KindError
from scs.spec.model import CloudSpec

_TEXT = """\
# A cloud, described for scs. Every key is optional: an empty file is a cloud on this machine.
# Lines like `#key: value` show defaults; take out the `#` to change one. Then: scs plan, scs up.
# All keys, with types and examples: docs/cloud-yaml.md

name: {name}
release: "{release}"  # the set of versions; in quotes, or YAML takes it for a number
#region: {region}
#provider: {provider}  # containers here; ssh, tofu: docs/ssh-nodes.md, docs/tofu-nodes.md
#ssh: {{}}  # how to reach machines that are there already
#tofu: {{}}  # what machines OpenTofu makes

# The machines. A cloud has each of the roles, control exactly once.
nodes:
  - name: {node}
    roles: [{roles}]
#  - name: node-2
#    roles: [compute]

#networks:  # the first address of each is the gateway
#  management: {{ipv4: {management}}}
#  tunnel: {{ipv4: {tunnel}}}
#  external: {{ipv4: {external}, ipv6: "{external6}", floating: {floating}}}
#endpoints: {{internal: {internal}, external: {endpoint}}}  # addresses of the APIs
#dns: []  # name servers; none here: those of this machine
#external: {{}}  # your own instead of the cloud's: database, ceph, volume_backups, ca, ntp

#compute: {{virt: {virt}}}  # kvm | qemu | auto: kvm if it works here
#storage: {storage}  # files | ceph | external-ceph
#ceph: {{disks: {disks}, disk_size: {disk_size}, replicas: 0}}  # for `storage: ceph`; size in GiB
#services: []  # what not each cloud has: barbican, heat, …: docs/services.md
#debian: {{mirror: null}}  # null: as this machine's apt sources say
#images: {{debian: {{source: {image}}}}}  # build | {{url: https://…, sha512: …}}

# A first project to try the cloud with.
#tenant: {{project: {project}, user: {user}, network: {network}, ipv6: "{ipv6}"}}
#content: {{}}  # projects, quotas, flavors, aggregates, security rules: docs/content.md
#secrets: {{recipients: []}}  # public keys of age or ssh that open the cloud's secrets, too
#backup: {{to: "", keep: 0}}  # a folder for `scs backup create`; how many stay there, 0: all
#instance_ha: {{guests: all}}  # which guests start elsewhere when their node is lost
#config: {{}}  # your own options, such as nova: {{DEFAULT: {{cpu_allocation_ratio: 4.0}}}}
"""


def starter(name: str = "scs") -> str:
    """A short cloud.yaml that says and shows the defaults, for the cloud of that name.

    Raises BadInput when a cloud can't have the name.
    """
    try:
        CLOUD_NAME.parse(name)
    except KindError as error:
        what = f"expected {CLOUD_NAME.expected}, got {name!r}"
        raise BadInput(Problem("name of the cloud", what, str(error))) from None
    filled = CloudSpec().filled()
    networks, tenant = filled["networks"], filled["tenant"]
    node = filled["nodes"][0]
    return _TEXT.format(
        name=name,
        release=filled["release"],
        region=filled["region"],
        provider=filled["provider"],
        node=node["name"],
        roles=", ".join(node["roles"]),
        management=networks["management"]["ipv4"],
        tunnel=networks["tunnel"]["ipv4"],
        external=networks["external"]["ipv4"],
        external6=networks["external"]["ipv6"],
        floating=networks["external"]["floating"],
        internal=filled["endpoints"]["internal"],
        endpoint=filled["endpoints"]["external"],
        virt=filled["compute"]["virt"],
        storage=filled["storage"],
        disks=filled["ceph"]["disks"],
        disk_size=filled["ceph"]["disk_size"],
        image=filled["images"]["debian"]["source"],
        project=tenant["project"],
        user=tenant["user"],
        network=tenant["network"],
        ipv6=tenant["ipv6"],
    )
