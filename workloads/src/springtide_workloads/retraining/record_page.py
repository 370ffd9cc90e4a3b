"""The record of a run as a page: one file, no script, nothing from elsewhere."""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import zip_longest
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from springtide.api.retrain_run import Course, PhaseStart
from springtide.api.task import RecordTask

PAGE_FILE = "record.html"
TEMPLATE = "record.html.j2"
UNKNOWN = "\N{EN DASH}"


@dataclass(frozen=True)
class Step:
    """A phase of the run. lasted: None of the end."""

    phase: str
    time: datetime
    lasted: timedelta | None
    words: str


def render(task: RecordTask, *, document: dict[str, Any]) -> str:
    """The page as HTML. Whatever people wrote is escaped, wherever it stands."""
    environment = Environment(
        loader=FileSystemLoader(Path(__file__).parent),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters |= {"number": _number, "time": _time}
    text: str = environment.get_template(TEMPLATE).render(
        task=task,
        course=task.course,
        steps=list(_steps(task.course)),
        plan=json.dumps(document.get("plan", {}), indent=1, ensure_ascii=False),
    )
    return text


def _steps(course: Course) -> Iterator[Step]:
    for start, following in zip_longest(course.phases, course.phases[1:]):
        lasted = following.time - start.time if following else None
        yield Step(start.phase, start.time, lasted, _words(course, start))


def _words(course: Course, start: PhaseStart) -> str:
    """What is known of a phase besides its time."""
    match start.phase:
        case "Training" if course.dataset:
            return f"TrainingRun {course.training_run} on a snapshot of Dataset {course.dataset.name}"
        case "Training":
            return f"TrainingRun {course.training_run}"
        case "Judging" if course.verdict:
            return f"{course.verdict.outcome} on {course.verdict.rows:,} held-out rows"
        case "AwaitingApproval" if course.approval:
            return f"{course.approval.by} approved it, {_time(course.approval.time)}"
        case "RollingOut" if course.serving_time:
            return f"taken over {_time(course.serving_time)}"
        case "Watching" if course.watched:
            return course.watched.message
        case phase if phase == course.phase:
            return course.outcome_message or ""
    return ""


def _time(value: datetime) -> str:
    return value.strftime("%Y-%m-%d %H:%M:%S")


def _number(value: float | None) -> str:
    return UNKNOWN if value is None else f"{value:.4f}"
