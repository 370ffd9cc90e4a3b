"""Numbers that lie in a Parquet file as they lie in memory, read without decoding.

Our writers put the floats of a row group in one page, neither compressed nor as a dictionary. Where none is null, the
bytes of such a column chunk are known but for the middle of the page's header:

    page header     begins with the page's type, size and compressed size, as Thrift's compact protocol spells them
    levels          their length, and one run that says of each row that it has a value
    values          as many as there are rows, little-endian

Every byte that is known is compared. Whatever differs from it (nulls, several pages, another writer's choices) is left
to pyarrow, whose decoder takes three times as long for equal values.

Source: Apache Parquet's format, "Data Pages" and "Run Length Encoding / Bit-Packing Hybrid".
"""

import os
from functools import lru_cache

import pyarrow as pa
import pyarrow.parquet as pq

from springtide_workloads.data.chunks import ArrowArray

TYPES = {"FLOAT": pa.float32(), "DOUBLE": pa.float64()}
ENCODINGS = {"PLAIN", "RLE"}
"""Of the values and of the levels."""
ALIGNED = 64
"""Bytes: values that begin at a multiple of them are worked on fastest."""


def read_plain(file: int, chunk: pq.ColumnChunkMetaData, *, nullable: bool) -> ArrowArray | None:
    """The values of a column chunk; None where they do not lie there plainly.

    file: descriptor of the Parquet file. nullable: whether the column may have nulls; it is not nested. Raises OSError.
    """
    kind = TYPES.get(chunk.physical_type)
    if kind is None or chunk.compression != "UNCOMPRESSED" or not ENCODINGS.issuperset(chunk.encodings):
        return None
    size, rows = chunk.total_compressed_size, chunk.num_values
    begin, levels = _known(rows, rows * kind.bit_width // 8, nullable=nullable)
    head = size - rows * kind.bit_width // 8
    if head < len(begin) + len(levels):
        return None
    before = -head % ALIGNED
    buffer = pa.allocate_buffer(before + size)
    view = memoryview(buffer).cast("B")[before:]
    if os.preadv(file, [view], chunk.data_page_offset) != size:
        return None
    if view[: len(begin)] != begin or view[head - len(levels) : head] != levels:
        return None
    return pa.Array.from_buffers(kind, rows, [None, buffer.slice(before + head)], null_count=0)


@lru_cache(maxsize=64)
def _known(rows: int, value_bytes: int, *, nullable: bool) -> tuple[bytes, bytes]:
    """How the page begins, and the levels before its values."""
    run = _varint(rows << 1) + b"\x01"
    levels = len(run).to_bytes(4, "little") + run if nullable else b""
    size = b"\x15" + _varint((len(levels) + value_bytes) << 1)  # the next field, of type i32, zigzag
    return b"\x15\x00" + size + size, levels


def _varint(value: int) -> bytes:
    """Seven bits a byte, the lowest first (ULEB128)."""
    found = bytearray()
    while value > 0x7F:
        found.append(value & 0x7F | 0x80)
        value >>= 7
    return bytes([*found, value])
