"""The frozen drift baseline: how the features and the score were distributed when the model was trained."""

from collections.abc import Iterator, Sequence

import numpy as np
import numpy.typing as npt

from springtide_workloads.data.encoding import MISSING as NO_CODE
from springtide_workloads.data.encoding import Encoded
from springtide_workloads.data.signature import Signature
from springtide_workloads.drift.bins import Baseline, CategoryBins, ColumnCounts, SliceCounts
from springtide_workloads.drift.counting import count_numbers
from springtide_workloads.drift.freezing import freeze_numbers
from springtide_workloads.drift.layout import most_frequent

SCORE = "score"


def describe_baseline(
    sample: Encoded, *, signature: Signature, scores: npt.NDArray[np.float64], slices: Sequence[str] = ()
) -> Baseline:
    """The baseline of a model.

    sample: training rows; the counts are of these.
    scores: of the held-out rows, as the model will meet them.
    slices: columns by whose most frequent categories the features are counted as well; others are left out.
    """
    features = [
        _of_numbers(feature.name, values) for feature, values in zip(signature.numbers, sample.numbers, strict=True)
    ]
    features += [
        _of_codes(feature.name, codes, categories=feature.categories)
        for feature, codes in zip(signature.categories, sample.codes, strict=True)
    ]
    return Baseline(
        features=tuple(features),
        # As the inference log keeps them: rounding would move a score that many rows share to another bin.
        score=_of_numbers(SCORE, scores.astype(np.float32)),
        slices=tuple(_slices(sample, signature=signature, features=features, names=slices)),
    )


def _slices(
    sample: Encoded, *, signature: Signature, features: Sequence[ColumnCounts], names: Sequence[str]
) -> Iterator[SliceCounts]:
    for place, feature in enumerate(signature.categories):
        if feature.name not in names:
            continue
        column = features[len(signature.numbers) + place]
        for value in most_frequent(column):
            rows = sample.take(sample.codes[place] == feature.categories.index(value))
            yield SliceCounts(column=feature.name, value=value, counts=tuple(_counts(rows, features=features)))


def _counts(rows: Encoded, *, features: Sequence[ColumnCounts]) -> Iterator[tuple[int, ...]]:
    """Of each feature, in the bins that it has."""
    for values, feature in zip([*rows.numbers, *rows.codes], features, strict=True):
        if isinstance(feature.bins, CategoryBins):
            yield _of_codes(feature.name, values.astype(np.int32), categories=feature.bins.categories).counts
        else:
            yield tuple(count_numbers(values, bins=feature.bins).tolist())


def _of_numbers(name: str, values: npt.NDArray[np.generic]) -> ColumnCounts:
    bins = freeze_numbers(values)
    return ColumnCounts(name=name, bins=bins, counts=tuple(count_numbers(values, bins=bins).tolist()))


def _of_codes(name: str, codes: npt.NDArray[np.int32], *, categories: tuple[str, ...]) -> ColumnCounts:
    """From an encoder's codes, which number the categories and have a place for missing and for unseen ones."""
    found = np.bincount(codes - NO_CODE, minlength=len(categories) + 2)
    missing, *known, unseen = found.tolist()
    return ColumnCounts(name=name, bins=CategoryBins(categories=categories), counts=(missing, unseen, *known))
