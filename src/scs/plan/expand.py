# SPDX-FileCopyrightText: 2026 The scs authors
# SPDX-License-Identifier: AGPL-3.0-or-later
"""From components to resources: what has to be true on each node."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

from scs.errors import BadInput, Problem
from scs.model import needs
from scs.model.component import (
    Component,
    Config,
    Folder,
    Packaged,
    Probe,
    Service,
    Text,
    User,
    Wsgi,
)
from scs.model.needs import Need
from scs.model.objects import ApiObject
from scs.model.overrides import Setting
from scs.model.topology import Node, Role
from scs.model.view import View
from scs.plan import own, templating
from scs.plan.impact import port_of
from scs.plan.ini import Composed, compose, layered, parse, unmarked
from scs.plan.resolve import givers, needs_of
from scs.plan.site import Site
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


Shape = tuple[tuple[str, tuple[tuple[Need, str], ...]], ...]
"""What components give on a node: by their names, each need with the id of what meets it."""


@dataclass(frozen=True)
class Frame:
    """What a component has beside its own files, and what is waited for; all by names."""

    base: tuple[Resource, ...]
    """Keys, policies, the files of units."""
    gates: tuple[Resource, ...]
    ids: tuple[str, ...]
    """Of all that lies there before anything is started."""
    ready: tuple[str, ...]
    """Ids of that, and of all that it needs."""
    read: tuple[str, ...]
    """Paths that its units read."""
    links: frozenset[str]
    """Ids of the links to environments that it needs."""


class Expander:
    """Turns the components of one cloud into resources and API objects; pure.

    `folders` says for each component where its templates lie, `shared` where those lie that
    all may include, and `compiled` where they are kept compiled (empty: nowhere).
    """

    def __init__(
        self, view: View, folders: Mapping[str, str], shared: str, compiled: str = ""
    ) -> None:
        self.view = view
        self.folders = folders
        self.shared = shared
        self.compiled = compiled
        self._sites: dict[frozenset[Role], Site] = {}
        self._units: dict[tuple[str, str], tuple[Resource, ...]] = {}
        self._layers: dict[tuple[str, str], tuple[Setting, ...]] = {}

    def node(self, node: Node) -> tuple[Resource, ...]:
        """All resources of one node."""
        if node.roles not in self._sites:
            self._sites[node.roles] = Site.of(self.view, node.roles)
        site = self._sites[node.roles].on(node)
        shape = tuple(
            (part.name, tuple((need, item.id) for need, item in self._given(site, part)))
            for part in site.parts
        )
        found: list[Resource] = []
        for part in site.parts:
            found += site.once(("component", part.name, shape), self._component, part, shape)
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

    def _given(self, site: Site, part: Component) -> tuple[tuple[Need, Resource], ...]:
        """What a component gives here, with the need that each thing meets."""
        if not any(gives.resources for gives in part.gives):
            return ()
        return site.once(("given", part.name), _given, part)

    def _component(self, site: Site, part: Component, shape: Shape) -> list[Resource]:
        ground = site.once(("ground", part.name), _ground, part)
        files = [
            site.once(("file", part.name, number), self._file, part, declared, _ids(ground))
            for number, declared in enumerate(part.files)
        ]
        own = [*ground, *(item for item in files if item)]
        ids = _ids(own)
        frame = site.once(("frame", part.name, ids, shape), self._frame, part, ids, shape)
        # The link to the environment is turned after migrations, where it leads elsewhere.
        still = tuple(name for name in frame.ready if name not in frame.links)
        made = site.once(("made", part.name, still), _made, part, still)
        found = [*own, *frame.base, *frame.gates, *made]
        before = still + _ids(made)
        found += site.once(("migrations", part.name, before), _migrations, part, before)
        before = frame.ready + _ids(made)
        migrated = {f"migration:{item.name}": item.later for item in part.migrations}
        early = before + tuple(name for name, later in migrated.items() if not later)
        for unit in part.units:
            what = ("unit", part.name, unit.name, early, frame.ids, frame.read)
            found += site.once(what, self._unit, part, unit, early, frame.ids, frame.read)
        more = {item.id: item for _, item in self._given(site, part)}
        if part.resources:
            more |= {item.id: item for item in site.once(("more", part.name), _more, part)}
        if more:
            after = _ids(found)
            found += [item if item.after else replace(item, after=after) for item in more.values()]
        return found

    def _frame(self, site: Site, part: Component, own: tuple[str, ...], shape: Shape) -> Frame:
        """`own` are the ids of what the component has first."""
        view = site.view
        ids = _ids(_ground(site, part))
        base: list[Resource] = []
        for folder in part.keys:
            keys = tuple(sorted(view.keys(folder.name).items()))
            base.append(
                Keys(
                    name=folder.path,
                    component=part.name,
                    keys=keys,
                    owner=folder.owner,
                    group=folder.owner,
                    after=ids,
                )
            )
        # Not read: oslo.policy looks at its files again by itself.
        policies = (self._policy(part, declared, view, ids) for declared in part.files)
        base += [item for item in policies if item]
        for unit in part.units:
            base += self._unit_files(part, unit)
        met, gates, paths = self._needs(part, view, dict(shape))
        read = (*_paths(own, File), *_paths(met, File, Link), *paths)
        all_ids = own + _ids(base)
        ready = all_ids + met + _ids(gates) + tuple(f"file:{path}" for path in paths)
        links = frozenset(
            name
            for _, given in shape
            for need, name in given
            if isinstance(need, needs.Environment)
        )
        return Frame(tuple(base), tuple(gates), all_ids, ready, read, links)

    def _file(
        self, site: Site, part: Component, declared: Config | Text, after: tuple[str, ...]
    ) -> File | None:
        content = self._content(part, declared, site.view)
        if content is None:
            return None
        return File(
            name=declared.path,
            component=part.name,
            content=content,
            owner=declared.owner,
            group=declared.group,
            mode=declared.mode,
            secret=declared.secret,
            after=after,
        )

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
        environment = templating.environment(folders, texts, self.compiled)
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
        return text, self._settings(part, declared), source

    def _settings(self, part: Component, declared: Config) -> tuple[Setting, ...]:
        """What is merged into a file: the same on all nodes."""
        what = (part.name, declared.path)
        if what not in self._layers:
            names = own.file_names(self.view.components, declared.service)
            self._layers[what] = own.settings(declared, self.view, names)
        return self._layers[what]

    def _policy(
        self, part: Component, declared: Config | Text, view: View, after: tuple[str, ...]
    ) -> Resource | None:
        """The operator's policy for the service of that file, or that there is none."""
        if not isinstance(declared, Config) or not declared.policy:
            return None
        mine = view.overrides.policies.get(declared.service)
        path = own.policy_path(declared)
        if mine is None:
            folder, _, name = path.rpartition("/")
            return Leftovers(name=folder, component=part.name, pattern=name, after=after)
        return File(
            name=path,
            component=part.name,
            content=mine.text,
            group=declared.group,
            mode=0o640,
            after=after,
        )

    def _needs(
        self, part: Component, view: View, given: Mapping[str, tuple[tuple[Need, str], ...]]
    ) -> tuple[tuple[str, ...], list[Resource], tuple[str, ...]]:
        """Ids of what meets its needs here, gates for what does so elsewhere, files to read."""
        met: tuple[str, ...] = ()
        gates: list[Resource] = []
        paths: tuple[str, ...] = ()
        for need in part.needs:
            giver, gives = givers(view.components, type(need))[0]
            mine = tuple(name for met_need, name in given.get(giver.name, ()) if met_need == need)
            met += mine
            paths += gives.files if giver.name in given else ()
            if not mine and gives.ready:
                name = f"{part.name} needs {type(need).__name__} {getattr(need, 'name', '')}"
                probe = gives.ready(view, need)
                gates.append(Gate(name=name.strip(), component=part.name, probe=probe))
        return met, gates, tuple(dict.fromkeys(paths))

    def _unit_files(self, part: Component, unit: Service | Wsgi | Packaged) -> tuple[Resource, ...]:
        """The files of a unit: the same on all nodes."""
        what = (part.name, unit.name)
        if what not in self._units:
            found = self._new_unit_files(part, unit)
            self._units[what] = tuple(replace(item, component=part.name) for item in found)
        return self._units[what]

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
            # Not the link: what it loads later must be of the release that it started with.
            text = uwsgi_text(unit, self.view.in_environment(unit.home))
            found.append(File(name=f"{UWSGI}/{unit.name}.ini", content=text))
            unit = wsgi_service(unit)
        text = service_text(part, unit)
        return [*found, File(name=f"{SYSTEMD}/{file}", content=text)]

    def _unit(
        self,
        site: Site,
        part: Component,
        unit: Service | Wsgi | Packaged,
        before: tuple[str, ...],
        base: tuple[str, ...],
        read: tuple[str, ...],
    ) -> list[Resource]:
        view = site.view
        files = tuple(item.name for item in self._unit_files(part, unit))
        if isinstance(unit, Wsgi):
            unit = wsgi_service(unit)
        gates: list[Resource] = []
        if isinstance(unit, Service) and unit.waits:
            gates = [
                Gate(
                    name=f"{unit.name} waits for {number}",
                    component=part.name,
                    probe=probe,
                    after=base,
                )
                for number, probe in enumerate(unit.waits(view), 1)
            ]
        names = {"": f"{unit.name}.service"}
        if isinstance(unit, Service) and unit.instances:
            names = {name: f"{unit.name}@{name}.service" for name in unit.instances(view)}
        units = [
            Unit(
                name=name,
                component=part.name,
                reads=(*read, *files, *(path.replace("%i", instance) for path in unit.reads)),
                reload=unit.reload,
                reloads=unit.reloads,
                ready=_instance(unit.ready(view), instance) if unit.ready else None,
                seconds=unit.seconds,
                again=unit.again if isinstance(unit, Packaged) else 0,
                aside=_aside(view, part, unit),
                turn=_instance(_turn(view, unit), instance),
                after=before + _ids(gates),
            )
            for instance, name in names.items()
        ]
        return [*gates, *units]


