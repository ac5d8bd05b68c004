"""The rules of the house that dbt itself does not hold, read off the manifest.

Run as a script with the path of a manifest.json; it prints one line for each
violation and ends with 1 if there is any. There is no list of exceptions.
"""

import json
import re
import sys
from collections.abc import Iterator
from pathlib import Path

PROJECT = "kefu_warehouse"

READABLE_FROM = {
    "staging": {"source", "staging"},
    "intermediate": {"staging", "intermediate", "seed"},
    "marts": {"intermediate", "marts", "seed"},
    # The books on what was landed are kept where the landings are typed.
    "marts/quality": {"staging", "intermediate", "marts", "seed"},
}
# Rows as landed: the same row may lie in two folders, so nothing is unique.
LANDED_ROWS = re.compile(r"^base_\w+?__[a-z_]+$|^stg_\w+_rejected$")
GRAIN_TESTS = {"unique_grain", "unique"}
CLOCK = re.compile(
    r"\b(now\s*\(|current_date|current_timestamp|current_time\b|today\s*\("
    r"|localtimestamp|getdate\s*\(|random\s*\(|run_started_at)",
    re.IGNORECASE,
)
MOST_LINES = 120


def violations(manifest: dict) -> list[str]:
    """Return one line for each broken rule, sorted."""
    nodes = _own(manifest["nodes"])
    models = {key: node for key, node in nodes.items() if _is(node, "model")}
    tests = [node for node in nodes.values() if _is(node, "test")]
    found: list[str] = []
    for model in models.values():
        found += _reads(model, manifest)
        found += _publicity(model)
        found += _text(model)
        found += _tests(model, tests)
    described = [
        *models.values(),
        *(node for node in nodes.values() if _is(node, "seed")),
        *_own(manifest["sources"]).values(),
    ]
    for node in described:
        found += _descriptions(node)
    for macro in _own(manifest["macros"]).values():
        found += _macro(macro)
    found += _changes(models, manifest)
    return sorted(found)


def layer(node: dict) -> str:
    """Return the layer of a node: its folder, or what it is if no model."""
    if not _is(node, "model"):
        return node["resource_type"]
    folders = node["path"].replace("\\", "/").split("/")
    return "marts/quality" if folders[:2] == ["marts", "quality"] else folders[0]


def _own(nodes: dict) -> dict:
    return {key: node for key, node in nodes.items() if node["package_name"] == PROJECT}


def _is(node: dict, resource_type: str) -> bool:
    return node["resource_type"] == resource_type


def _reads(model: dict, manifest: dict) -> Iterator[str]:
    own = layer(model)
    if own not in READABLE_FROM:
        yield f"{model['name']}: lies in no layer ({model['path']})"
        return
    for parent in model["depends_on"]["nodes"]:
        node = manifest["nodes"].get(parent) or manifest["sources"].get(parent)
        above = layer(node).split("/")[0]
        if above not in READABLE_FROM[own]:
            yield f"{model['name']}: {own} must not read {above} {node['name']}"


def _publicity(model: dict) -> Iterator[str]:
    access = model["config"].get("access") or model.get("access")
    if layer(model).startswith("marts"):
        if not model["config"].get("contract", {}).get("enforced"):
            yield f"{model['name']}: a mart without an enforced contract"
        if access != "public":
            yield f"{model['name']}: a mart that is not public but {access}"
    elif access == "public":
        yield f"{model['name']}: public, but no mart"


def _text(model: dict) -> Iterator[str]:
    code = re.sub(r"--.*", "", model["raw_code"])
    clock = CLOCK.search(code)
    if clock:
        yield f"{model['name']}: reads the clock or chance ({clock.group()})"
    if re.search(r"\bselect\s+distinct\b", code, re.IGNORECASE):
        yield f"{model['name']}: select distinct"
    lines = model["raw_code"].strip().splitlines()
    if len(lines) > MOST_LINES:
        yield f"{model['name']}: {len(lines)} lines, more than {MOST_LINES}"
    if lines[-1:] != ["select * from final"]:
        yield f"{model['name']}: does not end in select * from final"


def _tests(model: dict, tests: list[dict]) -> Iterator[str]:
    own = [test for test in tests if test.get("attached_node") == model["unique_id"]]
    if not own:
        yield f"{model['name']}: no test"
    kinds = {(test.get("test_metadata") or {}).get("name") for test in own}
    if not LANDED_ROWS.match(model["name"]) and not kinds & GRAIN_TESTS:
        yield f"{model['name']}: its grain is not tested"
    disabled = [test["name"] for test in own if test["config"]["severity"] != "ERROR"]
    yield from (f"{model['name']}: test {name} only warns" for name in disabled)


def _descriptions(node: dict) -> Iterator[str]:
    description = node["description"].strip()
    if not description:
        yield f"{node['name']}: not described"
    elif _is(node, "model") and not description.lower().startswith("one row"):
        yield f"{node['name']}: its description does not open with the grain"
    if not node["columns"]:
        yield f"{node['name']}: no column is described"
    for column in node["columns"].values():
        if not column["description"].strip():
            yield f"{node['name']}.{column['name']}: not described"


def _changes(models: dict, manifest: dict) -> Iterator[str]:
    """What models keep of their changes against what unit tests are given."""
    kept = {
        model["name"]: set(model["config"]["meta"]["changes"])
        for model in models.values()
        if model["config"].get("meta", {}).get("changes")
    }
    given = {
        source["name"]: set(source["columns"])
        for source in _own(manifest["sources"]).values()
        if source["source_name"] == "changes"
    }
    for name in kept.keys() | given.keys():
        if kept.get(name) != given.get(name):
            yield f"{name}: the source changes has other columns than its meta"


def _macro(macro: dict) -> Iterator[str]:
    if not macro["description"].strip() and not macro["name"].startswith("test_"):
        yield f"macro {macro['name']}: not described"
    file = Path(macro["original_file_path"])
    if file.parts[0] == "macros" and macro["name"] != file.stem:
        yield f"macro {macro['name']}: lies in {file.name}, not in a file of its name"


def main(arguments: list[str]) -> int:
    """Print the violations in a manifest; return 1 if there are any."""
    manifest = json.loads(Path(arguments[0]).read_text(encoding="utf-8"))
    found = violations(manifest)
    for line in found:
        print(line)
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
