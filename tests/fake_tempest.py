# SPDX-FileCopyrightText: 2026 The scs authors
# SPDX-License-Identifier: AGPL-3.0-or-later
"""A package that looks like tempest to the worker: with tests of each kind of outcome, and a Python
that has it. What its tests do is as odd as what tempest's do; its workers are the real ones.
"""

from __future__ import annotations

import sys
from pathlib import Path

TOKEN = "gAAAAABnFakeTokenOfATest0123456789abcdefghijklmnop"

CONFIG = """
import os, sys
from configparser import RawConfigParser


class Proxy:
    def __getattr__(self, name):
        parser = RawConfigParser()
        parser.read(os.path.join(os.environ["TEMPEST_CONFIG_DIR"], os.environ["TEMPEST_CONFIG"]))
        print("tempest prints what it likes")
        return dict(parser.items(name))


CONF = Proxy()
"""

THINGS = f"""
import json, logging, os, time, unittest
from tempest.config import CONF

LOG = logging.getLogger("tempest.lib.common.rest_client")


def test_id(known, *more):
    def mark(method):
        method.__testtools_attrs = {{"id-" + known, *more}}
        method.__doc__ = f"Test idempotent id: {{known}}\\n{{method.__doc__ or ''}}"
        return method
    return mark


def asks(number=1, url="https://api.example.org/v2.1/servers?temp_url_sig=0123456789"):
    args = ("Class:test", "200", "GET", url, " 0.1s")
    LOG.info("Request (%s): %s %s %s%s", *args, extra={{"request_id": f"req-{{number}}"}})


class ThingsTest(unittest.TestCase):
    credentials = ["primary", "project_reader"]

    @classmethod
    def setUpClass(cls):
        asks(100, "https://api.example.org/v3/auth/tokens")

    @test_id("aaaaaaaa-0000-4000-8000-000000000001", "smoke")
    def test_good(self):
        \"\"\"Things are as they should be.\"\"\"
        print("a test prints")
        asks(1)
        asks(2)

    @test_id("aaaaaaaa-0000-4000-8000-000000000002")
    def test_bad(self):
        asks(3)
        password = CONF.auth.get("admin_password", "member-secret")
        said = {{"adminPass": "Xy9!guess", "token": "{TOKEN}", "status": 500}}
        raise AssertionError(f"Details: {{json.dumps(said)}} for {{password}}: no valid host")

    @test_id("aaaaaaaa-0000-4000-8000-000000000003")
    def test_skipped(self):
        raise unittest.SkipTest("the feature is off")

    @test_id("aaaaaaaa-0000-4000-8000-000000000004")
    def test_slow(self):
        asks(4)
        time.sleep(float(os.environ.get("NAP", 0)) or 0.2)


class SilentTest(unittest.TestCase):
    credentials = ["primary"]

    @test_id("aaaaaaaa-0000-4000-8000-000000000005")
    def test_asks_nothing(self):
        pass


class BrokenSetupTest(unittest.TestCase):
    credentials = ["primary"]

    @classmethod
    def setUpClass(cls):
        asks(5)
        raise RuntimeError("no image")

    def test_one(self):
        pass

    def test_two(self):
        pass


class SkippedClassTest(unittest.TestCase):
    credentials = ["primary"]

    @classmethod
    def setUpClass(cls):
        raise unittest.SkipTest("Cinder is not available")

    def test_one(self):
        pass


class BrokenTeardownTest(unittest.TestCase):
    credentials = ["primary"]

    @classmethod
    def tearDownClass(cls):
        raise RuntimeError("port still in use")

    def test_one(self):
        asks(6)

    def test_two(self):
        asks(7)


class DeadlyTest(unittest.TestCase):
    credentials = ["primary"]

    def test_dies(self):
        asks(8)
        os.write(2, b"Fatal: password=hunter2 killed\\n")
        os._exit(3)


class AdminTest(unittest.TestCase):
    credentials = ["primary", "admin"]

    def test_power(self):
        asks(9)


class TwoUsersTest(unittest.TestCase):
    credentials = ["primary", "alt"]

    def test_both(self):
        asks(10)


class RoleTest(unittest.TestCase):
    credentials = [["operator", "member"], ["reseller", "ResellerAdmin"]]

    def test_role(self):
        asks(11)
"""


def fake_tempest(folder: Path) -> Path:
    """A program that runs as Python does, and has such a tempest."""
    site = folder / "site"
    files = {
        "tempest/__init__.py": "",
        "tempest/config.py": CONFIG,
        "tempest/api/__init__.py": "",
        "tempest/api/compute/__init__.py": "",
        "tempest/api/compute/test_things.py": THINGS,
        "tempest/scenario/__init__.py": "",
        "tempest/serial_tests/__init__.py": "",
        "tempest-9.9.dist-info/METADATA": "Metadata-Version: 2.1\nName: tempest\nVersion: 9.9\n",
    }
    for name, text in files.items():
        path = site / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    program = folder / "python"
    start = (
        f"import runpy, sys; sys.argv = sys.argv[1:]; sys.path.insert(0, '{site}');"
        "runpy.run_path(sys.argv[0], run_name='__main__')"
    )
    program.write_text(f'#!/bin/sh\nshift\nexec {sys.executable} -I -c "{start}" "$@"\n')
    program.chmod(0o755)
    return program