def _turn(view: View, unit: Service | Packaged) -> Probe | None:
    """What surrounds a restart of a member of a cluster."""
    return unit.turn(view) if isinstance(unit, Service) and unit.turn else None


def _aside(view: View, part: Component, unit: Service | Packaged) -> tuple[str, ...]:
    """What keeps requests from a unit while it starts anew, where others can answer them."""
    front = next((other for other in view.components if other.aside), None)
    if front is None or len(view.controls) == 1 or not unit.ready or not part.endpoints:
        return ()
    port = port_of(unit.ready(view) or {})
    names = tuple(point.name for point in part.endpoints if point.http and point.served == port)
    return (front.aside, *names) if names else ()


def _given(site: Site, part: Component) -> tuple[tuple[Need, Resource], ...]:
    view = site.view
    return tuple(
        (need, replace(item, component=part.name))
        for gives in part.gives
        if gives.resources
        for need, item in gives.resources(view, needs_of(view, gives.need))
    )


def _ground(_site: Site, part: Component) -> tuple[Resource, ...]:
    """What a component stands on: packages, accounts and directories."""
    found: list[Resource] = []
    if part.packages:
        found.append(Packages(name=part.name, component=part.name, packages=part.packages))
    after = _ids(found)
    found += [
        Account(
            name=user.name, component=part.name, home=user.home, groups=user.groups, after=after
        )
        for user in part.users
    ]
    declared_paths = {folder.path for folder in part.folders}
    homes = [
        Folder(user.home, user.name, user.name, mode=0o750)
        for user in part.users
        if user.home != User.home and user.home not in declared_paths
    ]
    after = _ids(found)
    found += [
        Directory(
            name=item.path,
            component=part.name,
            owner=item.owner,
            group=item.group,
            mode=item.mode,
            after=after,
        )
        for item in (*homes, *part.folders)
    ]
    return tuple(found)


