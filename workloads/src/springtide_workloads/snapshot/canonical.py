"""One spelling for every table: what makes two snapshots of equal rows equal, byte for byte.

Of one type there are many spellings (dictionaries, large strings, time units, time zones); a snapshot has one of each:

    text, whichever way it is encoded       string
    timestamps in s, ms, us                 timestamp[us]; with a time zone: the same instant in UTC
    timestamps in ns                        timestamp[ns], likewise
    date64                                  date32
    half floats                             float

Whole numbers, floats, decimals and the rest stay what they are: int32 and int64 are different types.
"""

import pyarrow as pa

MIN_GROUP_ROWS, MAX_GROUP_ROWS = 1_024, 65_536
GROUP_BYTES = 256 << 20
"""A row group is in memory as a whole while it is written."""
VARIABLE_BYTES = 32
"""What a value of text or of a list may take, on average."""


def canonical_schema(schema: pa.Schema) -> pa.Schema:
    """The schema of a snapshot of such a table: no metadata, every column nullable."""
    return pa.schema([pa.field(field.name, canonical_type(field.type)) for field in schema])


def canonical_type(kind: pa.DataType) -> pa.DataType:
    """See the module."""
    if pa.types.is_dictionary(kind):
        return canonical_type(kind.value_type)
    if pa.types.is_large_string(kind) or pa.types.is_string_view(kind):
        return pa.string()
    if pa.types.is_timestamp(kind):
        return pa.timestamp("ns" if kind.unit == "ns" else "us", tz="UTC" if kind.tz else None)
    if pa.types.is_date64(kind):
        return pa.date32()
    if pa.types.is_float16(kind):
        return pa.float32()
    return kind


def group_rows(schema: pa.Schema) -> int:
    """Rows of a row group: as many as fit into 256 MiB, a power of two from 1,024 to 65,536."""
    row_bytes = max(1, sum(_width(field.type) for field in schema))
    rows = MAX_GROUP_ROWS
    while rows > MIN_GROUP_ROWS and rows * row_bytes > GROUP_BYTES:
        rows //= 2
    return rows


def _width(kind: pa.DataType) -> int:
    try:
        return -(-kind.bit_width // 8)
    except ValueError:
        return VARIABLE_BYTES
