# SPDX-FileCopyrightText: 2026 The scs authors
# SPDX-License-Identifier: MPL-2.0
"""What an operator brings along instead of what the cloud would make, in cloud.yaml."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from scs.spec import kinds
from scs.spec.part import LISTED, Part


class ExternalDatabase(Part):
    """A MariaDB of your own, reached by TLS: the cloud makes its accounts there and runs none."""

    host: Annotated[str, kinds.HOST] = Field(
        default="",
        description="Its name or address; empty: the cloud runs its own.",
        examples=["db.example.org"],
    )
    port: Annotated[int, kinds.PORT] = Field(
        default=3306, description="Its port.", examples=["3306"]
    )
    user: Annotated[str, kinds.TENANT_NAME] = Field(
        default="scs",
        description="An account there that may create databases and accounts, and grant.",
        examples=["scs"],
    )
    password_file: Annotated[str, kinds.PATH] = Field(
        default="",
        description="A file with its password, readable for you alone; beside cloud.yaml if "
        "it does not begin with `/`.",
        examples=["secrets/database"],
    )
    password_env: Annotated[str, kinds.VARIABLE] = Field(
        default="",
        description="Instead: an environment variable with it.",
        examples=["DATABASE_PASSWORD"],
    )
    ca: Annotated[str, kinds.PATH] = Field(
        default="",
        description="A file with the certificate that its own is checked against; empty: the "
        "cloud's CA has signed it.",
        examples=["database-ca.pem"],
    )


class ExternalCa(Part):
    """A CA of your own, best an intermediate one: it signs the cloud's certificates."""

    certificate: Annotated[str, kinds.PATH] = Field(
        default="",
        description="A file with its certificate, then those up to the root's; empty: the cloud "
        "makes a CA.",
        examples=["pki/cloud-ca.pem"],
    )
    key: Annotated[str, kinds.PATH] = Field(
        default="",
        description="A file with its key, not encrypted, readable for you alone.",
        examples=["pki/cloud-ca.key"],
    )


class ExternalCeph(Part):
    """A Ceph of your own, for `storage: external-ceph`: accounts and pools are made by you."""

    config: Annotated[str, kinds.PATH] = Field(
        default="",
        description="Its ceph.conf, with `mon_host` and `fsid`; beside cloud.yaml if it does not "
        "begin with `/`.",
        examples=["ceph/ceph.conf"],
    )
    keyrings: Annotated[str, kinds.PATH] = Field(
        default="",
        description="The folder with a `ceph.client.NAME.keyring` for each account that the cloud "
        "uses, readable for you alone.",
        examples=["ceph"],
    )


class External(Part):
    """What you bring along instead of what the cloud would make."""

    database: ExternalDatabase = ExternalDatabase()
    ceph: ExternalCeph = ExternalCeph()
    ca: ExternalCa = ExternalCa()
    ntp: Annotated[
        tuple[Annotated[str, kinds.HOST], ...],
        LISTED,
    ] = Field(
        default=(),
        description="Time servers for machines; `[]`: Debian's. Containers have the host's time.",
        examples=["[ntp1.example.org, ntp2.example.org]"],
    )
