"""How long a reader of the dashboard waits, in a Chromium of this machine.

    python -m benchmarks.dashboard --malls 120 --days 60 --messages 150000

Publishes invented landings, serves them, and opens each page several times: until
the first tile stands, and until the whole page does. Prints a table in Markdown
and appends the figures to results/dashboard.json. Needs Chromium and playwright.
"""

from __future__ import annotations

import argparse
import contextlib
import re
import shutil
import socket
import statistics
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable, Iterator, Mapping, Sequence

from playwright.sync_api import Page, sync_playwright

from benchmarks.lots import Lot
from benchmarks.measure import (
    BenchmarkError,
    keep,
    markdown,
    measured,
    surroundings,
)

SECONDS = 60
TILE = "[data-testid=stMetricValue]"
DRAWN = "[data-testid=stApp][data-test-script-state=notRunning]"


def publish(lot: Lot) -> dict[str, str]:
    """Build and publish a lot; return the environment that shows it."""
    lot.make()
    environment = lot.environment()
    command = [sys.executable, "-m", "kefu.cli", "run", "--no-tests", "--no-audit"]
    measured(command, environment)
    publishing = [sys.executable, "-m", "kefu.cli", "publish", "--untested"]
    measured(publishing, environment)
    return environment


@contextlib.contextmanager
def serving(environment: Mapping[str, str]) -> Iterator[str]:
    """Serve the published file; yield the address."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    command = [sys.executable, "-m", "kefu.cli", "dashboard", "--no-browser"]
    server = subprocess.Popen(
        [*command, "--port", str(port)],
        env=dict(environment),
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    address = f"http://127.0.0.1:{port}"
    try:
        until = time.monotonic() + SECONDS
        while True:
            with contextlib.suppress(OSError):
                urllib.request.urlopen(f"{address}/_stcore/health", timeout=1)
                break
            if server.poll() is not None or time.monotonic() > until:
                raise BenchmarkError("the dashboard does not answer")
            time.sleep(0.1)
        yield address
    finally:
        server.terminate()
        server.wait(timeout=30)


def waited(page: Page, act: Callable[[], object]) -> tuple[float, float]:
    """Return the seconds until the first tile and until the whole page stand."""
    started = time.perf_counter()
    act()
    page.wait_for_selector("h1")
    page.wait_for_selector(TILE)
    first = time.perf_counter() - started
    page.wait_for_selector(DRAWN)
    return first, time.perf_counter() - started


def pick(page: Page, number: int) -> None:
    """Choose another mall, and wait until its name stands at the top."""
    box = page.get_by_role("combobox", name=re.compile("Mall"))
    box.click()
    option = page.get_by_role("option").nth(number)
    mall = re.search(r"\((\d+)\)", option.inner_text())
    if mall is None:
        raise BenchmarkError("the malls to choose from have no number")
    option.click()
    page.get_by_role("heading", name=mall.group(0)).wait_for()


def measure(address: str, times: int) -> list[dict[str, object]]:
    """Open the first page in fresh windows, then go from page to page."""
    found: dict[str, list[tuple[float, float]]] = {}
    chromium = shutil.which("chromium") or shutil.which("google-chrome")
    if chromium is None:
        raise BenchmarkError("there is no Chromium: apt-get install chromium")
    with sync_playwright() as driver:
        browser = driver.chromium.launch(
            executable_path=chromium, args=["--no-sandbox", "--disable-gpu"]
        )
        for _ in range(times):
            context = browser.new_context(locale="en-US")
            page = context.new_page()
            page.set_default_timeout(1_000 * SECONDS)
            opened = waited(page, lambda page=page: page.goto(address))
            found.setdefault("first page, fresh browser", []).append(opened)
            links = page.locator("[data-testid=stSidebarNavLink]")
            for number in range(1, links.count()):
                link = links.nth(number)
                name = link.inner_text().strip()
                started = time.perf_counter()
                link.click()
                page.get_by_role("heading", name=name, level=1).wait_for()
                page.wait_for_selector(DRAWN)
                whole = time.perf_counter() - started
                found.setdefault(f"page {name}", []).append((whole, whole))
            page.goto(f"{address}/mall")
            page.wait_for_selector(DRAWN)
            for number in range(1, times + 1):
                other = waited(
                    page, lambda page=page, number=number: pick(page, number)
                )
                found.setdefault("another mall is chosen", []).append(other)
            context.close()
        browser.close()
    return [
        {
            "what": what,
            "first tile s, median": statistics.median(first for first, _ in seconds),
            "whole page s, median": statistics.median(whole for _, whole in seconds),
            "whole page s, longest": max(whole for _, whole in seconds),
        }
        for what, seconds in found.items()
    ]


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure as the command line asks; return the exit code."""
    parser = argparse.ArgumentParser(prog="benchmarks.dashboard", description=__doc__)
    for name, default in (
        ("messages", 150_000),
        ("malls", 120),
        ("days", 60),
        ("seed", 1),
        ("times", 3),
    ):
        parser.add_argument(f"--{name}", type=int, default=default)
    given = parser.parse_args(arguments)
    lot = Lot(given.messages, given.malls, given.days, given.seed)
    try:
        environment = publish(lot)
        with serving(environment) as address:
            rows = measure(address, given.times)
    except BenchmarkError as error:
        print(f"benchmarks.dashboard: {error}", file=sys.stderr)
        return 1
    keep("dashboard", surroundings() | {"malls": lot.malls, "pages": rows})
    print(markdown(rows))
    return 0


if __name__ == "__main__":
    sys.exit(main())
