# SPDX-FileCopyrightText: 2026 The scs authors
# SPDX-License-Identifier: AGPL-3.0-or-later
"""From components to resources: for the clouds that ship, and for a component made up here."""

from __future__ import annotations

from dataclasses import replace
from functools import cache
from graphlib import TopologicalSorter
from pathlib import Path

import pytest

from clouds import CLOUDS, CONTAINERS, ONE, THREE, Available, expanded, expander_of, secret, view_of
from scs import components
from scs.errors import BadInput
from scs.model.component import CONTROL, EVERYWHERE, Component, Endpoint, Gives, User
from scs.model.needs import BlockStorage, Database, Environment, Need, NetworkDatabase
from scs.model.objects import ApiObject, CatalogEntry, Person
from scs.model.topology import Role
from scs.plan.expand import Expander
from scs.plan.resolve import givers, needs_of
from scs.resources import Account, Directory, File, QueueAccounts, Resource, Unit, build
from scs.resources import Database as DatabaseResource
from scs.spec import CloudSpec

CLOUD = pytest.mark.parametrize("cloud", CLOUDS)


@cache
def expander(cloud: str) -> Expander:
    spec, facts = CLOUDS[cloud]
    return expander_of(spec, **facts)


@cache
def nodes(cloud: str) -> dict[str, tuple[Resource, ...]]:
    return expanded(expander(cloud))


def named(items: tuple[Resource, ...]) -> dict[str, Resource]:
    return {item.id: item for item in items}


# --- every component that ships


@CLOUD
def test_ids_are_unique_and_everybody_has_a_component(cloud: str) -> None:
    parts = {part.name for part in expander(cloud).view.components}
    for items in nodes(cloud).values():
        assert len(named(items)) == len(items)
        assert {item.component for item in items} <= parts
    objects = expander(cloud).objects()
    assert len({item.id for item in objects}) == len(objects)
    assert {item.component for item in objects} <= parts


@CLOUD
def test_every_component_is_on_its_nodes_and_on_no_other(cloud: str) -> None:
    view = expander(cloud).view
    silent = {part.name for part in view.components if part.objects and not part.units}
    for part in view.components:
        there = {
            name
            for name, items in nodes(cloud).items()
            if any(item.component == part.name for item in items)
        }
        wanted = set() if part.name in silent else {node.name for node in view.nodes_of(part)}
        assert there == wanted, part.name


@CLOUD
def test_the_order_has_no_circle(cloud: str) -> None:
    for items in nodes(cloud).values():
        TopologicalSorter({item.id: item.after for item in items}).prepare()
    objects = expander(cloud).objects()
    TopologicalSorter({item.id: item.after for item in objects}).prepare()


@CLOUD
def test_what_one_comes_after_exists(cloud: str) -> None:
    """Accounts and packages of a certificate's owner may come from Debian instead."""
    for name, items in nodes(cloud).items():
        known = named(items)
        missing = {
            other
            for item in items
            for other in item.after
            if other not in known and not other.startswith(("account:", "packages:"))
        }
        assert not missing, name
    objects = expander(cloud).objects()
    assert {other for item in objects for other in item.after} <= {item.id for item in objects}


@CLOUD
def test_everything_that_a_unit_reads_is_written_before_it_starts(cloud: str) -> None:
    for items in nodes(cloud).values():
        known = named(items)
        for unit in items:
            if isinstance(unit, Unit):
                assert unit.reads, unit.id
                ours = {f"file:{path}" for path in unit.reads} & known.keys()
                assert ours <= set(unit.after), unit.id


@CLOUD
def test_every_file_has_its_folder_and_owner_before_it(cloud: str) -> None:
    for items in nodes(cloud).values():
        known = named(items)
        for item in items:
            if not isinstance(item, File):
                continue
            before: set[str] = set()
            left = [item.id]
            while left:
                for other in known[left.pop()].after:
                    if other in known and other not in before:
                        before.add(other)
                        left.append(other)
            folder = Directory(name=str(Path(item.name).parent))
            # A file makes a folder that is missing, but only as root's and for everybody.
            special = _alone(known.get(folder.id, folder)) != folder
            assert not special or folder.id in before, item.id
            for owner in (item.owner, item.group):
                account = f"account:{owner}"
                assert account not in known or account in before, item.id


@CLOUD
def test_every_need_is_met_before_the_units_start(cloud: str) -> None:
    view = expander(cloud).view
    for node in view.nodes:
        items = nodes(cloud)[node.name]
        known = named(items)
        for part, need in view.on(node).needs_here(Need):
            ((giver, gives),) = givers(view.components, type(need))
            if gives.objects and not gives.resources:
                continue  # made in the API, and looked for there
            units = [
                item for item in items if isinstance(item, Unit) and item.component == part.name
            ]
            given = {name for name, item in known.items() if item.component == giver.name}
            gate = (
                f"gate:{part.name} needs {type(need).__name__} {getattr(need, 'name', '')}".strip()
            )
            for unit in units:
                met = (
                    given & set(unit.after)
                    if (gives.resources or gives.files) and giver.roles & node.roles
                    else None
                )
                assert met or gate in unit.after, f"{unit.id} does not wait for {need}"


