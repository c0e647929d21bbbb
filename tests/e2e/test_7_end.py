# SPDX-FileCopyrightText: 2026 The scs authors
# SPDX-License-Identifier: AGPL-3.0-or-later
"""The end of the cloud: examined once more, then nothing is left of it."""

from __future__ import annotations

from launched import NAME, STORY, Cloud, traces

pytestmark = STORY


def test_certify_examines_it(cloud: Cloud) -> None:
    """A part of the scope that needs no guest; a part makes no verdict, so it ends with 6."""
    part = (
        *("scs-0100-semantics-check", "scs-0103-flavor-1v_4", "scs-0102-prop-architecture"),
        *("scs-0115-default-rules", "scs-0125-trust", "scs-0125-protocols", "scs-0125-ciphers"),
        *("scs-0302-duties", "scs-0302-attacks"),
    )
    words = [word for known in part for word in ("--check", known)]
    told = cloud.json("certify", *words, code=6)
    assert {item["id"]: item["outcome"] for item in told["results"]} == dict.fromkeys(part, "PASS")
    assert told["could_not_be_removed"] == []
    assert [one["genuine"] for one in cloud.json("certify", "--history")] == [True]


def test_no_agent_has_waited_in_vain(cloud: Cloud) -> None:
    log = cloud.ssh("journalctl --no-pager --output=cat --unit=neutron-ovn-agent")
    assert "Provisioning metadata" in log
    assert "WaitTimeout" not in log


def test_down_leaves_nothing(cloud: Cloud) -> None:
    assert any(traces().values())
    cloud.run("down", "--keep-cache", "--yes")
    assert not any(traces().values()), traces()
    assert not (cloud.state / NAME).exists()
    assert not cloud.identity.exists()
