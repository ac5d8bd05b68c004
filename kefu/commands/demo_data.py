"""`kefu demo-data`: invented landings."""

import shutil
import time
from pathlib import Path

import click

from kefu.console import say
from kefu.errors import KefuError
from kefu.run_lock import folder_replaced
from kefu.settings import DEMO_MARK, DEMO_UNFINISHED, Settings

MARK_TEXT = "Invented data, made by `kefu demo-data`.\n"


@click.command("demo-data")
@click.option("--malls", type=click.IntRange(1), default=24, show_default=True)
@click.option("--days", type=click.IntRange(1), default=45, show_default=True)
@click.option("--messages", type=click.IntRange(0), default=60_000, show_default=True)
@click.option("--seed", type=int, default=1, show_default=True)
@click.option(
    "--out",
    type=click.Path(path_type=Path, file_okay=False),
    help="Folder to write to.  [default: KEFU_RAW_ROOT]",
)
def command(malls: int, days: int, messages: int, seed: int, out: Path | None) -> None:
    """Write invented landings; the same arguments give the same files.

    A folder that already holds something is only replaced if all of it is demo data.
    """
    from kefu import demo_data as generator  # noqa: PLC0415

    folder = (out or Settings.from_env().raw_root).resolve()
    started = time.monotonic()
    make_folder(folder)
    with folder_replaced(folder):
        prepare_demo_folder(folder)
        counts = generator.generate(
            out_dir=folder, malls=malls, days=days, messages=messages, seed=seed
        )
        note_files(folder)
        (folder / DEMO_UNFINISHED).unlink()
    say(
        f"demo data in {folder} ({time.monotonic() - started:.1f} s), rows landed,"
        " with repeats, older versions and faulty ones:"
    )
    for table, rows in counts.items():
        say(f"  {table:<26} {rows:,}")


def make_folder(folder: Path) -> None:
    """Make the folder if it is not there; raises KefuError if that fails."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise not_writable(folder, error) from error


def not_writable(folder: Path, error: OSError) -> KefuError:
    """Return the error of a folder that does not take the data."""
    return KefuError(
        f"{folder} cannot be written ({error.strerror}): give another folder with --out"
    )


def prepare_demo_folder(folder: Path) -> None:
    """Empty a folder of earlier demo data and mark it as unfinished.

    Raises KefuError if it holds anything that was not invented here.
    """
    mark, unfinished = folder / DEMO_MARK, folder / DEMO_UNFINISHED
    try:
        if any(folder.iterdir()) and not mark.exists():
            raise KefuError(
                f"{folder} holds something that is no demo data: give another"
                " folder with --out"
            )
        foreign = [] if unfinished.exists() else added_files(folder)
        if foreign:
            raise KefuError(
                f"{folder} holds files that `kefu demo-data` did not make, as"
                f" {foreign[0]}: move them away, or give another folder with --out"
            )
        # Both marks first: killed here, the folder is read by no run and can
        # still be emptied.
        mark.write_text(MARK_TEXT, encoding="utf-8")
        unfinished.touch()
        for entry in folder.iterdir():
            if entry.is_dir():
                shutil.rmtree(entry)
            elif entry not in (mark, unfinished):
                entry.unlink()
    except OSError as error:
        raise not_writable(folder, error) from error


def note_files(folder: Path) -> None:
    """Write into the folder's mark which files were made."""
    names = "".join(f"{name}\n" for name in files_in(folder))
    (folder / DEMO_MARK).write_text(MARK_TEXT + names, encoding="utf-8")


def added_files(folder: Path) -> list[str]:
    """Return the files that were added to demo data since they were made.

    Empty where the mark names no files, as that of an earlier version.
    """
    mark = folder / DEMO_MARK
    made = mark.read_text(encoding="utf-8").splitlines()[1:] if mark.exists() else []
    return sorted(set(files_in(folder)).difference(made)) if made else []


def files_in(folder: Path) -> list[str]:
    """Return all files below the folder but hidden ones, by path from there."""
    return sorted(
        path.relative_to(folder).as_posix()
        for path in folder.rglob("*")
        if path.is_file() and not path.name.startswith(".")
    )
