# SPDX-FileCopyrightText: 2026 The scs authors
# SPDX-License-Identifier: AGPL-3.0-or-later
"""The text of systemd units and uwsgi files, from a component's declaration."""

from __future__ import annotations

from collections.abc import Mapping

from scs.model.component import Component, Packaged, Service, Wsgi
from scs.model.view import ENVIRONMENT

UWSGI = "/etc/scs/uwsgi"

RULE = {
    "Restart": "always",
    "RestartSec": "2",
    "TimeoutStopSec": "20",
    "KillMode": "mixed",
    "UMask": "0027",
    "LimitNOFILE": "65536",
}

HARDENED = {
    "NoNewPrivileges": "yes",
    "CapabilityBoundingSet": "",
    "ProtectSystem": "strict",
    "ProtectHome": "yes",
    "ProtectClock": "yes",
    "ProtectControlGroups": "yes",
    "ProtectKernelLogs": "yes",
    "PrivateTmp": "yes",
    "RestrictSUIDSGID": "yes",
    "RestrictRealtime": "yes",
    "RestrictNamespaces": "yes",
    "LockPersonality": "yes",
    "SystemCallArchitectures": "native",
}

# uwsgi starts itself anew on SIGHUP and keeps its socket: requests wait there meanwhile, and
# those under way are finished. It is done when the old workers are gone.
GRACEFUL = (
    "/bin/sh -c 'old=$$(cat /proc/$MAINPID/task/$MAINPID/children); kill -HUP $MAINPID;"
    " for pid in $$old; do while kill -0 $$pid 2>/dev/null; do sleep 0.1; done; done'"
)

ENVIRONMENT_RULE = {
    # Fewer arenas: threads of Python services otherwise keep many half empty heaps.
    "MALLOC_ARENA_MAX": "2",
    "PYTHONDONTWRITEBYTECODE": "1",
    # Names are looked up by libc: the other way costs a third of a second at each start.
    "EVENTLET_NO_GREENDNS": "yes",
    "PATH": f"{ENVIRONMENT}/bin:/usr/sbin:/usr/bin:/sbin:/bin",
}


def _ini(sections: Mapping[str, list[tuple[str, str]]]) -> str:
    blocks = (
        "\n".join([f"[{name}]", *(f"{key}={value}" for key, value in pairs)])
        for name, pairs in sections.items()
    )
    return "\n\n".join(blocks) + "\n"


def service_text(part: Component, unit: Service) -> str:
    """The unit file of a service of our own."""
    settings = dict(RULE) | ({} if unit.privileged else HARDENED)
    if not unit.privileged:
        # Its home is a directory of its component's: two units of a user would quarrel over it.
        writes = (f"/var/lib/{unit.user}", *unit.writes)
        settings["ReadWritePaths"] = " ".join(f"-{path}" for path in writes)
    settings |= unit.settings
    environment = {**ENVIRONMENT_RULE, **unit.environment}
    service = [("Type", unit.kind), ("User", unit.user), ("Group", unit.user)]
    service += [("Environment", f'"{key}={value}"') for key, value in environment.items()]
    service += [("ExecStartPre", line) for line in unit.pre]
    service += [("ExecStart", unit.exec), *settings.items()]
    after = " ".join(("network-online.target", *unit.after))
    return _ini(
        {
            "Unit": [
                ("Description", unit.description),
                ("After", after),
                ("StartLimitIntervalSec", "0"),
            ],
            "Service": service,
            "Install": [("WantedBy", "multi-user.target")],
        }
    )


def unit_file(unit: Service | Wsgi | Packaged) -> str:
    """The name of a unit's file; that of a template serves for all of its instances."""
    template = isinstance(unit, Service) and unit.instances
    return f"{unit.name}@.service" if template else f"{unit.name}.service"


def wsgi_service(unit: Wsgi) -> Service:
    """The service that runs a WSGI application in uwsgi."""
    return Service(
        name=unit.name,
        description=f"{unit.name} (WSGI)",
        user=unit.user,
        exec=f"/usr/bin/uwsgi --ini {UWSGI}/{unit.name}.ini",
        reads=(f"{UWSGI}/{unit.name}.ini",),
        environment=unit.environment,
        writes=unit.writes,
        settings={"TimeoutStopSec": "10", "KillSignal": "SIGQUIT", "ExecReload": GRACEFUL},
        reload=True,
        ready=lambda _: {"type": "http", "url": f"http://127.0.0.1:{unit.port}{unit.health}"},
    )


def uwsgi_text(unit: Wsgi, home: str) -> str:
    """The uwsgi file of a WSGI application in the environment at that path."""
    options = {
        "plugins": "python3",
        "home": home,
        "module": unit.module,
        "http-socket": f"127.0.0.1:{unit.port}",
        "master": "true",
        "processes": str(unit.processes),
        "threads": str(unit.threads),
        "enable-threads": "true",
        "lazy-apps": "true" if unit.lazy else "false",
        "need-app": "true",
        "die-on-term": "true",
        "thunder-lock": "true",
        "buffer-size": "65535",
        "add-header": "Connection: close",
        # Clients that upload in chunks send up to 64 MiB at once; the default is 1 MiB.
        "chunked-input-limit": "67108864",
        "chunked-input-timeout": "60",
        "worker-reload-mercy": "15",
        "hook-master-start": "unix_signal:15 gracefully_kill_them_all",
        "procname-prefix": f"{unit.name} ",
        # Whoever asked may have gone meanwhile: that is no error of the service.
        "disable-write-exception": "true",
        "disable-logging": "true",
        "log-4xx": "false",
    }
    return _ini({"uwsgi": list({**options, **unit.options}.items())})


def drop_in_text(unit: Packaged) -> str:
    """The drop-in for a unit that comes with a Debian package."""
    settings = {"Restart": "always", "RestartSec": "2", **unit.settings}
    pairs: list[tuple[str, str]] = []
    for key, value in settings.items():
        if key.startswith("Exec"):
            pairs.append((key, ""))  # an empty value first: otherwise it adds instead of replacing
        pairs.append((key, value))
    return _ini({"Unit": [("StartLimitIntervalSec", "0")], "Service": pairs})
