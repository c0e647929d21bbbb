# SPDX-FileCopyrightText: 2026 The scs authors
# SPDX-License-Identifier: MPL-2.0
"""Where images come from, in cloud.yaml."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Literal

from pydantic import Discriminator, Field, Tag

from scs.model.content import REPLACE_WITHIN
from scs.spec import kinds
from scs.spec.kinds import Kind
from scs.spec.part import LISTED, MAPPED, Part
from scs.spec.wording import nearest


class Download(Part):
    """An image that is fetched; refused when the sum differs."""

    url: Annotated[str, kinds.url("https")] = Field(
        description="Where it is fetched.", examples=["https://images.example.org/debian-13.qcow2"]
    )
    sha512: Annotated[str, kinds.SHA512] = Field(
        description="What it must be.", examples=["128 hexadecimal digits"]
    )


def _source(value: object) -> Literal["build"]:
    if value == "build":
        return "build"
    if isinstance(value, str) and value.startswith("https://"):
        raise kinds.KindError("write `{url: …, sha512: …}`, so that nobody can exchange the image")
    if isinstance(value, str) and nearest(value, ["build"]):
        raise kinds.KindError("did you mean `build`?")
    raise kinds.KindError


SOURCE = Kind("`build`, or a mapping with `url` and `sha512`", _source, {"const": "build"})
BUILD_TAG, DOWNLOAD_TAG = "<build>", "<download>"
"""Stand in the location of pydantic's errors, although nobody wrote them."""


def _source_tag(value: object) -> str:
    return DOWNLOAD_TAG if isinstance(value, dict | Download) else BUILD_TAG


class Image(Part):
    """Where one image for machines comes from."""

    source: Annotated[
        Annotated[Literal["build"], SOURCE, Tag(BUILD_TAG)]
        | Annotated[Download, Tag(DOWNLOAD_TAG)],
        Discriminator(_source_tag),
    ] = Field(
        default="build",
        description="`build` makes it from Debian's packages on this machine; `{url: …, "
        "sha512: …}` fetches one.",
        examples=["{url: https://images.example.org/debian-13.qcow2, sha512: …}"],
    )


class VendorImage(Part):
    """An image of a vendor's, kept fresh: `up` brings a newer one when this one has grown old."""

    name: Annotated[str, kinds.IMAGE_NAME] = Field(
        description="Its name; each only once. For those that the SCS standard demands: "
        "`Ubuntu 24.04` and the like.",
        examples=["Ubuntu 24.04"],
    )
    url: Annotated[str, kinds.url("https", "http")] = Field(
        description="Where it is fetched: a disk in qcow2 or raw form.",
        examples=["https://cloud-images.example.org/noble/current/noble-server.img"],
    )
    sha512: Annotated[str, kinds.SUM] = Field(
        description="What it must be, or where the vendor says so: with a list, what the vendor "
        "has put in its place is taken by and by.",
        examples=["https://cloud-images.example.org/noble/current/SHA512SUMS"],
    )
    distro: Annotated[str, kinds.SERVICE] = Field(
        description="`os_distro`: the system's name.", examples=["ubuntu"]
    )
    version: Annotated[str, kinds.SENTENCE] = Field(
        description="`os_version`: the system's version. In quotes, or YAML takes it for a number.",
        examples=["24.04"],
    )
    user: Annotated[str, kinds.TENANT_NAME] = Field(
        description="`image_original_user`: who may log in by ssh at first.", examples=["ubuntu"]
    )
    replace: Annotated[str, kinds.choice(REPLACE_WITHIN)] = Field(
        default="monthly",
        description="`replace_frequency`: how old it may become.",
        examples=["monthly"],
    )
    properties: Annotated[
        Mapping[Annotated[str, kinds.OPTION_NAME], Annotated[str, kinds.SENTENCE]],
        MAPPED,
    ] = Field(
        default_factory=dict,
        description="More properties, or other values than these have: `os_purpose: generic`, "
        "`uuid_validity: last-3`, `provided_until: none`, `architecture: x86_64`, "
        "`hw_disk_bus: virtio`, `hw_rng_model: virtio`.",
        examples=["{os_purpose: minimal}"],
    )


class Images(Part):
    """Images that every user of the cloud can start machines from."""

    debian: Image = Image()
    vendors: Annotated[tuple[VendorImage, ...], LISTED] = Field(
        default=(),
        description="Those of vendors, see images.md.",
        examples=["[]"],
    )
    stores: Annotated[tuple[Annotated[str, kinds.IMAGE_STORE], ...], LISTED] = Field(
        default=(),
        description="Pools in Ceph, beside the one that is always there, each a store of its name "
        "that images can be put in or copied to (`openstack image import --method copy-image`).",
        examples=["[images-archive]"],
    )