def _made(site: Site, part: Component, ready: tuple[str, ...]) -> tuple[Resource, ...]:
    """What it prepares after its files."""
    if not part.prepares:
        return ()
    return tuple(
        replace(item, component=part.name, after=(*ready, *item.after))
        for item in part.prepares(site.view)
    )


def _migrations(site: Site, part: Component, before: tuple[str, ...]) -> list[Resource]:
    view = site.view

    def there(argv: tuple[str, ...]) -> tuple[str, ...]:
        return tuple(map(view.in_environment, argv))

    found: list[Resource] = []
    for migration in part.migrations:
        found.append(
            MigrationResource(
                name=migration.name,
                component=part.name,
                environment=view.environments[needs.Environment.name],
                argv=there(migration.argv),
                user=migration.user,
                expand=there(migration.expand),
                finish=tuple(
                    there(argv) for argv in (*migration.online, migration.contract) if argv
                ),
                back=there(migration.back),
                finishing=view.finishing,
                proofs=migration.proofs,
                rows={
                    **migration.rows,
                    **(migration.answers(view) if migration.answers else {}),
                },
                env=migration.environment(view) if migration.environment else {},
                snapshot=migration.snapshot,
                elsewhere=not view.leads,
                after=before,
            )
        )
        before = (*before, f"migration:{migration.name}")
    return found


def _more(site: Site, part: Component) -> tuple[Resource, ...]:
    """What else it has."""
    if not part.resources:
        return ()
    return tuple(replace(item, component=part.name) for item in part.resources(site.view))


def _paths(ids: Iterable[str], *kinds: type[Resource]) -> tuple[str, ...]:
    """The names of those of these kinds."""
    heads = tuple(f"{kind.kind}:" for kind in kinds)
    return tuple(name.partition(":")[2] for name in ids if name.startswith(heads))


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
