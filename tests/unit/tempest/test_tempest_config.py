# SPDX-FileCopyrightText: 2026 The scs authors
# SPDX-License-Identifier: AGPL-3.0-or-later
"""tempest's configuration and what it boots, from what the cloud has."""

from __future__ import annotations

import socket
from configparser import RawConfigParser
from typing import Any

import pytest

from fake_openstack.cloud import PASSWORDS, FakeOpenStack
from scs import icmp
from scs.certify.cloud import Asked
from scs.certify.tempest import guests, people
from scs.certify.tempest.config import configuration, offered, outside, unreachable, written
from scs.standards.model import (
    CouldNotRun,
)
from tempest_world import asked


def configured(cloud: Asked, **more: Any) -> dict[str, dict[str, str]]:
    staff = people.administered(cloud)
    chosen = guests.choose(cloud, elsewhere=True)
    settings = configuration(cloud, staff, chosen, outside(cloud), offered(cloud), "/locks")
    parser = RawConfigParser()
    parser.optionxform = str  # type: ignore[assignment,method-assign]
    parser.read_string(written(settings))
    return {name: dict(parser.items(name)) for name in parser.sections()} | {
        "DEFAULT": dict(parser.defaults())
    }


def test_the_configuration_comes_from_the_cloud(cloud: FakeOpenStack) -> None:
    view = asked()
    found = configured(view)
    assert found["DEFAULT"]["resource_name_prefix"] == f"scs-t-{view.run.name}"
    assert found["auth"]["use_dynamic_credentials"] == "True"
    assert found["auth"]["admin_password"] == view.password
    assert PASSWORDS["admin"] not in str(found)
    assert found["identity"]["uri_v3"] == f"{cloud.base}/identity/v3"
    assert found["identity"]["ca_certificates_file"].endswith("ca.pem")
    assert found["identity"]["user_unique_last_password_count"] == "0"
    assert found["compute"]["max_microversion"] == "2.100"
    assert found["compute"]["flavor_ref"] == "flavor-SCS-1L-1-5"
    assert found["compute"]["flavor_ref_alt"] != found["compute"]["flavor_ref"]
    assert found["compute-feature-enabled"]["resize"] == "True"
    assert found["network"]["public_network_id"] == "outside"
    aliases = found["network-feature-enabled"]["api_extensions"]
    assert aliases == "dns-domain-ports,dns-integration,external-net,port-security,router"
    assert found["image"]["disk_formats"] == "raw,qcow2"
    assert found["image-feature-enabled"]["import_image"] == "True"
    assert found["image-feature-enabled"]["image_format_enforcement"] == "True"
    cloud.enforces = False
    again = configured(asked())["image-feature-enabled"]
    assert again["image_format_enforcement"] == "False"
    assert found["volume"]["max_microversion"] == "3.71"
    assert found["volume"]["catalog_type"] == "volumev3"
    assert found["volume-feature-enabled"]["extend_attached_volume"] == "True"
    assert found["object-storage-feature-enabled"]["discoverable_apis"] == "swift,tempurl"
    assert found["validation"]["run_validation"] == "True"
    assert found["validation"]["image_ssh_user"] == "scs"
    available = {"nova", "neutron", "glance", "cinder", "swift"}
    services = found["service_available"]
    assert {name for name, there in services.items() if there == "True"} == available


def test_what_the_cloud_has_not_is_off(cloud: FakeOpenStack) -> None:
    cloud.types = [kind for kind in cloud.types if kind not in {"volumev3", "object-store"}]
    cloud.extensions = ["router"]
    cloud.things["networks"].clear()
    cloud.broken["GET /image/v2/info/import"] = (404, {"message": "not here"})
    view = asked()
    found = configured(view)
    assert found["service_available"]["cinder"] == "False"
    assert found["service_available"]["swift"] == "False"
    assert "public_network_id" not in found["network"]
    assert found["network-feature-enabled"]["floating_ips"] == "False"
    assert found["network-feature-enabled"]["port_security"] == "False"
    assert found["validation"]["run_validation"] == "False"
    assert found["image-feature-enabled"]["import_image"] == "False"
    assert "max_microversion" not in found["volume"]
    assert any("imports" in text for text in offered(view).unknown)


