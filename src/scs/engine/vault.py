# SPDX-FileCopyrightText: 2026 The scs authors
# SPDX-License-Identifier: AGPL-3.0-or-later
"""Files that are encrypted at rest, in age's format: what opens them is kept elsewhere.

A file here is what `age --decrypt --identity IDENTITY FILE` opens: JSON with what is kept and
for whom else it was encrypted.
"""

from __future__ import annotations

import getpass
import json
import os
import sys
from collections.abc import Sequence
from functools import cached_property
from pathlib import Path
from typing import Any, Protocol

import pyrage

from scs.errors import BadInput, Problem, ScsError
from scs.paths import Paths
from scs.private import write_private


class Reads(Protocol):
    """Where a stream comes from."""

    def read(self, size: int = ..., /) -> bytes: ...


class Writes(Protocol):
    """Where a stream goes to."""

    def write(self, data: bytes, /) -> int: ...

    def flush(self) -> None: ...


ARMOR = b"-----BEGIN AGE ENCRYPTED FILE-----"
PASSPHRASE_FILE = "SCS_PASSPHRASE_FILE"  # noqa: S105 - names where it is


def recipient(text: str) -> Any:
    """A public key as age knows it; raises BadInput when it is none."""
    kind = pyrage.ssh.Recipient if text.startswith("ssh-") else pyrage.x25519.Recipient
    try:
        return kind.from_str(text)
    except pyrage.RecipientError as error:
        hint = "age1… (from age-keygen) or an ssh-ed25519 or ssh-rsa public key"
        raise BadInput(
            Problem("secrets.recipients", f"{text[:30]}… is no key: {error}", hint)
        ) from error


