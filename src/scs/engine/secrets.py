# SPDX-FileCopyrightText: 2026 The scs authors
# SPDX-License-Identifier: AGPL-3.0-or-later
"""The cloud's secrets: made when first asked for, kept encrypted, rotated step by step."""

from __future__ import annotations

import json
import secrets
import string
import time
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from enum import StrEnum
from pathlib import Path
from typing import Any

from scs.engine.vault import Vault
from scs.errors import Problem, ScsError
from scs.model.view import Credential, fernet_key
from scs.resources import users

ALPHABET = string.ascii_letters + string.digits
LENGTH = 32
"""Characters of a generated secret: 190 bits, and none that any URL or file has to escape."""
KEY_SECONDS = 3 * 86400
"""How long a key that is no longer used still has to open what it has closed: longer than
tokens live, with the two days that Keystone allows services to use expired ones."""


class Step(StrEnum):
    """How far the rotation of an account is; each is reached by a change of the whole cloud."""

    SETTLED = ""
    BOTH = "the new account is made"
    MOVED = "the new account is used"
    GONE = "the old account is removed"


NEXT = dict(zip(Step, [*list(Step)[1:], Step.SETTLED], strict=True))


@dataclass(frozen=True)
class Secret:
    """One secret; while it is rotated, there is another value for another account."""

    value: str
    made: float = 0.0
    """Seconds since 1970; 0: before this was written down."""
    slot: int = 0
    """Which of two accounts that take turns (0 or 1) has this value."""
    other: str = ""
    other_made: float = 0.0
    step: Step = Step.SETTLED

    def credentials(self, name: str) -> tuple[Credential, ...]:
        """The accounts of that name: the one to use, then the other one while there is one."""
        mine, others = users(name)[:: -1 if self.slot else 1]
        found = (Credential(mine, self.value),)
        if not self.other:
            return found
        return (*found, Credential(others, self.other, valid=self.step != Step.GONE))

    def advanced(self, now: float) -> Secret:
        """The next step of its rotation."""
        step = NEXT[self.step]
        if step == Step.BOTH:
            return replace(self, step=step, other=generated(), other_made=now)
        if step == Step.MOVED:
            return replace(
                self,
                step=step,
                value=self.other,
                made=self.other_made,
                slot=1 - self.slot,
                other=self.value,
                other_made=self.made,
            )
        if step == Step.SETTLED:
            return replace(self, step=step, other="", other_made=0.0)
        return replace(self, step=step)


@dataclass(frozen=True)
class Key:
    """One key of a folder, numbered as Keystone does: 0 comes next, the highest is used."""

    number: int
    secret: str
    left: float = 0.0
    """When it was last used to close something, in seconds since 1970; 0: it still may be."""


FIRST_KEYS = (Key(0, "0"), Key(1, "1"))


def generated() -> str:
    """A new secret."""
    return "".join(secrets.choice(ALPHABET) for _ in range(LENGTH))


