"""What a run continues, and what makes it begin anew: a small project, by dbt.

A name that is changed by hand in the working database stays there as long as the
table is continued, and is gone once it is built anew. What an increment reaches is
held by test_incremental.py.
"""

import shutil
from pathlib import Path

import duckdb
import pytest
from conftest import ROOT, Kefu, land, text_row

from kefu import pipeline
from kefu.errors import EXIT_INPUT

BASE, VERSIONS = "base_pdd__malls", "base_pdd__malls_duplicates"
BY_HAND = "changed by hand"
DIM = f"""
select distinct mall_id
from {{{{ ref('{BASE}') }}}}
left join {{{{ ref('{VERSIONS}') }}}} using (mall_id)
"""
DIM_YAML = """
models:
  - name: dim_malls
    description: One row a mall, of the small project.
    columns:
      - name: mall_id
        description: The shop's own id.
        data_type: varchar
        data_tests:
          - unique
"""
QUICK = ("--no-audit", "--publish-untested")


@pytest.fixture
def small(mini: Kefu) -> Kefu:
    """The mini project with two incremental tables below its mart."""
    staging = mini.project / "models" / "staging" / "pdd"
    for name in (BASE, VERSIONS):
        shutil.copyfile(
            ROOT / "models" / "staging" / "pdd" / "malls" / f"{name}.sql",
            staging / f"{name}.sql",
        )
    marts = mini.project / "models" / "marts"
    (marts / "dim_malls.sql").write_text(DIM, encoding="utf-8")
    (marts / "dim_malls.yml").write_text(DIM_YAML, encoding="utf-8")
    later = text_row("malls", mall_id="m0") | {"_loaded_at": "2026-03-02 05:00:00"}
    land(mini.raw_root, "malls", [later], "part-1.parquet")
    ended = mini("run", *QUICK)
    assert ended.returncode == 0, ended.stdout + ended.stderr
    return mini


def change_by_hand(world: Kefu) -> None:
    with duckdb.connect(str(world.database)) as connection:
        for table in (BASE, VERSIONS):
            connection.execute(
                f"update staging.{table} set mall_name = '{BY_HAND}'"
                " where mall_id = 'm0'"
            )


def continued(world: Kefu) -> set[str]:
    """Return the tables that still hold what was changed by hand."""
    with duckdb.connect(str(world.database), read_only=True) as connection:
        return {
            table
            for table in (BASE, VERSIONS)
            if connection.execute(
                f"select 1 from staging.{table} where mall_name = '{BY_HAND}' limit 1"
            ).fetchone()
        }


def run(world: Kefu, *options: str) -> str:
    ended = world("run", *QUICK, *options)
    assert ended.returncode == 0, ended.stdout + ended.stderr
    return ended.stdout


def land_more(world: Kefu) -> Path:
    return land(
        world.raw_root,
        "malls",
        [text_row("malls", mall_id="m9")],
        load_date="2026-03-03",
    )


def malls(world: Kefu) -> list[str]:
    with duckdb.connect(str(world.published), read_only=True) as connection:
        found = connection.execute("select mall_id from marts.dim_malls order by all")
        return [mall for (mall,) in found.fetchall()]


def test_new_landings_are_added_and_lost_ones_taken_away(small: Kefu) -> None:
    change_by_hand(small)
    file = land_more(small)
    run(small)
    assert malls(small) == ["m0", "m1", "m2", "m9"]
    assert continued(small) == {BASE, VERSIONS}

    file.unlink()
    run(small)
    assert malls(small) == ["m0", "m1", "m2"]
    assert continued(small) == {BASE, VERSIONS}


def test_a_span_of_load_dates_is_read_again(small: Kefu) -> None:
    land_more(small)
    run(small)
    change_by_hand(small)
    run(small, "--from", "2026-03-03", "--to", "2026-03-03")
    assert continued(small) == {BASE, VERSIONS}
    run(small, "--from", "2026-03-01", "--to", "2026-03-02")
    assert continued(small) == set()


def test_a_full_run_begins_anew(small: Kefu) -> None:
    change_by_hand(small)
    run(small, "--full")
    assert continued(small) == set()