@CLOUD
def test_each_database_need_has_its_account_and_nobody_has_more(cloud: str) -> None:
    view = expander(cloud).view
    wanted = {
        need.name: set(need.schemas)
        for part in view.components
        for need in part.needs
        if isinstance(need, Database)
    }
    for node in view.nodes:
        made = {
            item.name: set(item.databases)
            for item in nodes(cloud)[node.name]
            if isinstance(item, DatabaseResource)
        }
        assert made == (wanted if Role.CONTROL in node.roles else {})


@CLOUD
def test_secrets_decide_and_nothing_else(cloud: str) -> None:
    """Twice the same secrets give twice the same; each name is asked for by that name only."""
    asked: list[set[str]] = []
    found = []
    spec, facts = CLOUDS[cloud]
    for _ in range(2):
        names: set[str] = set()

        def recorded(name: str, names: set[str] = names) -> str:
            names.add(name)
            return secret(name)

        again = expander_of(spec, secret=recorded, **facts)
        found.append((expanded(again), again.objects()))
        asked.append(names)
    assert found[0] == found[1] == (nodes(cloud), expander(cloud).objects())
    assert asked[0] == asked[1]
    # What services share, they find under the same name.
    shared = {"neutron/metadata", "database/nova", "queue/nova", "user/nova"}
    assert shared <= asked[0]


@CLOUD
def test_no_secret_is_in_what_everybody_may_read(cloud: str) -> None:
    asked: set[str] = set()

    def recorded(name: str) -> str:
        asked.add(secret(name))
        return secret(name)

    spec, facts = CLOUDS[cloud]
    for items in expanded(expander_of(spec, secret=recorded, **facts)).values():
        for item in items:
            if isinstance(item, File) and any(value in item.content for value in asked):
                assert not item.mode & 0o007, f"{item.id} can be read by everybody"
            if isinstance(item, File) and item.content.startswith("key of "):
                assert item.secret
                assert item.mode == 0o400


@CLOUD
def test_resources_survive_their_way_to_the_node(cloud: str) -> None:
    for items in nodes(cloud).values():
        for item in items:
            assert build(item.payload()).payload() == item.payload()


def test_what_is_taken_from_machines_is_left_out_in_containers() -> None:
    def names(cloud: str) -> set[str]:
        return {part.name for part in expander(cloud).view.components}

    assert names("one machine") - names("one container") == {"chrony"}


def test_options_of_the_operator_win() -> None:
    spec = ONE.model_copy(update={"config": {"nova": {"DEFAULT": {"cpu_allocation_ratio": 7.5}}}})
    changed = named(expander_of(spec).node(spec.nodes()[0]))
    before = named(nodes("one container")["node-1"])
    differ = {name for name in changed if changed[name] != before[name]}
    assert differ == {"file:/etc/nova/nova.conf", "file:/etc/nova/nova-compute.conf"}
    for name in differ:
        item = changed[name]
        assert isinstance(item, File)
        assert item.content.count("cpu_allocation_ratio") == 1
        assert "\ncpu_allocation_ratio = 7.5\n" in item.content


# --- a component that nobody knows

GADGET = '''
"""Made up for a test."""

from __future__ import annotations

from dataclasses import dataclass

from scs.model.component import (
    CONTROL, Component, Config, Endpoint, Gives, Port, Reach, Service, User,
)
from scs.model.needs import Certificate, Database, Environment, Need, Queue, ServiceUser


@dataclass(frozen=True)
class Gadgets(Need):
    """A need of its own."""

    colour: str = "red"


component = Component(
    name="gadget",
    summary="made up",
    roles=CONTROL,
    needs=(
        Environment(),
        Database("gadget", ("gadget", "gadget_log")),
        Queue("gadget"),
        ServiceUser("gadget"),
        Certificate("gadget", owner="gadget"),
    ),
    gives=(Gives(Gadgets),),
    endpoints=(Endpoint("gadget", port=7777, type="gadget", description="Gadgets", path="/v1"),),
    ports=(Port(7778, Reach.ANYWHERE),),
    users=(User("gadget"),),
    files=(Config("gadget.conf.j2", "/etc/gadget/gadget.conf", group="gadget", service="gadget"),),
    units=(
        Service(
            "gadget", exec="/opt/scs/openstack/bin/gadget", description="gadget", user="gadget"
        ),
    ),
)
'''
GADGET_TEMPLATE = """\
{% import 'oslo.j2' as oslo %}
[DEFAULT]
host = {{ v.here.name }}
transport_url = {{ v.queue_url('gadget') }}

{{ oslo.database(v, 'gadget') }}
"""


