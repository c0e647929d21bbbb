# SPDX-FileCopyrightText: 2026 The scs authors
# SPDX-License-Identifier: AGPL-3.0-or-later
"""Services that can be chosen: they come, are used and proven, and go."""

from __future__ import annotations

import base64
import os

import yaml

from browser import bring, browser, log_in, text_of
from clouds import SERVICES
from launched import NAME, STORY, Cloud
from signer import HOW, signed
from volumes import User

pytestmark = STORY

CHOSEN = f"services: [{', '.join(SERVICES)}]\n"


def test_services_come_to_a_cloud_that_runs(cloud: Cloud) -> None:
    """All that can be chosen; nobody who has nothing to do with it is restarted."""
    cloud.file.write_text(cloud.file.read_text() + CHOSEN)
    before = cloud.changed()
    told = cloud.json("up", "--yes")
    assert told["pages"] == {"dashboard": "https://10.31.0.4"}
    after = cloud.changed()
    came = after.keys() - before.keys()
    assert len({name.partition("-")[0] for name in came} & set(SERVICES)) >= 3, came
    # Their files know of the key manager and of names now; load balancer and firewall of all.
    changed = {name for name in before if after[name] != before[name]}
    assert {name.partition(".")[0].partition("-")[0] for name in changed} <= {
        *("cinder", "glance", "haproxy", "neutron", "nftables", "nova"),
    }
    assert cloud.json("plan")["changes"] == []


def test_a_user_sees_the_cloud_in_a_browser(cloud: Cloud) -> None:
    bring()
    known = yaml.safe_load((cloud.state / NAME / "clouds.yaml").read_text())["clouds"][NAME]["auth"]
    with browser() as page:
        address = "https://10.31.0.4"
        log_in(page, address, "Default", known["username"], known["password"])
        assert "hello" in text_of(page, f"{address}/project/instances/", "Displaying 1 item")
        assert "Debian 13" in text_of(page, f"{address}/project/images", "Debian 13")
        assert known["project_name"] in text_of(page, f"{address}/identity/", "Displaying")


def test_only_the_guest_sees_what_is_on_an_encrypted_volume(cloud: Cloud) -> None:
    user = User(NAME, cloud.state / NAME)
    hello = user.cloud.compute.find_server("hello")
    marker = "written-by-the-guest"
    plain, safe = (user.volume(1, volume_type=kind) for kind in ("standard", "encrypted"))
    for volume in (plain, safe):
        device = user.attach(hello, volume)
        write = f"yes {marker} | head -c 1048576 > /dev/{device} && sync"
        user.said(user.address(hello), write)
        user.detach(hello, volume)
    export = "rbd --id cinder --no-progress export volumes/volume-{} -"
    marked = {
        volume: int(cloud.ssh(f"{export.format(volume)} | grep -acF {marker} || true"))
        for volume in (plain, safe)
    }
    assert marked[plain] > 10_000
    assert marked[safe] == 0
    assert cloud.ssh(f"{export.format(safe)} 2>/dev/null | head -c 4") == "LUKS"
    device = user.attach(hello, safe)
    assert marker in user.said(user.address(hello), f"head -c 1000 /dev/{device}")
    user.detach(hello, safe)
    user.gone("volumes", plain, safe)
    assert list(user.cloud.key_manager.secrets()) == [], "keys go with their volumes"


def test_an_image_that_says_to_be_signed_must_be(cloud: Cloud) -> None:
    user = User(NAME, cloud.state / NAME)
    data = os.urandom(1 << 20)
    certificate, signature = signed(data)
    keys, images = user.cloud.key_manager, user.cloud.image
    known = keys.create_secret(
        name="signer",
        secret_type="certificate",
        payload=base64.b64encode(certificate).decode(),
        payload_content_type="application/octet-stream",
        payload_content_encoding="base64",
    ).secret_id
    statuses = []
    for sent in (data, data[:-1] + bytes([data[-1] ^ 1])):
        image = images.create_image(
            name="signed",
            disk_format="raw",
            container_format="bare",
            img_signature=base64.b64encode(signature).decode(),
            **HOW,
            img_signature_certificate_uuid=known,
        )
        image.data = sent
        answer = image.upload(images)
        statuses.append((answer.status_code, images.get_image(image.id).status))
        images.delete_image(image)
    assert statuses == [(204, "active"), (400, "queued")]
    keys.delete_secret(known)


def test_secrets_of_projects_are_nowhere_in_clear(cloud: Cloud) -> None:
    user = User(NAME, cloud.state / NAME)
    keys = user.cloud.key_manager
    text = "a-password-of-the-projects"
    made = keys.create_secret(name="mine", payload=text, payload_content_type="text/plain")
    assert keys.get_secret(made.secret_id).payload == text
    folder = "/etc/barbican/barbican.conf.d"
    assert cloud.ssh(f"stat -c %a:%U:%G {folder}/master-key.conf").split() == ["640:root:barbican"]
    master = cloud.ssh(f"grep ^kek {folder}/master-key.conf").split()[-1]
    assert len(master) == 44
    dump = cloud.ssh("mariadb-dump --all-databases")
    assert "encrypted_data" in dump
    assert text not in dump
    assert master not in dump
    assert master not in cloud.ssh("journalctl --no-pager --output=cat; ps axo args")
    keys.delete_secret(made.secret_id)


def test_verify(cloud: Cloud) -> None:
    proof = cloud.json("verify")
    assert proof["ok"]
    assert all(step["ok"] for step in proof["steps"])
    assert {step["step"] for step in proof["steps"]} >= {
        *("encryption", "secret", "stack", "load balancer", "balancing", "zone", "name"),
    }


def test_services_go_and_leave_their_data(cloud: Cloud) -> None:
    cloud.file.write_text(cloud.file.read_text().replace(CHOSEN, ""))
    cloud.run("up", "--yes")
    assert not [name for name in cloud.changed() if name.startswith((*SERVICES, "named"))]
    kept = cloud.run("plan")
    for what in (
        *("schema:barbican", "data:/etc/barbican/barbican.conf.d", "domain:heat"),
        *("schema:designate", "schema:octavia"),
    ):
        assert f"{what} stays" in kept
    listed = cloud.run("openstack", "--os-cloud", f"{NAME}-admin", "catalog", "list")
    for kind in ("key-manager", "orchestration", "load-balancer", "dns"):
        assert kind not in listed
    assert cloud.json("plan")["changes"] == []
