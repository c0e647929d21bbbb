# SPDX-FileCopyrightText: 2026 The scs authors
# SPDX-License-Identifier: AGPL-3.0-or-later
"""A node's own files: what is written into its file system before it boots."""

from __future__ import annotations

import os
import secrets
import shutil
from collections.abc import Iterable, Mapping, Sequence
from ipaddress import IPv4Address, IPv6Address, ip_address
from pathlib import Path

from scs.errors import Problem, ScsError
from scs.model.topology import Node
from scs.patience import patience
from scs.providers.local.host import replace
from scs.providers.written import BEGIN, END, hosts_block
from scs.shell import run

SSHD = """\
# Written by scs: keys only, and only the host key that scs has noted in known_hosts.
HostKey /etc/ssh/ssh_host_ed25519_key
PasswordAuthentication no
KbdInteractiveAuthentication no
PermitRootLogin prohibit-password
UseDNS no
"""

KVM = "c /dev/kvm 0666 root root - 10:232\n"
"""tmpfiles.d: a device node of the node's own; a bind of the host's would share its mode."""

MODPROBE = """\
#!/bin/sh
# Written by scs: a node runs on the machine's kernel, and the machine has loaded what nodes need.
# Programs that look into /sys/module first do not find it here, and ask for what is loaded.
for word; do
    case $word in
    -r | --remove) break ;;
    -*) ;;
    *)
        name=$(printf %s "$word" | tr - _)
        grep -q "^$name " /proc/modules && exit 0
        break
        ;;
    esac
done
exec /usr/sbin/modprobe "$@"
"""

PATIENCE = """\
# Written by scs, for a machine that is slow (SCS_PATIENCE): systemd's own limits.
[Manager]
DefaultTimeoutStartSec={start}
DefaultTimeoutStopSec={start}
DefaultDeviceTimeoutSec={start}
"""

_HOSTS_HEAD = "127.0.0.1 localhost\n::1 localhost ip6-localhost ip6-loopback\n"


def resolv_conf(
    host_text: str,
    resolved_text: str | None,
    chosen: Sequence[IPv4Address | IPv6Address] = (),
) -> str | None:
    """What a node's resolv.conf should say; None if no name server is reachable from there.

    A node can't reach what listens on the host's loopback (systemd-resolved, dnsmasq), so
    then the servers behind systemd-resolved are taken (`resolved_text`). `chosen` (from
    cloud.yaml) goes before all. Nodes speak IPv4 to the outside, so IPv6 servers drop out.
    """
    search: list[str] = []
    servers = [str(address) for address in chosen]
    for text in (host_text, resolved_text or ""):
        if servers:
            break
        for line in text.splitlines():
            word, _, rest = line.strip().partition(" ")
            if word == "nameserver" and _reachable(rest.split()[0] if rest.split() else ""):
                servers.append(rest.split()[0])
            elif word in ("search", "domain") and rest.split() != ["."]:
                search = rest.split()
    if not servers:
        return None
    lines = [f"nameserver {server}" for server in servers[:3]]  # the C library reads three
    if search:
        lines.insert(0, f"search {' '.join(search)}")
    return "\n".join([*lines, "options timeout:2 attempts:3", ""])


def _reachable(server: str) -> bool:
    try:
        address = ip_address(server)
    except ValueError:
        return False
    return address.version == 4 and not address.is_loopback and not address.is_unspecified


def host_resolv_conf(chosen: Sequence[IPv4Address | IPv6Address]) -> str | None:
    """`resolv_conf` for this host."""

    def read(path: str) -> str | None:
        try:
            return Path(path).read_text()
        except OSError:
            return None

    return resolv_conf(
        read("/etc/resolv.conf") or "", read("/run/systemd/resolve/resolv.conf"), chosen
    )


def hosts_text(present: str, nodes: Iterable[Node]) -> str:
    """An /etc/hosts with all nodes of the cloud; keeps what others have written into it."""
    kept: list[str] = []
    inside = False
    for line in (present or _HOSTS_HEAD).splitlines():
        if line == BEGIN:
            inside = True
        if not inside:
            kept.append(line)
        if line == END:
            inside = False
    return "\n".join([*kept, *hosts_block(nodes), ""])


def overlay_options(lower: Sequence[Path], upper: Path, work: Path) -> str:
    """Mount options of a node's root; raises ScsError on a path that they can't carry."""
    for path in (*lower, upper, work):
        if set(str(path)) & set(":,\\\"' \n"):
            raise ScsError(
                Problem(
                    "this machine",
                    f"overlayfs can't take the path {path}",
                    "choose SCS_STATE and SCS_CACHE without spaces, commas, colons and quotes",
                )
            )
    # index and metacopy tie an upper to its lower's inodes; a cache that was made again has
    # the same files with other inodes, and must do.
    stack = ":".join(map(str, lower))
    return f"lowerdir={stack},upperdir={upper},workdir={work},index=off,metacopy=off"


