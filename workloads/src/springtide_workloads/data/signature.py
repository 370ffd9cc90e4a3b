"""What a model expects: its features in order, their types, their categories. Stored with it as signature.json."""

from typing import Literal

from pydantic import Field
from springtide.api.base import ApiModel


class FeatureSignature(ApiModel):
    """One feature. Categories are spelled as text and numbered in this order."""

    name: str
    kind: Literal["Number", "Category"]
    type: str
    categories: tuple[str, ...] = ()


class Signature(ApiModel):
    """What goes in and what comes out: the probability of the positive class, one float64 a row."""

    features: tuple[FeatureSignature, ...]
    target: str
    negative: str
    positive: str
    wide_numbers: bool = Field(description="Whether numbers need float64; otherwise float32 holds them exactly.")

    @property
    def numbers(self) -> tuple[FeatureSignature, ...]:
        """The numeric features, in order."""
        return tuple(feature for feature in self.features if feature.kind == "Number")

    @property
    def categories(self) -> tuple[FeatureSignature, ...]:
        """The categorical features, in order."""
        return tuple(feature for feature in self.features if feature.kind == "Category")

    @property
    def names(self) -> tuple[str, ...]:
        """All features in the order of an `Encoder`'s output: numbers first."""
        return tuple(feature.name for feature in (*self.numbers, *self.categories))
