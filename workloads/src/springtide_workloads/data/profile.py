"""The second pass over the data: the categories of the training rows, and a sample of them that is kept in memory."""

from collections import Counter
from dataclasses import dataclass, field

import numpy as np
import pyarrow as pa

from springtide_workloads.data.chunks import ArrowArray, ParquetTable
from springtide_workloads.data.columns import Columns, Feature
from springtide_workloads.data.encoding import Encoded, Encoder, as_words
from springtide_workloads.data.scan import sample_rows
from springtide_workloads.data.signature import FeatureSignature, Signature
from springtide_workloads.data.split import SAMPLE, Role, Rows, draw
from springtide_workloads.data.target import Classes
from springtide_workloads.process.progress import Progress

MAX_CATEGORIES = 1_000
"""The rarer ones share a bucket with what was never seen."""
MAX_DISTINCT = 100_000
"""A text column with more values names its rows rather than describing them."""


@dataclass(frozen=True)
class Profile:
    """What was learned of the features from the training rows alone.

    sample: rows drawn at random from the training rows, in order.
    """

    signature: Signature
    sample: Encoded
    notes: tuple[str, ...]


@dataclass
class _Words:
    """Counts of one categorical feature's values, until there are too many."""

    counts: Counter[str] = field(default_factory=Counter)
    too_many: bool = False

    def add(self, values: ArrowArray) -> None:
        if self.too_many:
            return
        indices, words = as_words(values)
        counts = np.bincount(indices, minlength=len(words) + 1)
        for place in np.flatnonzero(counts[: len(words)]):
            word = words[place]
            if word is not None:
                self.counts[word] += int(counts[place])
        self.too_many = len(self.counts) > MAX_DISTINCT

    def kept(self) -> tuple[str, ...]:
        """The most frequent values, sorted as text so that their codes depend on nothing else."""
        ordered = sorted(self.counts.items(), key=lambda item: (-item[1], item[0]))
        return tuple(sorted(word for word, _ in ordered[:MAX_CATEGORIES]))


def profile_features(
    table: ParquetTable, *, columns: Columns, rows: Rows, classes: Classes, seed: int, progress: Progress
) -> Profile:
    """Reads every feature of the training rows once."""
    training = rows.roles == Role.TRAIN
    share = sample_rows(len(columns.features)) / max(int(np.count_nonzero(training)), 1)
    sampled = training & (draw(table.rows, seed=seed, salt=SAMPLE) < share)
    words = {feature.name: _Words() for feature in columns.features if feature.kind == "Category"}
    parts: list[pa.RecordBatch] = []
    with progress.phase("profiling features", total=table.rows, unit="rows") as phase:
        wanted = training if words else sampled
        order = [chunk.number for chunk in table.chunks if wanted[chunk.start : chunk.start + chunk.rows].any()]
        for chunk, batch in table.scan([feature.name for feature in columns.features], order=order):
            here = slice(chunk.start, chunk.start + chunk.rows)
            parts.append(batch.take(np.flatnonzero(sampled[here])))
            if words:
                place = np.flatnonzero(training[here])
                for name, counter in words.items():
                    counter.add(batch.column(name).take(place))
            phase.advance(chunk.rows)
    signature, notes = _signature(table, columns=columns, words=words, classes=classes)
    encoder = Encoder(signature)
    return Profile(signature=signature, sample=_joined([encoder.encode(part) for part in parts]), notes=notes)


def _signature(
    table: ParquetTable, *, columns: Columns, words: dict[str, _Words], classes: Classes
) -> tuple[Signature, tuple[str, ...]]:
    notes = []
    features = []
    for feature in columns.features:
        counter = words.get(feature.name)
        if counter is not None and counter.too_many:
            notes.append(f"column {feature.name} is not used: it has more than {MAX_DISTINCT} distinct values")
            continue
        if counter is not None and len(counter.counts) > MAX_CATEGORIES:
            notes.append(
                f"column {feature.name} has {len(counter.counts)} distinct values: all but the {MAX_CATEGORIES} most"
                " frequent count as unseen"
            )
        kept = counter.kept() if counter is not None else ()
        features.append(FeatureSignature(name=feature.name, kind=feature.kind, type=feature.type, categories=kept))
    signature = Signature(
        features=tuple(features),
        target=columns.target,
        negative=classes.negative,
        positive=classes.positive,
        wide_numbers=any(_is_wide(table, feature) for feature in columns.features if feature.kind == "Number"),
    )
    return signature, tuple(notes)


def _is_wide(table: ParquetTable, feature: Feature) -> bool:
    """Whether float32 would lose digits of this column."""
    kind = table.schema.field(feature.name).type
    if pa.types.is_boolean(kind):
        return False
    if pa.types.is_integer(kind) or pa.types.is_floating(kind):
        return bool(kind.bit_width > (16 if pa.types.is_integer(kind) else 32))
    return True


def _joined(parts: list[Encoded]) -> Encoded:
    return Encoded(
        np.concatenate([part.numbers for part in parts], axis=1), np.concatenate([part.codes for part in parts], axis=1)
    )