class Vault:
    """Opens and closes one cloud's encrypted files.

    The identity (the private key) is made by the first `close`, unless the operator has named
    one with SCS_IDENTITY. `recipients` are public keys of others who may open the files too.
    """

    def __init__(self, identity: Path, own: bool, recipients: Sequence[str] = ()) -> None:
        self.identity = identity
        self.own = own
        """The identity is this cloud's: made here, and gone with the cloud."""
        self._others = tuple(sorted(recipients))

    @classmethod
    def of(cls, paths: Paths, recipients: Sequence[str] = ()) -> Vault:
        """The vault of the cloud in these folders."""
        named = os.environ.get("SCS_IDENTITY", "")
        return cls(Path(named) if named else paths.identity, not named, recipients)

    def open(self, path: Path) -> tuple[Any, bool]:
        """What is kept in the file, and whether it is encrypted for others than it should be.

        Raises FileNotFoundError when there is no such file, and ScsError when it cannot be
        opened.
        """
        data = path.read_bytes()
        try:
            text = pyrage.decrypt(data, self._identities)
        except pyrage.DecryptError as error:
            raise self._closed(str(path), error) from error
        try:
            values = json.loads(text)
            return values["kept"], values["recipients"] != list(self._others)
        except (ValueError, KeyError, TypeError) as error:
            raise ScsError(
                Problem(str(path), f"is damaged: {error}", "restore it from a backup")
            ) from error

    def close(self, path: Path, kept: Any) -> None:
        """Encrypt and replace the file; makes the identity if there is none yet."""
        if self.own and not self.identity.exists():
            self._make(path)
        text = json.dumps({"recipients": list(self._others), "kept": kept}, sort_keys=True)
        sealed = pyrage.encrypt(text.encode(), self._recipients, armored=True)
        self._check(sealed, str(path))
        write_private(path, sealed.decode())

    def seal(self, source: Reads, target: Writes, where: str) -> None:
        """Encrypt a stream of any length for the same people, a block at a time.

        `where` names it in errors. Raises what reading and writing raise as EncryptError.
        """
        self._check(pyrage.encrypt(b"", self._recipients), where)
        pyrage.encrypt_io(source, target, self._recipients)

    def unseal(self, source: Reads, target: Writes, where: str) -> None:
        """Decrypt such a stream; each block is proven before it is given on.

        Raises ScsError when this identity does not open it, and OSError when it is altered, cut
        off, or `target` does not take it.
        """
        try:
            pyrage.decrypt_io(source, target, self._identities)
        except pyrage.DecryptError as error:
            raise self._closed(where, error) from error

    @property
    def readers(self) -> tuple[str, ...]:
        """Public keys of all who can open what is encrypted now, as far as they are known."""
        return (*(str(item) for item in self._public), *self._others)

    def _closed(self, where: str, error: Exception) -> ScsError:
        hint = (
            f"SCS_IDENTITY=FILE names the right one, or bring {self.identity} back from a"
            " backup; any key of secrets.recipients opens it too"
        )
        what = f"cannot be opened with the identity {self.identity}: {error}"
        return ScsError(Problem(where, what, hint))

    def _check(self, sealed: bytes, where: str) -> None:
        """Raises BadInput when this identity could not open it."""
        try:
            pyrage.decrypt(sealed, self._identities)
        except pyrage.DecryptError as error:
            # An ssh key does not tell its public half.
            hint = f"add the public key of {self.identity} to secrets.recipients in cloud.yaml"
            what = f"the identity {self.identity} could not open what would be written"
            raise BadInput(Problem(where, what, hint)) from error

    def forget(self) -> None:
        """Remove the identity if it was made here."""
        if self.own:
            self.identity.unlink(missing_ok=True)
            for folder in list(self.identity.parents)[:2]:
                if folder.is_dir() and not any(folder.iterdir()):
                    folder.rmdir()

    def _make(self, path: Path) -> None:
        identity = pyrage.x25519.Identity.generate()
        lines = (
            f"# Opens the files of scs in {path.parent}; without it they are worthless.",
            f"# public key: {identity.to_public()}",
            str(identity),
        )
        write_private(self.identity, "\n".join(lines) + "\n")
        self.__dict__.pop("_identities", None)

    @cached_property
    def _identities(self) -> list[Any]:
        try:
            data = self.identity.read_bytes()
        except FileNotFoundError:
            hint = (
                "bring it back from a backup, or name another key of secrets.recipients:"
                " SCS_IDENTITY=FILE. Without any, the cloud's secrets are lost: scs down, scs up"
            )
            if not self.own:
                hint = f"make one: age-keygen -o {self.identity}"
            what = "is not there: it opens the cloud's encrypted files"
            raise ScsError(Problem(f"identity {self.identity}", what, hint)) from None
        if data.startswith((ARMOR, b"age-encryption.org/")):
            data = self._opened(data)
        try:
            if data.startswith(b"-----BEGIN"):
                return [pyrage.ssh.Identity.from_buffer(data)]
            lines = [line.strip() for line in data.decode().splitlines()]
            keys = [line for line in lines if line and not line.startswith("#")]
            found = [pyrage.x25519.Identity.from_str(key) for key in keys]
        except (pyrage.IdentityError, UnicodeDecodeError) as error:
            raise self._unusable(str(error)) from error
        if not found:
            raise self._unusable("there is no key in it")
        return found

    @property
    def _recipients(self) -> list[Any]:
        return [*self._public, *(recipient(text) for text in self._others)]

    @property
    def _public(self) -> list[Any]:
        kind = pyrage.x25519.Identity
        return [item.to_public() for item in self._identities if isinstance(item, kind)]

    def _opened(self, data: bytes) -> bytes:
        """An identity file that is itself encrypted with a passphrase."""
        named = os.environ.get(PASSPHRASE_FILE, "")
        if named:
            passphrase = Path(named).read_text().rstrip("\n")
        elif sys.stdin.isatty():
            passphrase = getpass.getpass(f"Passphrase of {self.identity}: ")
        else:
            raise self._unusable(f"it has a passphrase: {PASSPHRASE_FILE}=FILE names where it is")
        try:
            return bytes(pyrage.passphrase.decrypt(data, passphrase))
        except pyrage.DecryptError as error:
            raise self._unusable(f"{error}; is the passphrase right?") from error

    def _unusable(self, why: str) -> ScsError:
        hint = "an age identity (age-keygen), also with a passphrase, or an OpenSSH private key"
        return ScsError(Problem(f"identity {self.identity}", f"cannot be used: {why}", hint))
