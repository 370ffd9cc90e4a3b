"""Why an object is as it is: its conditions and events in sentences, and what its kind knows beyond them."""

from dataclasses import dataclass
from datetime import datetime

from springtide.cli.kinds import view_of
from springtide.cli.kinds.view import Namespace
from springtide.cli.manifest import Manifest, condition, is_unseen, items_at, name_of, text_at, time_at, whole_at
from springtide.cli.words import moment, since

EVENTS_SHOWN = 8
_KSTATUS = ("Reconciling", "Stalled")
"""They repeat what the others say, for machines."""


@dataclass(frozen=True)
class Report:
    """A title, and sentences under headings."""

    title: str
    sections: tuple[tuple[str, tuple[str, ...]], ...]

    def document(self) -> Manifest:
        """The same for programs."""
        sections = [{"heading": heading, "sentences": list(said)} for heading, said in self.sections if said]
        return {"title": self.title, "sections": sections}


def explain(manifest: Manifest, events: list[Manifest], namespace: Namespace, *, now: datetime) -> Report:
    """The report on an object. events: its own, oldest first. namespace: what it may refer to."""
    view = view_of(text_at(manifest, "kind"))
    special = view.explain(manifest, namespace, now=now)
    created = moment(time_at(manifest, "metadata", "creationTimestamp"), now=now)
    return Report(
        f"{text_at(manifest, 'kind')} {name_of(manifest)} is {view.state(manifest)}, created {created}",
        (
            ("Conditions", tuple(_conditions(manifest, now=now))),
            ("What is", special.facts),
            ("What comes next", (*_unseen(manifest), *special.coming)),
            ("What happened", tuple(_event(event, now=now) for event in events[-EVENTS_SHOWN:])),
            ("What to do", special.advice or tuple(_stuck(manifest))),
        ),
    )


def _conditions(manifest: Manifest, *, now: datetime) -> list[str]:
    told = [item for item in items_at(manifest, "status", "conditions") if text_at(item, "type") not in _KSTATUS]
    return [_condition(item, now=now) for item in told] or ["None yet: the operator has not looked at it."]


def _condition(item: Manifest, *, now: datetime) -> str:
    held = since(time_at(item, "lastTransitionTime"), now=now)
    words = text_at(item, "message") or "no message"
    return f"{text_at(item, 'type')} is {text_at(item, 'status')} {held}: {text_at(item, 'reason')}: {words}"


def _unseen(manifest: Manifest) -> tuple[str, ...]:
    if not is_unseen(manifest):
        return ()
    generation = whole_at(manifest, "metadata", "generation")
    seen = whole_at(manifest, "status", "observedGeneration")
    acted = f"it last acted upon generation {seen}" if seen is not None else "it has acted upon none"
    return (f"The operator has yet to act upon generation {generation} of the spec; {acted}. If this lasts, is it up?",)


def _event(event: Manifest, *, now: datetime) -> str:
    last = time_at(event, "lastTimestamp") or time_at(event, "eventTime")
    times = whole_at(event, "count") or 1
    often = f" ({times} times)" if times > 1 else ""
    return f"{moment(last, now=now)}: {text_at(event, 'reason')}: {text_at(event, 'message')}{often}"


def _stuck(manifest: Manifest) -> list[str]:
    if text_at(condition(manifest, "Stalled"), "status") != "True":
        return []
    reason = text_at(condition(manifest, "Stalled"), "reason")
    return [f"Nothing more happens without you: look up {reason} in docs/operations.md."]
