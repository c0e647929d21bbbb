# SPDX-FileCopyrightText: 2026 The scs authors
# SPDX-License-Identifier: AGPL-3.0-or-later
"""Secrets at rest, and how they are rotated."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import pyrage
import pytest

from clouds import expanded, expander_of
from paper.world import World
from scs.engine.journal import Result
from scs.engine.pki import Authority
from scs.engine.recording import Recording
from scs.engine.rotation import Known, accounts, chosen, key_folders, listed, rotate
from scs.engine.secrets import KEY_SECONDS, Secret, Secrets, Step
from scs.engine.timer import Job, Timer
from scs.engine.vault import Vault
from scs.errors import BadInput, ScsError, StepFailed
from scs.model.objects import Person
from scs.model.view import Credential, fernet_key
from scs.paths import Paths
from scs.resources import probe


class Place:
    """A state folder with its identity beside it."""

    def __init__(self, folder: Path) -> None:
        self.identity = folder / "identities" / "cloud"
        self.secrets_path = folder / "state" / "secrets.age"
        self.pki_path = folder / "state" / "pki.age"

    def vault(self, *recipients: str, identity: Path | None = None) -> Vault:
        return Vault(identity or self.identity, identity is None, recipients)

    def secrets(self, *recipients: str, identity: Path | None = None) -> Secrets:
        return Secrets(self.secrets_path, self.vault(*recipients, identity=identity))

    def authority(self) -> Authority:
        return Authority(self.pki_path, "cloud", self.vault())


@pytest.fixture
def place(tmp_path: Path) -> Place:
    return Place(tmp_path)


# --- at rest


def test_nothing_lies_in_clear_text(place: Place) -> None:
    secrets, authority = place.secrets(), place.authority()
    value = secrets("database/nova")
    key = authority.issue("a", ("a",))[1]
    secrets.save()
    authority.save()
    for path in place.secrets_path.parent.iterdir():
        text = path.read_text()
        assert text.startswith("-----BEGIN AGE ENCRYPTED FILE-----")
        assert value not in text
        assert key not in text
    assert place.identity.stat().st_mode & 0o777 == 0o600
    assert place.secrets()("database/nova") == value


def test_other_tools_of_age_open_it(place: Place) -> None:
    secrets = place.secrets()
    value = secrets("a")
    secrets.save()
    key = place.identity.read_text().splitlines()[-1]
    identity = pyrage.x25519.Identity.from_str(key)
    text = pyrage.decrypt(place.secrets_path.read_bytes(), [identity])
    assert json.loads(text)["kept"]["secrets"]["a"]["value"] == value


def test_what_lay_in_clear_text_is_taken_over_and_removed(place: Place) -> None:
    old = place.secrets_path.with_suffix(".json")
    old.parent.mkdir()
    old.write_text('{"a": "old value"}')
    secrets = place.secrets()
    assert secrets("a") == "old value"
    assert old.exists(), "looking changes nothing"
    secrets.save()
    assert not old.exists()
    assert place.secrets()("a") == "old value"


def test_a_killed_change_to_encrypted_files_is_completed(place: Place) -> None:
    secrets = place.secrets()
    secrets("a")
    secrets.save()
    old = place.secrets_path.with_suffix(".json")
    old.write_text('{"a": "old value"}')
    again = place.secrets()
    assert again("a") == secrets("a")
    again.save()
    assert not old.exists()


def test_without_the_identity_the_state_is_worthless(place: Place) -> None:
    secrets = place.secrets()
    secrets("a")
    secrets.save()
    place.identity.unlink()
    with pytest.raises(ScsError, match=r"identity .* is not there(?s:.)*SCS_IDENTITY=FILE"):
        place.secrets()
    other = place.identity.with_name("other")
    other.write_text(str(pyrage.x25519.Identity.generate()))
    with pytest.raises(ScsError, match=r"cannot be opened(?s:.)*SCS_IDENTITY"):
        place.secrets(identity=other)


def test_other_operators_open_it_with_their_own_key(place: Place, tmp_path: Path) -> None:
    """And it is encrypted for them by the next run after they were named."""
    identity = pyrage.x25519.Identity.generate()
    secrets = place.secrets()
    value = secrets("a")
    secrets.save()
    theirs = tmp_path / "theirs"
    theirs.write_text(f"# their key\n{identity}\n")
    with pytest.raises(ScsError):
        place.secrets(identity=theirs)
    place.secrets(str(identity.to_public())).save()
    assert place.secrets(str(identity.to_public()), identity=theirs)("a") == value
    place.secrets().save()
    with pytest.raises(ScsError):
        place.secrets(identity=theirs)


def test_an_identity_with_a_passphrase(
    place: Place, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    text = str(pyrage.x25519.Identity.generate()).encode()
    locked = tmp_path / "locked"
    locked.write_bytes(pyrage.passphrase.encrypt(text, "open it"))
    with pytest.raises(ScsError, match="it has a passphrase: SCS_PASSPHRASE_FILE"):
        place.vault(identity=locked).close(place.secrets_path, {})
    (tmp_path / "passphrase").write_text("open it\n")
    monkeypatch.setenv("SCS_PASSPHRASE_FILE", str(tmp_path / "passphrase"))
    secrets = place.secrets(identity=locked)
    secrets("a")
    secrets.save()
    assert place.secrets(identity=locked)("a") == secrets("a")


def test_an_operators_identity_is_never_made_or_removed(place: Place, tmp_path: Path) -> None:
    vault = place.vault(identity=tmp_path / "own")
    with pytest.raises(ScsError, match=r"age-keygen -o"):
        vault.close(place.secrets_path, {})
    (tmp_path / "own").write_text(str(pyrage.x25519.Identity.generate()))
    vault.close(place.secrets_path, {})
    vault.forget()
    assert (tmp_path / "own").exists()


def test_what_was_made_here_goes_with_the_cloud(place: Place) -> None:
    vault = place.vault()
    vault.close(place.secrets_path, {})
    vault.forget()
    assert not place.identity.parent.exists()


def test_each_state_folder_has_its_own_identity(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("SCS_IDENTITIES", raising=False)
    one = Paths(Path("/var/lib/scs/a"), Path("/c")).identity
    assert one == Path("/etc/scs/identities/var-lib-scs-a")
    assert one != Paths(Path("/srv/scs/a"), Path("/c")).identity


@pytest.mark.parametrize("key", ["age1nonsense", "ssh-ed25519 nonsense"])
def test_a_recipient_that_is_none_is_told(place: Place, key: str) -> None:
    secrets = place.secrets(key)
    secrets("a")
    with pytest.raises(BadInput, match=r"secrets\.recipients"):
        secrets.save()


# --- accounts that take turns


def test_the_turns_of_an_account() -> None:
    """At each step what is used is valid, and so it was a step before."""
    item = Secret("old", made=1.0)
    seen = []
    for _ in range(8):
        item = item.advanced(2.0)
        seen.append((item.step, item.credentials("nova")))
    used = [credentials[0].user for _, credentials in seen]
    assert used == ["nova", "nova-b", "nova-b", "nova-b", "nova-b", "nova", "nova", "nova"]
    assert [step for step, _ in seen[:4]] == [Step.BOTH, Step.MOVED, Step.GONE, Step.SETTLED]
    before: tuple[Credential, ...] = (Credential("nova", "old"),)
    for _, now in seen:
        valid_before = {(item.user, item.password) for item in before if item.valid}
        assert (now[0].user, now[0].password) in valid_before, "used before it is there"
        assert before[0] in now or len(now) == 1, "removed while it is used"
        before = now
    assert "password" not in str(seen)


def test_a_rotation_is_kept_between_runs(place: Place) -> None:
    secrets = place.secrets()
    old = secrets("database/nova")
    secrets.advance("database/nova")
    secrets.advance("database/nova")
    secrets.save()
    again = place.secrets()
    assert again.under_way == ["database/nova"]
    new, before = again.credentials("database/nova")
    assert (new.user, before.user, before.password) == ("nova-b", "nova", old)
    assert old not in again.mask(f"{old} {new.password}")
    assert new.password not in again.mask(new.password)


def test_everyone_takes_over_the_account(place: Place) -> None:
    """Each account that is given: made, used by all that had the old one, and removed."""
    paper = expander_of()
    secrets = place.secrets()

    def all_text() -> tuple[str, str]:
        """What readers have, and what givers make."""
        view = replace(paper.view, secret=secrets, accounts=secrets.credentials)
        expander = type(paper)(view, paper.folders, paper.shared)
        items = expanded(expander)["node-1"]
        files = json.dumps([item.payload() for item in items if item.kind in ("file", "gate")])
        made = json.dumps([item.payload() for item in items if item.kind in ("database", "queue")])
        people = [item for item in expander.objects() if isinstance(item, Person)]
        made += str([(item.name, item.password, item.absent) for item in people])
        return files, made

    names = accounts(paper.view)
    assert {name.partition("/")[0] for name in names} == {"database", "queue", "user"}
    all_text()
    old = {name: secrets(name) for name in names}
    for name in names:
        secrets.advance(name)
    new = {name: secrets.credentials(name)[1].password for name in names}
    files, made = all_text()
    assert all(old[name] in made and new[name] in made for name in names)
    assert all(old[name] in files and new[name] not in files for name in names)
    for name in names:
        secrets.advance(name)
    files, made = all_text()
    assert all(old[name] in made and new[name] in made for name in names)
    assert all(old[name] not in files and new[name] in files for name in names)
    for name in names:
        secrets.advance(name)
    files, made = all_text()
    assert all(new[name] in files for name in names)
    assert made.count("True") == sum(name.startswith("user/") for name in names)


# --- keys


def test_a_key_is_there_before_it_is_used_and_long_after(
    place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    now = [1000.0]
    monkeypatch.setattr("time.time", lambda: now[0])
    secrets = place.secrets()
    first = secrets.keys("keystone/fernet-keys")
    assert sorted(first) == [0, 1]
    assert first[1] == fernet_key(secrets("keystone/fernet-keys/1"))
    before: Mapping[int, str] = first
    for turn in range(5):
        secrets.turn_keys("keystone/fernet-keys")
        keys = secrets.keys("keystone/fernet-keys")
        assert keys[max(keys)] == before[0], "the used one must have been everywhere"
        assert keys[0] not in before.values()
        assert before[max(before)] in keys.values(), "tokens of a moment ago"
        assert len(keys) == 3 + turn, "none of them is old enough to go"
        before = keys
        now[0] += 60
    now[0] += KEY_SECONDS
    secrets.turn_keys("keystone/fernet-keys")
    assert len(secrets.keys("keystone/fernet-keys")) == 3
    secrets.save()
    again = place.secrets()
    assert again.keys("keystone/fernet-keys") == secrets.keys("keystone/fernet-keys")
    assert first[1] not in secrets.keys("keystone/fernet-keys").values()


def test_rotating_keys_restarts_nothing() -> None:
    items = expanded(expander_of())["node-1"]
    folders = [item for item in items if item.kind == "keys"]
    assert [item.name for item in folders] == ["/etc/keystone/fernet-keys"]
    reads = [path for item in items if item.kind == "unit" for path in getattr(item, "reads", ())]
    assert not [path for path in reads if "fernet-keys" in path]
    assert key_folders(expander_of().view) == ["keystone/fernet-keys"]


# --- what is meant by a name


def known(name: str, kind: str) -> Known:
    return Known(name, kind, 0.0, 0.0, (), "")


ALL = (
    known("database/nova", "account"),
    known("database/glance", "account"),
    known("user/admin", "fixed"),
    known("keystone/fernet-keys", "keys"),
)


@pytest.mark.parametrize(
    ("names", "everything", "expected"),
    [
        (["database/nova"], False, ["database/nova"]),
        (["database"], False, ["database/nova", "database/glance"]),
        (
            ["keystone/fernet-keys", "database/nova"],
            False,
            ["keystone/fernet-keys", "database/nova"],
        ),
        ([], True, ["database/nova", "database/glance", "keystone/fernet-keys"]),
        ([], False, []),
    ],
)
def test_names_may_mean_several(names: list[str], everything: bool, expected: list[str]) -> None:
    assert [item.name for item in chosen(ALL, names, everything=everything)] == expected


def test_what_cannot_be_rotated_is_refused() -> None:
    with pytest.raises(BadInput, match=r"user/admin cannot be rotated(?s:.)*no secret nothing"):
        chosen(ALL, ["user/admin", "nothing", "database/nova"], everything=False)


# --- timers


def test_a_timer_runs_this_clouds_command(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SCS_STATE", "/srv/a b")
    monkeypatch.delenv("SCS_CACHE", raising=False)
    monkeypatch.delenv("SCS_IDENTITIES", raising=False)
    timer = Timer("renew", "renew", ("secrets", "rotate", "--due"), "daily", "0 3 * * *", (0, 2))
    job = Job.of(timer, "one", "/opt/scs/scs", Path("/root/100%/cloud.yaml"))
    service = job.service()
    assert 'Environment="SCS_STATE=/srv/a b"\n' in service
    assert (
        'ExecStart="/opt/scs/scs" "--file" "/root/100%%/cloud.yaml" "secrets" "rotate" "--due"'
    ) in service
    assert "SuccessExitStatus=0 2" in service
    assert "OnCalendar=daily" in job.schedule()
    assert job.crontab() == (
        r"0 3 * * * SCS_STATE='/srv/a b' /opt/scs/scs --file /root/100\%/cloud.yaml"
        " secrets rotate --due"
    )
    assert job.unit == "scs-one-renew"


def test_what_goes_on_all_the_time_is_a_service(tmp_path: Path) -> None:
    job = Job.of(Timer("watch", "watch", ("watch",), "", ""), "one", "/opt/scs", tmp_path / "c")
    assert [path.name for path, _ in job.files] == ["scs-one-watch.service"]
    assert job.started == "scs-one-watch.service"
    service = job.service()
    assert "Type=exec\nRestart=always\n" in service
    assert service.endswith("[Install]\nWantedBy=multi-user.target\n")
    assert job.crontab().endswith(f"/opt/scs --file {tmp_path}/c watch")


# --- a whole rotation, on paper


def turn(world: World, *names: str) -> list[str]:
    """What `scs secrets rotate NAMES` does, without its words; what it says meanwhile."""
    said: list[str] = []
    with world.session("secrets rotate") as session, Recording(session, 0.0) as recording:
        rotate(session, recording, chosen(listed(session), names, everything=False), said.append)
    return said


def test_a_rotation_changes_all_and_leaves_nothing(world: World) -> None:
    old = world.secrets()
    path = "file:/etc/scs/tls/haproxy.key"
    key = world.node[path]["content"]
    said = turn(world, "database/nova", "user/nova", "queue/nova", "keystone", "certificates")
    assert [text.partition(":")[0] for text in said] == list(Step)[1:]
    new = world.session()
    for name in ("database/nova", "user/nova", "queue/nova"):
        assert new.secrets.credentials(name)[0].user == "nova-b"
        assert new.secrets(name) not in old
    assert world.node["database:nova"]["accounts"] == {"nova-b": new.secrets("database/nova")}
    assert set(world.node["queue:accounts"]) == {"nova-b", "neutron"}
    assert "user:nova-b" in world.cloud.api
    assert not world.cloud.api.get("user:nova")
    assert sorted(world.node["keys:/etc/keystone/fernet-keys"]) == ["0", "1", "2"]
    assert world.node[path]["content"] != key
    assert not new.secrets.under_way
    assert not world.plan().plan
    assert world.session().journal.runs()[0].result == Result.DONE


def test_a_rotation_that_was_ended_is_gone_on_with(world: World) -> None:
    world.cloud.broken = {"unit:nova-api.service"}
    with pytest.raises(StepFailed):
        turn(world, "database/nova")
    probe.hurry.clear()
    world.cloud.broken = set()
    assert world.session().secrets.under_way == ["database/nova"]
    both = world.node["database:nova"]["accounts"]
    assert set(both) == {"nova", "nova-b"}, "whoever has the old one yet must get in"
    said = turn(world)
    assert [text.partition(":")[0] for text in said][-1] == Step.GONE
    assert set(world.node["database:nova"]["accounts"]) == {"nova-b"}
    assert not world.session().secrets.under_way


def test_a_rotation_is_no_occasion_for_other_changes(world: World) -> None:
    world.yaml["config"] = {"nova": {"DEFAULT": {"cpu_allocation_ratio": 8.0}}}
    before = world.cloud.snapshot()
    with pytest.raises(BadInput, match=r"differs from cloud\.yaml(?s:.)*scs up, then rotate"):
        turn(world, "database/nova")
    assert world.cloud.snapshot() == before
    assert not world.session().secrets.under_way


def test_certificates_of_what_is_gone_are_forgotten(world: World) -> None:
    session = world.session()
    session.authority.issue("compute-9/libvirt", ("compute-9",))
    session.authority.save()
    before = set(world.session().authority.ends())
    assert "compute-9/libvirt" in before
    world.yaml["config"] = {"nova": {"DEFAULT": {"cpu_allocation_ratio": 9.0}}}
    world.up()
    assert set(world.session().authority.ends()) == before - {"compute-9/libvirt"}
