# SPDX-FileCopyrightText: 2026 The scs authors
# SPDX-License-Identifier: AGPL-3.0-or-later
"""From components to resources: what has to be true on each node."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace

from scs.errors import BadInput, Problem
from scs.model import needs
from scs.model.component import Component, Config, Packaged, Probe, Service, Text, User, Wsgi
from scs.model.needs import Need
from scs.model.objects import ApiObject
from scs.model.overrides import Setting
from scs.model.topology import Node
from scs.model.view import View
from scs.plan import own, templating
from scs.plan.ini import Composed, compose, layered, parse, unmarked
from scs.plan.resolve import givers, needs_of
from scs.plan.units import (
    UWSGI,
    drop_in_text,
    service_text,
    unit_file,
    uwsgi_text,
    wsgi_service,
)
from scs.resources import (
    Account,
    Directory,
    File,
    Gate,
    Keys,
    Leftovers,
    Link,
    Packages,
    Resource,
    Unit,
)
from scs.resources import Migration as MigrationResource

SYSTEMD = "/etc/systemd/system"


class Expander:
    """Turns the components of one cloud into resources and API objects; pure.

    `folders` says for each component where its templates lie, and `shared` where those lie
    that all may include.
    """

    def __init__(self, view: View, folders: Mapping[str, str], shared: str) -> None:
        self.view = view
        self.folders = folders
        self.shared = shared
        self._units: dict[str, Sequence[Resource]] = {}

    def node(self, node: Node) -> tuple[Resource, ...]:
        """All resources of one node."""
        view = self.view.on(node)
        here = [part for part in view.components if part.roles & node.roles]
        given = {part.name: tuple(self._given(part, view)) for part in here}
        found: list[Resource] = []
        for part in here:
            found += self._component(part, view, given)
        return _merged(found)

    def objects(self) -> tuple[ApiObject, ...]:
        """All objects of the cloud's API."""
        view = self.view
        found: list[ApiObject] = []
        for part in view.components:
            made: list[ApiObject] = []
            for gives in part.gives:
                if gives.objects:
                    made += gives.objects(view, needs_of(view, gives.need))
            if part.objects:
                made += part.objects(view)
            found += [item if item.component else _owned(item, part) for item in made]
        return tuple(found)

    def leaves(self, node: Node) -> tuple[ApiObject, ...]:
        """What is left of this node in the cloud's API when it goes."""
        view = self.view.on(node)
        return tuple(
            _owned(item, part)
            for part in view.components
            if part.leaves and part.roles & node.roles
            for item in part.leaves(view)
        )

    def _given(self, part: Component, view: View) -> Iterable[tuple[Need, Resource]]:
        for gives in part.gives:
            if gives.resources:
                yield from gives.resources(view, needs_of(view, gives.need))

    def _component(
        self,
        part: Component,
        view: View,
        given: Mapping[str, tuple[tuple[Need, Resource], ...]],
    ) -> list[Resource]:
        base: list[Resource] = []
        if part.packages:
            base.append(Packages(name=part.name, packages=part.packages))
        ids = _ids(base)
        base += [
            Account(name=user.name, home=user.home, groups=user.groups, after=ids)
            for user in part.users
        ]
        ids = _ids(base)
        declared_paths = {folder.path for folder in part.folders}
        base += [
            Directory(name=user.home, owner=user.name, group=user.name, mode=0o750, after=ids)
            for user in part.users
            if user.home != User.home and user.home not in declared_paths
        ]
        base += [
            Directory(name=item.path, owner=item.owner, group=item.group, mode=item.mode, after=ids)
            for item in part.folders
        ]
        ids = _ids(base)
        for declared in part.files:
            content = self._content(part, declared, view)
            if content is not None:
                base.append(
                    File(
                        name=declared.path,
                        content=content,
                        owner=declared.owner,
                        group=declared.group,
                        mode=declared.mode,
                        secret=declared.secret,
                        after=ids,
                    )
                )
        for folder in part.keys:
            keys = tuple(sorted(view.keys(folder.name).items()))
            own = {"owner": folder.owner, "group": folder.owner}
            base.append(Keys(name=folder.path, keys=keys, after=ids, **own))
        read = tuple(item.name for item in base if isinstance(item, File))
        # Not read: oslo.policy looks at its files again by itself.
        policies = (self._policy(declared, view, ids) for declared in part.files)
        base += [item for item in policies if item]
        for unit in part.units:
            base += self._unit_files(part, unit)
        met, gates, paths = self._needs(part, view, given)
        read += tuple(item.name for item in met if isinstance(item, File | Link)) + paths
        ready = _ids(base) + _ids(met) + _ids(gates) + tuple(f"file:{path}" for path in paths)
        made = (
            [replace(item, after=(*ready, *item.after)) for item in part.prepares(view)]
            if part.prepares
            else []
        )
        found = base + gates + made
        before = ready + _ids(made)
        for migration in part.migrations:
            found.append(
                MigrationResource(
                    name=migration.name,
                    argv=migration.argv,
                    user=migration.user,
                    proofs=migration.proofs,
                    rows=migration.rows,
                    env=migration.environment(view) if migration.environment else {},
                    snapshot=migration.snapshot,
                    after=before,
                )
            )
            before = (*before, f"migration:{migration.name}")
        late = {f"migration:{item.name}" for item in part.migrations if item.later}
        early = tuple(name for name in before if name not in late)
        for unit in part.units:
            found += self._unit(part, unit, view, early, _ids(base), read)
        everything = _ids(found)
        more = {item.id: item for _, item in given[part.name]}
        if part.resources:
            more |= {item.id: item for item in part.resources(view)}
        found += [item if item.after else replace(item, after=everything) for item in more.values()]
        return [replace(item, component=part.name) for item in found]

    def _content(self, part: Component, declared: Config | Text, view: View) -> str | None:
        if isinstance(declared, Text):
            return declared.text(view)
        text, layers, _ = self._filled(part, declared, view)
        return layered(text, layers) if declared.service else unmarked(text)

    def composed(self, part: Component, declared: Config, view: View) -> Composed:
        """A configuration file of a node (the view's), and who wanted what in it."""
        text, layers, source = self._filled(part, declared, view)
        return compose(text, layers, source) if declared.service else Composed(unmarked(text), ())

    def _filled(
        self, part: Component, declared: Config, view: View
    ) -> tuple[str, Sequence[Setting], str]:
        """The template filled in, with marks; the layers over it; whose template it is."""
        mine = view.overrides.templates.get((part.name, declared.template))
        texts = () if mine is None else ((mine.path, mine.text),)
        folders = (self.folders[part.name], self.shared)
        environment = templating.environment(folders, texts)
        name = declared.template if mine is None else mine.path
        text = templating.fill_in(
            lambda: environment.get_template(name).render(v=view, part=part, needs=needs),
            part.name,
            declared.template,
            None if mine is None else mine.path,
        )
        source = "component" if mine is None else "template"
        if not declared.service:
            return text, (), source
        if mine is not None:
            filled = f"{mine.path}, filled in, line"
            _, problems = parse(unmarked(text), lambda line: f"{filled} {line}")
            if problems:
                raise BadInput(*problems)
        layers = own.settings(declared, view, own.file_names(view.components, declared.service))
        return text, layers, source

    def _policy(
        self, declared: Config | Text, view: View, after: tuple[str, ...]
    ) -> Resource | None:
        """The operator's policy for the service of that file, or that there is none."""
        if not isinstance(declared, Config) or not declared.policy:
            return None
        mine = view.overrides.policies.get(declared.service)
        path = own.policy_path(declared)
        if mine is None:
            folder, _, name = path.rpartition("/")
            return Leftovers(name=folder, pattern=name, after=after)
        group = declared.group
        return File(name=path, content=mine.text, group=group, mode=0o640, after=after)

    def _needs(
        self,
        part: Component,
        view: View,
        given: Mapping[str, tuple[tuple[Need, Resource], ...]],
    ) -> tuple[list[Resource], list[Resource], tuple[str, ...]]:
        """What meets its needs on this node, gates for what does so elsewhere, files to read."""
        met: list[Resource] = []
        gates: list[Resource] = []
        paths: tuple[str, ...] = ()
        for need in part.needs:
            giver, gives = givers(view.components, type(need))[0]
            mine = [item for met_need, item in given.get(giver.name, ()) if met_need == need]
            met += mine
            paths += gives.files if giver.name in given else ()
            if not mine and gives.ready:
                name = f"{part.name} needs {type(need).__name__} {getattr(need, 'name', '')}"
                gates.append(Gate(name=name.strip(), probe=gives.ready(view, need)))
        return met, gates, tuple(dict.fromkeys(paths))

    def _unit_files(self, part: Component, unit: Service | Wsgi | Packaged) -> Sequence[Resource]:
        """The files of a unit: the same on all nodes."""
        if unit.name not in self._units:
            self._units[unit.name] = self._new_unit_files(part, unit)
        return self._units[unit.name]

    def _new_unit_files(
        self, part: Component, unit: Service | Wsgi | Packaged
    ) -> Sequence[Resource]:
        file = unit_file(unit)
        folder = f"{SYSTEMD}/{file}.d"
        mine = own.drop_ins(self.view.overrides, file)
        found: list[Resource] = [
            Leftovers(name=folder, pattern=own.DROP_IN.format("*"), keep=tuple(mine)),
            *[File(name=f"{folder}/{name}", content=item.text) for name, item in mine.items()],
        ]
        if isinstance(unit, Packaged):
            return [*found, File(name=f"{folder}/scs.conf", content=drop_in_text(unit))]
        if isinstance(unit, Wsgi):
            found.append(File(name=f"{UWSGI}/{unit.name}.ini", content=uwsgi_text(unit)))
            unit = wsgi_service(unit)
        text = service_text(part, unit)
        return [*found, File(name=f"{SYSTEMD}/{file}", content=text)]

    def _unit(
        self,
        part: Component,
        unit: Service | Wsgi | Packaged,
        view: View,
        before: tuple[str, ...],
        base: tuple[str, ...],
        read: tuple[str, ...],
    ) -> list[Resource]:
        files = tuple(item.name for item in self._unit_files(part, unit))
        if isinstance(unit, Wsgi):
            unit = wsgi_service(unit)
        gates: list[Resource] = []
        if isinstance(unit, Service) and unit.waits:
            gates = [
                Gate(name=f"{unit.name} waits for {number}", probe=probe, after=base)
                for number, probe in enumerate(unit.waits(view), 1)
            ]
        names = {"": f"{unit.name}.service"}
        if isinstance(unit, Service) and unit.instances:
            names = {name: f"{unit.name}@{name}.service" for name in unit.instances(view)}
        units = [
            Unit(
                name=name,
                reads=(*read, *files, *(path.replace("%i", instance) for path in unit.reads)),
                reload=unit.reload,
                reloads=unit.reloads,
                ready=_instance(unit.ready(view), instance) if unit.ready else None,
                seconds=unit.seconds,
                after=before + _ids(gates),
            )
            for instance, name in names.items()
        ]
        return [*gates, *units]


