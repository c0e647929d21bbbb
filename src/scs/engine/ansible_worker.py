# SPDX-FileCopyrightText: 2026 The scs authors
# SPDX-License-Identifier: AGPL-3.0-or-later
"""The process behind `hand.Hand`: Ansible's own API, one play per job."""

from __future__ import annotations

import base64
import json
import os
import sys
import zlib
from typing import Any

from ansible import context
from ansible.executor.task_queue_manager import TaskQueueManager
from ansible.inventory.manager import InventoryManager
from ansible.module_utils.common.collections import ImmutableDict
from ansible.parsing.dataloader import DataLoader
from ansible.playbook.play import Play
from ansible.plugins.loader import init_plugin_loader
from ansible.template import trust_as_template
from ansible.vars.manager import VariableManager

from scs.engine.callback.scs_answers import answer
from scs.patience import expect, patience, patient

# Whatever Ansible prints goes to the log, not between our lines.
os.environ["SCS_ANSWERS"] = str(os.dup(1))
os.dup2(2, 1)


def play(job: dict[str, Any]) -> None:
    loader = DataLoader()
    inventory = InventoryManager(loader=loader, sources=[])
    variables = VariableManager(loader=loader, inventory=inventory)
    inventory.add_group("cloud")
    for name, node in job["nodes"].items():
        inventory.add_host(name, group="cloud")
        options = [
            f"-o UserKnownHostsFile={node['known_hosts']}",
            # A node that restarts may not say goodbye to who is kept.
            f"-o ControlMaster=auto -o ControlPersist=60s -o ServerAliveInterval={patient(15):.0f}",
            f"-o PreferredAuthentications=publickey -o ConnectTimeout={patient(10):.0f}",
        ]
        values = {
            "ansible_host": node["host"],
            "ansible_port": node["port"],
            "ansible_user": node["user"],
            "ansible_ssh_private_key_file": node["key"],
            "ansible_ssh_common_args": " ".join(options),
            "ansible_python_interpreter": "/usr/bin/python3",
            "ansible_connection": "ssh",
            "ansible_become": node["user"] != "root",
            "ansible_become_method": "sudo",
            "ansible_become_user": "root",
            "scs_payload": base64.b64encode(
                zlib.compress(json.dumps(job["payloads"][name]).encode(), 1)
            ).decode(),
        }
        for key, value in values.items():
            inventory.get_host(name).set_variable(key, value)
    arguments = {
        "run": job["run"],
        "patience": patience(),
        "payload": trust_as_template("{{ scs_payload }}"),
    }
    source = {
        "name": "converge",
        "hosts": "cloud",
        "gather_facts": "no",
        "tasks": [{"scs_node": arguments}],
    }
    queue = TaskQueueManager(
        inventory=inventory,
        variable_manager=variables,
        loader=loader,
        passwords={},
        forks=max(1, min(32, len(job["nodes"]))),
    )
    recorder = None
    if job.get("records"):
        from scs.engine.records.recorder import Recorder

        recorder = Recorder(queue, loader, job["records"])
    try:
        queue.run(Play.load(source, variable_manager=variables, loader=loader))
    finally:
        if recorder:
            recorder.close()
        queue.cleanup()
        loader.cleanup_all_tmp_files()


def main() -> None:
    context.CLIARGS = ImmutableDict(
        connection="ssh",
        module_path=None,
        forks=8,
        become=None,
        check=False,
        diff=False,
        verbosity=0,
        syntax=None,
        start_at_task=None,
        remote_user=None,
    )
    init_plugin_loader([])
    for line in sys.stdin:
        job = json.loads(line)
        expect(job["patience"])
        try:
            play(job)
        except Exception as error:  # the other end must always get its closing line
            import traceback

            traceback.print_exc()
            for name in job["nodes"]:
                answer({"node": name, "error": f"{type(error).__name__}: {error}"})
        answer({"done": True})


if __name__ == "__main__":
    main()
