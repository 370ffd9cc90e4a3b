"""The kinds that this operator works on: one line each."""

from typing import Any

from springtide.core import dataset, drift_monitor, model_service, retrain_policy, retrain_run, training_run
from springtide.core.kind import Kind

KINDS: tuple[Kind[Any], ...] = (
    dataset.KIND,
    drift_monitor.KIND,
    model_service.KIND,
    retrain_policy.KIND,
    retrain_run.KIND,
    training_run.KIND,
)
