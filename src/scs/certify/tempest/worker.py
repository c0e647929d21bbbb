# SPDX-FileCopyrightText: 2026 The scs authors
# SPDX-License-Identifier: AGPL-3.0-or-later
"""Lists or runs tempest's tests: a program for the Python of tempest's own environment.

    worker.py list     one line of JSON with all tests
    worker.py run      says {"ready": true} once it has read its configuration; then it reads
                       lines {"tests": [names]}, each with tests of one class, and answers with
                       a line for each test, then {"done": true}

It speaks JSON on its standard output, and tests that print do so elsewhere. When its standard
input ends without the line "end", whoever started it is gone: then it ends at once, too.
`$SCS_SECRETS` names a file with a JSON list of texts that must not be told.
"""

from __future__ import annotations

import json
import logging
import os
import queue
import signal
import sys
import threading
import time
import traceback
import unittest
from collections.abc import Iterator
from pathlib import Path
from typing import Any, TextIO

# Of scs it needs only this, which needs nothing itself.
sys.path.insert(0, str(Path(__file__).parents[3]))
from scs.certify.tempest.clean import last_words, without_secrets

Json = dict[str, Any]

REQUESTS = "tempest.lib.common.rest_client"
CALLS = 25
"""So many requests of one test are told at most; the last ones."""


def all_tests(suite: Any) -> Iterator[Any]:
    """The tests in a suite, however deep."""
    for item in suite:
        if isinstance(item, unittest.TestSuite):
            yield from all_tests(item)
        else:
            yield item


def listed() -> Json:
    """Every test of tempest, with what its class says of itself."""
    from importlib.metadata import version

    import tempest

    top = Path(tempest.__file__).parent
    found, problems = [], []
    for part in ("api", "scenario", "serial_tests"):
        suite = unittest.TestLoader().discover(str(top / part), top_level_dir=str(top.parent))
        for test in all_tests(suite):
            name = getattr(test, "_testMethodName", "")
            if type(test).__module__.startswith("unittest."):
                problems.append(str(test))
                continue
            method = getattr(test, name)
            marks = [str(mark) for mark in getattr(method, "__testtools_attrs", ())]
            known = next((mark[3:] for mark in marks if mark.startswith("id-")), "")
            lines = (line.strip() for line in (method.__doc__ or "").splitlines())
            # tempest's decorator puts the id before what the test's author wrote.
            said = next((line for line in lines if line and known not in line), "")
            found.append(
                {
                    "name": f"{type(test).__module__}.{type(test).__qualname__}.{name}",
                    "id": known,
                    "attributes": sorted(mark for mark in marks if not mark.startswith("id-")),
                    "credentials": [
                        one if isinstance(one, str) else ":".join(one)
                        for one in getattr(type(test), "credentials", ())
                    ],
                    "isolated": bool(getattr(type(test), "force_tenant_isolation", False)),
                    "title": said.rstrip("."),
                }
            )
    if problems:
        raise SystemExit(f"tempest's tests cannot be loaded: {'; '.join(problems)}")
    return {"version": version("tempest"), "tests": found}


class Requests(logging.Handler):
    """Keeps what tests ask: method, address, status and request id; nothing else."""

    def __init__(self) -> None:
        super().__init__(logging.INFO)
        self.calls: list[Json] = []

    def emit(self, record: logging.LogRecord) -> None:
        if not isinstance(record.args, tuple) or len(record.args) < 4:
            return
        _caller, status, method, url = record.args[:4]
        call = {
            "method": str(method),
            "url": without_secrets(str(url)),
            "status": int(str(status)),
            "request_id": str(getattr(record, "request_id", "") or ""),
        }
        before = self.calls[-1] if self.calls else {}
        if (before.get("method"), before.get("url")) == (call["method"], call["url"]):
            self.calls.pop()  # asked again and again until something is ready
        self.calls.append(call)

    def taken(self) -> list[Json]:
        """What was kept since this was last asked."""
        calls, self.calls = self.calls, []
        return calls


