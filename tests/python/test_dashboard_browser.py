"""The dashboard in a browser: Chromium clicks through every page.

Skipped where there is no Chromium: `make test` tries to install one, and says in
its last line if it could not.

Each page's figures are read from the browser and compared with the published tables
(shown_figures.py). KEFU_TEST_PUBLISHED=<a published file> has the pages of a file of
one's own clicked through and compared as well, in both languages, over a copy of it:
each page must be drawn without an error, and hold a chart or say that there is
nothing to draw. A file of a version that had no official figures may say
that it cannot be read on their page alone.
"""

import contextlib
import http.client
import os
import re
import shutil
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from conftest import NO_BROWSER, NO_DRIVER, ROOT
from dashboard_pages import LANGUAGES, PAGES, asked, copy_of, put_in_place
from shown_figures import FIGURES_OF, Shown

from kefu.dashboard.figures import written
from kefu.dashboard.text import Words, texts

CHROMIUM = next(
    filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))),
    None,
)
playwright = pytest.importorskip("playwright.sync_api", reason=NO_DRIVER)
pytestmark = pytest.mark.skipif(CHROMIUM is None, reason=NO_BROWSER)
SECONDS = 60
OWN = os.environ.get("KEFU_TEST_PUBLISHED")
LOCALES = {"zh": "zh-CN", "en": "en-US"}
PUBLISHED_GROUPS = """
insert into dim_mall_groups
select 'North', mall_id, false
from (select mall_id from dim_malls order by mall_id limit 7)
"""


@dataclass
class Dashboard:
    """A served dashboard: its address, and the file that it shows."""

    address: str
    file: Path
    printed: Path


@pytest.fixture(scope="module")
def dashboard(demo, tmp_path_factory) -> Iterator[Dashboard]:
    """`kefu dashboard` over a copy of the demo, as a process of its own."""
    home = tmp_path_factory.mktemp("dashboard")
    file = copy_of(
        demo[0].published, home / "published" / "kefu.duckdb", PUBLISHED_GROUPS
    )
    with serving(file, home) as served:
        yield served


@pytest.fixture(scope="module")
def own_dashboard(tmp_path_factory) -> Iterator[Dashboard]:
    """`kefu dashboard` over a copy of the published file that the caller names."""
    home = tmp_path_factory.mktemp("own")
    file = copy_of(Path(OWN).resolve(), home / "published" / "kefu.duckdb")
    with serving(file, home) as served:
        yield served


@contextlib.contextmanager
def serving(file: Path, home: Path) -> Iterator[Dashboard]:
    """Serve a published file until the end."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    printed = home / "printed.txt"
    inherited = {k: v for k, v in os.environ.items() if not k.startswith("KEFU_")}
    with printed.open("wb") as output:
        server = subprocess.Popen(
            [sys.executable, "-m", "kefu.cli", "dashboard", "--no-browser"]
            + ["--port", str(port)],
            cwd=home,
            env=inherited | {"PYTHONPATH": str(ROOT), "KEFU_PUBLISHED": str(file)},
            stdout=output,
            stderr=subprocess.STDOUT,
        )
    served = Dashboard(f"http://127.0.0.1:{port}", file, printed)
    try:
        wait_for(served, server)
        yield served
    finally:
        server.terminate()
        assert server.wait(timeout=30) == 0


def wait_for(served: Dashboard, server: subprocess.Popen) -> None:
    """Return once the server answers."""
    until = time.monotonic() + SECONDS
    while True:
        with contextlib.suppress(OSError):
            urllib.request.urlopen(f"{served.address}/_stcore/health", timeout=1)
            return
        assert server.poll() is None, served.printed.read_text()
        assert time.monotonic() < until, "the server does not answer"
        time.sleep(0.2)


@dataclass
class Window:
    """A page of the browser, and what it asked of other servers."""

    page: object
    address: str
    foreign: list[str] = field(default_factory=list)
    failed: list[str] = field(default_factory=list)

    def open(self, path: str = "") -> None:
        self.page.goto(f"{self.address}/{path}")
        self.settle()

    def settle(self) -> None:
        """Wait until the page is drawn."""
        self.page.wait_for_selector("h1", timeout=1000 * SECONDS)
        self.page.wait_for_selector(
            "[data-testid=stApp][data-test-script-state=notRunning]",
            timeout=1000 * SECONDS,
        )

    def go_to(self, title: str) -> None:
        """Click on a page's name, and wait until it is there."""
        self.page.get_by_role("link", name=title, exact=True).click()
        self.page.get_by_role("heading", name=title, level=1).wait_for()
        self.settle()

    def choose_mall(self, mall_id: str) -> None:
        """Choose the mall that this and the next pages are about."""
        box = self.page.get_by_role("combobox", name=re.compile("Mall|店铺"))
        box.click()
        box.fill(mall_id)
        box.press("Enter")
        self.page.get_by_role("heading", name=mall_id).first.wait_for()
        self.settle()

    def tile(self, name: str) -> str:
        """Return what stands in a tile, without blanks around."""
        value = self.page.locator(f".st-key-tile-{name} [data-testid=stMetricValue]")
        return value.inner_text().strip()

    def text(self) -> str:
        return self.page.locator("[data-testid=stMain]").inner_text()


