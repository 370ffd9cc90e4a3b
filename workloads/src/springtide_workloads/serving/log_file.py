"""One file of the inference log: its columns, and how they are written."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.parquet as pq
from springtide.api.constants import Reason

from springtide_workloads.data.chunks import ArrowArray
from springtide_workloads.data.encoding import Numbers, as_words
from springtide_workloads.data.signature import Signature
from springtide_workloads.errors import WorkloadError
from springtide_workloads.serving.log_losses import as_metadata
from springtide_workloads.serving.tensors import Rows

HOUR = 3_600_000_000
"""Microseconds."""
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


def encode_file(
    requests: Sequence[str],
    times: npt.NDArray[np.int64],
    rows: Sequence[Rows],
    scores: Sequence[npt.NDArray[np.float64]],
    *,
    model: Model,
    dropped: Mapping[int, int],
) -> bytes:
    """The bytes of a Parquet file with the rows of some requests; the sequences have one item for each request.

    Numbers are those that the model computed on, categories the words that came. dropped: see `as_metadata`.
    """
    lengths = np.array([one.size for one in scores], dtype=np.int64)
    total = int(lengths.sum())
    request = np.repeat(np.arange(lengths.size, dtype=np.int32), lengths)
    first = np.repeat(np.cumsum(lengths) - lengths, lengths)
    columns: dict[str, ArrowArray] = {
        "request_id": pa.DictionaryArray.from_arrays(pa.array(request, pa.int32()), pa.array(requests, pa.string())),
        "row": pa.array((np.arange(total) - first).astype(np.int32)),
        "time": pa.array(times[request], pa.timestamp("us", tz="UTC")),
        "model_digest": _same(model.digest, total),
        "model_version": _same(model.version, total),
    }
    numbers = _feature_by_feature([one.encoded.numbers for one in rows], model.signature)
    columns |= {feature.name: pa.array(numbers[place]) for place, feature in enumerate(model.signature.numbers)}
    columns |= {
        feature.name: pa.chunked_array([_words(one.categories[place]) for one in rows], pa.string())
        for place, feature in enumerate(model.signature.categories)
    }
    columns["prediction"] = pa.array(np.concatenate([np.empty(0), *scores]).astype(np.float32))
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


def _feature_by_feature(parts: Sequence[Numbers], signature: Signature) -> Numbers:
    """(features, rows) in memory, also where requests came row by row: joined as they came, and turned in one go."""
    nothing = np.empty((0, len(signature.numbers)), np.float64 if signature.wide_numbers else np.float32)
    return np.ascontiguousarray(np.concatenate([nothing, *(part.T for part in parts)]).T)


def _same(text: str, rows: int) -> ArrowArray:
    return pa.DictionaryArray.from_arrays(pa.array(np.zeros(rows, dtype=np.int32), pa.int32()), pa.array([text]))


def _words(values: ArrowArray) -> ArrowArray:
    indices, words = as_words(values)
    return pa.array([*words, None], pa.string()).take(pa.array(indices, pa.int64()))
