"""The layering check: the project keeps it, and it notices each violation."""

import copy
import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import layering
import pytest
from conftest import ROOT, Kefu


@pytest.fixture(scope="module")
def manifest(tmp_path_factory: pytest.TempPathFactory) -> dict:
    world = Kefu(home=tmp_path_factory.mktemp("parsed"))
    parsed = world("dbt", "--quiet", "parse")
    assert parsed.returncode == 0, parsed.stdout + parsed.stderr
    return json.loads((world.home / "target" / "manifest.json").read_bytes())


def test_the_project_keeps_the_rules(manifest: dict) -> None:
    assert layering.violations(manifest) == []


def any_of(manifest: dict, folder: str) -> dict:
    """Return the first model of a layer by name."""
    models = [
        node
        for node in manifest["nodes"].values()
        if node["resource_type"] == "model" and layering.layer(node) == folder
    ]
    return min(models, key=lambda node: node["name"])


def any_source(manifest: dict) -> str:
    return min(manifest["sources"])


def reads(reader: str, read: str) -> Callable[[dict], None]:
    def change(manifest: dict) -> None:
        source = any_source(manifest)
        parent = source if read == "source" else any_of(manifest, read)["unique_id"]
        any_of(manifest, reader)["depends_on"]["nodes"].append(parent)

    return change


def sets(folder: str, **values: object) -> Callable[[dict], None]:
    return lambda manifest: any_of(manifest, folder).update(values)


def configures(folder: str, **values: object) -> Callable[[dict], None]:
    return lambda manifest: any_of(manifest, folder)["config"].update(values)


def appends(text: str) -> Callable[[dict], None]:
    def change(manifest: dict) -> None:
        model = any_of(manifest, "intermediate")
        model["raw_code"] = text + model["raw_code"]

    return change


def loses_tests(kinds: set[str] | None) -> Callable[[dict], None]:
    def change(manifest: dict) -> None:
        model = any_of(manifest, "marts")["unique_id"]
        for node in manifest["nodes"].values():
            kind = (node.get("test_metadata") or {}).get("name")
            is_meant = kinds is None or kind in kinds
            if is_meant and node.get("attached_node") == model:
                node["attached_node"] = None

    return change


def loses_a_column_text(manifest: dict) -> None:
    columns = any_of(manifest, "intermediate")["columns"]
    columns[min(columns)]["description"] = " "


def loses_a_macro_text(manifest: dict) -> None:
    manifest["macros"]["macro.kefu_warehouse.refuse_weak_buyer_key"].update(
        description=""
    )


def softens_a_test(manifest: dict) -> None:
    model = any_of(manifest, "marts")["unique_id"]
    test = next(
        node
        for node in manifest["nodes"].values()
        if node.get("attached_node") == model
    )
    test["config"]["severity"] = "WARN"


def gives_no_changes(manifest: dict) -> None:
    del manifest["sources"]["source.kefu_warehouse.changes.int_kpi_daily"]


def gives_other_changes(manifest: dict) -> None:
    name = "source.kefu_warehouse.changes.base_pdd__ratings"
    del manifest["sources"][name]["columns"]["mall_id"]


BREAKS = {
    "intermediate must not read source": reads("intermediate", "source"),
    "marts must not read source": reads("marts", "source"),
    "marts must not read staging": reads("marts", "staging"),
    "intermediate must not read marts": reads("intermediate", "marts"),
    "staging must not read intermediate": reads("staging", "intermediate"),
    "marts/quality must not read source": reads("marts/quality", "source"),
    "lies in no layer": sets("marts", path="elsewhere/model.sql"),
    "without an enforced contract": configures("marts", contract={"enforced": False}),
    "not public but private": configures("marts", access="private"),
    "public, but no mart": configures("intermediate", access="public"),
    "not described": sets("intermediate", description=""),
    "does not open with the grain": sets("marts", description="Some rows."),
    "no column is described": sets("marts", columns={}),
    ": not described": loses_a_column_text,
    "macro refuse_weak_buyer_key: not described": loses_a_macro_text,
    "no test": loses_tests(None),
    "its grain is not tested": loses_tests(layering.GRAIN_TESTS),
    "only warns": softens_a_test,
    "reads the clock": appends("select now() "),
    "select distinct": appends("select distinct 1 "),
    "more than 120": appends("\n-- a line" * 121 + "\n"),
    "does not end in select * from final": sets("marts", raw_code="select 1"),
    "int_kpi_daily: the source changes": gives_no_changes,
    "base_pdd__ratings: the source changes": gives_other_changes,
}


@pytest.mark.parametrize("told", BREAKS)
def test_each_violation_is_noticed(manifest: dict, told: str) -> None:
    broken = copy.deepcopy(manifest)
    BREAKS[told](broken)
    before = set(layering.violations(manifest))
    new = [line for line in layering.violations(broken) if line not in before]
    assert any(told in line for line in new), new


def test_the_script_fails_on_a_violation(manifest: dict, tmp_path: Path) -> None:
    broken = copy.deepcopy(manifest)
    BREAKS["marts must not read source"](broken)
    path = tmp_path / "manifest.json"
    path.write_text(json.dumps(broken), encoding="utf-8")
    script = ROOT / "tests" / "python" / "layering.py"
    done = subprocess.run(
        [sys.executable, str(script), str(path)],
        capture_output=True,
        text=True,
        check=False,
        env=os.environ,
    )
    assert done.returncode == 1
    assert "marts must not read source" in done.stdout
