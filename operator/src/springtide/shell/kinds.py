"""The kinds that this operator works on: one line each."""

from typing import Any

from springtide.core import training_run
from springtide.core.kind import Kind

KINDS: tuple[Kind[Any], ...] = (training_run.KIND,)