def component_in(folder: Path, name: str, text: str, **templates: str) -> None:
    (folder / name).mkdir(parents=True)
    (folder / name / "__init__.py").write_text(text)
    for template, content in templates.items():
        (folder / name / f"{template}.conf.j2").write_text(content)


@pytest.fixture
def with_gadget(tmp_path: Path) -> Available:
    component_in(tmp_path, "gadget", GADGET, gadget=GADGET_TEMPLATE)
    return components.discover(tmp_path)


def test_a_new_folder_is_a_new_component_everywhere(with_gadget: Available) -> None:
    assert with_gadget.keys() - components.discover().keys() == {"gadget"}
    spec = THREE.model_copy(update={"config": {"gadget": {"DEFAULT": {"size": 3}}}})
    made = expander_of(spec, with_gadget)
    control, compute, _ = expanded(made).values()
    items, elsewhere = named(control), named(compute)

    def text(path: str) -> str:
        item = items[f"file:{path}"]
        assert isinstance(item, File)
        return item.content

    assert not any("gadget" in name for name in elsewhere)
    unit = items["unit:gadget.service"]
    assert isinstance(unit, Unit)
    conf = text("/etc/gadget/gadget.conf")
    assert "host = control-1\n" in conf
    assert "size = 3\n" in conf
    assert secret("queue/gadget") in conf
    assert secret("database/gadget") in conf
    assert {"/etc/gadget/gadget.conf", "/etc/systemd/system/gadget.service"} < set(unit.reads)

    assert "\nlisten gadget\n" in text("/etc/haproxy/haproxy.cfg")
    assert f"bind {spec.external_address}:7777 ssl" in text("/etc/haproxy/haproxy.cfg")
    rules = text("/etc/nftables.conf")
    assert f'ip daddr {spec.external_address} tcp dport 7777 accept comment "gadget"' in rules
    assert 'tcp dport 7778 accept comment "gadget"' in rules

    database = items["database:gadget"]
    assert isinstance(database, DatabaseResource)
    assert database.databases == ("gadget", "gadget_log")
    assert database.accounts == (("gadget", secret("database/gadget")),)
    assert database.id in unit.after
    queue = items["queue:accounts"]
    assert isinstance(queue, QueueAccounts)
    assert ("gadget", secret("queue/gadget"), "gadget") in queue.accounts
    assert queue.id in unit.after

    key = items["file:/etc/scs/tls/gadget.key"]
    assert isinstance(key, File)
    assert (key.owner, key.mode, key.secret) == ("gadget", 0o400, True)
    assert {"/etc/scs/tls/gadget.key", "/etc/scs/tls/gadget.crt"} < set(unit.reads)
    assert str(spec.external_address) in text("/etc/scs/tls/gadget.crt")

    objects: dict[str, ApiObject] = {item.id: item for item in made.objects()}
    entry = objects["catalog:gadget"]
    assert isinstance(entry, CatalogEntry)
    assert (entry.component, entry.type) == ("gadget", "gadget")
    assert entry.urls == {
        "internal": f"https://{spec.internal_address}:7777/v1",
        "public": f"https://{spec.external_address}:7777/v1",
    }
    user = objects["user:gadget"]
    assert isinstance(user, Person)
    assert user.password == secret("user/gadget")


def test_a_new_component_changes_nothing_of_the_others(with_gadget: Available) -> None:
    before = named(nodes("one container")["node-1"])
    after = named(expander_of(ONE, with_gadget).node(ONE.nodes()[0]))
    derived = {
        "file:/etc/haproxy/haproxy.cfg",
        "file:/etc/nftables.conf",
        "migration:keystone-seed",
        "queue:accounts",
    }
    differ = {name for name in before if before[name] != after[name]}
    # Others follow only in their order (a database account comes after its database server).
    assert {name for name in differ if _alone(before[name]) != _alone(after[name])} == derived
    assert {after[name].component for name in after.keys() - before.keys()} == {
        "gadget",
        "mariadb",
        "pki",
    }


def _alone(item: Resource) -> Resource:
    """It without its place among the others."""
    return replace(item, component="", after=())


def test_it_may_not_take_the_name_of_another(tmp_path: Path) -> None:
    component_in(tmp_path, "other", GADGET.replace('name="gadget"', 'name="nova"'))
    with pytest.raises(BadInput, match="nova is declared in another folder too"):
        components.discover(tmp_path)


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("", "does not declare `component = Component"),
        ("component = 1", "does not declare `component = Component"),
        ("component = Component(", "cannot be loaded: SyntaxError"),
        ("import nothing_of_that_name", "cannot be loaded: ModuleNotFoundError"),
    ],
)
def test_a_folder_that_is_no_component_is_named(tmp_path: Path, text: str, reason: str) -> None:
    component_in(tmp_path, "broken", text)
    with pytest.raises(BadInput) as caught:
        components.discover(tmp_path)
    (problem,) = caught.value.problems
    assert problem.where == str(tmp_path / "broken")
    assert reason in problem.what