@pytest.fixture(scope="module")
def browser() -> Iterator[object]:
    with playwright.sync_playwright() as driver:
        chromium = driver.chromium.launch(
            executable_path=CHROMIUM, args=["--no-sandbox", "--disable-gpu"]
        )
        yield chromium
        chromium.close()


@pytest.fixture
def window(browser, dashboard, request) -> Iterator[Window]:
    with looking_at(dashboard, browser, getattr(request, "param", "en")) as opened:
        yield opened


@contextlib.contextmanager
def looking_at(dashboard: Dashboard, browser, language: str) -> Iterator[Window]:
    """Open a window of a reader of a language, which asks no other server."""
    context = browser.new_context(
        locale=LOCALES[language],
        viewport={"width": 1280, "height": 900},
        accept_downloads=True,
    )
    page = context.new_page()
    page.set_default_timeout(1000 * SECONDS)
    opened = Window(page, dashboard.address)

    def note(asked_for: object) -> None:
        if not asked_for.url.startswith((dashboard.address, "data:", "blob:")):
            opened.foreign.append(asked_for.url)

    page.on("request", note)
    page.on("pageerror", lambda error: opened.failed.append(str(error)))
    yield opened
    context.close()
    assert opened.foreign == []
    assert opened.failed == []


def as_of(file: Path) -> object:
    return asked(file, "select max(as_of_date) as day from mall_kpi_30d")["day"][0]


@pytest.mark.parametrize(
    ("window", "language"),
    [pytest.param(language, language, id=language) for language in LANGUAGES],
    indirect=["window"],
)
def test_every_page_can_be_clicked_through(window, dashboard, language):
    words = Words(language)
    # As wide as the widest table: a browser tells of columns that can be seen.
    window.page.set_viewport_size({"width": 4000, "height": 900})
    shown = Shown(window.page, dashboard.file, words)
    window.open()
    # The language follows the browser's.
    assert window.page.locator("h1").inner_text() == words("page.overview")
    for name in (*PAGES[1:], PAGES[0]):
        window.go_to(words(f"page.{name}"))
        assert window.page.locator("[data-testid=stException]").count() == 0
        assert window.page.locator("[data-testid=stAlertContentError]").count() == 0
        drawn = window.page.locator("[data-testid=stPlotlyChart] .main-svg")
        if name != "quality":
            drawn.first.wait_for()
        assert window.page.locator("[data-testid=stDataFrame]").count()
        # Nothing is left in the other language but names and codes of the data.
        if language == "en":
            for zh, _ in (texts()["column.mall"], texts()["state.empty"]):
                assert zh not in window.text().splitlines()
        before = shown.compared
        FIGURES_OF[name](shown)
        assert shown.compared > before + 5, name
    shown.close()


