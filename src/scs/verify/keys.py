# SPDX-FileCopyrightText: 2026 The scs authors
# SPDX-License-Identifier: AGPL-3.0-or-later
"""What a key manager is for, in the proof: a secret kept, and a volume encrypted."""

from __future__ import annotations

import secrets
import time

from scs.verify.run import Run
from scs.verify.steps import Finding, ProofFailed
from scs.verify.volumes import Volumes

ENCRYPTED = "encrypted"
"""The type of volumes that the hypervisor encrypts, where there is a key manager."""
MIB = 4
"""How much is written to such a one: without KVM the guest's disk is slow."""


def secret(run: Run) -> Finding:
    """A secret that the key manager keeps is what was stored."""
    keys = run.cloud.key_manager
    text = secrets.token_hex(32)
    made = keys.create_secret(name=run.mark, payload=text, payload_content_type="text/plain")
    run.patience.check()
    if keys.get_secret(made.secret_id).payload != text:
        raise ProofFailed("it is not what was stored")
    return Finding("stored and read again")


def encryption(volumes: Volumes) -> Finding:
    """Bytes on an encrypted volume are there again when it comes back to the guest."""
    step = "encryption"
    start = time.monotonic()
    made = volumes.make({"size": 1, "volume_type": ENCRYPTED})
    if not made["encrypted"]:
        raise ProofFailed(f"a volume of type {ENCRYPTED} is not encrypted")
    written = volumes.written(volumes.attach(made["id"], step), MIB)
    volumes.detach(made["id"], step)
    read = volumes.checksum(volumes.attach(made["id"], step), MIB)
    volumes.detach(made["id"], step)
    if read != written:
        raise ProofFailed(f"its first bytes are {read}, written were {written}")
    return Finding(
        f"{MIB} MiB on a volume of type {ENCRYPTED} are the same after it was away,"
        f" all in {time.monotonic() - start:.1f} s"
    )
