# SPDX-FileCopyrightText: 2026 The scs authors
# SPDX-License-Identifier: AGPL-3.0-or-later
"""Where OpenTofu makes machines: one module for each platform, all of them pure."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from scs.providers.tofu.platforms.aws import AWS
from scs.providers.tofu.platforms.libvirt import LIBVIRT
from scs.providers.tofu.platforms.openstack import OPENSTACK
from scs.providers.tofu.platforms.platform import Platform
from scs.providers.tofu.platforms.vmware import VMWARE

PLATFORMS: Mapping[str, Platform] = MappingProxyType(
    {platform.name: platform for platform in (OPENSTACK, LIBVIRT, AWS, VMWARE)}
)

__all__ = ["PLATFORMS", "Platform"]
