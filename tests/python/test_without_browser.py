"""Where there is no browser, the end of a test run says so."""

import os
import subprocess
import sys

from conftest import NO_BROWSER, NO_DRIVER, ROOT

BROWSER_TESTS = "tests/python/test_dashboard_browser.py"
LOUD = "THE BROWSER TESTS DID NOT RUN"


def last_lines(*arguments: str, path: str) -> list[str]:
    """Return what pytest says, in an environment with programs of one path."""
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", *arguments],
        cwd=ROOT,
        env=os.environ | {"PATH": path},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode in (0, 5), done.stdout + done.stderr
    return done.stdout.strip().splitlines()


def test_without_chromium_the_last_line_says_what_did_not_run(tmp_path):
    # With workers, as `make test` has them.
    lines = last_lines(BROWSER_TESTS, "-n", "1", path=str(tmp_path))
    assert [line for line in lines if LOUD in line] == [lines[-1]]
    assert NO_BROWSER in lines[-1]
    # The way out names Debian's packages.
    assert "apt-get install chromium fonts-noto-cjk" in lines[-1]


def test_without_the_driver_the_last_line_says_so(tmp_path):
    hide = ("-p", "playwright_hidden")
    plugin = tmp_path / "playwright_hidden.py"
    plugin.write_text(
        "import sys\nsys.modules['playwright.sync_api'] = None\n", encoding="utf-8"
    )
    lines = last_lines(
        *("-o", f"pythonpath=. tests {tmp_path}", *hide, BROWSER_TESTS),
        path=os.environ["PATH"],
    )
    assert LOUD in lines[-1] and NO_DRIVER in lines[-1]


def test_nothing_is_said_where_nothing_of_it_was_asked_for(tmp_path):
    lines = last_lines(BROWSER_TESTS, "-k", "nowhere", path=str(tmp_path))
    assert not any(LOUD in line for line in lines)
