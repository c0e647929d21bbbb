# SPDX-FileCopyrightText: 2026 The scs authors
# SPDX-License-Identifier: AGPL-3.0-or-later
"""One emulated machine with a metadata service, without privileges or bridges.

QEMU's user-mode network gives the guest 169.254.0.0/16; each connection to
169.254.169.254:80 is answered by `metadata_once.py`, started for it.
"""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Sequence
from pathlib import Path

from host.machine import MAC, Machine

HERE = Path(__file__).parent


class Guest(Machine):
    """A machine that is told by a cloud's metadata service who it is."""

    def __init__(
        self,
        image: Path,
        folder: Path,
        *,
        user: str,
        user_data: str = "",
        flavour: str = "openstack",
        memory: int = 256,
        mtu: int = 1442,
        gigabytes: int = 2,
        extra: Sequence[str] = (),
        uuid: str = "6d3c1f8e-0000-4000-8000-000000000001",
    ) -> None:
        super().__init__(
            image,
            folder,
            user=user,
            memory=memory,
            gigabytes=gigabytes,
            extra=("-smbios", "type=1,product=OpenStack Nova", *extra),
        )
        public = self.key.with_suffix(".pub").read_text().strip()
        answers = {
            "openstack": {
                "/openstack": "2018-08-27\nlatest\n",
                "/openstack/": "2018-08-27\nlatest\n",
                **{
                    f"/openstack/{version}/{file}": text
                    for version in ("latest", "2018-08-27")
                    for file, text in {
                        "meta_data.json": json.dumps(
                            {
                                "uuid": uuid,
                                "hostname": "probe.novalocal",
                                "name": "probe",
                                "public_keys": {"mine": public + "\n"},
                                "keys": [{"name": "mine", "type": "ssh", "data": public}],
                            }
                        ),
                        "network_data.json": json.dumps(
                            {
                                "links": [
                                    {
                                        "id": "tap1",
                                        "vif_id": "1",
                                        "type": "ovs",
                                        "mtu": mtu,
                                        "ethernet_mac_address": MAC,
                                    }
                                ],
                                "networks": [
                                    {
                                        "id": "network0",
                                        "type": "ipv4_dhcp",
                                        "link": "tap1",
                                        "network_id": "1",
                                    }
                                ],
                                "services": [],
                            }
                        ),
                        **({"user_data": user_data} if user_data else {}),
                    }.items()
                },
                "/latest/meta-data/": "instance-id",
                "/latest/meta-data/instance-id": "i-00000001",
            },
            "ec2": {
                "/latest/meta-data/instance-id": "i-00000001",
                "/latest/meta-data/hostname": "probe.novalocal",
                "/latest/meta-data/public-keys/0/openssh-key": public + "\n",
                **({"/latest/user-data": user_data} if user_data else {}),
            },
        }[flavour]
        self.answers = folder / "metadata.json"
        self.answers.write_text(json.dumps(answers))
        self.asked = folder / "metadata.json.asked"
        self.asked.unlink(missing_ok=True)
        relay = f"{sys.executable} -S -E {HERE / 'metadata_once.py'} {self.answers}"
        self.network = (
            "net=169.254.0.0/16,dhcpstart=169.254.10.15,host=169.254.0.2,dns=169.254.0.3"
            f",guestfwd=tcp:169.254.169.254:80-cmd:{relay}"
        )

    def wait_for_ssh(self, limit: float) -> float:
        """Seconds from power-on to the first command that ran over ssh."""
        # The user-mode network takes connections before the guest does and delivers them later,
        # all at once; whoever hangs up on an OpenSSH that often is locked out by it.
        while not self.asked.exists() and self.seconds < limit:
            assert self.process.poll() is None, f"QEMU ended:\n{self.console}"
            time.sleep(0.05)
        return super().wait_for_ssh(limit)
