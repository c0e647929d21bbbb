# SPDX-FileCopyrightText: 2026 The scs authors
# SPDX-License-Identifier: AGPL-3.0-or-later
"""What an operator brings along: the component disappears, everybody uses the operator's."""

from __future__ import annotations

import datetime
import subprocess
from dataclasses import replace
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from clouds import ONE, ONE_CEPH, expanded, expander_of
from scs import components
from scs.engine.external import external, given_ca
from scs.engine.pki import Authority
from scs.engine.vault import Vault
from scs.errors import BadInput
from scs.model.external import DatabaseServer, External
from scs.plan.plan import given_up, stranded
from scs.plan.removal import Kept
from scs.resources import Database, File
from scs.spec import CloudSpec

SERVER = DatabaseServer("db.example.org", 3307, "scs", 'pass "word\\', "the database's CA\n")


def spec(**values: object) -> CloudSpec:
    return CloudSpec.model_validate({"external": values})


def test_a_database_of_the_operators_is_used_by_all() -> None:
    expander = expander_of(ONE, external=External(database=SERVER))
    names = {part.name for part in expander.view.components}
    assert names - {part.name for part in expander_of(ONE).view.components} == {"external-database"}
    assert "mariadb" not in names
    (items,) = expanded(expander).values()
    assert not any("mariadb.service" in item.id for item in items)
    made = {item.name for item in items if isinstance(item, Database)}
    before = {
        item.name
        for found in expanded(expander_of(ONE)).values()
        for item in found
        if isinstance(item, Database)
    }
    assert made == before
    files = {item.name: item for item in items if isinstance(item, File)}
    for service in ("keystone/keystone", "nova/nova", "glance/glance-api", "neutron/neutron"):
        text = files[f"/etc/{service}.conf"].content
        assert "@db.example.org:3307/" in text
        assert "ssl_ca=/etc/scs/database-ca.pem" in text
        assert ":3306" not in text
    client = files["/root/.my.cnf"]
    assert (client.mode, client.secret) == (0o600, True)
    assert 'password = "pass \\"word\\\\\\\\"'.replace("\\\\\\\\", "\\\\") in client.content
    assert files["/etc/scs/database-ca.pem"].content == "the database's CA\n"


MARIADB = Kept("node-1", "mariadb", "data:/var/lib/mysql", 123_000_000)
IMAGES = Kept("node-1", "glance", "data:/var/lib/glance/images", 5_000_000_000)


@pytest.mark.parametrize(
    ("brought", "kept", "heir", "words"),
    [
        (SERVER, MARIADB, "external-database", "/var/lib/mysql on node-1 holds 123.0 MB of data"),
        (None, MARIADB, "mariadb", "up --delete-data mariadb"),
        (SERVER, replace(MARIADB, node="node-9"), "", ""),
        (SERVER, replace(MARIADB, size=4096), "", ""),
        (None, IMAGES, "glance", "5.0 GB"),
        (None, replace(IMAGES, id="schema:glance"), "", ""),
        (SERVER, replace(MARIADB, component="heat"), "", ""),
    ],
)
def test_data_that_nobody_would_find_any_more_stop_the_change(
    brought: DatabaseServer | None, kept: Kept, heir: str, words: str
) -> None:
    view = expander_of(ONE, external=External(database=brought)).view
    known = [part for part, _ in components.discover().values()]
    told = stranded(view, known, [kept])
    assert [name for name, _ in told] == ([heir] if heir else [])
    assert words in " ".join(why for _, why in told)


@pytest.mark.parametrize(
    ("brought", "going", "deleted", "heir"),
    [
        (None, {"external-database"}, (), "mariadb"),
        (None, {"external-database"}, ("external-database",), ""),
        (None, {"heat"}, (), ""),
        (SERVER, {"external-database"}, (), ""),
        (None, {"external-ceph"}, (), ""),
    ],
)
def test_nor_are_data_outside_of_the_nodes_given_up(
    brought: DatabaseServer | None, going: set[str], deleted: tuple[str, ...], heir: str
) -> None:
    view = expander_of(ONE, external=External(database=brought)).view
    known = [part for part, _ in components.discover().values()]
    told = given_up(view, known, going, deleted)
    assert [name for name, _ in told] == ([heir] if heir else [])
    assert all("up --delete-data external-database" in why for _, why in told)


def test_images_are_kept_on_nodes_only_without_ceph() -> None:
    for spec_of, there in ((ONE, True), (ONE_CEPH, False)):
        view = expander_of(spec_of).view
        (glance,) = (part for part in view.components if part.name == "glance")
        assert ("/var/lib/glance/images" in glance.data(view)) is there
        assert glance.data() == ("/var/lib/glance/images",)


def test_what_stays_with_the_operator_is_told() -> None:
    view = expander_of(ONE, external=External(database=SERVER)).view
    (told,) = [line for part in view.components if part.outlives for line in part.outlives(view)]
    where, _, names = told.partition(": ")
    assert where == "databases and their accounts on db.example.org"
    assert {"keystone", "nova", "nova_api", "nova_cell0"} <= set(names.split(", "))