@pytest.mark.skipif(not OWN, reason="KEFU_TEST_PUBLISHED names no published file")
@pytest.mark.parametrize("language", LANGUAGES)
def test_every_page_of_a_file_of_ones_own_can_be_clicked_through(
    browser, own_dashboard, language
):
    words, file = Words(language), own_dashboard.file
    marts = set(asked(file, "from duckdb_views() select view_name").to_series())
    marts |= set(asked(file, "from duckdb_tables() select table_name").to_series())
    # The texts stand between marks of code in the table of texts; of one with a
    # value in it the words before that are looked for.
    nothing = [
        words.of(*texts()[key]).partition("{")[0].replace("`", "").strip()
        for key in texts()
        if is_of_nothing(key)
    ]
    assert all(nothing)
    with looking_at(own_dashboard, browser, language) as window:
        window.page.set_viewport_size({"width": 4000, "height": 900})
        shown = Shown(window.page, file, words)
        busiest = shown.ask(
            "select mall_id from agent_kpi_30d where as_of_date = $day"
            " group by mall_id order by count(*) desc, mall_id limit 1"
        )
        window.open()
        for name in (*PAGES[1:], PAGES[0]):
            window.go_to(words(f"page.{name}"))
            main = window.page.locator("[data-testid=stMain]")
            assert main.locator("[data-testid=stException]").count() == 0, name
            errors = main.locator("[data-testid=stAlertContentError]").all_inner_texts()
            if name == "official" and "official_reconciliation" not in marts:
                # Published before there was such a page, which says so.
                told = words("state.unreadable").replace("`", "")
                assert [error.strip() for error in errors] == [told]
                print(language, name, told)
                continue
            assert errors == [], name
            charts = main.locator("[data-testid=stPlotlyChart]")
            if charts.count():
                charts.locator(".main-svg").first.wait_for()
                print(language, name, charts.count(), "charts")
            elif name == "quality":
                assert main.locator("[data-testid=stDataFrame]").count()
                print(language, name, "no chart, but tables")
            else:
                found = [text for text in nothing if text in window.text()]
                assert found, f"{name}: {window.text()}"
                print(language, name, "no chart:", *found)
            before = shown.compared
            FIGURES_OF[name](shown)
            print(language, name, shown.compared - before, "figures compared")
        # The mall that stands first may have no agents.
        if busiest:
            window.go_to(words("page.team"))
            window.choose_mall(busiest[0]["mall_id"])
            FIGURES_OF["team"](shown)
            window.go_to(words("page.agent"))
            FIGURES_OF["agent"](shown)
        print(language, shown.compared, "figures compared in all")
        assert shown.compared
        shown.close()


def is_of_nothing(key: str) -> bool:
    """Whether a text says that there is nothing to draw."""
    part, _, name = key.partition(".")
    return name == "empty" or (part == "state" and name.startswith(("no_", "too_")))


def test_a_mall_is_chosen_and_kept_from_page_to_page(window, dashboard):
    file, words = dashboard.file, Words("en")
    row = asked(
        file,
        """
        select mall_id, experience_score, kpis.* exclude (mall_id, as_of_date)
        from experience_score_30d inner join mall_kpi_30d as kpis
            using (mall_id, as_of_date)
        where as_of_date = $1 and score_status = 'scored'
        order by experience_score desc, mall_id limit 1
        """,
        as_of(file),
    ).row(0, named=True)
    window.open("mall")
    window.choose_mall(row["mall_id"])
    assert window.tile("experience_score") == f"{row['experience_score']:.2f}"
    told = written(row["reply_rate_3min"], "rate", words)
    assert window.tile("kpi-reply_rate_3min") == told
    # The next page looks at the same mall.
    window.go_to(words("page.team"))
    assert row["mall_id"] in window.text()
    window.go_to(words("page.after_sale"))
    window.page.get_by_role("heading", name=f"({row['mall_id']})").wait_for()
    told = written(row["refund_rate"], "rate", words)
    assert window.tile("refund_rate") == told


def test_the_platforms_figures_stand_beside_ours(window, dashboard, tmp_path):
    counted = asked(
        dashboard.file,
        """
        select mall_id, count(*) as figures,
            count(*) filter (likely_cause = 'equal') as equal,
            count(distinct metric) filter (
                source = 'report' and row_type = 'mall_total'
            ) as of_shop
        from official_reconciliation
        where period_end > $1::date - 30
        group by mall_id order by figures desc, mall_id limit 1
        """,
        as_of(dashboard.file),
    ).row(0, named=True)
    window.open("official")
    window.choose_mall(counted["mall_id"])
    told = f"Of {counted['figures']} figures {counted['equal']} are the same as shown."
    assert told in window.text()
    with window.page.expect_download(timeout=1000 * SECONDS) as taken:
        window.page.locator(".st-key-csv-official-shop button").click()
    path = tmp_path / "shop.csv"
    taken.value.save_as(path)
    lines = path.read_text(encoding="utf-8-sig").splitlines()
    assert lines[0].startswith("Figure,Platform,Ours,")
    assert len(lines) - 1 == counted["of_shop"]


