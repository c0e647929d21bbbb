# SPDX-FileCopyrightText: 2026 The scs authors
# SPDX-License-Identifier: AGPL-3.0-or-later
"""Running OpenTofu: by nobody's configuration but ours, and never killed while it works.

What it knows of a machine that it is just making is lost when it is killed. So it is asked to
stop, and then waited for; and where scs itself was killed, the next run waits for its lock.
"""

from __future__ import annotations

import json
import os
import platform
import re
import shutil
import signal
import subprocess
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from scs.errors import CommandFailed, Problem
from scs.patience import patient
from scs.private import write_private
from scs.shell import TAIL_LINES, Say, quiet

PLAN = "plan"
"""The file with what was planned; encrypted, as the state is."""
LOCK = "-lock-timeout=600s"
STOP_SECONDS = 900
"""How long OpenTofu may take to end in order: it waits for what it has begun."""

_ASKING = ("init", "plan", "apply", "destroy")
"""Commands that would ask a person, and colour what they say."""
_COLOUR = re.compile(r"\x1b\[[0-9;]*m")
"""Some errors come in colours whatever is asked for."""
_PROCESSORS = {"x86_64": "amd64", "aarch64": "arm64"}
"""What Go calls them."""
_HINT = (
    "correct what it says, in cloud.yaml, in your credentials or on the platform; then run the "
    "same command again"
)


@dataclass(frozen=True)
class Tools:
    """What is run, and where its plugins are; made when it is first asked for."""

    program: Path
    mirror: Path | None
    """A folder with plugins."""
    registry: bool
    """Other plugins may be fetched."""
    built: Path | None = None
    """A plugin that was built here: the only one."""


@dataclass(frozen=True)
class Secrets:
    """What OpenTofu is told by its environment alone."""

    passphrase: str
    """Encrypts what it remembers."""
    variables: Mapping[str, Mapping[str, str]]
    """Those of the configuration."""