class Tells(unittest.TestResult):
    """Tells each test's result as soon as it is over."""

    def __init__(self, out: TextIO, requests: Requests, secrets: list[str]) -> None:
        super().__init__()
        self._out, self._requests, self._secrets = out, requests, secrets
        self._wanted: list[str] = []
        self._held: Json | None = None
        self._setup: list[Json] = []
        self._began = time.monotonic()
        self._found: Json = {}

    def say(self, what: Json) -> None:
        self._out.write(json.dumps(what) + "\n")
        self._out.flush()

    def begin(self, wanted: list[str]) -> None:
        """Tests of one class follow."""
        self._wanted, self._held, self._setup = list(wanted), None, []
        # unittest would take down the class before once more.
        self._previousTestClass = None
        self._moduleSetUpFailed = False
        self._began = time.monotonic()
        self._requests.taken()

    def end(self) -> None:
        """All of them are over; what has no result did not run."""
        self._release()
        for name in list(self._wanted):
            self._tell({"test": name, "how": "unfinished", "text": "tempest did not run it"})

    def broken(self, text: str) -> None:
        """The tests could not be run as such."""
        self._whole_class("unfinished", last_words(text, self._secrets))

    # What unittest calls. A test's outcome may come in several pieces: the worst one counts.

    def startTest(self, test: Any) -> None:  # noqa: N802
        super().startTest(test)
        self._release()
        if not self._setup:
            self._setup = self._requests.taken()
        self._began = time.monotonic()
        self._found = {"how": "passed", "text": ""}

    def stopTest(self, test: Any) -> None:  # noqa: N802
        super().stopTest(test)
        seconds = time.monotonic() - self._began
        calls = [*self._setup, *self._requests.taken()][-CALLS:]
        # The last one is held back until its class has cleaned up: that is a part of it.
        self._held = {"test": self._name(test), "seconds": seconds, "calls": calls, **self._found}

    def addSuccess(self, test: Any, details: Any = None) -> None:  # noqa: N802
        pass

    def addError(self, test: Any, err: Any = None, details: Any = None) -> None:  # noqa: N802
        self._failed(test, self._text(err, details))

    addFailure = addError  # noqa: N815

    def addUnexpectedSuccess(self, test: Any, details: Any = None) -> None:  # noqa: N802
        self._failed(test, "it passed, and tempest expects it to fail")

    def addExpectedFailure(self, test: Any, err: Any = None, details: Any = None) -> None:  # noqa: N802
        self._failed(test, "it failed, as tempest expects of it")

    def addSkip(self, test: Any, reason: Any = None, details: Any = None) -> None:  # noqa: N802
        if not reason and details and "reason" in details:
            reason = details["reason"].as_text()
        text = without_secrets(str(reason or "no reason is told"), self._secrets)
        if self._is_test(test):
            if self._found.get("how") == "passed":
                self._found = {"how": "skipped", "text": text}
        else:
            self._whole_class("skipped", text)

    def _failed(self, test: Any, text: str) -> None:
        text = last_words(text, self._secrets)
        if self._is_test(test):
            before = self._found["text"] + "\n" if self._found.get("how") == "failed" else ""
            self._found = {"how": "failed", "text": before + text}
        elif "tearDown" in test.id() and self._held is not None:
            self._held["how"] = "failed"
            said = f"what its class made could not be removed:\n{text}"
            self._held["text"] = f"{self._held['text']}\n{said}".strip()
        else:
            self._whole_class("failed", f"{test.id().partition(' ')[0]}:\n{text}")

    def _whole_class(self, how: str, text: str) -> None:
        self._release()
        calls = [*self._setup, *self._requests.taken()][-CALLS:]
        seconds = time.monotonic() - self._began
        for name in list(self._wanted):
            # The time is the class's: it is told once.
            self._tell({"test": name, "how": how, "text": text, "seconds": seconds, "calls": calls})
            seconds = 0.0

    def _release(self) -> None:
        if self._held is not None:
            held, self._held = self._held, None
            self._tell(held)

    def _tell(self, what: Json) -> None:
        if what["test"] in self._wanted:
            self._wanted.remove(what["test"])
        self.say({"seconds": 0.0, "calls": [], **what})

    def _text(self, err: Any, details: Any) -> str:
        if details:
            parts = [details[key].as_text() for key in sorted(details) if "traceback" in key]
            return "\n".join(parts) or "no traceback"
        return "".join(traceback.format_exception(*err)) if err else "no traceback"

    @staticmethod
    def _is_test(test: Any) -> bool:
        return hasattr(test, "_testMethodName")

    @staticmethod
    def _name(test: Any) -> str:
        kind = type(test)
        return f"{kind.__module__}.{kind.__qualname__}.{test._testMethodName}"


def loaded(names: list[str]) -> unittest.TestSuite:
    """Tests by their names; raises ImportError when one cannot be had."""
    loader = unittest.TestLoader()
    suite = unittest.TestSuite([loader.loadTestsFromName(name) for name in names])
    if loader.errors:
        raise ImportError("\n".join(map(str, loader.errors)))
    return suite


def orders(stream: TextIO) -> Iterator[list[str]]:
    """What is to be run, until "end"; ends the program when the stream does before that."""
    lines: queue.Queue[str] = queue.Queue()

    def read() -> None:
        for line in stream:
            lines.put(line.strip())
            if line.strip() == "end":
                return
        os.kill(os.getpid(), signal.SIGKILL)

    threading.Thread(target=read, daemon=True).start()
    while (line := lines.get()) != "end":
        yield json.loads(line)["tests"]


def run(out: TextIO) -> None:
    """See the top of this file."""
    from tempest import config

    _ = config.CONF.auth  # the configuration is read, and logging set up as it says
    logging.getLogger().handlers.clear()
    requests = Requests()
    logging.getLogger(REQUESTS).addHandler(requests)
    logging.getLogger(REQUESTS).setLevel(logging.INFO)
    path = os.environ.get("SCS_SECRETS")
    secrets: list[str] = json.loads(Path(path).read_text()) if path else []
    result = Tells(out, requests, secrets)
    result.say({"ready": True})
    for names in orders(sys.stdin):
        result.begin(names)
        try:
            loaded(names).run(result)
        except Exception:
            result.broken(traceback.format_exc())
        result.end()
        result.say({"done": True})


def main(words: list[str]) -> int:
    """See the top of this file."""
    out = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)  # whatever prints must not be taken for an answer
    if words == ["list"]:
        json.dump(listed(), out)
        out.close()
    elif words == ["run"]:
        run(out)
    else:
        print(__doc__, file=sys.stderr)
        return 3
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
