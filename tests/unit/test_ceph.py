# SPDX-FileCopyrightText: 2026 The scs authors
# SPDX-License-Identifier: AGPL-3.0-or-later
"""Ceph: its keys, its rights, what is refused, what is made again; on paper."""

from __future__ import annotations

import base64
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from clouds import ONE_CEPH, THREE_CEPH, expander_of
from paper.cloud import PaperCloud
from paper.world import World
from scs import components
from scs.engine import external_ceph, session
from scs.errors import BadInput, Problem
from scs.model.component import CONTROL, Component
from scs.model.external import CephCluster, External
from scs.model.needs import BlockStorage
from scs.model.storage import Disk, Storage, cephx_key, slot_of
from scs.model.topology import Role
from scs.plan.expand import Expander
from scs.plan.plan import leaving_step, objections
from scs.plan.removal import emptied, record, removals
from scs.resources import CephPools, File, Gate, Monitor, Osd, Unit, ceph_osd, ceph_pools
from scs.resources.base import ConvergeError
from scs.spec import CloudSpec

BLOCK = BlockStorage("vols", owner="root", pools=("volumes",), reads=("images",))


def with_block(spec: CloudSpec) -> Expander:
    """An expander of that cloud with a component that wants block storage."""
    part = Component(name="user", summary="", roles=CONTROL, wants_in=lambda _: (BLOCK,))
    known = {**components.discover(), "user": (part, Path())}
    return expander_of(spec, known)


def one(items: Any, kind: type) -> Any:
    (found,) = (item for item in items if isinstance(item, kind))
    return found


# --- what is made


def test_a_key_has_the_form_that_ceph_knows() -> None:
    raw = base64.b64decode(cephx_key("secret"))
    assert raw[:2] == b"\1\0"  # AES
    assert int.from_bytes(raw[10:12], "little") == 16 == len(raw) - 12
    assert cephx_key("secret") != cephx_key("other")
    assert external_ceph.key_of(f"[client.x]\n\tkey = {cephx_key('s')}\n", "client.x")


def test_an_account_may_do_with_its_pools_what_it_must_and_no_more() -> None:
    expander = with_block(ONE_CEPH)
    (node,) = expander.view.nodes
    items = expander.node(node)
    pools = one(items, CephPools)
    assert pools.accounts["client.vols"] == {
        "mgr": "profile rbd pool=volumes",
        "mon": "profile rbd",
        "osd": "profile rbd pool=volumes, profile rbd-read-only pool=images",
    }
    assert {"volumes", "images", ".rgw.root"} <= set(pools.pools)
    assert pools.domain == "osd"
    assert pools.replicas == 3
    ring = next(item for item in items if item.name == "/etc/ceph/ceph.client.vols.keyring")
    assert isinstance(ring, File)
    assert (ring.mode, ring.secret) == (0o400, True)
    assert pools.keys["client.vols"] in ring.content
    assert any(isinstance(item, Gate) and "vols may use" in item.name for item in items)


def test_no_key_is_in_a_file_that_others_may_read_or_that_a_diff_shows() -> None:
    expander = with_block(THREE_CEPH)
    for node in expander.view.nodes:
        items = expander.node(node)
        keys = [key for item in items if isinstance(item, CephPools) for key in item.keys.values()]
        keys += [item.key for item in items if isinstance(item, Osd)]
        for item in items:
            if isinstance(item, File) and any(key in item.content for key in keys):
                assert item.secret
                assert not item.mode & 0o077


def test_disks_follow_the_nodes() -> None:
    expander = expander_of(THREE_CEPH)
    found = {
        node.name: [item for item in expander.node(node) if isinstance(item, Osd)]
        for node in expander.view.nodes
    }
    assert [item.name for item in found["store-1"]] == ["file-0", "file-1"]
    devices = {item.name: item.device for item in found["store-2"]}
    assert devices == {"vdb": "/dev/vdb", "disk-by-id-x-y": "/dev/disk/by-id/x.y"}
    assert not found["control-1"]
    uuids = [item.uuid for items in found.values() for item in items]
    assert len(set(uuids)) == len(uuids)
    pools = one(expander.node(expander.view.control), CephPools)
    assert (pools.domain, pools.replicas) == ("host", 2)


