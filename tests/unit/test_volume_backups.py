# SPDX-FileCopyrightText: 2026 The scs authors
# SPDX-License-Identifier: AGPL-3.0-or-later
"""Backups of volumes: in a pool of the cloud's Ceph, or in an S3 store of the operator's."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from configparser import ConfigParser
from dataclasses import replace
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from clouds import ONE_CEPH, expanded, expander_of
from fake_openstack.tls import Authority, good_tls
from paper.cloud import PaperCloud
from paper.world import World
from scs.engine.external import external
from scs.engine.external_s3 import refused, signed
from scs.engine.fingerprint import nameless
from scs.errors import BadInput
from scs.model.external import External, ObjectStore
from scs.model.needs import BlockStorage
from scs.resources import CephPools, File, Unit
from scs.spec import CloudSpec, parse

STORE = ObjectStore("https://s3.example.org:8443", "volume-backups", "eu-9", "AK", "hidden-key")
BACKUP_UNIT = "/etc/systemd/system/cinder-backup.service"


def files(store: ObjectStore | None) -> dict[str, File]:
    (items,) = expanded(expander_of(ONE_CEPH, external=External(volume_backups=store))).values()
    return {item.name: item for item in items if isinstance(item, File)}


def backup_options(store: ObjectStore | None) -> dict[str, str]:
    parser = ConfigParser(interpolation=None)
    parser.read_string(files(store)["/etc/cinder/cinder-backup.conf"].content)
    return dict(parser["DEFAULT"])


def test_without_a_store_they_lie_in_a_pool_of_their_own() -> None:
    options = backup_options(None)
    assert options["backup_driver"] == "cinder.backup.drivers.ceph.CephBackupDriver"
    assert not any(name.startswith("backup_s3") for name in options)
    found = files(None)
    assert not {"/etc/cinder/s3.conf", "/etc/cinder/s3-ca.pem"} & set(found)
    assert "/etc/ceph/ceph.client.cinder-backup.keyring" in found


def test_a_store_takes_the_place_of_pool_and_account() -> None:
    expander = expander_of(ONE_CEPH, external=External(volume_backups=STORE))
    assert {need.name for need in expander.view.needs(BlockStorage)} >= {"cinder", "glance"}
    assert "cinder-backup" not in {need.name for need in expander.view.needs(BlockStorage)}
    (items,) = expanded(expander).values()
    (pools,) = (item for item in items if isinstance(item, CephPools))
    assert "backups" not in pools.pools
    assert "client.cinder-backup" not in pools.accounts
    assert "/etc/ceph/ceph.client.cinder-backup.keyring" not in files(STORE)


def test_cinder_is_told_of_the_store() -> None:
    options = backup_options(STORE)
    assert options == {
        "backup_driver": "cinder.backup.drivers.s3.S3BackupDriver",
        "backup_s3_endpoint_url": STORE.endpoint,
        "backup_s3_store_bucket": "volume-backups",
        "backup_s3_store_access_key": "AK",
        "backup_s3_store_secret_key": "hidden-key",
        "backup_s3_verify_ssl": "true",
        "backup_s3_ca_cert_file": "/etc/ssl/certs/ca-certificates.crt",
        "backup_s3_md5_validation": "true",
    }
    private = replace(STORE, ca="the store's CA\n")
    assert backup_options(private)["backup_s3_ca_cert_file"] == "/etc/cinder/s3-ca.pem"
    assert files(private)["/etc/cinder/s3-ca.pem"].content == "the store's CA\n"
    # Without these Ceph 18 refuses what newer clients send.
    library = files(STORE)["/etc/cinder/s3.conf"].content
    assert "region = eu-9\n" in library
    assert "request_checksum_calculation = when_required\n" in library


def test_the_backup_service_reads_both_files_and_restarts_with_them() -> None:
    (items,) = expanded(expander_of(ONE_CEPH, external=External(volume_backups=STORE))).values()
    (unit,) = (item for item in items if item.id == "unit:cinder-backup.service")
    assert isinstance(unit, Unit)
    assert {"/etc/cinder/cinder-backup.conf", "/etc/cinder/s3.conf"} <= set(unit.reads)
    text = files(STORE)[BACKUP_UNIT].content
    assert (
        "--config-file /etc/cinder/cinder-volume.conf --config-file /etc/cinder/cinder-backup.conf"
    ) in text
    assert 'Environment="AWS_CONFIG_FILE=/etc/cinder/s3.conf"' in text


def test_the_key_is_in_one_file_that_is_never_shown() -> None:
    holds = {name: item for name, item in files(STORE).items() if "hidden-key" in item.content}
    ((name, item),) = holds.items()
    assert name == "/etc/cinder/cinder-backup.conf"
    assert (item.group, item.mode, item.secret) == ("cinder", 0o640, True)
    assert "hidden-key" not in item.diff({})
    assert "hidden-key" not in repr(External(volume_backups=STORE))
    # What a kept plan is marked with.
    view = nameless(expander_of(ONE_CEPH, external=External(volume_backups=STORE)).view)
    assert view.external.volume_backups is not None
    assert view.external.volume_backups.secret_key == "secret:external.volume_backups"


def written(**more: str) -> CloudSpec:
    values = {"endpoint": STORE.endpoint, "access_key": "AK", "region": "eu-9", **more}
    return CloudSpec.model_validate({"storage": "ceph", "external": {"volume_backups": values}})


def test_the_key_comes_from_a_private_file_or_the_environment(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "key").write_text("hidden-key\n")
    (tmp_path / "key").chmod(0o600)
    (tmp_path / "ca.pem").write_text("the CA\n")
    found = external(written(secret_key_file="key", ca="ca.pem"), tmp_path).volume_backups
    assert found == replace(STORE, ca="the CA\n")
    monkeypatch.setenv("S3_KEY", "hidden-key")
    assert external(written(secret_key_env="S3_KEY"), tmp_path).volume_backups == STORE
    (tmp_path / "key").chmod(0o644)
    with pytest.raises(BadInput, match="can be read by others"):
        external(written(secret_key_file="key"), tmp_path)
    (tmp_path / "key").write_text("\n")
    (tmp_path / "key").chmod(0o600)
    with pytest.raises(BadInput, match="is empty"):
        external(written(secret_key_file="key"), tmp_path)


@pytest.mark.parametrize(
    ("values", "words"),
    [
        ("endpoint: http://s3.example.org", "expected a URL that starts with `https://`"),
        ("endpoint: 'https://a:b@s3.example.org'", "this file is no place for secrets"),
        (f"endpoint: '{STORE.endpoint}', secret_key_env: K", "nothing says whose account it is"),
        (f"endpoint: '{STORE.endpoint}', access_key: a", "either secret_key_file or"),
        ("access_key: a", "is not used without an endpoint"),
        ("endpont: 'https://s3.example.org'", "did you mean `endpoint`?"),
        ("bucket: My_Bucket", "the name of a bucket"),
    ],
)
def test_what_is_wrong_is_one_clear_error(values: str, words: str) -> None:
    with pytest.raises(BadInput) as caught:
        parse(f"storage: ceph\nexternal:\n  volume_backups: {{{values}}}\n")
    (problem,) = caught.value.problems
    assert words in str(problem)


# The account, asked before anything is touched.


def test_requests_are_signed_as_amazon_wants_it() -> None:
    """As botocore 1.44 signs the same request."""
    store = replace(STORE, secret_key="SK")
    noon = datetime(2026, 11, 27, 12, tzinfo=UTC)
    headers = signed(store, "HEAD", "s3.example.org:8443", "/volume-backups", noon)
    assert headers["Authorization"].rpartition("=")[2] == (
        "928688d13a68377527cdb76f4b9d7d3df4ef45b5ef62cd9c9e7d6d609aa2e496"
    )


class Answers(BaseHTTPRequestHandler):
    """A store that knows the account `AK`, and a bucket of somebody else's."""

    def do_GET(self) -> None:
        who = self.headers["Authorization"].partition("Credential=")[2].partition("/")[0]
        status = {"AK": 200, "BUSY": 503}.get(who, 403)
        self._answer(status, "<Error><Code>InvalidAccessKeyId</Code></Error>")

    def do_HEAD(self) -> None:
        self._answer({"/taken": 403, "/new": 404}.get(self.path, 200), "")

    def _answer(self, status: int, text: str) -> None:
        self.send_response(status)
        self.send_header("Content-Length", str(len(text)))
        self.end_headers()
        self.wfile.write(text.encode())

    def log_message(self, *_: object) -> None:
        """Says nothing."""


