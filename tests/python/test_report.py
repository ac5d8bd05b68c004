"""The day's page: right figures, whole in itself, of the version in place."""

import errno
import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Callable
from html.parser import HTMLParser
from pathlib import Path

import duckdb
import pytest
import yaml
from conftest import ROOT, Kefu
from test_publish import ask, built, publish
from test_publish_commands import audited, check

from kefu import publish as publishing
from kefu import versions as versions_module
from kefu.dashboard.published import query
from kefu.dashboard.text import Words, chinese
from kefu.dashboard.wording import written
from kefu.errors import EXIT_PUBLISH
from kefu.report import page, source
from kefu.versions import REPORT, RESTRICTED, Versions, report_in

EXPOSURES = ROOT / "models" / "exposures.yml"
LONGEST = 400_000
VILE = "<script>alert(1)</script>"
VILE_TOO = '"><img src=x onerror=alert(1)>'


class Tables(HTMLParser):
    """The tables of a page by section, in one language, as rows of texts."""

    def __init__(self, language: str) -> None:
        super().__init__()
        self.other = {"zh": "en", "en": "zh"}[language]
        self.section = ""
        self.hidden = 0
        self.rows: dict[str, list[list[str]]] = {}
        self.text: list[str] | None = None

    def handle_starttag(self, tag: str, attrs: list) -> None:
        found = dict(attrs)
        if tag == "section":
            self.section = found["id"]
        if tag == "span" and (self.hidden or found.get("class") == self.other):
            self.hidden += 1
        if tag == "tr":
            self.rows.setdefault(self.section, []).append([])
        if tag in ("td", "th"):
            self.text = []

    def handle_endtag(self, tag: str) -> None:
        if tag == "span" and self.hidden:
            self.hidden -= 1
        if tag in ("td", "th"):
            told = "".join(self.text)
            self.rows[self.section][-1].append(" ".join(told.split()))
            self.text = None

    def handle_data(self, data: str) -> None:
        if self.text is not None and not self.hidden:
            self.text.append(data)


def tables(text: str, language: str = "en") -> dict[str, list[list[str]]]:
    found = Tables(language)
    found.feed(text)
    return found.rows


@pytest.fixture
def copied(demo: tuple[Kefu, str], tmp_path: Path) -> Path:
    """A copy of the published demo that may be written."""
    world, _ = demo
    file = tmp_path / "kefu.duckdb"
    shutil.copyfile(world.published, file)
    return file


def changed(file: Path, *statements: str) -> Path:
    with duckdb.connect(str(file)) as connection:
        for statement in statements:
            connection.execute(statement)
    return file


def test_it_lies_beside_the_file_and_in_its_version(demo: tuple[Kefu, str]) -> None:
    world, printed = demo
    beside = world.published.parent / REPORT
    assert f"report            {beside}" in printed
    ((run_id,),) = ask(world.published, "select run_id from meta.publication")
    assert report_in(beside) == run_id
    folder = world.published.parent / "versions" / run_id
    assert (folder / REPORT).read_bytes() == beside.read_bytes()
    manifest = json.loads((folder / "manifest.json").read_text(encoding="utf-8"))
    assert REPORT in manifest["publication"]["files"]
    # The demo publishes a file without names; so is its report.
    told = {"is_written": True, "with_names": False}
    assert manifest["publication"]["report"] == told
    text = beside.read_text(encoding="utf-8")
    assert run_id in text.split("</header>")[0]
    names = ask(world.published, "select cs_name from marts.dim_agents")
    assert [name for (name,) in names if name and name in text] == []
    accounts = ask(
        world.published,
        "select cs_uid from marts.agent_service_score_30d"
        " order by as_of_date desc, service_score desc nulls last limit 1",
    )
    assert accounts[0][0] in text