def test_each_disk_has_a_daemon_that_starts_anew_with_it_alone() -> None:
    expander = expander_of(ONE_CEPH)
    items = expander.node(expander.view.control)
    for disk in (item for item in items if isinstance(item, Osd)):
        readers = [
            item.name for item in items if isinstance(item, Unit) and disk.paths[0] in item.reads
        ]
        assert readers == [f"scs-ceph-osd@{disk.name}.service"]
        (unit,) = (item for item in items if item.name == readers[0])
        assert isinstance(unit, Unit)
        assert unit.ready is not None
        assert unit.ready["path"] == f"/run/ceph/osd-{disk.name}.asok"


@pytest.mark.parametrize(
    ("memory", "roles", "disks", "expected"),
    [
        (0, set(Role), 3, 896),
        (8192, set(Role), 3, 896),
        (65536, set(Role), 3, 3072),
        (65536, {Role.STORAGE}, 8, 4096),
        (16384, {Role.STORAGE}, 8, 1024),
        (10**6, {Role.STORAGE}, 1, 4096),
    ],
)
def test_memory_of_disks(memory: int, roles: set[Role], disks: int, expected: int) -> None:
    node = replace(expander_of(ONE_CEPH).view.control, roles=frozenset(roles))
    storage = Storage(kind="ceph", files=disks, size=10)
    assert storage.osd_memory(memory, node) == expected


def test_disks_are_told_their_memory_without_a_restart() -> None:
    expander = expander_of(THREE_CEPH, memory=65536)
    settings = one(expander.node(expander.view.control), CephPools).settings
    assert settings["osd"] == {"osd_memory_target": str(4096 * 2**20)}
    assert set(settings) == {"global", "osd"}
    for node in expander.view.nodes:
        (file,) = (item for item in expander.node(node) if item.name == "/etc/ceph/ceph.conf")
        assert isinstance(file, File)
        assert f"\npublic_addr = {node.address}\n" in file.content
        assert "memory_target = 4" not in file.content
        assert "pool_default" not in file.content


def test_slots() -> None:
    assert slot_of("/dev/disk/by-id/nvme-eui.01") == "disk-by-id-nvme-eui-01"
    assert Storage(files=1, size=5).disks("n") == (Disk("file-0", size=5),)
    assert Storage(files=1, devices={"n": ("/dev/a",)}).disks("n") == (Disk("a", "/dev/a"),)


def test_without_ceph_nothing_of_it_is_there() -> None:
    view = expander_of().view
    assert not [part.name for part in view.components if "ceph" in part.name]
    assert not view.given(BlockStorage)


# --- what is compared

OSD = Osd(name="file-0", uuid="u", key="k", fsid="f", size=10)
DEVICE = Osd(name="vdb", uuid="u", key="k", fsid="f", device="/dev/vdb")
WELL = {"number": "0", "made": True, "foreign": "", "block": True}


@pytest.mark.parametrize(
    ("osd", "seen", "reason"),
    [
        (OSD, WELL, None),
        (OSD, {}, "is missing"),
        (OSD, {**WELL, "made": False, "block": False}, "is missing"),
        (OSD, {**WELL, "block": False}, "has lost its data"),
        (OSD, {**WELL, "foreign": "g"}, "belongs to another cluster, g"),
        (DEVICE, {**WELL, "device": True, "holds": ""}, None),
        (DEVICE, {**WELL, "device": False}, "is lost: there is no /dev/vdb"),
        (
            DEVICE,
            {**WELL, "made": False, "device": True, "holds": "ext4"},
            "holds ext4: /dev/vdb must be empty",
        ),
    ],
)
def test_a_disk(osd: Osd, seen: dict[str, Any], reason: str | None) -> None:
    assert osd.compare(seen) == reason


