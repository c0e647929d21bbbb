# SPDX-FileCopyrightText: 2026 The scs authors
# SPDX-License-Identifier: AGPL-3.0-or-later
"""What scs keeps about a cloud: secrets, CA, journal, and the lock."""

from __future__ import annotations

import datetime
import json
from ipaddress import ip_address
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.x509.verification import PolicyBuilder, Store

from scs.engine import pki
from scs.engine.journal import Entry, Journal
from scs.engine.pki import Authority
from scs.engine.secrets import Secrets
from scs.engine.state import lock
from scs.engine.vault import Vault
from scs.errors import Busy, Exit, ScsError
from scs.paths import Paths
from scs.private import write_private


def mode(path: Path) -> int:
    return path.stat().st_mode & 0o777


# --- secrets


def vault_of(path: Path) -> Vault:
    """Makes its identity beside the folder of what it keeps, as /etc/scs is beside /var/lib."""
    return Vault(path.parent.with_name("identities") / "one", own=True)


def secrets_of(path: Path) -> Secrets:
    return Secrets(path, vault_of(path))


def authority_of(path: Path, cloud: str = "cloud") -> Authority:
    return Authority(path, cloud, vault_of(path))


def test_a_secret_stays_the_same_once_saved(tmp_path: Path) -> None:
    path = tmp_path / "state" / "secrets.age"
    secrets = secrets_of(path)
    first = secrets("a"), secrets("b")
    assert first == (secrets("a"), secrets("b"))
    assert first[0] != first[1]
    assert all(len(value) == 32 and value.isalnum() for value in first)
    assert not path.parent.exists(), "a plan must leave no trace"
    secrets.save()
    assert (mode(path), mode(path.parent)) == (0o600, 0o700)
    again = secrets_of(path)
    assert (again("a"), again("b")) == first
    assert [entry.name for entry in path.parent.iterdir()] == ["secrets.age"]


def test_two_clouds_share_no_secret(tmp_path: Path) -> None:
    assert secrets_of(tmp_path / "a")("x") != secrets_of(tmp_path / "b")("x")


def test_what_was_not_saved_is_drawn_anew_and_nothing_is_lost(tmp_path: Path) -> None:
    path = tmp_path / "secrets.age"
    one = secrets_of(path)
    kept = one("kept")
    one.save()
    dropped = one("dropped")
    two = secrets_of(path)
    assert two("kept") == kept
    assert two("dropped") != dropped


def test_saving_without_a_change_does_not_touch_the_file(tmp_path: Path) -> None:
    path = tmp_path / "secrets.age"
    secrets = secrets_of(path)
    secrets("a")
    secrets.save()
    before = path.stat().st_ino
    secrets("a")
    secrets.save()
    assert path.stat().st_ino == before


def test_secrets_are_blotted_out(tmp_path: Path) -> None:
    secrets = secrets_of(tmp_path / "secrets.age")
    text = f"mysql://nova:{secrets('database/nova')}@host, again {secrets('database/nova')}"
    assert secrets.mask(text) == "mysql://nova:••••••@host, again ••••••"
    secrets.save()
    stored = secrets_of(tmp_path / "secrets.age")
    assert stored.mask(text) == "mysql://nova:••••••@host, again ••••••"


@pytest.mark.parametrize("content", [b"", b"{", b'{"a": "\xff'])
@pytest.mark.parametrize("name", ["file.json", "file.age"])
def test_damaged_files_are_an_error_and_stay(tmp_path: Path, name: str, content: bytes) -> None:
    """Those in clear text of before, too."""
    vault_of(tmp_path / name).close(tmp_path / "other.age", {})
    path = tmp_path / name
    path.write_bytes(content)
    for read in (secrets_of, authority_of):
        with pytest.raises(ScsError, match=r"(is damaged|cannot be opened)(?s:.)*from a\s+backup"):
            read(path.with_suffix(".age"))
    assert path.read_bytes() == content


