"""Some of the census, and data that is wrong, on a volume."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from tests.data.census import census_folder
from tests.kind.cluster import Namespace, example

PEOPLE_A_YEAR = 2_000


def write(root: Path) -> Path:
    """Folders of Parquet files under `root`: employment-census, and one for each thing that can be wrong with data."""
    people = pa.concat_tables(_some_of(pq.read_table(file)) for file in sorted(census_folder().glob("*.parquet")))
    _write(people, root / "employment-census")
    _write(_with_target(people, pa.nulls(people.num_rows, pa.bool_())), root / "all-null")
    _write(_with_target(people, pa.array([True] * people.num_rows)), root / "one-class")
    _write(_with_target(people, pa.array(np.arange(people.num_rows) % 3)), root / "three-classes")
    _write(people.slice(0, 30), root / "few-rows")
    _write(people.append_column("tags", pa.array([["a"]] * people.num_rows)), root / "nested")
    _write(people, root / "corrupt")
    file = next((root / "corrupt").iterdir())
    file.write_bytes(file.read_bytes()[:-100])
    (root / "empty").mkdir()
    return root


def load(namespace: Namespace, root: Path) -> None:
    """Copy the folders onto the volume `census` of the namespace, as examples/census-data.yaml tells to."""
    with shelf(namespace):
        for folder in sorted(root.iterdir()):
            namespace.kubectl("cp", str(folder), "census-loader:/data")


@contextmanager
def shelf(namespace: Namespace) -> Iterator["Shelf"]:
    """The volume `census`, to be changed while the context lasts."""
    namespace.apply(*example("census-data.yaml"))
    # The first time a node has to fetch the image.
    namespace.kubectl("wait", "--for=condition=Ready", "pod/census-loader", "--timeout=180s", seconds=200)
    yield Shelf(namespace)
    namespace.kubectl("delete", "pod", "census-loader")


class Shelf:
    """The volume with the data, and a pod that changes what lies there."""

    def __init__(self, namespace: Namespace) -> None:
        self.namespace = namespace

    def copy(self, source: str, target: str) -> None:
        """A folder, or a file, under another name."""
        self._do(f"mkdir -p $(dirname {target}) && cp -r {source} {target}")

    def write(self, name: str, target: str, text: str) -> None:
        """A file of text in a folder."""
        self._do(f"mkdir -p {target} && printf %s '{text}' >{target}/{name}")

    def _do(self, program: str) -> None:
        self.namespace.kubectl("exec", "census-loader", "--", "sh", "-ec", f"cd /data; {program}")


def _some_of(table: pa.Table) -> pa.Table:
    # From all over the table: neighbours in it are of one household.
    return table.take(np.linspace(0, table.num_rows - 1, PEOPLE_A_YEAR).astype(np.int64))


def _with_target(table: pa.Table, values: "pa.Array[Any]") -> pa.Table:
    return table.set_column(table.schema.get_field_index("employed"), "employed", values)


def _write(table: pa.Table, folder: Path) -> None:
    folder.mkdir()
    pq.write_table(table, folder / "part.parquet")
