# SPDX-FileCopyrightText: 2026 The scs authors
# SPDX-License-Identifier: AGPL-3.0-or-later
"""What tests of tempest's part share: an OpenStack with a small image, and a fake tempest."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from fake_openstack.cloud import PROJECT, FakeOpenStack
from fake_openstack.serving import clouds_yaml, serving
from fake_openstack.things import an_image
from fake_openstack.tls import Authority, good_tls
from fake_tempest import fake_tempest


@pytest.fixture
def cloud(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[FakeOpenStack]:
    authority = Authority(tmp_path)
    made = FakeOpenStack()
    tiny = an_image("tiny", "scs-verify", "1", "private", size=1000, min_disk=1, min_ram=128)
    tiny |= {"visibility": "private", "owner": PROJECT, "image_original_user": "scs"}
    made.images.append(tiny)
    made.data["image-tiny"] = b"disk"
    with serving(made, good_tls(authority.server())):
        clouds = clouds_yaml(made, tmp_path, authority.path)
        monkeypatch.setenv("OS_CLIENT_CONFIG_FILE", str(clouds))
        yield made


@pytest.fixture
def python(tmp_path: Path) -> Path:
    return fake_tempest(tmp_path)
