# SPDX-FileCopyrightText: 2026 The scs authors
# SPDX-License-Identifier: AGPL-3.0-or-later
"""Defects of flavors, images and volume types."""

from __future__ import annotations

import re
import uuid
from collections.abc import Iterator, Mapping
from types import MappingProxyType
from typing import Any

from certify_defects import OWN, PROPERTIES
from certify_world import CHECKS
from fake_openstack.things import ago, an_image
from real_defects.site import MARK, Site, Unfit
from real_defects.trial import Make, Real
from scs.components.flavors import flavor as scs_flavor
from scs.standards.iaas.flavors import MICROVERSION, standard_flavor
from scs.standards.iaas.images import from_its_maker, there
from scs.standards.iaas.volumes import ASPECTS, aspects

DATA = bytes(4096)

# Flavors cannot be changed but for their extra specs: others are made under the same name and id.


def _flavors(site: Site) -> list[Any]:
    return site.listed("compute", "/flavors/detail?is_public=None", "flavors", MICROVERSION)


def _body(flavor: Mapping[str, Any]) -> dict[str, Any]:
    """What makes such a flavor."""
    names = ("id", "name", "vcpus", "ram", "disk", "rxtx_factor", "description")
    more = ("OS-FLV-EXT-DATA:ephemeral", "os-flavor-access:is_public")
    values = {name: flavor[name] for name in (*names, *more) if name in flavor}
    return {"flavor": {**values, "swap": flavor.get("swap") or 0}}


def _post(site: Site, body: Mapping[str, Any], specs: Mapping[str, str]) -> None:
    site.ask("POST", "compute", "/flavors", body, microversion=MICROVERSION)
    if specs:
        path = f"/flavors/{body['flavor']['id']}/os-extra_specs"
        site.ask("POST", "compute", path, {"extra_specs": dict(specs)})


def _gone(known: str) -> dict[str, Any]:
    path = f"/flavors/{known}"
    return {"do": "ask", "method": "DELETE", "service": "compute", "path": path, "fine": [404]}


def _new_flavor(
    name: str, vcpus: int, ram: int, disk: int = 0, specs: Mapping[str, str] = MappingProxyType({})
) -> Make:
    def make(site: Site) -> None:
        known = str(uuid.uuid4())
        values = {"id": known, "name": name, "vcpus": vcpus, "ram": ram, "disk": disk}
        site.before(_gone(known))
        _post(site, {"flavor": values}, {"hw_rng:allowed": "True", **specs})

    return make


def _replaced(name: str, more_ram: int | None) -> Make:
    """That flavor is gone, or has another RAM; where the cloud has none, a wrong one comes."""

    def make(site: Site) -> None:
        found = next((one for one in _flavors(site) if one["name"] == name), None)
        if found is None:
            if more_ram is None:
                raise Unfit(f"there is no flavor {name}")
            wanted = scs_flavor(name)
            specs = dict(wanted.extra_specs)
            new = _new_flavor(name, wanted.vcpus, wanted.ram + more_ram, wanted.disk, specs)
            new(site)
            return
        body, specs = _body(found), found.get("extra_specs") or {}
        again = {"do": "ask", "method": "POST", "service": "compute"}
        path = f"/flavors/{found['id']}/os-extra_specs"
        site.before(
            _gone(found["id"]),
            {**again, "path": "/flavors", "json": body, "microversion": MICROVERSION},
            *([{**again, "path": path, "json": {"extra_specs": specs}}] if specs else []),
        )
        site.ask("DELETE", "compute", f"/flavors/{found['id']}")
        if more_ram is not None:
            _post(site, _body({**found, "ram": found["ram"] + more_ram}), specs)

    return make


def _without_specs(name: str, *keys: str) -> Make:
    """That flavor lacks these extra specs; none named: all."""

    def make(site: Site) -> None:
        found = next((one for one in _flavors(site) if one["name"] == name), None)
        if found is None:
            raise Unfit(f"there is no flavor {name}")
        specs, path = found.get("extra_specs") or {}, f"/flavors/{found['id']}/os-extra_specs"
        site.before(
            {
                "do": "ask",
                "method": "POST",
                "service": "compute",
                "path": path,
                "json": {"extra_specs": specs},
            }
        )
        for key in keys or specs:
            site.ask("DELETE", "compute", f"{path}/{key}", fine=[404])

    return make