def test_the_first_page_leads_to_the_mall_to_begin_with(window, dashboard):
    window.open()
    step = window.page.locator(".st-key-step-1")
    (mall_id,) = re.findall(r"\((\w+)\)", step.locator("strong").inner_text())
    step.get_by_role("button").click()
    window.page.get_by_role("heading", name="One mall", level=1).wait_for()
    window.page.get_by_role("heading", name=f"({mall_id})").wait_for()
    window.settle()
    score = asked(
        dashboard.file,
        "select experience_score from experience_score_30d"
        " where as_of_date = $1 and mall_id = $2",
        as_of(dashboard.file),
        mall_id,
    ).item()
    assert window.tile("experience_score") == f"{score:.2f}"


def test_the_language_is_switched_where_one_is(window):
    window.open("load")
    assert window.page.locator("h1").inner_text() == "Load by hour"
    window.page.get_by_text("中文", exact=True).click()
    window.page.get_by_role("heading", name="时段负荷", level=1).wait_for()
    window.settle()
    # It stays with the reader.
    window.go_to("售后与纠纷")
    assert "Refund rate" not in window.text()
    window.page.get_by_text("English", exact=True).click()
    window.page.get_by_role("heading", name="After the sale", level=1).wait_for()


def test_on_a_phone_the_page_is_seen_and_not_what_stands_beside_it(window):
    window.page.set_viewport_size({"width": 390, "height": 800})
    window.open()
    box = window.page.locator("h1").bounding_box()
    seen = window.page.evaluate(
        "at => document.elementFromPoint(at.x + 5, at.y + at.height / 2).closest('h1')",
        box,
    )
    assert seen is not None


def test_a_definition_is_one_click_away(window, dashboard):
    window.open()
    window.page.locator(".st-key-define-help_seeking_rate button").click()
    opened = window.page.locator("[data-testid=stPopoverBody]")
    opened.wait_for()
    text = opened.inner_text()
    definition = asked(
        dashboard.file,
        "select definition from dim_metrics where metric = 'help_seeking_rate'",
    ).item()
    assert definition in text
    assert "求助率" in text and "Help-seeking rate" in text
    assert "Mark S" in text


def test_a_table_is_taken_along(window, dashboard, tmp_path):
    window.open()
    for kind in ("csv", "xlsx"):
        with window.page.expect_download(timeout=1000 * SECONDS) as taken:
            window.page.locator(f".st-key-{kind}-malls button").click()
        path = tmp_path / f"malls.{kind}"
        taken.value.save_as(path)
        assert taken.value.suggested_filename == f"kefu_malls.{kind}"
        assert path.stat().st_size > 500
    text = (tmp_path / "malls.csv").read_bytes()
    assert text.startswith(b"\xef\xbb\xbf")
    malls = asked(
        dashboard.file,
        "select count(*) as malls from mall_kpi_30d where as_of_date = $1",
        as_of(dashboard.file),
    )
    assert len(text.decode("utf-8-sig").splitlines()) - 1 >= malls["malls"][0]


def test_there_is_nothing_for_developers(window):
    window.open()
    for name in ("Deploy", "Rerun", "Clear cache"):
        assert window.page.get_by_text(name, exact=True).count() == 0
    assert window.page.locator("[data-testid=stAppDeployButton]").count() == 0


@pytest.mark.parametrize(
    ("origin", "status"), [(None, 101), ("http://elsewhere.example", 403)]
)
def test_pages_of_other_sites_are_refused_the_figures(dashboard, origin, status):
    host = dashboard.address.removeprefix("http://")
    connection = http.client.HTTPConnection(host, timeout=SECONDS)
    headers = {
        "Connection": "Upgrade",
        "Upgrade": "websocket",
        "Sec-WebSocket-Version": "13",
        "Sec-WebSocket-Key": "AAAAAAAAAAAAAAAAAAAAAA==",
        "Origin": origin or dashboard.address,
    }
    connection.request("GET", "/_stcore/stream", headers=headers)
    assert connection.getresponse().status == status
    connection.close()


def test_a_new_publication_is_shown_without_a_restart(window, dashboard):
    window.open("quality")
    assert "a-newer-run" not in window.page.inner_text("body")
    new = copy_of(
        dashboard.file,
        dashboard.file.with_name("new.duckdb"),
        "update meta.publication set run_id = 'a-newer-run'",
    )
    put_in_place(new, dashboard.file)
    window.go_to("Load by hour")
    window.page.get_by_text("a-newer-run").wait_for()


def test_the_server_says_nothing_but_its_address(window, dashboard):
    window.open()
    lines = dashboard.printed.read_text(encoding="utf-8").splitlines()
    lines = [line for line in lines if "disallowed Origin" not in line]
    assert len(lines) == 2
    assert lines[1].strip().startswith(dashboard.address)
