"""`kefu demo-data`: invented landings."""

import shutil
import time
from pathlib import Path

import click

from kefu.console import say
from kefu.errors import KefuError
from kefu.settings import DEMO_MARK, Settings


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

    A folder that already holds something is only replaced if it is demo data.
    """
    from kefu import demo_data as generator  # noqa: PLC0415

    folder = (out or Settings.from_env().raw_root).resolve()
    started = time.monotonic()
    prepare_demo_folder(folder)
    counts = generator.generate(
        out_dir=folder, malls=malls, days=days, messages=messages, seed=seed
    )
    say(f"demo data in {folder} ({time.monotonic() - started:.1f} s), rows landed:")
    for table, rows in counts.items():
        say(f"  {table:<17} {rows:,}")


def prepare_demo_folder(folder: Path) -> None:
    """Empty a folder of earlier demo data, or make it.

    Raises KefuError if it holds anything that was not invented here.
    """
    mark = folder / DEMO_MARK
    try:
        folder.mkdir(parents=True, exist_ok=True)
        if any(folder.iterdir()) and not mark.exists():
            raise KefuError(
                f"{folder} holds something that is no demo data: give another"
                " folder with --out"
            )
        for entry in folder.iterdir():
            if entry.is_dir():
                shutil.rmtree(entry)
            else:
                entry.unlink()
        mark.write_text("Invented data, made by `kefu demo-data`.\n", encoding="utf-8")
    except OSError as error:
        raise KefuError(
            f"{folder} cannot be written ({error.strerror}): give another folder"
            " with --out"
        ) from error