def _flavor_defects() -> Iterator[Real]:
    syntax, semantics = "scs-0100-syntax-check", "scs-0100-semantics-check"
    yield Real("flavor-name-unreadable", syntax, _new_flavor("SCS-4X-16", 4, 16384))
    yield Real("flavor-overstates-vcpus", semantics, _new_flavor("SCS-4V-12", 2, 12288))
    yield Real(
        "flavor-overstates-ram",
        semantics,
        _new_flavor("SCS-2V-12", 2, 8192),
        "SCS-2V-12 promises 12 GiB RAM, has 8",
    )
    yield Real(
        "flavor-overstates-disk",
        semantics,
        _new_flavor("SCS-2V-12-50", 2, 12288, 20),
        "SCS-2V-12-50 promises 50 GB disk, has 20",
    )
    yield Real(
        "flavor-overstates-in-a-spec",
        semantics,
        _new_flavor(MARK, 1, 1024, 0, {"scs:name-v3": "SCS-2V-1"}),
        f"flavor {MARK}, scs:name-v3: expected no more",
    )
    standard = [check for check in CHECKS.values() if check.ask is standard_flavor]
    for check in standard:
        name = check.parameters["name"]
        yield Real(f"flavor-other-ram-{name}", check.id, _replaced(name, 512))
    first = standard[0]
    name = first.parameters["name"]
    yield Real(f"flavor-lost-{name}", first.id, _replaced(name, None), "no flavor is named so")
    yield Real(f"flavor-without-specs-{name}", first.id, _without_specs(name), "none to be seen")
    yield Real(
        "flavor-without-disk-type",
        "scs-0103-flavor-2v_4_20s",
        _without_specs("SCS-2V-4-20s", "scs:disk0-type"),
        "expected scs:disk0-type=ssd; seen scs:disk0-type=(not set)",
    )
    yield Real(
        "flavor-without-rng",
        "scs-0101-flavor-property",
        _without_specs("SCS-2V-4", "hw_rng:allowed"),
    )


# Images: each is one of our own, public, with a few bytes that nobody boots.


def _image(*names: str, **broken: Any) -> Make:
    """Public images as they should be, but for these properties; None: it has it not."""

    def make(site: Site) -> None:
        for name in names:
            source = "https://images.example.org/own-1.qcow2"
            values = {**an_image(name, "own", "1", source), **broken, "id": str(uuid.uuid4())}
            for other in ("status", "owner", "created_at", "size"):
                del values[other]
            values = {key: value for key, value in values.items() if value is not None}
            path = f"/images/{values['id']}"
            gone = {"method": "DELETE", "service": "image", "path": path, "fine": [404]}
            site.before({"do": "ask", **gone})
            bare = {"disk_format": "raw", "container_format": "bare"}
            site.ask("POST", "image", "/images", {**values, **bare})
            site.ask("PUT", "image", f"{path}/file", data=DATA)

    return make


def _name_for(pattern: str) -> str:
    """A name that the pattern of a well-known image matches."""
    plain = pattern.replace("\\", "")
    return plain if plain[-1].isdigit() else "ubuntu-capi-image-v1.31.1"


def _public(site: Site, pattern: str) -> list[Any]:
    known = site.listed("image", "/images?visibility=public", "images")
    return [one for one in known if re.fullmatch(pattern, one["name"])]


def _there(pattern: str, source: str) -> Make:
    """Such an image is made where there is none, so that it can be hidden."""

    def make(site: Site) -> None:
        if not _public(site, pattern):
            _image(_name_for(pattern), image_source=source)(site)

    return make


def _hidden(pattern: str) -> Make:
    def make(site: Site) -> None:
        for image in _public(site, pattern):
            op = {"op": "replace", "path": "/os_hidden"}
            change, back = [{**op, "value": True}], [{**op, "value": False}]
            site.change("PATCH", "image", f"/images/{image['id']}", change, back)

    return make


