"""docs/bi_tools.md: every question, name and piece of Python in it, tried."""

import os
import re
import shutil

import duckdb
import pytest
import sqlalchemy
from conftest import ROOT

TEXT = (ROOT / "docs" / "bi_tools.md").read_text("utf-8")
BLOCKS = re.findall(r"```(\w+)\n(.*?)```", TEXT, re.DOTALL)
QUESTIONS = [body for language, body in BLOCKS if language == "sql"]
PYTHON = [body for language, body in BLOCKS if language == "python"]
# Names in the text that are neither a table nor a column.
OTHERS = {
    *("count", "sum", "rate", "ratio", "complement_rate", "cohort_rate", "mean"),
    *("distinct_count", "quantile", "maximum", "score", "rank", "percentile"),
    *("difference", "marts", "plugins", "parquet", "true", "all", "with"),
    *("read_only", "duckdb.read_only", "grafana.ini", "kefu"),
}


@pytest.fixture(scope="module")
def columns(demo):
    """Return the columns of each published table."""
    held = {}
    with duckdb.connect(str(demo[0].published), read_only=True) as connection:
        for table, column in connection.execute(
            "select table_name, column_name from information_schema.columns"
            " where table_schema in ('marts', 'meta')"
        ).fetchall():
            held.setdefault(table, set()).add(column)
    return held


@pytest.fixture
def beside(demo, tmp_path, monkeypatch):
    """Put the published folder where the page has it; return the file."""
    published = demo[0].published
    folder = tmp_path / "data" / "published"
    folder.mkdir(parents=True)
    shutil.copyfile(published, folder / "kefu.duckdb")
    (folder / "parquet").symlink_to((published.parent / "parquet").resolve())
    monkeypatch.chdir(tmp_path)
    return folder / "kefu.duckdb"


def replaced(file, run_id):
    """Put another version in the file's place, as publishing does."""
    new = file.with_name("new.duckdb")
    shutil.copyfile(file, new)
    with duckdb.connect(str(new)) as connection:
        connection.execute("update meta.publication set run_id = ?", [run_id])
    os.replace(new, file)


def run_id_of(connection):
    return connection.execute("select run_id from meta.publication").fetchone()[0]


@pytest.mark.parametrize("question", QUESTIONS)
def test_each_question_is_answered(ask, question):
    assert ask(question)


def test_rates_of_the_page_are_those_of_the_tables(ask):
    """The page's two ways to add up, over one day, give that day's figures."""
    (by_week,) = (each for each in QUESTIONS if "as week" in each)
    (mean,) = (each for each in QUESTIONS if "as avg_response_seconds" in each)
    day = "'2026-10-20'"
    one = f"(select * from marts.mall_kpi_daily where service_date = {day})"
    assert by_week.count("from marts.mall_kpi_daily") == 1
    per_mall = (
        by_week.replace("dim_malls.category_name", "mall_id")
        .replace("date_trunc('week', service_date) as week", "1 as week")
        .replace("marts.mall_kpi_daily", one)
    )
    figures = {mall: rate for mall, _, rate in ask(per_mall)}
    means = dict(ask(mean.replace("marts.mall_kpi_daily", one)))
    held = ask(f"select mall_id, reply_rate_30s, avg_response_seconds from {one}")
    assert len(held) > 5
    for mall, rate, seconds in held:
        assert figures[mall] == rate
        assert means[mall] == (seconds and pytest.approx(seconds, rel=1e-12))


def test_each_name_exists(columns):
    known = {*columns, *(name for table in columns.values() for name in table)}
    named = {
        word
        for word in re.findall(r"`([a-z][a-z0-9_.]*)`", TEXT)
        if re.fullmatch(r"[a-z0-9_]+(\.[a-z0-9_]+)?", word)
    }
    assert len(named & known) > 10
    assert named - OTHERS <= known
    assert named >= OTHERS
    for table in re.findall(r"(?:marts|meta)\.(\w+)", TEXT):
        assert table in columns, table
    for table, column in re.findall(r"(mall_kpi_daily)\[(\w+)\]", TEXT):
        assert column in columns[table]
    for file in re.findall(r"(\w+)\.parquet", TEXT):
        assert file in columns, file


def test_each_kind_of_metric_is_told(ask):
    table = TEXT.split("| kind in `dim_metrics` |")[1].split("\n\n")[0]
    told = {
        kind
        for cell in re.findall(r"^\| (`.*?) \|", table, re.MULTILINE)
        for kind in re.findall(r"`(\w+)`", cell)
    }
    assert told == {
        kind for (kind,) in ask("select distinct kind from marts.dim_metrics")
    }


def test_links_within_the_page():
    headings = {
        re.sub(r"[^a-z0-9 -]", "", line.lower().lstrip("# ")).replace(" ", "-")
        for line in TEXT.splitlines()
        if line.startswith("## ")
    }
    linked = set(re.findall(r"\]\(#([^)]+)\)", TEXT))
    assert len(linked) > 8
    assert linked <= headings
    for file in re.findall(r"\]\((\w+\.md)\)", TEXT):
        assert (ROOT / "docs" / file).exists(), file


@pytest.mark.parametrize("code", PYTHON, ids=range(len(PYTHON)))
def test_each_piece_of_python_runs(beside, code):
    names = {}
    exec(compile(code, "docs/bi_tools.md", "exec"), names)
    if "daily" in names:
        assert len(names["daily"]) > 100
    elif "named" in names:
        assert len(names["named"]) == len(names["scores"]) > 100
        assert names["named"]["mall_name"].null_count() < len(names["named"])
    elif "target" in names:
        names["published"].close()
        with names["target"].connect() as connection:
            for table in ("mall_kpi_daily", "dim_metrics"):
                count = sqlalchemy.text(f"select count(*) from {table}")
                assert connection.execute(count).scalar() > 50
    else:
        before = run_id_of_engine(names["engine"])
        replaced(beside, "another")
        assert (before, run_id_of_engine(names["engine"])) != (before, before)


def run_id_of_engine(engine):
    with engine.connect() as connection:
        return connection.execute(
            sqlalchemy.text("select run_id from meta.publication")
        ).scalar()


def test_a_pool_keeps_the_old_version(beside):
    """What the page warns of; if it is no more so, the page can be shorter."""
    engine = sqlalchemy.create_engine(
        f"duckdb:///{beside}", connect_args={"read_only": True}
    )
    before = run_id_of_engine(engine)
    replaced(beside, "another")
    assert run_id_of_engine(engine) == before
    engine.dispose()
    assert run_id_of_engine(engine) == "another"
    engine.dispose()


def test_one_process_has_one_version_open(beside):
    first = duckdb.connect(str(beside), read_only=True)
    before = run_id_of(first)
    replaced(beside, "another")
    with duckdb.connect(str(beside), read_only=True) as second:
        assert run_id_of(second) == before
    first.close()
    with duckdb.connect(str(beside), read_only=True) as third:
        assert run_id_of(third) == "another"


def test_a_misspelt_path_is_refused(beside):
    missing = beside.with_name("kefo.duckdb")
    with pytest.raises(duckdb.IOException, match="does not exist"):
        duckdb.connect(str(missing), read_only=True)
    assert not missing.exists()