def test_another_var_begins_anew_and_so_does_its_return(small: Kefu) -> None:
    change_by_hand(small)
    run(small, "--vars", "score_min_peers: 4")
    assert continued(small) == set()
    change_by_hand(small)
    run(small)
    assert continued(small) == set()


@pytest.mark.parametrize(
    "changed", ["macros/keys_match.sql", f"models/staging/pdd/{BASE}.sql", "seeds"]
)
def test_other_code_begins_anew(small: Kefu, changed: str) -> None:
    change_by_hand(small)
    if changed == "seeds":
        (small.project / "seeds").mkdir()
        (small.project / "seeds" / "colours.csv").write_text("name\nred\n")
    else:
        path = small.project / changed
        path.write_text(path.read_text() + "\n{# another version #}\n")
    run(small)
    assert continued(small) == set()


def test_what_reads_a_rebuilt_table_is_built_by_the_next_complete_run(
    small: Kefu,
) -> None:
    change_by_hand(small)
    path = small.project / "macros" / "keys_match.sql"
    path.write_text(path.read_text() + "\n{# another version #}\n")
    partly = small("dbt", "--quiet", "build", "--select", BASE)
    assert partly.returncode == 0, partly.stdout + partly.stderr
    assert continued(small) == {VERSIONS}
    run(small)
    assert continued(small) == set()


def test_a_build_of_no_rows_is_refused(small: Kefu) -> None:
    change_by_hand(small)
    refused = small("dbt", "--no-use-colors", "build", "--empty")
    assert refused.returncode != 0
    assert "KEFU_DATABASE" in refused.stdout + refused.stderr
    assert continued(small) == {BASE, VERSIONS}


def test_nothing_new_ends_before_a_build(
    mini: Kefu, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert mini("run").returncode == 0
    before = mini.published.stat().st_ino
    again = mini("run")
    assert again.returncode == 0
    assert again.stdout.startswith("nothing new since run ")
    assert mini.published.stat().st_ino == before

    for name, value in mini.environment.items():
        monkeypatch.setenv(name, value)
    settings = pipeline.replace(pipeline.Settings.from_env(), root=mini.project)
    options = pipeline.RunOptions()
    assert pipeline.nothing_new(settings, options, {})
    assert not pipeline.nothing_new(settings, options, {"score_min_peers": 4})
    for asked in ({"full_refresh": True}, {"accepted": {"malls_kept": "moved"}}):
        other = pipeline.replace(options, **asked)
        assert not pipeline.nothing_new(settings, other, {}), asked
    with monkeypatch.context() as patch:
        patch.setattr(pipeline, "waiting", lambda published, period: ["2026-02"])
        assert not pipeline.nothing_new(settings, options, {})
    land_more(mini)
    assert not pipeline.nothing_new(settings, options, {})


def test_rows_from_the_future_end_a_run_unless_accepted(small: Kefu) -> None:
    before = small.published.read_bytes()
    row = text_row("malls", mall_id="m9") | {"_loaded_at": "9999-12-31 00:00:00"}
    file = land(small.raw_root, "malls", [row], load_date="2026-03-03")

    refused = small("run", *QUICK)

    assert refused.returncode == EXIT_INPUT, refused.stdout + refused.stderr
    (line,) = refused.stderr.strip().splitlines()
    assert line.startswith(f"kefu: malls/load_date=2026-03-03/{file.name} holds rows")
    assert "9999-12-31 00:00:00, more than a day after the clock" in line
    assert line.endswith("--accept loaded_in_future --reason TEXT")
    assert small.published.read_bytes() == before
    with duckdb.connect(str(small.database), read_only=True) as connection:
        stored = f"select count(*) from staging.{BASE} where mall_id = 'm9'"
        assert connection.execute(stored).fetchone() == (0,)

    checks = ("loaded_in_future", "loaded_off_folder")
    words = [word for name in checks for word in ("--accept", name, "--reason", "so")]
    accepted = small("run", *words)
    assert accepted.returncode == 0, accepted.stdout + accepted.stderr
    assert malls(small) == ["m0", "m1", "m2", "m9"]