def _without_property(name: str, distro: str) -> Make:
    """The images of that system lose a property."""

    def make(site: Site) -> None:
        found = [one for one in _public(site, ".*") if one.get("os_distro") == distro]
        found = [one for one in found if name in one]
        if not found:
            raise Unfit(f"no public image of {distro} has {name}")
        for image in found:
            change = [{"op": "remove", "path": f"/{name}"}]
            back = [{"op": "add", "path": f"/{name}", "value": image[name]}]
            site.change("PATCH", "image", f"/images/{image['id']}", change, back)

    return make


def _image_defects() -> Iterator[Real]:
    # Of an image that comes here now, with bytes that are fewer than a GiB.
    others: Mapping[str, tuple[Any, str]] = {
        "min_disk": (0, "no less than the image's size; seen 0"),
        "image_build_date": (ago(-3)[:10], "when it came here"),
    }
    for name, (value, said) in PROPERTIES.items():
        value, said = others.get(name, (None if value == "" else value, said))
        make = _image(OWN, **{name: value})
        short = name.removeprefix("image_").replace("_", "-")
        yield Real(f"image-{short}", f"scs-0102-prop-{name}", make, said)
    old = _image(OWN, image_build_date=ago(40)[:10], replace_frequency="monthly")
    yield Real("image-too-old", "scs-0102-image-recency", old)
    no_purpose = _image(OWN, os_purpose=None)
    yield Real("image-without-purpose", "scs-0102-prop-os_purpose", no_purpose)
    yield Real(
        "image-generic-twice",
        "scs-0102-os-purpose-uniqueness",
        _image(OWN, f"{OWN}b"),
        "the only generic one for x86_64 own 1",
    )
    yield Real("image-without-rng", "scs-0101-image-property", _image(OWN, hw_rng_model=None))
    disguised = "https://images.example.org/disguised.qcow2"
    for check in CHECKS.values():
        short = check.id.removeprefix("scs-0104-")
        if check.ask is from_its_maker:
            name = _name_for(check.parameters["pattern"])
            yield Real(f"image-{short}", check.id, _image(name, image_source=disguised))
        elif check.ask is there:
            pattern, source = check.parameters["pattern"], check.parameters["sources"][0]
            prepare = _there(pattern, f"{source}x.qcow2")
            yield Real(f"{short}-hidden", check.id, _hidden(pattern), prepare=prepare)
    yield Real(
        "guest-without-rng",
        "scs-0101-rng-device",
        _without_property("hw_rng_model", "debian"),
        slow=True,
    )


# Volume types.


def _types(site: Site) -> list[Any]:
    return site.listed("block-storage", "/types?is_public=None", "volume_types")


def _new_type(description: str) -> Make:
    def make(site: Site) -> None:
        values = {"name": MARK, "description": description}
        public = {"os-volume-type-access:is_public": True}
        site.make("block-storage", "/types", "volume_type", {**values, **public})

    return make


def _claimed(aspect: str) -> Make:
    """A type that claims so is made where there is none."""

    def make(site: Site) -> None:
        if not any(aspect in (aspects(one["description"]) or ()) for one in _types(site)):
            _new_type(f"[scs:{aspect}] as it says")(site)

    return make


def _unclaimed(aspect: str) -> Make:
    def make(site: Site) -> None:
        for kind in _types(site):
            if aspect in (aspects(kind["description"]) or ()):
                said = {"volume_type": {"description": "says nothing"}}
                back = {"volume_type": {"description": kind["description"]}}
                site.change("PUT", "block-storage", f"/types/{kind['id']}", said, back)

    return make


def _type_defects() -> Iterator[Real]:
    syntax = "scs-0114-syntax-check"
    yield Real("volume-type-of-unknown-kind", syntax, _new_type("[scs:fast]"))
    unsorted = _new_type("[scs:replicated,encrypted]")
    yield Real("volume-type-unsorted", syntax, unsorted, "'[scs:encrypted,replicated] …'")
    for aspect in ASPECTS:
        yield Real(
            f"volume-type-not-{aspect}",
            f"scs-0114-{aspect}-type",
            _unclaimed(aspect),
            prepare=_claimed(aspect),
        )


def defects() -> Iterator[Real]:
    yield from _flavor_defects()
    yield from _image_defects()
    yield from _type_defects()