class Program:
    """OpenTofu in one cloud's folder, which holds its configuration and what it remembers."""

    def __init__(
        self,
        folder: Path,
        tools: Callable[[Say], Tools],
        secrets: Callable[[], Secrets],
        environment: Mapping[str, str],
    ) -> None:
        self._folder = folder
        self._tools = tools
        self._secrets = secrets
        self._environment = environment

    def begin(self, say: Say) -> None:
        """Have the plugin that the configuration names ready."""
        tools = self._tools(say)
        shutil.rmtree(self._folder / ".terraform", ignore_errors=True)
        # Hashes of a plugin that was built here say nothing of one from elsewhere.
        (self._folder / ".terraform.lock.hcl").unlink(missing_ok=True)
        mirror = self._mirror(tools.built) if tools.built else tools.mirror
        write_private(self._settings, settings(mirror, tools.registry))
        self._run(say, "init")

    def _mirror(self, plugin: Path) -> Path:
        """A folder with just this plugin, laid out as OpenTofu looks for it."""
        write_private(self._settings, settings(None, registry=False))
        # Its full name begins with the registry that OpenTofu means by default: it knows which.
        told = self._run(quiet, "providers")
        named = re.search(r"provider\[([^\]\s]+)\] *=? *([0-9.]+)", told)
        if named is None:
            what = f"tofu providers does not name the plugin that is wanted:\n{told}"
            raise CommandFailed(Problem("OpenTofu", what, "see tofu.program"))
        mirror = self._folder / "plugins"
        shutil.rmtree(mirror, ignore_errors=True)
        system = f"linux_{_PROCESSORS.get(platform.machine(), platform.machine())}"
        at = mirror / named[1] / named[2] / system
        at.mkdir(parents=True)
        (at / f"terraform-provider-{named[1].rpartition('/')[2]}").symlink_to(plugin)
        return mirror

    def plan(self, say: Say) -> Mapping[str, Any]:
        """What would be done, as `show -json` tells it; it is kept for `apply`."""
        self._run(say, "plan", LOCK, f"-out={PLAN}")
        found: Mapping[str, Any] = json.loads(self._run(quiet, "show", "-json", PLAN))
        return found

    def apply(self, say: Say) -> None:
        """Do what was planned, and nothing else."""
        self._run(say, "apply", LOCK, PLAN)
        (self._folder / PLAN).unlink(missing_ok=True)

    def destroy(self, say: Say) -> None:
        """Take away all that it remembers."""
        self._run(say, "destroy", LOCK, "-auto-approve")

    @property
    def remembers(self) -> bool:
        """Whether it has ever made anything here."""
        return (self._folder / "terraform.tfstate").exists()

    @property
    def _settings(self) -> Path:
        return self._folder / "tofu.rc"

    def _variables(self) -> dict[str, str]:
        secrets = self._secrets()
        # `TF_CLI_ARGS` and the like of whoever runs scs would change what is done.
        own = {key: value for key, value in os.environ.items() if not key.startswith("TF_")}
        return {
            **own,
            **self._environment,
            **{f"TF_VAR_{name}": json.dumps(value) for name, value in secrets.variables.items()},
            "TF_CLI_CONFIG_FILE": str(self._settings),
            "TF_ENCRYPTION": json.dumps(encryption(secrets.passphrase)),
            "TF_IN_AUTOMATION": "1",
            "CHECKPOINT_DISABLE": "1",
        }

    def _run(self, say: Say, command: str, *words: str) -> str:
        """Run one command to its end; raises CommandFailed."""
        asks = command in _ASKING
        asked = ("-no-color", "-input=false") if asks else ()
        argv = [str(self._tools(say).program), command, *asked, *words]
        try:
            process = subprocess.Popen(
                argv,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                env=self._variables(),
                cwd=self._folder,
                text=True,
                errors="replace",
                umask=0o077,
                # Ctrl-C of a terminal does not reach it: it is told once, and by us.
                process_group=0,
            )
        except OSError as error:
            what = f"{argv[0]}: {error.strerror}"
            raise CommandFailed(Problem("OpenTofu", what, "see tofu.program")) from error
        with process:
            lines = _listened(process, say)
        if process.returncode:
            tail = "\n".join(f"    {line}" for line in lines[-TAIL_LINES:])
            what = f"tofu {command} ended with {process.returncode}\n{tail}"
            raise CommandFailed(Problem("OpenTofu", what, _HINT))
        return "\n".join(lines)


def _listened(process: subprocess.Popen[str], say: Say) -> Sequence[str]:
    lines = []
    try:
        assert process.stdout is not None
        for line in process.stdout:
            text = _COLOUR.sub("", line).rstrip().strip("│╷╵ ")
            if text:
                lines.append(text)
                say(text)
        process.wait()
    except BaseException:
        process.send_signal(signal.SIGINT)
        say("waiting for OpenTofu to end what it has begun")
        try:
            process.communicate(timeout=patient(STOP_SECONDS))
        except subprocess.TimeoutExpired:
            process.kill()
        raise
    return lines


def settings(mirror: Path | None, registry: bool) -> str:
    """OpenTofu's settings: where plugins come from."""
    lines = ["disable_checkpoint = true", "provider_installation {"]
    if mirror:
        path = json.dumps(str(mirror))
        lines += ["  filesystem_mirror {", f"    path = {path}", "  }"]
    if registry:
        lines.append("  direct {}")
    return "\n".join([*lines, "}", ""])


def encryption(passphrase: str) -> Mapping[str, Any]:
    """How what OpenTofu remembers is kept: it holds what machines were told."""
    method = {"method": "method.aes_gcm.cloud", "enforced": True}
    return {
        "key_provider": {"pbkdf2": {"cloud": {"passphrase": passphrase}}},
        "method": {"aes_gcm": {"cloud": {"keys": "key_provider.pbkdf2.cloud"}}},
        "state": method,
        "plan": method,
    }
