# SPDX-FileCopyrightText: 2026 The scs authors
# SPDX-License-Identifier: AGPL-3.0-or-later
"""A real browser without a screen: Debian's Chromium, driven by its own driver."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from selenium.webdriver import Chrome, ChromeOptions
from selenium.webdriver.chrome.service import Service
from selenium.webdriver.common.by import By
from selenium.webdriver.support.wait import WebDriverWait

from scs.providers.local.preflight import install_host_packages

BROWSER, DRIVER = "chromium", "chromedriver"
PACKAGES = {"chromium": BROWSER, "chromium-driver": DRIVER}
"""Debian's, and the programs that come with them."""
SECONDS = 60


def bring() -> None:
    """Install what is not there, as scs installs its own; raises CommandFailed."""
    install_host_packages(more=PACKAGES)


@contextmanager
def browser() -> Iterator[Chrome]:
    """A window of 1400 by 1000 pixels that trusts any certificate (others check those)."""
    with tempfile.TemporaryDirectory(prefix="scs-browser-") as profile:
        options = ChromeOptions()
        for word in (
            *("--headless=new", "--disable-gpu", "--disable-quic", "--no-first-run"),
            # It would otherwise talk to its vendor.
            *("--disable-background-networking", "--disable-component-update", "--disable-sync"),
            *("--window-size=1400,1000", "--lang=en", f"--user-data-dir={profile}"),
            # Its sandbox does not start for root.
            *(["--no-sandbox"] if os.geteuid() == 0 else []),
        ):
            options.add_argument(word)
        options.accept_insecure_certs = True
        options.binary_location = str(shutil.which(BROWSER))
        driver = Chrome(options=options, service=Service(shutil.which(DRIVER)))
        try:
            driver.set_page_load_timeout(SECONDS)
            yield driver
        finally:
            driver.quit()


def log_in(page: Chrome, address: str, domain: str, user: str, password: str) -> None:
    """Fill in the dashboard's first page and wait for what comes after it."""
    page.get(address)
    for name, value in (("domain", domain), ("username", user), ("password", password)):
        page.find_element(By.NAME, name).send_keys(value)
    page.find_element(By.CSS_SELECTOR, "form button[type=submit], #loginBtn").click()
    WebDriverWait(page, SECONDS).until(lambda seen: "/auth/login" not in seen.current_url)


def text_of(page: Chrome, address: str, wanted: str) -> str:
    """What a person reads at an address, once `wanted` is there; raises TimeoutException."""
    page.get(address)
    WebDriverWait(page, SECONDS).until(
        lambda seen: wanted in seen.find_element(By.TAG_NAME, "body").text
    )
    return page.find_element(By.TAG_NAME, "body").text


def picture(page: Chrome, to: Path) -> None:
    """Keep what is seen (PNG)."""
    to.write_bytes(page.get_screenshot_as_png())
