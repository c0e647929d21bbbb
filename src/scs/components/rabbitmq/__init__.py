# SPDX-FileCopyrightText: 2026 The scs authors
# SPDX-License-Identifier: AGPL-3.0-or-later
"""The message queue: RabbitMQ with TLS only and quorum queues."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable

from scs.model.component import (
    CONTROL,
    Check,
    Component,
    Config,
    Gives,
    Keeps,
    Packaged,
    Port,
    Probe,
    Text,
)
from scs.model.needs import Certificate, Need, Queue
from scs.model.view import View
from scs.resources import QueueAccounts, QueueFeature, Resource


def accounts(view: View, needs: tuple[Need, ...]) -> Iterable[tuple[Need, Resource]]:
    """One virtual host and account for each need, all in one resource."""
    names = sorted(need.name for need in needs if isinstance(need, Queue))
    known = [(item, name) for name in names for item in view.credentials(f"queue/{name}")]
    made = QueueAccounts(
        name="accounts",
        host=str(view.address),
        port=5671,
        accounts=tuple((item.user, item.password, vhost) for item, vhost in known if item.valid),
        gone=tuple((item.user, item.password, vhost) for item, vhost in known if not item.valid),
    )
    return [(need, made) for need in needs]


def usable(view: View, need: Need) -> Probe:
    assert isinstance(need, Queue)
    mine = view.credential(f"queue/{need.name}")
    return {
        "type": "amqp",
        "host": str(view.nearest_control.address),
        "port": 5671,
        "vhost": need.name,
        "user": mine.user,
        "password": mine.password,
    }


def cookie(view: View) -> str:
    return hashlib.sha256(view.secret("rabbitmq/cookie").encode()).hexdigest()[:32].upper()


def features(view: View) -> Iterable[Resource]:
    """What several nodes need: with the older store, one of three that was alone for a while and
    came back has been seen to take messages for a queue that the others did not know.
    """
    if len(view.controls) > 1 and view.leads:
        members = tuple(f"rabbit@{node.name}" for node in view.controls)
        yield QueueFeature(name="khepri_db", members=members)


component = Component(
    name="rabbitmq",
    summary="message queue",
    roles=CONTROL,
    source="debian:rabbitmq-server",
    license="MPL-2.0",
    packages=("rabbitmq-server",),
    # oslo.messaging goes on to another member with the name of the first one in mind (kombu keeps
    # it), and would trust none of them any more.
    needs=(Certificate("rabbitmq", owner="rabbitmq", shared=True),),
    gives=(Gives(Queue, resources=accounts, ready=usable, account="queue"),),
    ports=(Port(5671), Port(4369), Port(25672)),
    files=(
        Text(
            "/var/lib/rabbitmq/.erlang.cookie",
            cookie,
            owner="rabbitmq",
            group="rabbitmq",
            mode=0o400,
            secret=True,
        ),
        Config("rabbitmq.conf.j2", "/etc/rabbitmq/rabbitmq.conf", group="rabbitmq"),
        Config("rabbitmq-env.conf.j2", "/etc/rabbitmq/rabbitmq-env.conf", mode=0o644),
    ),
    units=(
        Packaged(
            "rabbitmq-server",
            settings={"ExecReload": '/usr/sbin/rabbitmqctl eval "ssl:clear_pem_cache()."'},
            reloads=("/etc/scs/tls/",),
            ready=lambda view: {"type": "tcp", "host": str(view.address), "port": 5671},
            # The first of several waits for a second one.
            seconds=300,
        ),
    ),
    resources=features,
    checks=(
        # Without memory or disk to spare it takes no messages, although it answers.
        Check(
            "has no alarm",
            lambda _: {
                "type": "succeeds",
                "argv": ("rabbitmq-diagnostics", "-q", "check_local_alarms"),
            },
        ),
        Check(
            "has no partition",
            lambda _: {
                "type": "says",
                "argv": ("rabbitmqctl", "-q", "eval", "rabbit_node_monitor:partitions()."),
                "words": "[]",
            },
        ),
    ),
    keeps=(
        Keeps(
            "/var/lib/rabbitmq",
            unsaved="messages under way are lost; queues and accounts are made again",
        ),
    ),
)
