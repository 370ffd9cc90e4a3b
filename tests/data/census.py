"""Real data for the demo and the tests: employment in Massachusetts, from the US census, 2015 to 2018.

It comes inside the wheel of nannyml 0.13.1 (Apache-2.0), which is downloaded once and never installed or imported.
277,677 people, 16 features, the year of the survey, and whether the person was employed.

    python tests/data/census.py        prints the folder: one Parquet file a year
"""

import io
import os
import subprocess
import sys
import tempfile
import zipfile
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

PACKAGE = "nannyml==0.13.1"
INSIDE = "nannyml/datasets/data/employment_MA_{}.pq"
TARGET = "employed"
TIME = "year"
FEATURES = {
    "AGEP": "age",
    "SCHL": "education",
    "MAR": "marital_status",
    "RELP": "relationship",
    "DIS": "disability",
    "ESP": "parents_employment",
    "CIT": "citizenship",
    "MIG": "mobility",
    "MIL": "military",
    "ANC": "ancestry",
    "NATIVITY": "nativity",
    "DEAR": "hearing",
    "DEYE": "vision",
    "DREM": "cognition",
    "SEX": "sex",
    "RAC1P": "race",
}
WORDS = {
    "SEX": {"1": "male", "2": "female"},
    "RAC1P": {
        "1": "white",
        "2": "black",
        "3": "american indian",
        "4": "alaska native",
        "5": "american indian or alaska native",
        "6": "asian",
        "7": "pacific islander",
        "8": "other",
        "9": "two or more",
    },
}
"""What the codes mean that reports show (American Community Survey, PUMS data dictionary); the others stay codes."""


def census_folder() -> Path:
    """The folder of Parquet files, made on the first call (about 10 seconds)."""
    root = Path(os.environ.get("SPRINGTIDE_CACHE") or Path.home() / ".cache" / "springtide")
    folder = root / "data" / "employment-census"
    if folder.is_dir():
        return folder
    folder.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=folder.parent) as scratch:
        finished = Path(scratch) / "census"
        _convert(_download(Path(scratch)), finished)
        try:
            finished.rename(folder)
        except OSError:
            if not folder.is_dir():  # otherwise another process was quicker
                raise
    return folder


def _download(folder: Path) -> Path:
    command = [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps", "--dest", str(folder), PACKAGE]
    subprocess.run(_with_pip(command), check=True)
    return next(folder.glob("nannyml-*.whl"))


def _with_pip(command: list[str]) -> list[str]:
    """uv makes virtual environments without pip; uv's own `tool run` brings one."""
    probe = subprocess.run([sys.executable, "-m", "pip", "--version"], capture_output=True, check=False)
    return command if probe.returncode == 0 else ["uv", "tool", "run", *command[2:]]


def _convert(wheel: Path, folder: Path) -> None:
    with zipfile.ZipFile(wheel) as archive:
        reference, analysis, targets = (
            pq.read_table(io.BytesIO(archive.read(INSIDE.format(part))))
            for part in ("reference", "analysis", "analysis_target")
        )
    analysis = analysis.join(targets, keys="id")
    columns = ["id", *FEATURES, TIME, TARGET]
    table = pa.concat_tables([reference.select(columns), analysis.select(columns)], promote_options="permissive")
    for place, field in enumerate(table.schema):
        if pa.types.is_dictionary(field.type):
            table = table.set_column(place, field.name, table.column(place).cast(pa.string()))
        if words := WORDS.get(field.name):
            codes: list[Any] = table.column(place).to_pylist()
            spelled = [words[code] for code in codes]
            table = table.set_column(place, field.name, pa.array(spelled, pa.string()))
    table = table.rename_columns(["person_id", *FEATURES.values(), TIME, TARGET])
    works = pc.equal(table[TARGET], pa.scalar(1))
    table = table.set_column(table.schema.get_field_index(TARGET), TARGET, works).sort_by("person_id")
    folder.mkdir()
    years: list[Any] = pc.unique(table[TIME]).to_pylist()
    for year in sorted(years):
        rows = table.filter(pc.equal(table[TIME], pa.scalar(year))).replace_schema_metadata(None)
        pq.write_table(rows, folder / f"{year}.parquet", row_group_size=65_536)


if __name__ == "__main__":
    print(census_folder())
