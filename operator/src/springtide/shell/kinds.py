"""The kinds that this operator works on: one line each."""

from typing import Any

from springtide.core import dataset, drift_monitor, model_service, training_run
from springtide.core.kind import Kind

KINDS: tuple[Kind[Any], ...] = (dataset.KIND, drift_monitor.KIND, model_service.KIND, training_run.KIND)
