# SPDX-FileCopyrightText: 2026 The scs authors
# SPDX-License-Identifier: AGPL-3.0-or-later
"""Images."""

from __future__ import annotations

from collections.abc import Iterable

from scs.model.component import CONTROL, Component, Config, Endpoint, Folder, Keeps, User, Wsgi
from scs.model.database import schema
from scs.model.needs import BlockStorage, Cache, Database, Environment, Need, ServiceUser
from scs.model.saved import LISTED, Saved, shell
from scs.model.view import CA, View

CONF = "/etc/glance/glance-api.conf"
LIBRARY = "/usr/local/lib/scs/glance"
IMAGES = "/var/lib/glance/images"


def in_files(view: View) -> bool:
    """Images lie in files of the node, not in Ceph."""
    return not view.given(BlockStorage)


def pools(view: View) -> Iterable[Need]:
    """Where images lie in Ceph."""
    yield BlockStorage("glance", owner="glance", pools=view.storage.image_pools)


component = Component(
    name="glance",
    summary="images",
    roles=CONTROL,
    source="pypi:glance",
    license="Apache-2.0",
    needs=(Environment(), Database("glance"), Cache(), ServiceUser("glance")),
    wants_in=pools,
    endpoints=(Endpoint("glance", port=9292, type="image", description="Images"),),
    users=(User("glance", home="/var/lib/glance"),),
    folders=(
        Folder("/etc/glance", group="glance", mode=0o750),
        Folder("/var/lib/glance", owner="glance", group="glance", mode=0o750),
        Folder(IMAGES, owner="glance", group="glance", mode=0o750),
        Folder(LIBRARY),
    ),
    files=(
        Config(
            "glance-api.conf.j2",
            CONF,
            group="glance",
            service="glance",
            policy=True,
        ),
        Config("api.py.j2", f"{LIBRARY}/scs_glance_api.py", mode=0o644),
    ),
    migrations=(
        schema(
            *("glance", "glance-manage", f"--config-file={CONF}", "db_sync"),
            expand=(f"--config-file={CONF}", "db", "expand"),
            online=(f"--config-file={CONF}", "db", "migrate"),
            contract=(f"--config-file={CONF}", "db", "contract"),
        ),
    ),
    units=(
        Wsgi(
            "glance-api",
            module="scs_glance_api:application",
            port=9292,
            user="glance",
            environment={
                "OS_GLANCE_CONFIG_DIR": "/etc/glance",
                "REQUESTS_CA_BUNDLE": CA,
                "PYTHONPATH": LIBRARY,
            },
        ),
    ),
    keeps=(Keeps(IMAGES, in_files, unsaved="images, unless --bulk: upload them again"),),
    saves=(
        Saved(
            "images",
            save=shell(f"exec tar --create --sort=name --directory={IMAGES} ."),
            load=shell(f"exec tar --extract --same-owner --directory={IMAGES}"),
            proves=LISTED,
            bulk=True,
            of=(IMAGES,),
            when=in_files,
        ),
    ),
)