def test_what_a_killed_run_has_begun_is_gone_on_with(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    device = tmp_path / "device"
    device.touch()
    monkeypatch.setattr(ceph_osd, "TOP", tmp_path)
    monkeypatch.setattr(ceph_osd, "holds", lambda _device: "ceph_bluestore")
    osd = replace(DEVICE, device=str(device))
    found = Osd.observe([osd])[osd.id]
    assert osd.compare(found) == f"holds ceph_bluestore: {device} must be empty"
    osd.draft.mkdir()
    (osd.draft / "block").symlink_to(device)
    assert osd.compare(Osd.observe([osd])[osd.id]) == "is missing"


POOLS = CephPools(
    name="pools",
    accounts={"client.x": {"mon": "profile rbd"}},
    keys={"client.x": "k"},
    pools={"images": {"application": "rbd", "groups": 16}},
    replicas=2,
    domain="osd",
)
IMAGES = {"size": 2, "domain": "osd", "application": ["rbd"]}
RIGHT: dict[str, Any] = {"wrong": [], "pools": {"images": IMAGES}, "unset": []}


@pytest.mark.parametrize(
    ("seen", "reason"),
    [
        (RIGHT, None),
        ({**RIGHT, "wrong": ["client.x"]}, "accounts client.x"),
        ({**RIGHT, "pools": {}}, "pools images"),
        ({**RIGHT, "pools": {"images": {**IMAGES, "size": 3}}}, "pools images"),
        ({**RIGHT, "pools": {"images": {**IMAGES, "domain": "host"}}}, "pools images"),
        ({**RIGHT, "pools": {"images": {**IMAGES, "application": []}}}, "pools images"),
        ({**RIGHT, "unset": ["global x"]}, "settings global x"),
    ],
)
def test_pools_and_accounts(seen: dict[str, Any], reason: str | None) -> None:
    told = POOLS.compare(seen)
    assert told == (reason and f"are not as wanted: {reason}")


def test_copies_are_spread_when_there_are_hosts_for_them(monkeypatch: pytest.MonkeyPatch) -> None:
    """Before, nobody could write: a pool would wait for copies that have no place."""
    hosts = [{"id": -2 - n, "type": "host", "children": [n]} for n in range(3)]
    account = {"entity": "client.x", "caps": {"mon": "profile rbd"}, "key": "k"}
    pool = {"pool_name": "images", "size": 3, "crush_rule": 0, "application_metadata": {"rbd": {}}}
    asked: list[str] = []

    def answer(up: int) -> None:
        disks = [{"id": n, "type": "osd", "status": "up" if n < up else "down"} for n in range(3)]
        tree = {"nodes": [{"id": -1, "type": "root", "children": [-2, -3, -4]}, *hosts, *disks]}
        answers = {
            "auth ls": {"auth_dump": [account]},
            "osd pool ls": [pool],
            "config dump": [],
            "osd crush rule dump": [
                {
                    "rule_id": n,
                    "rule_name": name,
                    "steps": [{"op": "chooseleaf_firstn", "type": name}],
                }
                for n, name in enumerate(("osd", "host"))
            ],
            "osd tree": tree,
        }
        monkeypatch.setattr(
            ceph_pools,
            "ask",
            lambda commands: [SimpleNamespace(values=answers[one["prefix"]]) for one in commands],
        )

    def chains(found: list[list[dict[str, Any]]], **_: Any) -> None:
        asked.extend(str(one.get("val")) for chain in found for one in chain)

    monkeypatch.setattr(ceph_pools, "ask_chains", chains)
    monkeypatch.setattr(ceph_pools, "SPREAD_SECONDS", 0.1)
    wanted = replace(POOLS, replicas=3, domain="host")
    answer(up=2)
    with pytest.raises(ConvergeError, match=r"3 copies need as many hosts with .* up: 2"):
        wanted.converge()
    assert asked == []
    answer(up=3)
    wanted.converge()
    assert asked == ["host"]


# --- what is refused, before anything is touched


@pytest.mark.parametrize(
    ("monitor", "osd", "words"),
    [
        ({"there": True, "made": "f"}, WELL, ""),
        ({"there": False, "made": ""}, {**WELL, "made": False}, ""),
        ({"there": False, "made": "f"}, WELL, "the monitor's data on node-1 are gone"),
        ({"there": False, "made": ""}, WELL, "the monitor's data on node-1 are gone"),
        ({"there": True, "made": "f"}, {**WELL, "made": False, "holds": "LVM2"}, "holds LVM2"),
    ],
)
def test_objections(monitor: dict[str, Any], osd: dict[str, Any], words: str) -> None:
    view = expander_of(ONE_CEPH).view
    told = objections(view, {"node-1": {"monitor:node-1": monitor, "osd:file-0": osd}})
    assert bool(told) is bool(words)
    assert words in " ".join(why for _, why in told)


# --- on a cloud on paper


@pytest.fixture
def world(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> World:
    monkeypatch.setenv("SCS_STATE", str(tmp_path / "state"))
    monkeypatch.setenv("SCS_IDENTITIES", str(tmp_path / "identities"))
    world = World(PaperCloud(), tmp_path)
    world.yaml |= {"storage": "ceph"}
    world.up()
    assert not world.plan().plan
    return world


def test_a_lost_disk_is_made_again_and_only_its_daemon_restarts(world: World) -> None:
    world.node["osd:file-1"]["block"] = False
    steps = {step.id: step.effect for step in world.plan().plan.changes}
    assert steps == {"osd:file-1": "", "unit:scs-ceph-osd@file-1.service": "restart"}
    world.up()
    assert not world.plan().plan


def test_a_lost_monitor_stops_the_next_run_before_it_does_anything(world: World) -> None:
    world.node["monitor:node-1"].update(there=False)
    before = world.cloud.snapshot()
    with pytest.raises(BadInput, match="the monitor's data on node-1 are gone"):
        world.up()
    assert world.cloud.snapshot() == before


def test_a_disk_less_is_emptied_first(world: World) -> None:
    world.yaml["ceph"] = {"disks": 2, "replicas": 2}
    steps = {step.id: step for step in world.plan().plan.changes}
    leaving = steps["absent:osd:file-2"]
    assert leaving.effect == "moves its data to other disks, then deletes it"
    assert not leaving.destroys
    assert leaving.number < steps["absent:unit:scs-ceph-osd@file-2.service"].number
    world.up()
    assert not world.plan().plan


def test_disks_of_a_cluster_that_goes_stay_until_somebody_says_so() -> None:
    before = expander_of(ONE_CEPH)
    (node,) = before.view.nodes
    was = record(before.node(node), before.view.on(node))
    after = expander_of()
    wanted = record(after.node(node), after.view.on(node))
    gone = {name: item for name, item in was.items.items() if name not in wanted.items}
    seen = {"gone": gone, "bytes": {"osd:file-0": 5}, "missing": 0}
    absent, kept, lost = removals(node.name, wanted, seen, ())
    assert {"osd:file-0", "data:/var/lib/ceph/mon"} <= {item.id for item in kept}
    assert "absent:osd:file-0" not in {item.id for item in absent}
    assert not lost
    absent, kept, lost = removals(node.name, wanted, seen, ("ceph-osd", "ceph-mon"))
    assert "absent:osd:file-0" in {item.id for item in absent}
    assert lost == {"osd:file-0": 5}


def test_a_node_that_goes_hands_over_what_is_on_its_disks() -> None:
    expander = expander_of(THREE_CEPH)
    node = next(node for node in expander.view.nodes if node.name == "store-1")
    kept = record(expander.node(node), expander.view.on(node)).items
    found = emptied({"gone": kept})
    assert [(item.id, item.item, item.served) for item in found] == [
        ("absent:osd:file-0", "file-0", True),
        ("absent:osd:file-1", "file-1", True),
    ]
    leaving = leaving_step(node, "here", "local", [], [], found)
    what = "moves the data of osd:file-0, the data of osd:file-1; then deletes the node"
    assert leaving.step.effect == what
    assert leaving.emptied == found


# --- a Ceph of the operator's

KEY = cephx_key("theirs")
CONF = "[global]\nfsid = 1-2\nmon host = [v2:10.0.0.1:3300,v1:10.0.0.1:6789], 10.0.0.2\n"
RING = f'[client.vols]\n\tkey = {KEY}\n\tcaps mon = "profile rbd"\n'


def theirs(folder: Path, conf: str = CONF, ring: str = RING) -> CephCluster:
    (folder / "ceph.conf").write_text(conf)
    (folder / "ceph.client.vols.keyring").write_text(ring)
    return external_ceph.cluster(folder / "ceph.conf", folder, lambda _key, path: path.read_text())


def test_what_an_operator_brings(tmp_path: Path) -> None:
    found = theirs(tmp_path)
    assert found.keys == {"client.vols": KEY}
    assert found.monitors == (("10.0.0.1", 3300), ("10.0.0.1", 6789), ("10.0.0.2", 0))
    assert KEY not in repr(found)


@pytest.mark.parametrize(
    ("conf", "ring", "words"),
    [
        ("[global]\nfsid = 1\n", RING, "does not say `mon_host`"),
        ("fsid = 1\n", RING, "is no ceph.conf"),
        (CONF, "[client.other]\nkey = x\n", "has no [client.vols]"),
        (CONF, "[client.vols]\nkey = nonsense\n", "the key of client.vols is none"),
        (CONF, "[client.vols]\nkey = AAAA\n", "the key of client.vols is none"),
        (CONF, "client.vols\n", "is no keyring"),
    ],
)
def test_what_is_wrong_with_it(tmp_path: Path, conf: str, ring: str, words: str) -> None:
    with pytest.raises(BadInput) as caught:
        theirs(tmp_path, conf, ring)
    assert words in str(caught.value)


def test_nobody_at_the_monitors_address(tmp_path: Path) -> None:
    there = replace(theirs(tmp_path), monitors=(("127.0.0.1", 1),))
    assert "127.0.0.1:1" in external_ceph.unreachable(there)


EXTERNAL = CloudSpec.model_validate(
    {
        "name": "paper",
        "storage": "external-ceph",
        "external": {"ceph": {"config": "c", "keyrings": "k"}},
    }
)


def external_cloud(tmp_path: Path, part: Component) -> Expander:
    known = {**components.discover(), "user": (part, Path())}
    ours = {need.name for need in expander_of(ONE_CEPH).view.needs(BlockStorage)}
    for name in ours:
        (tmp_path / f"ceph.client.{name}.keyring").write_text(RING.replace("vols", name))
    outside = External(ceph=theirs(tmp_path))
    return expander_of(EXTERNAL, known, external=outside)


def test_their_accounts_are_used_and_nothing_is_made_there(tmp_path: Path) -> None:
    part = Component(name="user", summary="", roles=CONTROL, wants_in=lambda _: (BLOCK,))
    expander = external_cloud(tmp_path, part)
    items = expander.node(expander.view.control)
    files = [item for item in items if isinstance(item, File)]
    rings = [item.content for item in files if item.name.endswith("client.vols.keyring")]
    assert len(rings) == 1
    assert KEY in rings[0]
    gates = [item.name for item in items if isinstance(item, Gate) and "vols" in item.name]
    assert len(gates) == 2  # one for each pool
    assert not [item for item in items if isinstance(item, CephPools | Monitor | Osd)]


def test_an_account_that_they_forgot_is_named(tmp_path: Path) -> None:
    other = BlockStorage("imgs", owner="root", pools=("images",))
    part = Component(name="user", summary="", roles=CONTROL, wants_in=lambda _: (other,))
    expander = external_cloud(tmp_path, part)
    with pytest.raises(BadInput, match=r"ceph\.client\.imgs\.keyring is not there"):
        expander.node(expander.view.control)


def test_keys_and_pools_are_asked_before_a_cloud_that_runs_is_touched(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SCS_STATE", str(tmp_path / "state"))
    monkeypatch.setenv("SCS_IDENTITIES", str(tmp_path / "identities"))
    told: list[Problem] = []
    asked: list[list[str]] = []

    def login(_there: CephCluster, blocks: Sequence[BlockStorage], _root: Path) -> list[Problem]:
        asked.append(sorted(block.name for block in blocks))
        return told

    monkeypatch.setattr(session, "login", login)
    for name in ("glance", "cinder", "cinder-backup", "nova"):
        ring = tmp_path / f"ceph.client.{name}.keyring"
        ring.write_text(RING.replace("vols", name))
        ring.chmod(0o600)
    (tmp_path / "ceph.conf").write_text(CONF)
    world = World(PaperCloud(), tmp_path)
    world.yaml |= {
        "storage": "external-ceph",
        "external": {"ceph": {"config": "ceph.conf", "keyrings": "."}},
    }
    world.up()
    assert asked == [["cinder", "cinder-backup", "glance", "nova"]]
    other = RING.replace("vols", "cinder").replace(KEY, cephx_key("wrong"))
    (tmp_path / "ceph.client.cinder.keyring").write_text(other)
    told.append(Problem("external.ceph.keyrings", "client.cinder: is not let in"))
    before = world.cloud.snapshot()
    with pytest.raises(BadInput, match=r"client\.cinder: is not let in"):
        world.up()
    assert world.cloud.snapshot() == before
    told.clear()
    world.up()
    assert not world.plan().plan
