# SPDX-FileCopyrightText: 2026 The scs authors
# SPDX-License-Identifier: AGPL-3.0-or-later
"""What is hidden of what tests say."""

from __future__ import annotations

import pytest

from scs.certify.tempest.clean import HIDDEN, last_words, without_secrets


@pytest.mark.parametrize(
    "secret",
    [
        "gAAAAABnabcdefghijklmnopqrstuvwxyz0123456789",
        "eyJhbGciOiJFUzI1NiJ9.eyJzdWIiOiIxIn0.c2lnbmF0dXJl",
        "hunter2",
        "-----BEGIN RSA PRIVATE KEY-----\nMIIhunter2\n-----END RSA PRIVATE KEY-----",
    ],
)
@pytest.mark.parametrize(
    "text",
    [
        '{{"adminPass": "{}"}}',
        "{{'X-Auth-Token': '{}', 'a': 1}}",
        "password={} in it",
        "X-Subject-Token: {}",
        '"original_password": "{}", "b": 2',
        "client_secret = '{}'",
        "https://user:{}@example.org/path",
    ],
)
def test_what_looks_like_a_secret_is_hidden(text: str, secret: str) -> None:
    said = without_secrets(text.format(secret))
    for part in secret.split():
        assert part not in said or part in {"RSA", "PRIVATE"}
    assert HIDDEN in said


def test_what_is_none_stays() -> None:
    text = "Details: {'message': 'No valid host was found', 'code': 500} for server 4f1c"
    assert without_secrets(text) == text
    assert without_secrets("the word is opensesame!", ["opensesame"]) == f"the word is {HIDDEN}!"


def test_a_secret_is_hidden_before_it_is_cut() -> None:
    said = last_words("x" * 50 + "\npassword=" + "s" * 3000, [])
    assert "sss" not in said
    frame = '  File "/var/cache/x/site-packages/tempest/test.py", line 3, in f\n    ^^^\n'
    assert last_words(frame) == '  File "tempest/test.py", line 3, in f'
    long = last_words("\n".join(f"line {number}" for number in range(100)))
    assert long.splitlines()[-1] == "line 99"
    assert len(long.splitlines()) == 14
