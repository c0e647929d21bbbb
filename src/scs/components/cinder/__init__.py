# SPDX-FileCopyrightText: 2026 The scs authors
# SPDX-License-Identifier: AGPL-3.0-or-later
"""Block storage: the API and the scheduler of Cinder, and the types of volumes."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from scs.model.component import CONTROL, Component, Config, Endpoint, Folder, Service, User, Wsgi
from scs.model.content import quotas
from scs.model.database import schema
from scs.model.needs import Cache, Database, Environment, Queue, ServiceUser
from scs.model.objects import ApiObject, CatalogEntry, VolumeQuota, VolumeType
from scs.model.storage import FILES
from scs.model.view import ENVIRONMENT, View

CONF = "/etc/cinder/cinder.conf"
DEFAULT = "standard"
BACKEND = {"volume_backend_name": "rbd"}


ENCRYPTION: Mapping[str, str | int] = {
    "provider": "luks",
    "cipher": "aes-xts-plain64",
    # Bits; XTS takes two such keys, which come from the passphrase that the key manager holds.
    "key_size": 256,
    "control_location": "front-end",
}
"""The hypervisor encrypts: neither the network nor Ceph sees what a guest writes."""


def described(view: View, text: str, *aspects: str) -> str:
    """A description as the SCS standard (scs-0114) wants it: first what holds for the type."""
    found = (*aspects, *(("replicated",) if view.storage.replicas > 1 else ()))
    return f"[scs:{', '.join(found)}] {text}" if found else text


def objects(view: View) -> Iterable[ApiObject]:
    """The types of volumes, the older name in the catalog, and what the first project may use."""
    yield VolumeType(
        name=DEFAULT, description=described(view, "for one machine at a time"), extra_specs=BACKEND
    )
    yield VolumeType(
        name="multiattach",
        description=described(view, "for several machines at once"),
        extra_specs={**BACKEND, "multiattach": "<is> True"},
    )
    if view.serves("key-manager"):
        yield VolumeType(
            name="encrypted",
            description=described(view, "with a key of its own", "encrypted"),
            extra_specs=BACKEND,
            encryption=ENCRYPTION,
        )
    # Comes with Cinder, and can be placed anywhere: nobody is to choose it.
    yield VolumeType(name="__DEFAULT__", description="Default Volume Type", public=False)
    yield CatalogEntry(
        name="cinderv3",
        type="volumev3",
        description="Block storage, by its older name",
        urls={"internal": view.url("cinder"), "public": view.url("cinder", external=True)},
    )
    yield from quotas(VolumeQuota, view.projects)


component = Component(
    name="cinder",
    summary="block storage",
    roles=CONTROL,
    source="pypi:cinder",
    license="Apache-2.0",
    when=lambda view: view.storage.kind != FILES,
    needs=(
        Environment(),
        Database("cinder"),
        Queue("cinder"),
        Cache(),
        ServiceUser("cinder", roles=("service", "admin")),
    ),
    endpoints=(
        Endpoint(
            "cinder", port=8776, type="block-storage", description="Block storage", path="/v3"
        ),
    ),
    users=(User("cinder", home="/var/lib/cinder"),),
    folders=(Folder("/etc/cinder", group="cinder", mode=0o750),),
    files=(Config("cinder.conf.j2", CONF, group="cinder", service="cinder", policy=True),),
    migrations=(
        schema(
            *("cinder", "cinder-manage", f"--config-file={CONF}", "db", "sync"),
            online=(f"--config-file={CONF}", "db", "online_data_migrations"),
        ),
    ),
    units=(
        Wsgi(
            "cinder-api",
            module="cinder.wsgi.api:application",
            port=8776,
            user="cinder",
            options={"pyargv": f"--config-file={CONF}"},
            lazy=True,
        ),
        Service(
            "cinder-scheduler",
            description="Cinder scheduler",
            exec=f"{ENVIRONMENT}/bin/cinder-scheduler --config-file {CONF}",
            user="cinder",
        ),
    ),
    objects=objects,
)
