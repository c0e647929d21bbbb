# SPDX-FileCopyrightText: 2026 The scs authors
# SPDX-License-Identifier: AGPL-3.0-or-later
"""Commands whose data come or go as a stream; a shell of this machine stands for ssh."""

from __future__ import annotations

from pathlib import Path

import pytest

from scs.engine import stream
from scs.engine.stream import StreamError, feed_to, read_from
from scs.model.saved import SCRATCH, shell
from scs.providers import Connection

LINK = Connection("node", "root", Path("key"), Path("hosts"))
MUCH = 3_000_000


@pytest.fixture(autouse=True)
def here(monkeypatch: pytest.MonkeyPatch) -> None:
    """As with ssh, the command is one word that a shell takes apart."""
    monkeypatch.setattr(stream, "ssh_argv", lambda *_: ["sh", "-c"])


def test_what_a_command_writes_is_read() -> None:
    with read_from(LINK, shell(f"head -c {MUCH} /dev/zero", "echo 'a \"word\" '")) as found:
        data = found.read()
    assert data == bytes(MUCH) + b'a "word" \n'


@pytest.mark.parametrize(
    ("lines", "told"),
    [
        (("echo some", "echo why >&2", "exit 3"), "ended with 3\nwhy"),
        (("exit 255",), "no ssh"),
        (("false", "echo never"), "ended with 1"),
        (("echo $unset_variable",), "ended with "),
    ],
)
def test_a_command_that_fails_is_told_though_it_wrote(lines: tuple[str, ...], told: str) -> None:
    with pytest.raises(StreamError) as caught, read_from(LINK, shell(*lines)) as found:
        found.read()
    assert str(caught.value).startswith(told)


def test_one_whose_reader_gives_up_is_ended() -> None:
    with pytest.raises(KeyError), read_from(LINK, ("yes",)) as found:
        raise KeyError(found.read(1))


def test_a_command_is_fed_and_says_something() -> None:
    with feed_to(LINK, ("wc", "-c")) as fed:
        fed.stream.write(bytes(MUCH))
    assert fed.said.strip() == str(MUCH)


@pytest.mark.parametrize("lines", [("echo why >&2", "exit 4"), ("exec 0<&-", "exit 4")])
def test_one_that_does_not_take_all_says_why(lines: tuple[str, ...]) -> None:
    with pytest.raises(StreamError, match="ended with 4"), feed_to(LINK, shell(*lines)) as fed:
        fed.stream.write(bytes(MUCH))


def test_one_that_ends_well_without_having_taken_all_counts_for_nothing() -> None:
    with pytest.raises(StreamError), feed_to(LINK, ("true",)) as fed:
        fed.stream.write(bytes(MUCH))


def test_an_error_of_who_feeds_is_raised() -> None:
    with pytest.raises(KeyError), feed_to(LINK, ("cat",)) as fed:
        raise KeyError(fed.said)


def test_a_scratch_place_is_gone_afterwards(tmp_path: Path) -> None:
    for end in ("true", "false", "kill -TERM $$"):
        script = shell(f"export TMPDIR={tmp_path}", *SCRATCH, 'cat > "$scratch/x"', end)
        try:
            with feed_to(LINK, script) as fed:
                fed.stream.write(b"x")
        except StreamError:
            assert end != "true"
        assert list(tmp_path.iterdir()) == []