# --- what cannot be resolved


def available(*parts: Component) -> Available:
    known = dict(components.discover())
    return {**known, **{f"made-up {number}": (part, Path()) for number, part in enumerate(parts)}}


def made_up(name: str = "x", **values: object) -> Component:
    return Component(**{"name": name, "summary": "", "roles": CONTROL, **values})  # type: ignore[arg-type]


class Nothing(Need):
    """Given by nobody."""


@pytest.mark.parametrize(
    ("parts", "problems"),
    [
        ([made_up(needs=(Nothing(),))], ["component x: needs Nothing, which no components give"]),
        (
            [made_up("one", gives=(Gives(NetworkDatabase),))],
            [
                f"component {name}: needs NetworkDatabase, which 2 components give"
                for name in ("neutron", "neutron-ovn-agent", "ovn-controller")
            ],
        ),
        (
            [made_up(endpoints=(Endpoint("x", port=5000),))],
            ["component x: endpoint x wants port 5000, as keystone does"],
        ),
        ([made_up("nova")], ["component nova: is declared twice"]),
        (
            [made_up("a", needs=(Nothing(),)), made_up("b", endpoints=(Endpoint("b", port=9292),))],
            [
                "component a: needs Nothing, which no components give",
                "component glance: endpoint glance wants port 9292, as b does",
            ],
        ),
    ],
)
def test_contradictions_are_all_named(parts: list[Component], problems: list[str]) -> None:
    with pytest.raises(BadInput) as caught:
        view_of(ONE, available(*parts), **CONTAINERS)
    assert [f"{item.where}: {item.what}" for item in caught.value.problems] == problems


def test_what_can_be_chosen_is_there_when_it_is_chosen() -> None:
    parts = available(made_up("clocks", service="time"), made_up("zones", service="time"))

    def names(*services: str) -> set[str]:
        chosen = CloudSpec(name="paper", services=services)
        return {part.name for part in view_of(chosen, parts, **CONTAINERS).components}

    assert names("time") - names() == {"clocks", "zones"}
    with pytest.raises(BadInput) as caught:
        names("tme")
    (problem,) = caught.value.problems
    assert (problem.where, problem.hint) == ("services", "did you mean time?")


@pytest.mark.parametrize("need", [Environment(), Database("x")])
def test_a_component_left_out_leaves_its_needs_unmet(need: Need) -> None:
    (giver,) = givers(expander_of(ONE).view.components, type(need))
    rest = {name: at for name, at in components.discover().items() if name != giver[0].name}
    with pytest.raises(BadInput, match=f"needs {type(need).__name__}, which no components give"):
        expander_of(ONE, {**rest, "x": (made_up(needs=(need,)), Path())})


WANTED = BlockStorage("x", owner="root", pools=("xs",))


@pytest.mark.parametrize("givers_there", [0, 1])
def test_what_is_wanted_is_a_need_where_somebody_gives_it(givers_there: int) -> None:
    parts = [made_up(wants_in=lambda _: (WANTED,))]
    parts += [made_up("g", gives=(Gives(BlockStorage),))] * givers_there
    view = view_of(ONE, available(*parts), **CONTAINERS)
    (part,) = (part for part in view.components if part.name == "x")
    assert part.needs == (WANTED,) * givers_there
    assert set(part.needs) <= set(needs_of(view, BlockStorage))
    assert view.given(BlockStorage) is bool(givers_there)


def test_what_is_wanted_and_given_twice_is_a_contradiction() -> None:
    parts = [made_up(name, gives=(Gives(BlockStorage),)) for name in ("g", "h")]
    with pytest.raises(BadInput, match="needs BlockStorage, which 2 components give"):
        view_of(ONE, available(made_up(wants_in=lambda _: (WANTED,)), *parts), **CONTAINERS)


def test_accounts_of_several_components_add_up() -> None:
    one = made_up("one", users=(User("svc", groups=("a",)),), roles=EVERYWHERE)
    two = made_up("two", users=(User("svc", groups=("b",)),))
    found = named(expander_of(ONE, available(one, two)).node(ONE.nodes()[0]))["account:svc"]
    assert isinstance(found, Account)
    assert found.groups == ("a", "b")


def test_components_that_want_different_things_are_told() -> None:
    parts = [made_up(name, users=(User("svc", home=f"/home/{name}"),)) for name in ("one", "two")]
    with pytest.raises(BadInput, match="wants account:svc to be different than one does"):
        expander_of(ONE, available(*parts)).node(ONE.nodes()[0])
