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


class ExternalVolumeBackups(Part):
    """An S3 store for the backups of volumes; without one they lie in the cloud's Ceph."""

    endpoint: Annotated[str, kinds.url("https")] | None = Field(
        default=None,
        description="Where the store is asked, by TLS only: what is sent there are the volumes' "
        "contents; `null`: a pool of the cloud's Ceph takes their place.",
        examples=["https://s3.example.org"],
    )
    bucket: Annotated[str, kinds.BUCKET] = Field(
        default="volume-backups",
        description="The bucket that they lie in; made with the first backup where it is missing "
        "and the account may make it.",
        examples=["volume-backups"],
    )
    region: Annotated[str, kinds.REGION] = Field(
        default="us-east-1",
        description="The region that requests are signed for; Ceph's object gateway takes any.",
        examples=["eu-central-1"],
    )
    access_key: Annotated[str, kinds.ACCESS_KEY] = Field(
        default="",
        description="The account's access key: its name, no secret.",
        examples=["AKIAIOSFODNN7EXAMPLE"],
    )
    secret_key_file: Annotated[str, kinds.PATH] = Field(
        default="",
        description="A file with its secret key, readable for you alone; beside cloud.yaml if it "
        "does not begin with `/`.",
        examples=["secrets/s3"],
    )
    secret_key_env: Annotated[str, kinds.VARIABLE] = Field(
        default="",
        description="Instead: an environment variable with it.",
        examples=["S3_SECRET_KEY"],
    )
    ca: Annotated[str, kinds.PATH] = Field(
        default="",
        description="A file with the certificate that the store's is checked against; empty: "
        "Debian's public CAs.",
        examples=["s3-ca.pem"],
    )


class External(Part):
    """What you bring along instead of what the cloud would make."""

    database: ExternalDatabase = ExternalDatabase()
    ceph: ExternalCeph = ExternalCeph()
    volume_backups: ExternalVolumeBackups = ExternalVolumeBackups()
    ca: ExternalCa = ExternalCa()
    ntp: Annotated[
        tuple[Annotated[str, kinds.HOST], ...],
        LISTED,
    ] = Field(
        default=(),
        description="Time servers for machines; `[]`: Debian's. Containers have the host's time.",
        examples=["[ntp1.example.org, ntp2.example.org]"],
    )
