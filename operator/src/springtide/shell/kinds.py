"""The kinds that this operator works on: one line each."""

from typing import Any

from springtide.core import dataset, training_run
from springtide.core.kind import Kind

KINDS: tuple[Kind[Any], ...] = (dataset.KIND, training_run.KIND)
