# SPDX-FileCopyrightText: 2026 The scs authors
# SPDX-License-Identifier: AGPL-3.0-or-later
"""The Ansible callback plugin that hands each node's result to the other end, a line each."""

from __future__ import annotations

import base64
import json
import os
import zlib
from typing import Any

from ansible.plugins.callback import CallbackBase

DOCUMENTATION = """
name: scs_answers
type: stdout
short_description: results as lines of JSON
description: Writes each node's result to the file descriptor in SCS_ANSWERS.
"""


def answer(line: dict[str, Any]) -> None:
    """Write one line where the other end reads."""
    data = (json.dumps(line) + "\n").encode()
    descriptor = int(os.environ["SCS_ANSWERS"])
    while data:
        data = data[os.write(descriptor, data) :]


class CallbackModule(CallbackBase):  # type: ignore[misc]
    """One line per node; everything else that Ansible has to tell is left out."""

    CALLBACK_VERSION = 2.0
    CALLBACK_TYPE = "stdout"
    CALLBACK_NAME = "scs_answers"

    def v2_runner_on_ok(self, result: Any) -> None:
        packed = base64.b64decode(result.result["answer"])
        answer({"node": result.host.name, "answer": json.loads(zlib.decompress(packed))})

    def v2_runner_on_failed(self, result: Any, ignore_errors: bool = False) -> None:
        told = result.result
        parts = [str(told.get(key) or "") for key in ("msg", "module_stderr", "exception")]
        tail = [line for part in parts for line in part.splitlines()[-15:]]
        answer({"node": result.host.name, "error": "\n".join(tail) or "failed"})

    def v2_runner_on_unreachable(self, result: Any) -> None:
        answer({"node": result.host.name, "error": f"no ssh: {result.result.get('msg')}"})