@pytest.mark.parametrize("answer", ["ping", "connection", "refusal", "none"])
def test_one_logs_in_where_floating_ips_can_be_reached(
    cloud: FakeOpenStack, monkeypatch: pytest.MonkeyPatch, answer: str
) -> None:
    asked_for = []

    def pinged(address: str, _seconds: float) -> bool:
        asked_for.append(address)
        return answer == "ping"

    def connect(to: tuple[str, int], timeout: float) -> socket.socket:
        assert to == ("192.0.2.1", 22)
        assert timeout >= 1
        if answer == "refusal":
            raise ConnectionRefusedError
        if answer != "connection":
            raise TimeoutError("timed out")
        return socket.socket()

    monkeypatch.setattr(icmp, "reached", pinged)
    monkeypatch.setattr(socket, "create_connection", connect)
    cloud.gateway = "192.0.2.1"
    net = outside(asked())
    assert asked_for == ["192.0.2.1"]
    assert net.reachable == (answer != "none")
    assert ("no answer to a ping; port 22: timed out" in net.note) == (answer == "none")


def test_nobody_logs_in_where_floating_ips_cannot_be_reached(
    cloud: FakeOpenStack, monkeypatch: pytest.MonkeyPatch
) -> None:
    cloud.gateway = ""
    view = asked()
    net = outside(view)
    assert (net.id, net.reachable) == ("outside", False)
    assert "not reachable from here (no address)" in net.note
    assert configured(view)["validation"]["run_validation"] == "False"

    def forbidden(_address: str, _seconds: float) -> bool:
        raise PermissionError

    monkeypatch.setattr(icmp, "reached", forbidden)
    # Nobody listens there, and the machine says so.
    assert unreachable("127.0.0.1", 1) == ""


def test_a_dollar_in_an_option_is_no_reference() -> None:
    assert "a = b$$c" in written({"auth": {"a": "b$c", "empty": ""}})
    assert "empty" not in written({"auth": {"empty": ""}})


def test_how_many_passwords_a_cloud_remembers_is_tried_out(cloud: FakeOpenStack) -> None:
    for remembers, told in ((0, 0), (1, 0), (2, 2), (5, 5)):
        cloud.remembers = remembers
        found = people.administered(asked()).settings["identity"]
        assert found == {"user_unique_last_password_count": told}


def test_small_images_are_copied_for_all_projects(cloud: FakeOpenStack) -> None:
    view = asked()
    chosen = guests.choose(view, elsewhere=True)
    copies = [one for one in cloud.images if one["visibility"] == "community"]
    assert {chosen.image, chosen.other_image} == {one["id"] for one in copies}
    assert len(copies) == 2
    for one in copies:
        assert cloud.data[one["id"]] == b"disk"
        assert (one["min_disk"], one["hw_rng_model"]) == (1, "virtio")
        assert one["name"] == view.marks["name"]
    assert "copies of image tiny" in chosen.note


def test_large_public_images_are_used_as_they_are(cloud: FakeOpenStack) -> None:
    cloud.images = [one for one in cloud.images if one["name"] != "tiny"]
    chosen = guests.choose(asked(), elsewhere=True)
    assert chosen.image == chosen.other_image
    assert chosen.image.startswith("image-")
    assert not [one for one in cloud.images if one["visibility"] == "community"]


def test_in_the_own_project_a_private_image_will_do(cloud: FakeOpenStack) -> None:
    cloud.broken["POST /image/v2/images"] = (403, {"message": "forbidden"})
    assert guests.choose(asked(), elsewhere=False).image == "image-tiny"
    assert guests.choose(asked(), elsewhere=True).image != "image-tiny"


def test_without_anything_to_boot_no_test_is_made(cloud: FakeOpenStack) -> None:
    cloud.images.clear()
    with pytest.raises(CouldNotRun, match="no image can be booted"):
        guests.choose(asked(), elsewhere=True)
    for flavor in cloud.flavors:
        flavor["disk"] = 0
    with pytest.raises(CouldNotRun, match="no flavor has a disk"):
        guests.choose(asked(), elsewhere=True)