@pytest.fixture
def store(tmp_path: Path) -> Iterator[ObjectStore]:
    authority = Authority(tmp_path)
    server = ThreadingHTTPServer(("127.0.0.1", 0), Answers)
    server.socket = good_tls(authority.server()).wrap_socket(server.socket, server_side=True)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        endpoint = f"https://127.0.0.1:{server.server_port}"
        yield replace(STORE, endpoint=endpoint, ca=authority.path.read_text())
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({}, ""),
        ({"bucket": "new"}, ""),
        ({"bucket": "taken"}, "bucket taken of https://127.0.0.1:"),
        ({"access_key": "OTHER"}, "answers 403 (InvalidAccessKeyId) to OTHER"),
        ({"ca": ""}, "certificate"),
    ],
)
def test_the_store_is_asked_first(store: ObjectStore, changes: dict[str, str], words: str) -> None:
    told = refused(replace(store, **changes))
    assert words in told
    assert bool(told) is bool(words)


def test_a_store_that_does_not_answer_says_nothing(store: ObjectStore) -> None:
    with pytest.raises(OSError, match="refused"):
        refused(replace(store, endpoint="https://127.0.0.1:1"))
    with pytest.raises(OSError, match="it answers 503"):
        refused(replace(store, access_key="BUSY"))


@pytest.mark.parametrize(
    ("endpoint", "there", "words"),
    [
        ("https://127.0.0.1:1", False, "https://127.0.0.1:1: "),
        ("https://127.0.0.1:1", True, ""),  # away for a while, perhaps
        ("https://10.21.0.4:1", False, ""),  # this cloud's own
    ],
)
def test_a_store_that_is_away_stops_only_a_cloud_that_never_was(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, endpoint: str, there: bool, words: str
) -> None:
    monkeypatch.setenv("SCS_STATE", str(tmp_path / "state"))
    monkeypatch.setenv("SCS_IDENTITIES", str(tmp_path / "identities"))
    monkeypatch.setenv("S3_KEY", "hidden-key")
    world = World(PaperCloud(), tmp_path)
    world.yaml |= written(endpoint=endpoint, secret_key_env="S3_KEY").model_dump(
        exclude_unset=True, by_alias=True
    )
    world.yaml["name"] = "paper"
    session = world.session()
    if there:
        session.paths.state.mkdir(parents=True, exist_ok=True)
        (session.paths.state / "clouds.yaml").touch()
    told = session._store_refused()  # not the whole of preflight, which may install packages
    assert told.startswith(words)
    assert bool(told) is bool(words)