def test_time_servers_of_the_operators() -> None:
    brought = External(ntp=("ntp.example.org",))
    (items,) = expanded(expander_of(ONE, container=False, external=brought)).values()
    files = {item.name: item for item in items if isinstance(item, File)}
    assert "server ntp.example.org iburst\n" in files["/etc/chrony/chrony.conf"].content


def test_passwords_come_from_a_private_file_or_the_environment(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    secret = tmp_path / "secret"
    secret.write_text("hidden\n")
    secret.chmod(0o600)
    found = external(spec(database={"host": "db", "password_file": "secret"}), tmp_path).database
    assert found is not None
    assert found.password == "hidden"
    assert "hidden" not in repr(found)
    monkeypatch.setenv("DB_SECRET", "other")
    found = external(spec(database={"host": "db", "password_env": "DB_SECRET"}), tmp_path).database
    assert found is not None
    assert found.password == "other"
    assert external(CloudSpec(), tmp_path) == External()


@pytest.mark.parametrize(
    ("values", "what"),
    [
        ({"host": "db"}, "expected either password_file or password_env"),
        ({"host": "db", "password_file": "a", "password_env": "A"}, "expected either"),
        ({"host": "db", "password_file": "nowhere"}, "can't be read"),
        ({"host": "db", "password_file": "open"}, "can be read by others"),
        ({"host": "db", "password_env": "NOT_SET_AT_ALL"}, "is not set"),
    ],
)
def test_what_is_missing_is_told(tmp_path: Path, values: dict[str, str], what: str) -> None:
    (tmp_path / "open").write_text("x")
    (tmp_path / "open").chmod(0o644)
    with pytest.raises(BadInput, match=what):
        external(spec(database=values), tmp_path)


Pair = tuple[x509.Certificate, ec.EllipticCurvePrivateKey]


def ca(name: str, issuer: Pair | None, *, may: bool) -> Pair:
    """A certificate and its key."""
    key = ec.generate_private_key(ec.SECP384R1())
    subject = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, name)])
    now = datetime.datetime.now(datetime.UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer[0].subject if issuer else subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - datetime.timedelta(days=1))
        .not_valid_after(now + datetime.timedelta(days=1000))
        .add_extension(x509.BasicConstraints(ca=may, path_length=None), critical=True)
        .sign(issuer[1] if issuer else key, hashes.SHA256())
    )
    return made, key


def pem(*certificates: x509.Certificate) -> str:
    encoding = serialization.Encoding.PEM
    return "".join(item.public_bytes(encoding).decode() for item in certificates)


@pytest.fixture
def pki(tmp_path: Path) -> Path:
    root = ca("root", None, may=True)
    middle = ca("middle", root, may=True)
    leaf = ca("leaf", middle, may=False)
    for name, certificates, key in (
        ("good", (middle[0], root[0]), middle[1]),
        ("swapped", (middle[0], root[0]), root[1]),
        ("leaf", (leaf[0], middle[0], root[0]), leaf[1]),
        ("broken", (middle[0],), middle[1]),
    ):
        (tmp_path / f"{name}.pem").write_text(pem(*certificates))
        secret = tmp_path / f"{name}.key"
        secret.write_bytes(
            key.private_bytes(
                serialization.Encoding.PEM,
                serialization.PrivateFormat.PKCS8,
                serialization.NoEncryption(),
            )
        )
        secret.chmod(0o600)
    (tmp_path / "root.pem").write_text(pem(root[0]))
    return tmp_path


def wanted(name: str) -> CloudSpec:
    return spec(ca={"certificate": f"{name}.pem", "key": f"{name}.key"})


@pytest.mark.parametrize(
    ("name", "what"),
    [
        ("swapped", "do not belong together"),
        ("leaf", "may not sign"),
        ("broken", "the chain breaks"),
        ("nowhere", "can't be read"),
    ],
)
def test_a_ca_that_can_not_be_used_is_told(pki: Path, name: str, what: str) -> None:
    with pytest.raises(BadInput, match=what):
        given_ca(wanted(name), pki)


def test_an_intermediate_ca_signs_and_its_root_is_enough_to_check(pki: Path) -> None:
    vault = Vault(pki / "identity", own=True)
    authority = Authority(pki / "pki.age", "test", vault)
    first, _ = authority.issue("node-1/a", ("10.0.0.1",))
    given = given_ca(wanted("good"), pki)
    assert given is not None
    authority.use(given, "test")
    second, _ = authority.issue("node-1/a", ("10.0.0.1",))
    assert first != second
    (pki / "served.pem").write_text(second)
    served = str(pki / "served.pem")
    check = ["openssl", "verify", "-CAfile", str(pki / "root.pem"), "-untrusted", served]
    done = subprocess.run([*check, served], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    authority.save()
    assert given.key not in str(vault.open(pki / "pki.age")[0])

    again = Authority(pki / "pki.age", "test", vault)
    again.use(given_ca(wanted("good"), pki), "test")
    assert again.issue("node-1/a", ("10.0.0.1",))[0] == second
    again.use(None, "test")
    third, _ = again.issue("node-1/a", ("10.0.0.1",))
    assert third != second
    assert "BEGIN CERTIFICATE" in again.certificate
