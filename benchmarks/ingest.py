"""How long it takes to ingest an order export of many rows.

    python -m benchmarks.ingest --rows 1000000

Invents one CSV file a text encoding, lands each with `kefu ingest order-export` in a
process of its own, and counts what landed before it prints a time. Appends the
figures to results/ingest.json.
"""

from __future__ import annotations

import argparse
import csv
import os
import random
import shutil
import sys
from collections.abc import Sequence
from pathlib import Path

import duckdb

from benchmarks.measure import (
    CACHE,
    BenchmarkError,
    Usage,
    keep,
    markdown,
    measured,
    surroundings,
)
from kefu.sql import quote_text

ENCODINGS = ("utf-8", "utf-8-sig", "gbk")
# An export as the merchant back end gives it since 2026; of the columns that do
# not land, those that are long.
HEADERS = (
    *("商品", "订单号", "订单状态", "商品总价(元)", "邮费(元)"),
    *("店铺优惠折扣(元)", "平台优惠折扣(元)", "多多支付立减金额(元)"),
    *("用户实付金额(元)", "商家实收金额(元)", "商品数量(件)", "发货时间"),
    *("确认收货时间", "商品id", "商品规格", "商家备注", "售后状态"),
    *("快递单号", "快递公司", "订单成交时间"),
)
STATES = ("待发货", "已发货，待签收", "已签收", "已发货，退款成功", "已取消")


def invent(file: Path, rows: int, encoding: str) -> None:
    """Write an export of `rows` orders, the same in every encoding."""
    chance = random.Random(1)
    file.parent.mkdir(parents=True, exist_ok=True)
    with file.open("w", encoding=encoding, newline="") as text:
        writer = csv.writer(text)
        writer.writerow(HEADERS)
        for number in range(rows):
            day, second = number % 28 + 1, number % 86400
            clock = f"{second // 3600:02}:{second // 60 % 60:02}:{second % 60:02}"
            price = chance.randrange(100, 50000) / 100
            writer.writerow(
                [
                    "春季新款宽松长袖衬衫女士百搭上衣",
                    f"2609{day:02}-{number:015}",
                    STATES[number % len(STATES)],
                    *(f"{price:.2f}", "0.00", "1.00", "0.00", "0.00"),
                    *(f"{price - 1:.2f}", f"{price - 1:.2f}", 1 + number % 3),
                    f"2026-09-{day:02} {clock}\t",
                    "\t",
                    600000000 + number % 997,
                    "白色 M 码",
                    "",
                    "无售后或售后取消",
                    f"YT{number:013}",
                    "圆通快递",
                    f"2026-09-{day:02} {clock}\t",
                ]
            )


def land(file: Path, home: Path) -> Usage:
    """Ingest a file into an empty folder; return what it took."""
    shutil.rmtree(home, ignore_errors=True)
    environment = {k: v for k, v in os.environ.items() if not k.startswith("KEFU_")}
    environment |= {"KEFU_RAW_ROOT": str(home)}
    command = [sys.executable, "-m", "kefu.cli", "ingest", "order-export", str(file)]
    return measured([*command, "--mall-id", "1"], environment)


def landed_rows(home: Path) -> tuple[int, int]:
    """Return how many rows and how many orders landed."""
    files = quote_text(str(home / "orders" / "*" / "*.parquet"))
    with duckdb.connect() as connection:
        return connection.execute(
            f"select count(*), count(distinct order_sn) from read_parquet({files})"
        ).fetchone()


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure as the command line asks; return the exit code."""
    parser = argparse.ArgumentParser(prog="benchmarks.ingest", description=__doc__)
    parser.add_argument("--rows", type=int, default=1_000_000)
    asked = parser.parse_args(arguments)
    folder = CACHE / "ingest"
    found: dict[str, dict[str, float]] = {}
    try:
        for encoding in ENCODINGS:
            print(f"{asked.rows:,} rows in {encoding}", file=sys.stderr)
            file = folder / f"orders-{asked.rows}-{encoding}.csv"
            if not file.exists():
                unfinished = file.with_suffix(".part")
                invent(unfinished, asked.rows, encoding)
                unfinished.rename(file)
            home = folder / "raw"
            usage = land(file, home)
            if landed_rows(home) != (asked.rows, asked.rows):
                raise BenchmarkError(f"{encoding}: {landed_rows(home)} rows landed")
            found[encoding] = usage.figures()
            shutil.rmtree(home)
    except BenchmarkError as error:
        print(f"benchmarks.ingest: {error}", file=sys.stderr)
        return 1
    keep("ingest", surroundings() | {"rows": asked.rows} | found)
    shown = [{"encoding": encoding} | figures for encoding, figures in found.items()]
    print(markdown(shown))
    return 0


if __name__ == "__main__":
    sys.exit(main())
