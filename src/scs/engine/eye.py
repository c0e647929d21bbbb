# SPDX-FileCopyrightText: 2026 The scs authors
# SPDX-License-Identifier: AGPL-3.0-or-later
"""Looking at nodes: one ssh each, all at the same time, nothing in between.

What changes a node goes through Ansible; a look needs none of what Ansible brings, and loading
it costs more than the whole look. The node gets a program on standard input that holds
`scs.resources` and what is to be looked at, so that no secret is in a process list. The
package is kept in /run (its bytecode above all), under its hash.
"""

from __future__ import annotations

import base64
import json
import time
import zlib
from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import lru_cache
from hashlib import sha256
from pathlib import Path

from scs import resources
from scs.errors import Problem, StepFailed
from scs.patience import VARIABLE, patience, patient
from scs.providers import Connection
from scs.providers.reach import NO_ANSWER, Said, by_root, say
from scs.resources import Resource, Seen

SECONDS = 180
"""How long a look may take."""
PARALLEL = 64
"""Nodes that are looked at at the same time."""
REBOOT_SECONDS = 90
"""How long a node may be away that restarts."""
BOOTED = "timeout {seconds:.0f} systemctl is-system-running --wait >/dev/null 2>&1; "
REFUSED = ("Permission denied", "Host key verification failed")
"""What ssh says when it is no use to try again."""

_PROGRAM = """\
import base64, json, os, shutil, sys, time, zlib
os.environ["PATH"] = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
def unpack(text):
    return json.loads(zlib.decompress(base64.b64decode(text)))
lib = "/run/scs/lib/{digest}"
if not os.path.isdir(lib):
    os.makedirs("/run/scs/lib", mode=0o700, exist_ok=True)
    for old in os.scandir("/run/scs/lib"):
        if old.stat().st_mtime < time.time() - 86400:
            shutil.rmtree(old.path, ignore_errors=True)
    new = f"{{lib}}.{{os.getpid()}}"
    os.makedirs(new + "/scs_resources", mode=0o700)
    for name, text in unpack("{sources}").items():
        with open(f"{{new}}/scs_resources/{{name}}", "w") as stream:
            stream.write(text)
    try:
        os.rename(new, lib)
    except OSError:
        shutil.rmtree(new)
sys.path.insert(0, lib)
from scs_resources import build, observe
seen = observe([build(item) for item in unpack("{asked}")])
print("\\n" + base64.b64encode(zlib.compress(json.dumps(seen).encode())).decode())
"""


def _pack(text: str) -> str:
    return base64.b64encode(zlib.compress(text.encode(), 1)).decode()


@lru_cache
def _sources() -> tuple[str, str]:
    """The package `scs.resources`, packed, and its hash."""
    folder = Path(resources.__file__).parent
    texts = {path.name: path.read_text() for path in sorted(folder.glob("*.py"))}
    packed = json.dumps(texts)
    return _pack(packed), sha256(packed.encode()).hexdigest()[:16]


def program(wanted: Iterable[Resource]) -> str:
    """What a node runs to look at these resources; its last line is the packed answer."""
    sources, digest = _sources()
    asked = f"[{','.join(item.asked for item in wanted if item.seen)}]"
    return _PROGRAM.format(digest=digest, sources=sources, asked=_pack(asked))


def answer(output: str) -> dict[str, Seen]:
    """Id → what was seen, from the output of the program."""
    found: dict[str, Seen] = json.loads(
        zlib.decompress(base64.b64decode(output.rstrip().rpartition("\n")[2]))
    )
    return found


def ask(link: Connection, words: str, program: str) -> Said:
    """One round trip: run these words on a node, with a program on standard input."""
    return say(link, words, program, SECONDS)


def look(
    links: Mapping[str, Connection],
    wanted: Iterable[tuple[str, Sequence[Resource]]],
    ask: Callable[[Connection, str, str], Said] = ask,
) -> dict[str, dict[str, Seen]]:
    """Look at nodes; node → id → what was seen. Raises StepFailed.

    Each is asked as soon as `wanted` tells what for, while the next one's is worked out.
    """

    def one(name: str, items: Sequence[Resource]) -> dict[str, Seen] | Problem:
        hint = f"look at it with: scs ssh {name}; then run the same command again"
        end, booted = time.monotonic() + patient(REBOOT_SECONDS), ""
        while True:
            words = by_root(links[name], f"env {VARIABLE}={patience()} python3 -")
            done = ask(links[name], f"{booted}exec {words}", program(items))
            if done.code == NO_ANSWER:
                what = f"did not answer within {patient(SECONDS):.0f} s"
                return Problem(f"node {name}", what, hint)
            refused = any(words in done.errors for words in REFUSED)
            if done.code != 255 or refused or time.monotonic() > end:
                break
            # It runs, so it is on its way down or up: what it is then is what counts.
            booted = BOOTED.format(seconds=patient(120))
            time.sleep(0.5)
        if done.code:
            told = "\n".join(done.errors.splitlines()[-15:])
            what = f"no ssh: {told}" if done.code == 255 else f"cannot be looked at\n{told}"
            return Problem(f"node {name}", what, hint)
        return answer(done.output)

    with ThreadPoolExecutor(PARALLEL) as pool:
        try:
            asked = {name: pool.submit(one, name, items) for name, items in wanted}
        except BaseException:
            pool.shutdown(cancel_futures=True)
            raise
        answers = {name: task.result() for name, task in asked.items()}
    problems = [item for item in answers.values() if isinstance(item, Problem)]
    if problems:
        raise StepFailed(*problems)
    return {name: item for name, item in answers.items() if not isinstance(item, Problem)}
