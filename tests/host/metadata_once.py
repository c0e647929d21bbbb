# SPDX-FileCopyrightText: 2026 The scs authors
# SPDX-License-Identifier: AGPL-3.0-or-later
"""Answers one HTTP request on standard input from a JSON file of path → text.

What was asked is added to <file>.asked: the guest's network works from then on.

usage: metadata_once.py <file>
"""

import json
import sys

path = sys.stdin.buffer.readline().split()[1].decode()
while sys.stdin.buffer.readline().strip():
    pass
with open(sys.argv[1]) as file:  # noqa: PTH123 - pathlib takes longer to import than all this
    text = json.load(file).get(path)
body = (text if text is not None else "not found").encode()
status = "200 OK" if text is not None else "404 Not Found"
head = f"HTTP/1.0 {status}\r\nContent-Type: text/plain\r\nContent-Length: {len(body)}\r\n\r\n"
sys.stdout.buffer.write(head.encode() + body)
sys.stdout.buffer.flush()
with open(sys.argv[1] + ".asked", "a") as file:  # noqa: PTH123
    file.write(path + "\n")
