# SPDX-FileCopyrightText: 2026 The scs authors
# SPDX-License-Identifier: AGPL-3.0-or-later
"""ARA's callback in the worker: without a playbook of its own, it is told of ours."""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ansible.executor.task_queue_manager import TaskQueueManager
from ansible.playbook import Playbook
from ansible.plugins.loader import callback_loader

PLAY = Path(__file__).with_name("play.yml")
"""What ARA shows as the playbook; the worker makes the same play without a file."""


class Recorder:
    """Records one play in the database of a cloud."""

    def __init__(self, queue: TaskQueueManager, loader: Any, settings: Mapping[str, str]) -> None:
        if settings["packages"] not in sys.path:
            sys.path.append(settings["packages"])  # after our own: those win
        os.environ |= {
            "ARA_BASE_DIR": settings["base"],
            "ARA_API_CLIENT": "offline",
            "ARA_CALLBACK_THREADS": "0",
            "ARA_RECORD_CONTROLLER": "false",
        }
        os.umask(0o077)
        callback_loader.add_directory(f"{settings['packages']}/ara/plugins/callback")
        queue.load_callbacks()  # takes whatever lies in such a folder
        (plugin,) = (
            item
            for item in queue._callback_plugins
            if type(item).__module__.endswith("ara_default")
        )
        self._queue = queue
        playbook = Playbook(loader=loader)
        playbook._file_name = str(PLAY)
        plugin.v2_playbook_on_start(playbook)
        self._plugin = plugin

    def close(self) -> None:
        """The play has ended."""
        self._plugin.v2_playbook_on_stats(self._queue._stats)