class Files:
    """Writes into the upper directory of a node that is not mounted."""

    def __init__(self, upper: Path, lower: Sequence[Path]) -> None:
        self.upper = upper
        self.lower = lower

    def read(self, path: str) -> str | None:
        """The file as the node would see it; None if it is not there (or is no file)."""
        for root in (self.upper, *self.lower):
            file = root / path
            if file.is_symlink() or file.is_file():
                # A link would be followed on the host, out of the node's root.
                return None if file.is_symlink() else file.read_text(errors="replace")
        return None

    def write(self, path: str, text: str, mode: int = 0o644) -> None:
        """Write a file; missing directories get owner and mode of those below."""
        self._directory(Path(path).parent)
        replace(self.upper / path, text, mode)

    def _directory(self, path: Path) -> None:
        if path == Path():
            return
        self._directory(path.parent)
        target = self.upper / path
        if target.is_dir():
            return
        target.mkdir()
        like = next((root / path for root in self.lower if (root / path).is_dir()), None)
        if like is not None:
            # An upper directory hides the attributes of the lower one.
            status = like.stat()
            os.chown(target, status.st_uid, status.st_gid)
            target.chmod(status.st_mode & 0o7777)
        else:
            target.chmod(0o755)


def ensure_key(key: Path, comment: str) -> None:
    """Make an ed25519 key pair at `key` and `key`.pub unless there is one."""
    if key.is_file() and key.with_name(key.name + ".pub").is_file():
        return
    key.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    draft = key.with_name(f".{key.name}.new")
    for part in (draft, draft.with_name(draft.name + ".pub")):
        part.unlink(missing_ok=True)
    run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", comment, "-f", draft], timeout=20)
    # The public half first: a pair counts as made only when both are there.
    draft.with_name(draft.name + ".pub").replace(key.with_name(key.name + ".pub"))
    draft.replace(key)


def write_node_files(
    files: Files,
    node: Node,
    nodes: Iterable[Node],
    *,
    host_key: Path,
    authorized_key: Path,
    resolver: str,
    kvm: bool,
) -> None:
    """Give a node its identity, before each boot; what it has become since stays."""
    files.write("etc/hostname", f"{node.name}\n")
    files.write("etc/hosts", hosts_text(files.read("etc/hosts") or "", nodes))
    files.write("etc/resolv.conf", resolver)
    machine_id = files.upper / "etc/machine-id"
    if not machine_id.is_file() or not machine_id.read_text().strip():
        # A fresh one here spares the first boot the way over a temporary mount.
        files.write("etc/machine-id", f"{secrets.token_hex(16)}\n", 0o444)
    public = host_key.with_name(host_key.name + ".pub")
    files.write("etc/ssh/ssh_host_ed25519_key", host_key.read_text(), 0o600)
    files.write("etc/ssh/ssh_host_ed25519_key.pub", public.read_text())
    files.write("etc/ssh/sshd_config.d/10-scs.conf", SSHD)
    mine = authorized_key.with_name(authorized_key.name + ".pub").read_text()
    present = files.read("root/.ssh/authorized_keys") or ""
    if mine not in present:
        files.write("root/.ssh/authorized_keys", present + mine, 0o600)
    (files.upper / "root/.ssh").chmod(0o700)
    files.write("usr/local/sbin/modprobe", MODPROBE, 0o755)
    limits = "etc/systemd/system.conf.d/10-scs-patience.conf"
    if patience() > 1:
        files.write(limits, PATIENCE.format(start=90 * patience()))
    else:
        (files.upper / limits).unlink(missing_ok=True)
    if kvm:
        files.write("etc/tmpfiles.d/scs-kvm.conf", KVM)
    else:
        (files.upper / "etc/tmpfiles.d/scs-kvm.conf").unlink(missing_ok=True)


def known_hosts(keys: Mapping[str, tuple[Node, str]]) -> str:
    """The text of known_hosts: node name → (node, its public host key)."""
    lines = []
    for name in sorted(keys):
        node, public = keys[name]
        kind, key = public.split()[:2]
        lines.append(f"{node.address},{name} {kind} {key}")
    return "\n".join([*lines, ""])


def delete_tree(path: Path) -> None:
    """Delete a directory; refuses to touch anything if something is mounted inside."""
    if not path.exists():
        return
    real = path.resolve()
    inside = [point for point in mount_points() if point == real or point.is_relative_to(real)]
    for point in sorted(inside, reverse=True):
        run(["umount", point], timeout=20, check=False)
    still = [point for point in mount_points() if point == real or point.is_relative_to(real)]
    if still:
        raise ScsError(
            Problem(
                "this machine",
                f"{still[0]} is mounted and can't be unmounted, so {path} was not deleted",
                f"see who uses it with `fuser -vm {still[0]}`, then run `scs down` again",
            )
        )
    # --one-file-system again guards against a mount that came in between.
    run(["rm", "-rf", "--one-file-system", "--", real], timeout=300)
    if real.exists():
        shutil.rmtree(real)


def mount_points() -> list[Path]:
    """All mount points that this process sees."""
    found = []
    for line in Path("/proc/self/mountinfo").read_text().splitlines():
        text = line.split()[4]
        for code, character in (("\\040", " "), ("\\011", "\t"), ("\\012", "\n"), ("\\134", "\\")):
            text = text.replace(code, character)
        found.append(Path(text))
    return found