def test_nothing_is_asked_of_the_network(copied: Path) -> None:
    text = page.render(copied)
    assert not re.search(r"https?://|//[a-z]+\.|@import|url\(", text)
    assert not re.search(r"<(script|link|img|iframe|object|form|base)\b", text)
    assert not re.search(r"\s(src|href|on\w+)=", text)
    assert "default-src 'none'" in text.split("<style>")[0]
    assert 20_000 < len(text.encode()) < LONGEST


def test_no_streamlit_is_needed() -> None:
    done = subprocess.run(
        [
            *(sys.executable, "-c"),
            "import sys, kefu.report.page, kefu.publish;"
            "print(sorted({'streamlit', 'plotly', 'dbt'} & set(sys.modules)))",
        ],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout.strip() == "[]"


@pytest.mark.parametrize("language", ["zh", "en"])
def test_figures_of_malls_are_those_published(copied: Path, language: str) -> None:
    words = Words(language)
    shown = tables(page.render(copied), language)["malls"][1:]
    expected = ask(
        copied,
        """
        select
            coalesce(mall_name || ' (' || mall_id || ')', mall_id),
            experience_score, score_tier, score_status, scores.change_7d,
            help_seeking_rate, help.platform_help_rate, reply_rate_3min,
            reply_rate_3min - (
                select earlier.reply_rate_3min
                from marts.mall_kpi_30d as earlier
                where earlier.mall_id = kpis.mall_id
                    and earlier.as_of_date = kpis.as_of_date - 7
            ),
            reply_rate_30s, effective_reply_rate, avg_response_seconds,
            costliest_module, kpis.incomplete_days_30d,
            help_orders_30d, help.platform_help_orders_30d, help.grouped_orders_30d,
            late_buyers_3min, ineffective_buyers, assessed_consult_buyers,
            messages_replied_30s, assessed_messages, answered_messages
        from marts.mall_kpi_30d as kpis
        inner join marts.dim_malls using (mall_id)
        inner join marts.experience_score_30d as scores using (mall_id, as_of_date)
        inner join marts.help_seeking_rate_30d as help using (mall_id, as_of_date)
        where as_of_date = (select max(as_of_date) from marts.mall_kpi_30d)
            and help.module = 'all'
        order by experience_score nulls last, mall_id
        """,
    )
    assert len(expected) > 20

    def figure(value: float | None, unit: str, *, signed: bool = False) -> str:
        return " ".join(written(value, unit, words, signed=signed).split())

    for row, wanted in zip(shown, expected, strict=True):
        name, score, tier, status, change, *rates, module, days = wanted[:-9]
        helped, platform, grouped, late, idle, buyers, fast, asked, met = wanted[-9:]
        units = ("rate", "rate", "rate", "change", "rate", "rate", "seconds")
        parts = [
            f" {helped:,} ÷ {grouped:,}",
            f" {platform:,} ÷ {grouped:,}",
            f" 1 - {late:,} ÷ {buyers:,}",
            "",
            f" {fast:,} ÷ {asked:,}",
            f" 1 - {idle:,} ÷ {buyers:,}",
            f" 共 {met:,} 的平均" if language == "zh" else f" mean of {met:,}",
        ]
        assert row == [
            name,
            figure(score, "points"),
            words.tier(tier or status),
            figure(change, "points", signed=True),
            *(
                figure(
                    value, "rate" if unit == "change" else unit, signed=unit == "change"
                )
                + made_of
                for value, unit, made_of in zip(rates, units, parts, strict=True)
            ),
            words.module(module) or "--",
            str(days),
        ]
    # Where there is too little: no 0, no empty cell.
    assert any(row[1] == "--" for row in shown)


def test_the_team_is_ranked_by_the_service_score(copied: Path) -> None:
    wanted = ask(
        copied,
        """
        select
            cs_name || ' (' || cs_uid || ')', service_score, buyer_days,
            reply_rate_3min, late_buyers_3min, assessed_consult_buyers,
            avg_response_seconds, answered_messages
        from marts.agent_service_score_30d
        inner join marts.dim_agents using (mall_id, cs_uid)
        inner join marts.agent_kpi_30d using (mall_id, cs_uid, as_of_date)
        where as_of_date = (select max(as_of_date) from marts.mall_kpi_30d)
            and service_score is not null and not is_robot
        order by service_score desc, mall_id, cs_uid
        """,
    )
    shown = tables(page.render(copied))["team"]
    best, worst = shown[1:11], shown[12:22]
    told = [
        [
            *(name, f"{score:.2f}", f"{days:,}"),
            f"{100 * rate:.2f}% 1 - {late:,} ÷ {buyers:,}",
            f"{written(seconds, 'seconds', Words('en'))} mean of {answered:,}",
        ]
        for name, score, days, rate, late, buyers, seconds, answered in wanted
    ]
    assert [[row[0], *row[2:]] for row in best] == told[:10]
    assert [[row[0], *row[2:]] for row in worst] == told[:-11:-1]
    without = page.render(copied, with_names=False)
    assert wanted[0][0] not in without and "by account" in without


def test_help_rates_of_each_day_stand_on_their_parts(copied: Path) -> None:
    """As a table, and under the pointer of the chart."""
    wanted = ask(
        copied,
        """
        select
            as_of_date::text as day, sum(help_orders_30d)::bigint,
            sum(platform_help_orders_30d)::bigint, sum(grouped_orders_30d)::bigint
        from marts.help_seeking_rate_30d
        where module = 'all' and as_of_date > (
            select max(as_of_date) - 60 from marts.help_seeking_rate_30d
        )
        group by as_of_date order by as_of_date desc
        """,
    )
    text = page.render(copied)
    shown = tables(text)["days"][1:]
    assert len(wanted) > 10
    assert shown == [
        [
            day,
            f"{100 * helped / grouped:.2f}% {helped:,} ÷ {grouped:,}",
            f"{100 * platform / grouped:.2f}% {platform:,} ÷ {grouped:,}",
        ]
        for day, helped, platform, grouped in wanted
    ]
    day, helped, _, grouped = wanted[0]
    told = f"<title>{day}  {100 * helped / grouped:.1f}%  {helped:,} ÷ {grouped:,}<"
    assert told in text
    problem = tables(text)["costs"][-1]
    assert re.fullmatch(r"[\d.]+% [\d,]+ ÷ [\d,]+", problem[-1])


def test_all_malls_together(copied: Path) -> None:
    text = page.render(copied)
    ((rate, orders),) = ask(
        copied,
        """
        select
            sum(help_orders_30d) / sum(grouped_orders_30d),
            sum(grouped_orders_30d)::bigint
        from marts.help_seeking_rate_30d
        where module = 'all'
            and as_of_date = (select max(as_of_date) from marts.mall_kpi_30d)
        """,
    )
    assert f'<div class="value">{100 * rate:.2f}%</div>' in text
    assert f"{orders:,} (Grouped orders" in text


def test_what_stopped_comes_first(copied: Path) -> None:
    """Before any figure: which feeds of which malls lack the newest day."""
    newest = "(select max(as_of_date) from marts.mall_kpi_30d)"
    mall = "(select min(mall_id) from marts.experience_score_30d)"
    changed(
        copied,
        "update marts.data_completeness set status = 'missing', rows = 0,"
        f" days_silent = 9 where date_day = {newest} and mall_id = {mall}"
        " and source = 'messages'",
        "update marts.data_completeness set status = 'low', rows = 1,"
        " days_silent = 0, expected_rows = 20, usual_gap_days = 1 where"
        f" date_day = {newest} and mall_id <> {mall} and source = 'orders'",
    )
    text = page.render(copied)
    headings = re.findall(r'<section id="(\w+)"', text)
    assert headings[0] == "incomplete" and headings[-1] == "definitions"
    rows = tables(text)["incomplete"]
    ((mall_id,),) = ask(copied, f"select {mall}")
    stopped = next(row for row in rows if row[0].endswith(f"({mall_id})"))
    assert stopped[1:4] == ["Messages", "missing", "0"] and stopped[-1] == "9"
    by_source = {row[0]: row[1:] for row in rows[1:6]}
    assert by_source["Messages"][3] == "1"
    lacking = [row for row in rows if row[2:3] in (["missing"], ["thin"])]
    ((all_of_them,),) = ask(
        copied,
        "select count(*) from marts.data_completeness where"
        f" date_day = {newest} and status in ('low', 'missing')",
    )
    assert len(lacking) == source.MOST_FEEDS < all_of_them
    assert f"The first {source.MOST_FEEDS} of {all_of_them};" in text
    assert lacking[0] == stopped


def test_names_from_the_data_are_text(copied: Path) -> None:
    changed(
        copied,
        f"update marts.dim_malls set mall_name = '{VILE}'",
        f"update marts.dim_agents set cs_name = '{VILE_TOO}'",
        f"update marts.dim_problems set name_zh = '{VILE}', name_en = '{VILE}'",
        f"update marts.dim_metrics set name_zh = '{VILE_TOO}', name_en = '{VILE_TOO}',"
        f" definition = '{VILE_TOO}'",
    )
    text = page.render(copied)
    assert "<script" not in text and "<img" not in text
    assert "&lt;script&gt;alert(1)&lt;/script&gt;" in text
    # As an attribute's value, too.
    assert '"><img' not in text and "&#34;&gt;&lt;img" in text


def test_it_is_bounded_and_says_so(
    copied: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(page, "MOST_MALLS", 5)
    text = page.render(copied)
    ((malls,),) = ask(copied, query_count())
    assert len(tables(text)["malls"]) == 1 + 5
    assert f"The first 5 of {malls};" in text and f"共 {malls} 行" in text
    assert source.MOST_MALLS == 200


def query_count() -> str:
    return (
        "select count(distinct mall_id) from marts.mall_kpi_30d where as_of_date ="
        " (select max(as_of_date) from marts.mall_kpi_30d)"
    )


def test_every_figure_is_defined(copied: Path) -> None:
    text = page.render(copied)
    body, _, definitions = text.partition('<section id="definitions">')
    named = set(re.findall(r"<abbr title=\"[^\"]+\">([^<]+)</abbr>", body))
    metrics = ask(copied, "select name_zh, name_en, is_estimate from marts.dim_metrics")
    known = {
        name + mark: (zh, en)
        for zh, en, is_estimate in metrics
        for name, mark in (
            (zh, "（估算）" if is_estimate else ""),
            (en, " (estimate)" if is_estimate else ""),
        )
    }
    assert len(named) > 20
    for name in named:
        zh, en = known[name]
        assert f"<dt>{zh} · {en} " in definitions
    assert "Service score (estimate)" in named and "体验分（估算）" in text


def test_tests_and_audit_are_told(copied: Path) -> None:
    ((manifest,),) = ask(copied, "select manifest from meta.publication")
    found = json.loads(manifest)
    text = page.render(copied)
    assert f"{found['tests']['passed']} passed, " in text
    failed = [item for item in found["audit"]["checks"] if item["success"] is False]
    shown = tables(text).get("checks", [])[1:]
    assert len(shown) == len(failed)
    for item in failed:
        assert any(row[0].endswith(item["name"]) for row in shown)
    # Nobody's words: a reason may name people.
    reason = "because Zhang San said so"
    found["accepted"] = [{"check": "day_missing", "reason": reason}]
    found["tests"], found["audit"]["checks"][0]["accepted_reason"] = "not run", reason
    with duckdb.connect(str(copied)) as connection:
        connection.execute(
            "update meta.publication set manifest = ?, is_tested = false",
            [json.dumps(found)],
        )
    text = page.render(copied)
    assert reason not in text and "Data tests: not run" in text
    assert "without all of its tests" in text.partition("</header>")[0]


def test_what_to_do_is_told_in_both_languages(copied: Path) -> None:
    ((manifest,),) = ask(copied, "select manifest from meta.publication")
    found = json.loads(manifest)
    item = found["audit"]["checks"][0]
    item["success"] = False
    with duckdb.connect(str(copied)) as connection:
        connection.execute(
            "update meta.publication set manifest = ?", [json.dumps(found)]
        )
    text = page.render(copied)
    for language, advice in (
        ("en", item["advice"]),
        ("zh", chinese()["advice"][item["name"]]),
    ):
        told = tables(text, language)["checks"]
        (row,) = [row for row in told if row[0].endswith(item["name"])]
        assert row[-1] == advice


def test_the_exposure_names_what_it_reads() -> None:
    read = set()
    own = ROOT / "kefu" / "report" / "sql"
    texts = [file.read_text(encoding="utf-8") for file in own.glob("*.sql")]
    code = (ROOT / "kefu" / "report" / "source.py").read_text(encoding="utf-8")
    code += (ROOT / "kefu" / "report" / "page.py").read_text(encoding="utf-8")
    texts += [query(name) for name in re.findall(r'of_pages\(\s*"(\w+)"', code)]
    marts = {file.stem for file in (ROOT / "models" / "marts").rglob("*.sql")}
    for text in texts:
        read |= set(re.findall(r"\b(?:from|join)\s+(\w+)", text)) & marts
    exposures = yaml.safe_load(EXPOSURES.read_text(encoding="utf-8"))["exposures"]
    (told,) = [item for item in exposures if item["name"] == "kefu_report"]
    assert {item.split("'")[1] for item in told["depends_on"]} == read


def test_the_command_writes_it_anew(demo: tuple[Kefu, str], tmp_path: Path) -> None:
    world, _ = demo
    beside = world.published.parent / REPORT
    before = beside.read_bytes()
    beside.unlink()
    done = world("report")
    assert done.returncode == 0, done.stderr
    assert beside.read_bytes() == before
    # What lies in the version is what lies beside the file.
    assert world("rollback", report_in(beside)).returncode == 0
    assert beside.read_bytes() == before
    out = tmp_path / "today.html"
    assert world("report", "--out", str(out)).returncode == 0
    assert out.read_bytes() == before
    done = world("report", "--out", str(tmp_path / "nowhere" / "today.html"))
    assert done.returncode == 3 and len(done.stderr.splitlines()) == 1
    nothing = {"KEFU_PUBLISHED": str(tmp_path / "empty" / "kefu.duckdb")}
    done = world("report", **nothing)
    assert done.returncode == EXIT_PUBLISH and "nothing is published" in done.stderr


def test_a_run_with_nothing_new_puts_it_back(mini: Kefu) -> None:
    audited(mini, check("volume", success=True))
    assert mini("run").returncode == 0
    beside = mini.published.parent / REPORT
    text = beside.read_bytes()
    beside.unlink()
    done = mini("run")
    assert "nothing new" in done.stdout and "warning" not in done.stdout.split("new")[1]
    assert beside.read_bytes() == text
    # A project with hardly a table has a page all the same.
    assert report_in(beside) in text.decode()
    assert "lacks the tables for this" in text.decode()


@pytest.fixture
def database(tmp_path: Path) -> Path:
    return built(tmp_path / "work.duckdb")


@pytest.fixture
def published(tmp_path: Path) -> Path:
    return tmp_path / "published" / "kefu.duckdb"


def in_place(published: Path) -> tuple[str | None, str | None]:
    """Return the version in place, and that of the report beside it."""
    return Versions(published).current_id(), report_in(published.parent / REPORT)


def about_report(published: Path, run_id: str) -> dict:
    return Versions(published).find(run_id).publication["report"]


def test_a_report_that_fails_undoes_nothing(
    database: Path, published: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = publish(database, published)["version"]
    assert in_place(published) == (first, first)

    def full(*_: object, **__: object) -> str:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), "some/file")

    with monkeypatch.context() as patched:
        patched.setattr(page, "render", full)
        figures = publish(database, published)
    second = figures["version"]
    # The old one is not left there as if it were the new one's.
    assert in_place(published) == (second, None)
    assert figures["report"] is None
    told = "report.html could not be written (No space left on device)"
    assert figures["warning"] == told
    about = about_report(published, second)
    assert about["is_written"] is False and about["why"] == "No space left on device"
    # What a kill leaves behind is mended the same way.
    assert publishing.renew_report(published) is None
    assert in_place(published) == (second, second)
    assert about_report(published, second)["is_written"] is True

    def broken(*_: object, **__: object) -> str:
        raise ZeroDivisionError("in the middle")

    with monkeypatch.context() as patched:
        patched.setattr(page, "render", broken)
        figures = publish(database, published)
    assert in_place(published) == (figures["version"], None)
    assert "ZeroDivisionError" in figures["warning"]


def test_what_is_not_ours_stays(database: Path, published: Path) -> None:
    published.parent.mkdir()
    beside = published.parent / REPORT
    beside.write_text("<html>a page of somebody else</html>", encoding="utf-8")
    figures = publish(database, published)
    assert beside.read_text(encoding="utf-8") == "<html>a page of somebody else</html>"
    assert "none that kefu wrote" in figures["warning"]
    about = about_report(published, figures["version"])
    assert about["is_in_place"] is False and about["is_written"] is True


def test_a_rollback_brings_its_report(database: Path, published: Path) -> None:
    first = publish(database, published)["version"]
    text = (published.parent / REPORT).read_bytes()
    second = publish(database, published)["version"]
    assert in_place(published) == (second, second)
    publishing.roll_back(published, None)
    assert in_place(published) == (first, first)
    assert (published.parent / REPORT).read_bytes() == text
    # A version of before there were reports gets one.
    versions = Versions(published)
    older = versions.find(second)
    del older.publication["files"][REPORT], older.publication["report"]
    (older.folder / REPORT).unlink()
    versions.add(older, older.folder, ())
    publishing.roll_back(published, second)
    assert in_place(published) == (second, second)


def test_names_go_with_the_restricted_file(database: Path, published: Path) -> None:
    """A version published with names returns without, once names are withheld."""
    first = publish(database, published)["version"]
    assert about_report(published, first)["with_names"] is True
    second = publish(database, published, with_restricted=True)["version"]
    assert about_report(published, second)["with_names"] is False
    publishing.roll_back(published, first)
    assert (published.parent / RESTRICTED).exists()
    assert about_report(published, first)["with_names"] is False
    assert in_place(published) == (first, first)


@pytest.mark.parametrize("moment", ["before", "after"])
@pytest.mark.parametrize("work", ["publish", "rollback"])
def test_killed_between_the_file_and_its_report(
    database: Path, published: Path, moment: str, work: str
) -> None:
    """Never a report of another version: none, until the next command."""
    first = publish(database, published)["version"]
    second = publish(database, published)["version"]
    child = os.fork()
    if child == 0:
        replace = os.replace

        def killed(source: Path, target: Path) -> None:
            if Path(target) == published:
                if moment == "after":
                    replace(source, target)
                os._exit(9)
            replace(source, target)

        versions_module.os.replace = killed
        if work == "publish":
            publish(database, published)
        else:
            publishing.roll_back(published, first)
        os._exit(0)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 9
    current, report = in_place(published)
    assert report is None
    assert (current == second) == (moment == "before")
    assert publishing.renew_report(published) is None
    assert in_place(published) == (current, current)
    # What was set aside is cleared away by the next publication.
    last = publish(database, published)["version"]
    assert in_place(published) == (last, last)
    assert not list(published.parent.glob(".*publishing*"))


def test_a_publication_that_fails_leaves_the_old_report(
    database: Path, published: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = publish(database, published)["version"]
    replace: Callable = os.replace

    def refused(source: Path, target: Path) -> None:
        if Path(target) == published:
            raise OSError(errno.EIO, os.strerror(errno.EIO))
        replace(source, target)

    with monkeypatch.context() as patched:
        patched.setattr(versions_module.os, "replace", refused)
        with pytest.raises(publishing.KefuError):
            publish(database, published)
    assert in_place(published) == (first, first)
