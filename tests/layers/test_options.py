# SPDX-FileCopyrightText: 2026 The scs authors
# SPDX-License-Identifier: AGPL-3.0-or-later
"""The options of the release's services, asked of the real environment in a cached layer."""

from __future__ import annotations

from pathlib import Path

import pytest

from clouds import ONE, ONE_CEPH, ONE_FULL, expander_of
from scs import components, release
from scs.engine.known import KnownOptions
from scs.model.external import External, ObjectStore
from scs.model.overrides import Setting
from scs.plan import own
from scs.plan.options import unknown, written_sections
from scs.providers.local import layers
from scs.spec import CloudSpec

CACHE = Path("/var/cache/scs")
PARTS = [part for part, _ in components.discover().values()]
SERVICES = own.services([part for part in PARTS if part.source.startswith("pypi:")])
"""Those whose options oslo.config knows."""
NOTHING = External()
STORE = External(volume_backups=ObjectStore("https://s3.example.org", "b", "r", "a", "s"))
UNTOLD = {f"cinder knows no option [service_user] {name}" for name in ("auth_type", "region_name")}
"""Cinder has keystoneauth read that section, and tells oslo.config of half of it."""


@pytest.fixture(scope="module")
def known(tmp_path_factory: pytest.TempPathFactory) -> KnownOptions:
    """Asked anew, with the cached layers lent to an empty cache."""
    newest = release.load(release.names()[-1])
    environment = layers.environment_path(CACHE, newest)
    bases = sorted(CACHE.glob("layers/base-*/usr/bin/python3"))
    if not environment.is_dir() or not bases:
        pytest.skip("no cached layers: scs has not been up here")
    cache = tmp_path_factory.mktemp("cache")
    (cache / "layers").symlink_to(CACHE / "layers")
    found = KnownOptions(cache, newest, PARTS)
    assert found.of("nova") is None
    found.collect(lambda: bases[-1].parents[2], lambda _: None)
    assert found.there
    found.of.cache_clear()
    return found


@pytest.mark.parametrize(
    ("spec", "brought"),
    [(ONE, NOTHING), (ONE_CEPH, NOTHING), (ONE_FULL, NOTHING), (ONE_CEPH, STORE)],
    ids=["files", "Ceph", "everything", "backups in S3"],
)
@pytest.mark.parametrize("service", sorted(SERVICES))
def test_every_option_that_scs_writes_is_one(
    known: KnownOptions, service: str, spec: CloudSpec, brought: External
) -> None:
    options = known.of(service)
    assert options
    assert sum(map(len, options.values())) > 200
    expander = expander_of(spec, external=brought)
    view = expander.view.on(expander.view.nodes[0])
    found: set[str] = set()
    for part, declared in own.configs(view.components):
        if declared.service == service:
            candidates = expander.composed(part, declared, view).candidates
            assert len(candidates) > 4
            written = written_sections(expander, service)
            problems = unknown(candidates, options, service, written)
            found |= {item.what for item in problems if " knows no " in item.what}
    assert found <= UNTOLD


def test_what_is_known_of_one(known: KnownOptions) -> None:
    options = known.of("nova")
    assert options
    ratio = options["DEFAULT"]["initial_cpu_allocation_ratio"]
    assert ratio.default == ("4.0",)
    assert "allocation ratio" in ratio.help
    assert options["DEFAULT"]["transport_url"].secret
    assert options["DEFAULT"]["vnc_enabled"].instead == ("vnc", "enabled")
    near = Setting("DEFAULT", "cpu_alocation_ratio", ("1",), "x.conf:1")
    (warning,) = unknown([near], options, "nova")
    assert warning.hint == "did you mean cpu_allocation_ratio?"
