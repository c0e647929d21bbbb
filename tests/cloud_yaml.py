# SPDX-FileCopyrightText: 2026 The scs authors
# SPDX-License-Identifier: AGPL-3.0-or-later
"""A cloud.yaml in which all that can be said is said."""

from __future__ import annotations

SERVICES = ("nova", "neutron", "glance", "keystone")
"""Those that `config` may name there."""
EVERYTHING = """\
name: test-1
release: "2026.2"
region: eu-west.1
provider: local
nodes:
  - {name: control, roles: [control, network]}
  - {name: first, roles: [compute], address: 10.9.0.12, zone: east}
  - {name: second, roles: [compute], zone: west}
networks:
  management: {ipv4: 10.9.0.0/24}
  tunnel: {ipv4: 10.9.1.0/24}
  external: {ipv4: 203.0.113.0/26, ipv6: null}
endpoints: {internal: 10.9.0.11, external: 10.9.0.250}
dns: [9.9.9.9, "2620:fe::fe"]
compute: {virt: qemu}
storage: files
debian: {mirror: http://deb.example.org:8080/debian/}
images:
  debian: {source: {url: https://img.example.org/d.qcow2, sha512: SUM}}
  vendors:
    - {name: Fine 1, url: https://img.example.org/f, sha512: https://img.example.org/SUMS,
       distro: fine, version: "1", user: fine, replace: weekly, properties: {os_purpose: gpu}}
tenant: {project: Team_1, user: ann, network: 192.168.7.0/24, ipv6: "FD00:0:0:7::/64",
         quota: {cores: 9, ram: -1}}
content:
  projects: [{name: shop, description: the shop, quota: {ports: 5}}]
  aggregates: [{name: fast, nodes: [first], properties: {ssd: "true"}}]
  default_security_group_rules:
    - {direction: egress, ethertype: IPv6}
    - {direction: ingress, protocol: tcp, port: 22-80, remote_ip_prefix: 10.0.0.0/8,
       groups: [default]}
    - {direction: ingress, remote_group: PARENT}
config:
  nova:
    DEFAULT: {cpu_allocation_ratio: 4.0, debug: true, ram: 0x10, mode: 0o17, name: no, none: ""}
    filter_scheduler: {enabled_filters: [a, b, 3], weight: -1.5e-3}
  neutron:
  glance: {DEFAULT: }
""".replace("SUM", "AB" * 64)
