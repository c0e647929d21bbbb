# SPDX-FileCopyrightText: 2026 The scs authors
# SPDX-License-Identifier: AGPL-3.0-or-later
"""The first project's user of one cloud as a client of S3."""

from __future__ import annotations

from functools import cached_property
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import openstack
import urllib3
from minio import Minio


class Bucketeer:
    """Keys of its own from Keystone, used at the address in the catalog."""

    def __init__(self, name: str, state: Path) -> None:
        config = openstack.config.OpenStackConfig(
            config_files=[str(state / "clouds.yaml")], load_envvars=False
        )
        region = config.get_one(name)
        self.cloud: Any = openstack.connection.Connection(config=region)
        self.authority = region.config["cacert"]
        url = self.cloud.session.get_endpoint(service_type="object-store-s3")
        assert url
        self.url: str = url

    @cached_property
    def keys(self) -> tuple[str, str]:
        path = f"/users/{self.cloud.current_user_id}/credentials/OS-EC2"
        answer = self.cloud.identity.post(path, json={"tenant_id": self.cloud.current_project_id})
        assert answer.status_code == 201, answer.text
        made = answer.json()["credential"]
        return made["access"], made["secret"]

    def client(self, access: str, secret: str) -> Minio:
        return Minio(
            str(urlsplit(self.url).netloc),
            access_key=access,
            secret_key=secret,
            region="default",
            http_client=urllib3.PoolManager(ca_certs=self.authority, timeout=60, retries=False),
        )