def test_a_write_that_is_interrupted_leaves_the_old_file_whole(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "secrets.age"
    write_private(path, "old")

    def killed(*_: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(Path, "replace", killed)
        with pytest.raises(KeyboardInterrupt):
            write_private(path, "new")
    assert path.read_text() == "old"
    write_private(path, "new")
    assert path.read_text() == "new"


# --- the CA

ADDRESSES = ("10.0.0.1", "node-1", "fd00::1")


def verified(authority: Authority, crt: str, host: str) -> x509.Certificate:
    """The certificate, proven for this host against the CA as TLS clients do."""
    name = _subject(host)
    store = Store([x509.load_pem_x509_certificate(authority.certificate.encode())])
    certificate = x509.load_pem_x509_certificate(crt.encode())
    PolicyBuilder().store(store).build_server_verifier(name).verify(certificate, [])
    return certificate


def _subject(host: str) -> x509.DNSName | x509.IPAddress:
    try:
        return x509.IPAddress(ip_address(host))
    except ValueError:
        return x509.DNSName(host)


@pytest.mark.parametrize("host", ADDRESSES)
def test_certificates_hold_for_their_addresses(tmp_path: Path, host: str) -> None:
    authority = authority_of(tmp_path / "pki.age")
    crt, key = authority.issue("node-1/haproxy", ADDRESSES)
    certificate = verified(authority, crt, host)
    assert key.startswith("-----BEGIN PRIVATE KEY-----")
    life = certificate.not_valid_after_utc - certificate.not_valid_before_utc
    assert life <= datetime.timedelta(days=398)


def test_certificates_hold_for_nothing_else(tmp_path: Path) -> None:
    authority = authority_of(tmp_path / "pki.age")
    crt, _ = authority.issue("node-1/haproxy", ADDRESSES)
    with pytest.raises(x509.verification.VerificationError):
        verified(authority, crt, "10.0.0.2")
    other = authority_of(tmp_path / "other.age")
    with pytest.raises(x509.verification.VerificationError):
        verified(other, crt, "10.0.0.1")


def test_certificates_stay_until_something_changes(tmp_path: Path) -> None:
    path = tmp_path / "state" / "pki.age"
    authority = authority_of(path)
    first = authority.issue("a", ADDRESSES)
    assert authority.issue("a", tuple(reversed(ADDRESSES))) == first
    assert authority.issue("b", ADDRESSES) != first
    assert not path.parent.exists(), "a plan must leave no trace"
    authority.save()
    assert mode(path) == 0o600
    again = authority_of(path)
    assert again.certificate == authority.certificate
    assert again.issue("a", ADDRESSES) == first


def test_another_address_needs_another_certificate(tmp_path: Path) -> None:
    path = tmp_path / "pki.age"
    authority = authority_of(path)
    first = authority.issue("a", ADDRESSES)
    second = authority.issue("a", (*ADDRESSES, "10.0.0.9"))
    assert second != first
    verified(authority, second[0], "10.0.0.9")
    authority.save()
    assert authority_of(path).issue("a", (*ADDRESSES, "10.0.0.9")) == second


@pytest.mark.parametrize(("days", "renewed"), [(pki.RENEW_DAYS + 1, False), (1, True), (0, True)])
def test_certificates_are_renewed_before_they_end(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, days: int, renewed: bool
) -> None:
    authority = authority_of(tmp_path / "pki.age")
    with monkeypatch.context() as patch:
        patch.setattr(pki, "DAYS", days)
        first = authority.issue("a", ADDRESSES)
    assert (authority.issue("a", ADDRESSES) != first) == renewed


# --- the journal


def entry(step: str, *, ok: bool = True, seconds: float = 1.0) -> Entry:
    return Entry(
        run="run",
        command="up",
        step=step,
        where="node-1",
        reason="is missing",
        started=0.0,
        seconds=seconds,
        ok=ok,
        by="me",
    )


def test_the_journal_remembers_and_estimates(tmp_path: Path) -> None:
    journal = Journal(tmp_path / "state" / "journal.jsonl")
    assert journal.entries() == []
    journal.add([entry("a", seconds=5), entry("b")])
    journal.add([entry("a", seconds=3), entry("b", ok=False, seconds=99)])
    assert [item.step for item in journal.entries()] == ["a", "b", "a", "b"]
    assert journal.expected() == {"a": 3, "b": 1}
    assert mode(tmp_path / "state" / "journal.jsonl") == 0o600


@pytest.mark.parametrize("cut", [1, 20, 60])
def test_a_line_that_was_cut_off_costs_that_line_only(tmp_path: Path, cut: int) -> None:
    path = tmp_path / "journal.jsonl"
    journal = Journal(path)
    journal.add([entry("a"), entry("cut")])
    path.write_bytes(path.read_bytes()[: -1 - cut])
    assert [item.step for item in journal.entries()] == ["a"]
    journal.add([entry("b"), entry("c")])
    assert [item.step for item in journal.entries()] == ["a", "b", "c"]


def test_a_line_of_another_version_is_passed_over(tmp_path: Path) -> None:
    path = tmp_path / "journal.jsonl"
    path.write_text(json.dumps({"step": "of another version"}) + "\n3\n")
    Journal(path).add([entry("a")])
    assert [item.step for item in Journal(path).entries()] == ["a"]


# --- the lock


def test_one_run_at_a_time(tmp_path: Path) -> None:
    paths = Paths(state=tmp_path / "scs", cache=tmp_path / "cache")
    with lock(paths, "up"):
        assert mode(paths.state) == 0o700
        with pytest.raises(Busy) as caught, lock(paths, "down"):
            pytest.fail("two runs at once")
        assert caught.value.exit_code == Exit.BUSY
        (problem,) = caught.value.problems
        assert problem.where == "cloud scs"
        assert problem.what.startswith("`scs up` (process ")
        other = Paths(state=tmp_path / "other", cache=tmp_path / "cache")
        with lock(other, "up"):
            pass
    with lock(paths, "down"):
        assert "`scs down`" in (paths.state / "lock").read_text()


def test_a_run_that_ended_with_an_error_lets_go(tmp_path: Path) -> None:
    paths = Paths(state=tmp_path / "scs", cache=tmp_path / "cache")
    with pytest.raises(ScsError), lock(paths, "up"):
        raise ScsError
    with lock(paths, "up"):
        pass


# --- certificates that are due


def test_what_ends_is_told_as_nodes_have_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A look that issues anew does not hide what is due; a renewal can be held back."""
    path = tmp_path / "state" / "pki.age"
    first = authority_of(path)
    with monkeypatch.context() as patch:
        patch.setattr(pki, "DAYS", 30)
        old = first.issue("node-1/a", ADDRESSES)
    first.save()
    again = authority_of(path)
    again.renews = False
    assert again.issue("node-1/a", ADDRESSES) == old
    again.renews = True
    assert again.issue("node-1/a", ADDRESSES) != old
    ends = {name: end - again._now for name, (_, end) in again.lives.items()}
    assert list(ends) == ["ca", "node-1/a"]
    assert ends["node-1/a"] < datetime.timedelta(days=31)
    assert ends["ca"] > datetime.timedelta(days=3000)
    again.renew("node-1/a")
    again.save()
    assert authority_of(path).issue("node-1/a", ADDRESSES) != old
