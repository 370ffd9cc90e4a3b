"""The operation `Record`: what became of a RetrainRun, as a folder in the artifact store, named by its content.

run.json      why it began, the plan, when each phase began, data and models by digest, the verdict with the digest of
              its evidence, who approved, what was seen while it was watched, how it ended and why
record.html   all of it to be read

Nothing in it says when, where or at which attempt it was made: an equal end of a run gives an equal record.
"""

import json
from datetime import datetime
from pathlib import Path
from typing import Any

from springtide.api.constants import Reason
from springtide.api.retrain_run import Record
from springtide.api.task import RecordTask, Result

from springtide_workloads.artifacts.manifest import Input, describe_folder
from springtide_workloads.artifacts.store import open_section
from springtide_workloads.retraining.record_page import PAGE_FILE, render

RECORD_FILE = "run.json"
FORMAT = 1


def record(task: RecordTask, *, start_time: datetime, scratch: Path) -> Result:
    """Writes the folder and publishes it. Raises InvalidSpec, AccessDenied, StoreUnavailable, DiskFull."""
    store = open_section(task.store_uri, task.records_uri, field="recordsUri")
    folder, document = scratch / "record", document_of(task)
    folder.mkdir()
    text = json.dumps(document, indent=1, ensure_ascii=False, allow_nan=False) + "\n"
    (folder / RECORD_FILE).write_text(text, encoding="utf-8")
    (folder / PAGE_FILE).write_text(render(task, document=document), encoding="utf-8")
    manifest = describe_folder(folder, kind="Record", schema=(), inputs=tuple(_inputs(task)))
    uri = store.publish(folder, manifest=manifest)
    return Result(
        status="Succeeded",
        reason=Reason.RECORDED,
        message=f"what became of {task.owner.name} is in {uri}",
        start_time=start_time,
        record=Record(uri=uri, digest=manifest.digest),
    )


def document_of(task: RecordTask) -> dict[str, Any]:
    """`run.json`: after what names the run, the fields of its status as Kubernetes shows them."""
    return {
        "format": FORMAT,
        "run": task.owner.name,
        "namespace": task.owner.namespace,
        "uid": task.owner.uid,
        "policy": task.policy,
        "trigger": task.trigger.to_wire(),
        "reason": task.reason,
        **task.course.to_wire(),
    }


def _inputs(task: RecordTask) -> list[Input]:
    """What the run was about, as far as it came: whoever has the record can follow it from folder to folder."""
    course = task.course
    named = {
        "data": course.dataset,
        "challenger": course.challenger,
        "champion": course.champion,
        "evidence": course.verdict.evidence if course.verdict else None,
    }
    return [Input(name=name, digest=one.digest) for name, one in named.items() if one is not None]