def _ids(resources: Iterable[Resource]) -> tuple[str, ...]:
    return tuple(item.id for item in resources)


def _instance(probe: Probe | None, name: str) -> Probe | None:
    """The probe of one instance of a template: `%i` is its name, as in the unit's file."""
    if probe is None or not name:
        return probe
    return {
        key: value.replace("%i", name) if isinstance(value, str) else value
        for key, value in probe.items()
    }


def _owned(item: ApiObject, part: Component) -> ApiObject:
    return replace(item, component=part.name)


def _merged(resources: Iterable[Resource]) -> tuple[Resource, ...]:
    """Each resource once, where several components on a node want the same one.

    Groups of a user add up. Raises BadInput when they want the same thing to be different.
    """
    found: dict[str, Resource] = {}
    for item in resources:
        known = found.get(item.id)
        if known is None:
            found[item.id] = item
            continue
        after = tuple(dict.fromkeys(known.after + item.after))
        same = replace(item, component=known.component, after=after)
        if isinstance(known, Account) and isinstance(same, Account):
            same = replace(same, groups=tuple(dict.fromkeys(known.groups + same.groups)))
            known = replace(known, groups=same.groups)
        if replace(known, after=after) != same:
            what = f"wants {item.id} to be different than {known.component} does"
            raise BadInput(Problem(f"component {item.component}", what))
        found[item.id] = same
    return tuple(found.values())