class Secrets:
    """The cloud's secrets, each made when it is first asked for.

    Nothing is written until `save`, so that a plan leaves no trace. `legacy` is where they lay
    before they were encrypted.
    """

    def __init__(self, path: Path, vault: Vault) -> None:
        self._path = path
        self._vault = vault
        self._stale = False
        self._values: dict[str, Secret] = {}
        self._keys: dict[str, tuple[Key, ...]] = {}
        self._hidden: tuple[str, ...] = ()
        self._read()
        self._saved = self._packed()

    def __call__(self, name: str) -> str:
        """The secret of that name."""
        return self.secret(name).value

    def __iter__(self) -> Any:
        return iter(sorted(self._values))

    def secret(self, name: str) -> Secret:
        """The secret of that name with what is known of it."""
        if name not in self._values:
            # Nodes and the API are looked at at the same time, and both may be the first to ask.
            self._values.setdefault(name, Secret(generated(), time.time()))
        return self._values[name]

    def credentials(self, name: str) -> tuple[Credential, ...]:
        """The accounts that a secret `KIND/NAME` is for; see View.credentials."""
        return self.secret(name).credentials(name.rpartition("/")[2])

    def keys(self, name: str) -> Mapping[int, str]:
        """Number → Fernet key of a folder of keys."""
        folder = self._keys.get(name, FIRST_KEYS)
        return {key.number: fernet_key(self(f"{name}/{key.secret}")) for key in folder}

    def keys_made(self, name: str) -> float:
        """When the key that is used was made, in seconds since 1970."""
        used = max(self._keys.get(name, FIRST_KEYS), key=lambda key: key.number)
        return self.secret(f"{name}/{used.secret}").made

    @property
    def under_way(self) -> Sequence[str]:
        """The secrets whose rotation has begun and not ended."""
        return [name for name, item in sorted(self._values.items()) if item.step]

    def advance(self, name: str) -> Step:
        """The next step of an account's rotation; the cloud is to be made so before another."""
        self._values[name] = self.secret(name).advanced(time.time())
        return self._values[name].step

    def turn_keys(self, name: str) -> None:
        """Use the next key of a folder of keys and make another for the next time.

        The next one is on all nodes already, so whoever uses it first is understood everywhere.
        """
        now = time.time()
        folder = self._keys.get(name, FIRST_KEYS)
        used = max(folder, key=lambda key: key.number)
        coming = next(key for key in folder if key.number == 0)
        kept = [
            replace(key, left=key.left or now)
            for key in folder
            if key != coming and not (key.left and now - key.left > KEY_SECONDS)
        ]
        fresh = str(1 + max(int(key.secret) for key in folder))
        turned = (Key(0, fresh), *kept, replace(coming, number=used.number + 1))
        for key in set(folder) - set(kept) - {coming, used}:
            self._values.pop(f"{name}/{key.secret}", None)
        self._keys[name] = turned

    @property
    def _legacy(self) -> Path:
        return self._path.with_suffix(".json")

    def save(self) -> None:
        """Keep what was made or changed since, encrypted; clear text from before goes."""
        packed = self._packed()
        if packed != self._saved or self._stale:
            self._vault.close(self._path, packed)
            self._saved, self._stale = packed, False
        self._legacy.unlink(missing_ok=True)

    def hide(self, values: Iterable[str]) -> None:
        """Blot these out as well: secrets that are the operator's own."""
        self._hidden = tuple(sorted(set(values), key=len, reverse=True))

    def mask(self, text: str) -> str:
        """The text with every secret in it blotted out."""
        for value in self._hidden:
            text = text.replace(value, "••••••")
        for item in self._values.values():
            for value in (item.value, item.other):
                text = text.replace(value, "••••••") if value else text
        for name in {"/".join(name.split("/")[:-1]) for name in self._values}:
            if f"{name}/0" in self._values:
                for key in self.keys(name).values():
                    text = text.replace(key, "••••••")
        return text

    def _packed(self) -> dict[str, Any]:
        return {
            "secrets": {name: asdict(item) for name, item in self._values.items()},
            "keys": {name: [asdict(key) for key in keys] for name, keys in self._keys.items()},
        }

    def _read(self) -> None:
        try:
            kept, self._stale = self._vault.open(self._path)
            for name, item in kept["secrets"].items():
                self._values[name] = Secret(**{**item, "step": Step(item["step"])})
            for name, keys in kept["keys"].items():
                self._keys[name] = tuple(Key(**key) for key in keys)
            return
        except FileNotFoundError:
            pass
        except (KeyError, TypeError, ValueError) as error:
            raise self._damaged(self._path, error) from error
        try:
            clear: dict[str, str] = json.loads(self._legacy.read_text())
        except FileNotFoundError:
            return
        except ValueError as error:
            raise self._damaged(self._legacy, error) from error
        self._values = {name: Secret(value) for name, value in clear.items()}
        self._stale = True

    def _damaged(self, path: Path, error: Exception) -> ScsError:
        hint = "restore it from a backup; without it the cloud's accounts are lost"
        return ScsError(Problem(str(path), f"is damaged: {error}", hint))
