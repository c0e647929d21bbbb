# SPDX-FileCopyrightText: 2026 The scs authors
# SPDX-License-Identifier: AGPL-3.0-or-later
"""Objects in a cloud with Ceph, and what is lost when a disk or a monitor is: nothing."""

from __future__ import annotations

import contextlib
import io
import os
import threading
import time
from typing import Any

import pytest
import urllib3
from minio.commonconfig import ENABLED, Filter
from minio.error import S3Error
from minio.lifecycleconfig import Expiration, LifecycleConfig, Rule
from minio.sse import SseCustomerKey
from minio.versioningconfig import VersioningConfig

from launched import NAME, STORY, Cloud
from objects import Bucketeer

pytestmark = STORY


def test_objects_are_kept_for_who_has_keys(cloud: Cloud) -> None:
    user = Bucketeer(NAME, cloud.state / NAME)
    access, secret = user.keys
    s3 = user.client(access, secret)
    s3.make_bucket("things")
    part = 5 << 20  # the least that S3 takes
    for name, size in (("small", 1 << 10), ("large", 2 * part + 1)):
        data = os.urandom(size)
        s3.put_object("things", name, io.BytesIO(data), -1, part_size=part)
        with contextlib.closing(s3.get_object("things", name)) as answer:
            assert answer.read() == data
    assert str(s3.stat_object("things", "large").etag).endswith("-3")  # it came in three parts
    refusals = {(access, "wrong"): "SignatureDoesNotMatch", ("nobody", "x"): "InvalidAccessKeyId"}
    for keys, code in refusals.items():
        with pytest.raises(S3Error) as refused:
            user.client(*keys).list_buckets()
        assert refused.value.code == code
    # The same by way of Swift, with a token.
    assert "things" in cloud.run("openstack", "container", "list", "-f", "value")
    for item in s3.list_objects("things"):
        s3.remove_object("things", item.object_name)
    s3.remove_bucket("things")


def test_buckets_have_versions_rules_quotas_and_keys_of_their_users(cloud: Cloud) -> None:
    user = Bucketeer(NAME, cloud.state / NAME)
    s3 = user.client(*user.keys)

    def put(name: str, data: bytes, **more: Any) -> str | None:
        return s3.put_object("kept", name, io.BytesIO(data), len(data), **more).version_id

    def got(name: str, **more: Any) -> bytes:
        with contextlib.closing(s3.get_object("kept", name, **more)) as answer:
            return bytes(answer.read())

    s3.make_bucket("kept")
    # What the client encrypts by the server, nobody reads without its key, nor on the disk.
    own = SseCustomerKey(os.urandom(32))
    marker = b"written-by-the-client" * 100
    put("sealed", marker, sse=own)
    assert got("sealed", ssec=own) == marker
    for wrong in ({}, {"ssec": SseCustomerKey(os.urandom(32))}):
        with pytest.raises(S3Error, match="InvalidArgument"):
            got("sealed", **wrong)
    put("open", marker)
    pool = "default.rgw.buckets.data"
    raw = f"rados -p {pool} get $(rados -p {pool} ls | grep _{{}}$) -"
    find = f"{raw} | grep -ac written-by-the-client || true"
    found = {name: cloud.ssh(find.format(name)).strip() for name in ("sealed", "open")}
    assert found == {"sealed": "0", "open": "1"}
    # A day of a rule for objects' lives, in a second.
    rule = Rule(ENABLED, rule_filter=Filter(prefix="old/"), expiration=Expiration(days=1))
    s3.set_bucket_lifecycle("kept", LifecycleConfig([rule]))
    put("old/one", b"1")
    time.sleep(2)
    cloud.ssh("radosgw-admin --rgw_lc_debug_interval=1 lc process")
    left = {item.object_name for item in s3.list_objects("kept", recursive=True)}
    assert left == {"sealed", "open"}
    # Versions.
    s3.set_bucket_versioning("kept", VersioningConfig(ENABLED))
    first, second = put("text", b"first"), put("text", b"second")
    assert first != second
    s3.remove_object("kept", "text")
    with pytest.raises(S3Error, match="NoSuchKey"):
        got("text")
    assert (got("text", version_id=first), got("text", version_id=second)) == (b"first", b"second")
    # A quota is set by way of Swift, and holds for both.
    limit = {"X-Container-Meta-Quota-Bytes": "1000000"}
    assert user.cloud.object_store.post("/kept", headers=limit).status_code == 204
    put("fits", bytes(500_000))
    with pytest.raises(S3Error, match="QuotaExceeded"):
        put("too much", bytes(600_000))
    for item in s3.list_objects("kept", recursive=True, include_version=True):
        s3.remove_object("kept", item.object_name, version_id=item.version_id)
    s3.remove_bucket("kept")


def test_a_lost_disk_is_made_again_and_nothing_that_was_acknowledged_is_lost(cloud: Cloud) -> None:
    user = Bucketeer(NAME, cloud.state / NAME)
    s3 = user.client(*user.keys)
    s3.make_bucket("lost")
    acknowledged: dict[str, bytes] = {}
    over = threading.Event()

    def write() -> None:
        while not over.wait(0.2):
            name, data = str(len(acknowledged)), os.urandom(100_000)
            with contextlib.suppress(S3Error, urllib3.exceptions.HTTPError):
                s3.put_object("lost", name, io.BytesIO(data), len(data))
                acknowledged[name] = data

    writer = threading.Thread(target=write)
    writer.start()
    try:
        cloud.ssh(
            "systemctl kill --signal=KILL scs-ceph-osd@file-1; rm /var/lib/ceph/osd/file-1/block"
        )
        steps = {change["step"] for change in cloud.json("plan", code=2)["changes"]}
        assert "osd:file-1" in steps
        # Nova may not tell of itself meanwhile: its guests' disks are there, too.
        assert steps <= {"osd:file-1", "unit:scs-ceph-osd@file-1.service", "host:node-1"}
        cloud.run("up", "--yes")
    finally:
        over.set()
        writer.join()
    assert acknowledged
    for name, data in acknowledged.items():
        with contextlib.closing(s3.get_object("lost", name)) as answer:
            assert answer.read() == data
        s3.remove_object("lost", name)
    s3.remove_bucket("lost")
    cloud.ssh("timeout 120 sh -c 'until ceph health | grep -q HEALTH_OK; do sleep 1; done'")


def test_a_lost_monitor_is_no_reason_to_begin_anew(cloud: Cloud) -> None:
    data = "/var/lib/ceph/mon/ceph-node-1"
    cloud.ssh(f"systemctl stop scs-ceph-mon; mv {data} /root/monitor")
    try:
        cloud.run("up", "--yes", code=3)
        cloud.ssh(f"test ! -e {data}")
    finally:
        cloud.ssh(f"mv /root/monitor {data}")
    cloud.run("up", "--yes")
