# SPDX-FileCopyrightText: 2026 The scs authors
# SPDX-License-Identifier: AGPL-3.0-or-later
"""Volumes of a whole cloud: moved, copied on write, backed up."""

from __future__ import annotations

import json
import os

from launched import NAME, STORY, Cloud
from volumes import User, until

pytestmark = STORY


def test_volumes_move_and_are_copied_on_write(cloud: Cloud) -> None:
    user = User(NAME, cloud.state / NAME)
    hello = user.cloud.compute.find_server("hello")
    image = user.cloud.image.find_image("scs-verify").id
    debian = user.cloud.image.find_image("Debian 13").id
    # A copy of the image would take as long as 20 GiB take; a clone has a parent and nothing else.
    large = user.volume(20, imageRef=debian)
    told = json.loads(cloud.ssh(f"rbd --id cinder info --format json volumes/volume-{large}"))
    assert (told["parent"]["pool"], told["parent"]["image"]) == ("images", debian)
    used = cloud.ssh(f"rbd --id cinder du --format json volumes/volume-{large}")
    assert json.loads(used)["images"][0]["used_size"] == 0
    # A second server, from a volume; the data go there by way of one.
    second = user.server_from_volume("second", user.volume(1, imageRef=image))
    data = user.volume(1)
    written = user.written(hello, user.attach(hello, data), 32)
    user.detach(hello, data)
    assert user.read(second, user.attach(second, data), 32) == written
    # It grows while it is used, and its copies do not change with it.
    snapshot = user.snapshot(data)
    user.extend(data, 2)
    until(
        lambda: user.said(user.address(second), "cat /sys/block/vdb/size") == str(2 * 2**21),
        "the guest sees that the volume has grown",
    )
    user.detach(second, data)
    copy = user.volume(1, snapshot_id=snapshot)
    clone = user.volume(2, source_volid=data)
    assert user.read(second, user.attach(second, copy), 32) == written
    # One that several may have at once: what one guest writes the other reads.
    shared = user.volume(1, volume_type="multiattach")
    mine = user.attach(hello, shared)
    theirs = user.attach(second, shared)
    assert user.written(hello, mine, 8) == user.read(second, theirs, 8)
    assert user.written(second, theirs, 8) == user.read(hello, mine, 8)
    for server in (hello, second):
        user.detach(server, shared)
    user.gone("volumes", shared)
    user.remove_server(second)
    user.gone("volumes", copy, clone, large)
    user.gone("snapshots", snapshot)
    user.gone("volumes", data)


def test_a_type_changes_where_no_data_need_be_copied(cloud: Cloud) -> None:
    user = User(NAME, cloud.state / NAME)
    data = user.volume(1)
    user.retype(data, "multiattach")
    until(
        lambda: user.asked("get", f"volumes/{data}")["volume"]["multiattach"],
        "several may have the volume",
    )
    user.gone("volumes", data)


def test_an_image_lies_in_another_store_and_volumes_are_cloned_from_there(cloud: Cloud) -> None:
    user = User(NAME, cloud.state / NAME)
    images = user.cloud.image
    mine = images.create_image(
        name="mine",
        data=os.urandom(5_000_000),
        disk_format="raw",
        container_format="bare",
        wait=True,
    )
    admin = User(NAME, cloud.state / NAME, account=f"{NAME}-admin").cloud.image
    admin.import_image(mine, method="copy-image", stores=["images-archive"])

    def stores() -> set[str]:
        return set(images.get(f"/images/{mine.id}").json()["stores"].split(","))

    until(lambda: stores() == {"rbd", "images-archive"}, "the image is in both stores")
    # It is not in the first one any more, and serves as before.
    assert admin.delete(f"/stores/rbd/{mine.id}").status_code == 204
    assert stores() == {"images-archive"}
    volume = user.volume(1, imageRef=mine.id)
    told = json.loads(cloud.ssh(f"rbd --id cinder info --format json volumes/volume-{volume}"))
    assert (told["parent"]["pool"], told["parent"]["image"]) == ("images-archive", mine.id)
    user.gone("volumes", volume)
    images.delete_image(mine)
    until(lambda: mine.id not in cloud.ssh("rbd --id glance ls images-archive"), "it is gone")


def test_a_server_in_ceph_is_resized_and_rebuilt_and_has_a_drive(cloud: Cloud) -> None:
    user = User(NAME, cloud.state / NAME)
    compute = user.cloud.compute
    image = user.cloud.image.find_image("scs-verify").id
    server = user.server("third", "SCS-1L-1-5", image_id=image, config_drive=True)
    address = user.address(server)
    # What it is told at its start, on a disk for it alone.
    drive = f"rbd --id nova --no-progress export vms/{server.id}_disk.config -"
    assert int(cloud.ssh(f'{drive} | grep -ac \'"name": "third"\'')) > 0
    user.said(address, "echo kept > /root/mark; sync")
    size = "cat /sys/block/vda/size"
    assert user.said(address, size) == str(5 * 2**21)
    compute.resize_server(server, compute.find_flavor("SCS-2V-4-20s").id)
    user.settled_server(server, "VERIFY_RESIZE")
    compute.confirm_server_resize(server)
    user.settled_server(server, "ACTIVE")
    assert user.said(address, f"cat /root/mark; {size}").split() == ["kept", str(20 * 2**21)]
    compute.rebuild_server(server, image=image)
    user.settled_server(server, "ACTIVE")
    assert user.said(address, "test -e /root/mark || echo new") == "new"
    user.remove_server(server)
    assert server.id not in cloud.ssh("rbd --id nova ls vms")


def test_a_backup_is_restored_byte_by_byte(cloud: Cloud) -> None:
    user = User(NAME, cloud.state / NAME)
    hello = user.cloud.compute.find_server("hello")
    data = user.volume(1)
    user.written(hello, user.attach(hello, data), 32)
    user.detach(hello, data)
    backup = user.backup(data)
    again = user.restored(backup)
    export = "rbd --id cinder --no-progress export volumes/volume-{} -"
    cloud.ssh(f"bash -c 'cmp <({export.format(data)}) <({export.format(again)})'")
    assert "volume-" in cloud.ssh("rbd --id cinder-backup ls backups")
    user.gone("backups", backup)
    user.gone("volumes", data, again)
