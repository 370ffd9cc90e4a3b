"""One file of the inference log: its columns, and how they are written."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from springtide.api.constants import Reason

from springtide_workloads.data.chunks import ArrowArray
from springtide_workloads.data.signature import Signature
from springtide_workloads.errors import WorkloadError
from springtide_workloads.serving.log_block import LoggedRows
from springtide_workloads.serving.log_losses import as_metadata

OWN_COLUMNS = ("request_id", "row", "time", "model_digest", "model_version", "prediction")


@dataclass(frozen=True)
class Model:
    """Who answered."""

    signature: Signature
    digest: str
    version: str


def check_names(signature: Signature) -> None:
    """Raises InvalidSpec where a feature has the name of a column that is the log's own."""
    if taken := sorted(set(OWN_COLUMNS) & set(signature.names)):
        raise WorkloadError(
            Reason.INVALID_SPEC,
            f"feature {taken[0]} has the name of a column of the inference log ({', '.join(OWN_COLUMNS)}):"
            " rename it and train again, or serve without `inferenceLog`",
        )


def encode_file(rows: LoggedRows, *, model: Model, dropped: Mapping[int, int]) -> bytes:
    """The bytes of a Parquet file. dropped: see `as_metadata`."""
    total = rows.times.size
    columns: dict[str, ArrowArray] = {
        "request_id": pa.DictionaryArray.from_arrays(rows.request, pa.array(rows.requests, pa.string())),
        "row": pa.array(rows.row),
        "time": pa.array(rows.times, pa.timestamp("us", tz="UTC")),
        "model_digest": _same(model.digest, total),
        "model_version": _same(model.version, total),
    }
    numbers = np.ascontiguousarray(rows.numbers.T)
    columns |= {feature.name: pa.array(numbers[place]) for place, feature in enumerate(model.signature.numbers)}
    columns |= {feature.name: words for feature, words in zip(model.signature.categories, rows.words, strict=True)}
    columns["prediction"] = pa.array(rows.scores.astype(np.float32))
    table = pa.table(columns)
    words = [field.name for field in table.schema if not pa.types.is_floating(field.type)]
    sink = pa.BufferOutputStream()
    # As the snapshots' numbers: what is to be read column by column at the speed of memory is not compressed. Nor has
    # it statistics: they cost a quarter of the time, and could skip no row group of a mixture of requests.
    with pq.ParquetWriter(
        sink,
        table.schema,
        use_dictionary=words,  # type: ignore[arg-type]  # the stubs know the switch only
        compression=dict.fromkeys(words, "zstd"),  # the others: none
        write_statistics=words,
        max_rows_per_page=max(total, 1),  # one page a column: `drift/plain.py` reads it without decoding
        store_schema=False,
    ) as file:
        file.write_table(table, row_group_size=max(total, 1))
        file.add_key_value_metadata(as_metadata(dropped))
    return sink.getvalue().to_pybytes()


def _same(text: str, rows: int) -> ArrowArray:
    return pa.DictionaryArray.from_arrays(pa.array(np.zeros(rows, dtype=np.int32), pa.int32()), pa.array([text]))
