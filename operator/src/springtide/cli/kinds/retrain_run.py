"""RetrainRun: why it began, how far it is, what the challenger showed at each gate, and what became of it."""

from datetime import datetime
from itertools import zip_longest

from springtide.api.constants import ANNOTATION_APPROVE
from springtide.cli.kinds.training_run import VIEW as TRAINING
from springtide.cli.kinds.training_run import runs_that_made
from springtide.cli.kinds.view import Column, Explanation, Namespace, Node, View
from springtide.cli.manifest import Manifest, at, items_at, name_of, number_at, text_at, time_at, whole_at
from springtide.cli.words import count, duration, later, moment, short, since, until

AWAITING = "AwaitingApproval"
FINAL = ("Promoted", "Rejected", "RolledBack", "Failed", "Inconclusive", "DryRun")
GOOD = ("Promoted", "DryRun")
"""Ends that are what was asked for."""
_NEXT = {
    "Pending": "A TrainingRun is made once there is a snapshot to train on.",
    "Training": "Once the challenger is trained, it is judged on held-out rows.",
    "Judging": "The gates decide: all must pass, on the same rows for challenger and champion.",
    AWAITING: "It goes on once a person approves.",
    "RollingOut": "The registry's alias and the ModelService take the challenger over, by its own rollout.",
    "RollingBack": "The champion before is put back; the challenger's digest is not promoted again.",
}


def phase_of(run: Manifest) -> str:
    """How far it is."""
    return text_at(run, "status", "phase") or "Pending"


def has_ended(run: Manifest) -> bool:
    """Whether nothing more will happen."""
    return phase_of(run) in FINAL


def trigger_words(trigger: Manifest | None, *, now: datetime) -> str:
    """Why a run begins, such as `Drift, seen 12m ago (...): 3 of 5 windows drifted`."""
    kind = text_at(trigger, "type") or "Manual"
    seen = time_at(trigger, "time")
    words = text_at(trigger, "message")
    return kind + (f", seen {moment(seen, now=now)}" if seen else "") + (f": {words}" if words else "")


def model_words(model: Manifest | None) -> str:
    """A version by its number and digest."""
    return f"version {text_at(model, 'version') or '?'} ({short(text_at(model, 'digest')) or 'digest unknown'})"


def gate_words(gate: Manifest) -> str:
    """What a challenger showed at a gate: the operator's sentence, or else its numbers."""
    name, outcome, words = text_at(gate, "name"), text_at(gate, "outcome"), text_at(gate, "message")
    where = f" for {text_at(gate, 'slice')}" if text_at(gate, "slice") else ""
    return f"{name}{where}: {outcome or 'Unknown'}: {words or _numbers(gate)}"


def _numbers(gate: Manifest) -> str:
    low, high = number_at(gate, "low"), number_at(gate, "high")
    parts = [
        f"{title} {value:.4g}"
        for title, value in (("challenger", number_at(gate, "value")), ("champion", number_at(gate, "champion")))
        if value is not None
    ]
    interval = [f"interval {low:.4g} to {high:.4g}"] if low is not None and high is not None else []
    return ", ".join([*parts, *interval]) or "nothing could be measured"


def verdict_words(run: Manifest) -> str:
    """The judgement in half a sentence with the gates that did not pass."""
    verdict = at(run, "status", "verdict")
    if not verdict:
        return "not judged"
    gates = items_at(verdict, "gates")
    passed = [gate for gate in gates if text_at(gate, "outcome") == "Passed"]
    others = "".join(f"; {gate_words(gate)}" for gate in gates if gate not in passed)
    rows = count(whole_at(verdict, "rows"), "held-out row")
    return f"{text_at(verdict, 'outcome')} on {rows}: {len(passed)} of {count(len(gates), 'gate')} passed{others}"


def told(run: Manifest, phase: str) -> str:
    """What begins with a phase, with the numbers that are known."""
    status = at(run, "status")
    challenger = model_words(at(status, "challenger"))
    match phase:
        case "Training":
            data, made = at(status, "dataset"), text_at(status, "trainingRun")
            on = f" on snapshot {short(text_at(data, 'digest'))} of Dataset {text_at(data, 'name')}" if data else ""
            return f"Training: TrainingRun {made or 'to come'} trains a challenger{on}"
        case "Judging":
            champion = at(status, "champion")
            against = f"against champion {model_words(champion)}" if champion else "alone: there is no champion"
            return f"Judging: challenger {challenger} {against}"
        case "AwaitingApproval":
            command = f"kubectl springtide approve rrun/{name_of(run)}"
            return f"AwaitingApproval: {verdict_words(run)}; `{command}` lets it go on"
        case "RollingOut":
            return f"RollingOut: {challenger}: {verdict_words(run)}"
        case "Watching":
            seconds = whole_at(status, "plan", "watch", "seconds")
            return f"Watching: {challenger} serves" + (f"; watched for {duration(seconds)}" if seconds else "")
        case "RollingBack":
            return f"RollingBack: {challenger} is taken back for champion {model_words(at(status, 'champion'))}"
        case _ if phase in FINAL:
            return ended_words(run)
        case _:
            return f"{phase}: {text_at(run, 'spec', 'trigger', 'message') or 'it begins'}"


def ended_words(run: Manifest) -> str:
    """How it ended."""
    words = text_at(run, "status", "outcomeMessage")
    return f"{phase_of(run)}: {words or verdict_words(run)}"


def _explain(run: Manifest, _: Namespace, *, now: datetime) -> Explanation:
    status = at(run, "status")
    policy, number = text_at(run, "spec", "policyRef", "name"), text_at(status, "policyUid")
    facts = [f"It is a run of RetrainPolicy {policy or '?'}" + ("." if number else ", which it has not read yet.")]
    facts.append(f"Why: {trigger_words(at(run, 'spec', 'trigger'), now=now)}.")
    facts += _phases(run, now=now)
    facts += _models(status)
    if verdict := at(status, "verdict"):
        rows = count(whole_at(verdict, "rows"), "held-out row")
        facts.append(f"The verdict: {text_at(verdict, 'outcome')} on {rows}.")
        facts += [f"  {gate_words(gate)}" for gate in items_at(verdict, "gates")]
    if evidence := at(status, "verdict", "evidence"):
        facts.append(f"The evidence lies in {text_at(evidence, 'uri')} ({short(text_at(evidence, 'digest'))}).")
    if approval := at(status, "approval"):
        facts.append(f"{text_at(approval, 'by')} approved {moment(time_at(approval, 'time'), now=now)}.")
    facts += _release(status, now=now)
    if record := at(status, "record"):
        facts.append(f"Its record lies in {text_at(record, 'uri')} ({short(text_at(record, 'digest'))}).")
    return Explanation(tuple(facts), tuple(_coming(run, now=now)), tuple(_advice(run)))


def _phases(run: Manifest, *, now: datetime) -> list[str]:
    phases = items_at(run, "status", "phases")
    ends = [time_at(item, "time") for item in phases[1:]]
    return [_phase(item, end, now=now) for item, end in zip_longest(phases, ends)]


def _phase(phase: Manifest, end: datetime | None, *, now: datetime) -> str:
    name, began = text_at(phase, "phase"), time_at(phase, "time")
    if name in FINAL:
        return f"{name} {moment(began, now=now)}."
    if end is None or began is None:
        return f"{name} {since(began, now=now)}."
    return f"{name} took {duration((end - began).total_seconds())}, from {moment(began, now=now)}."


def _models(status: Manifest | None) -> list[str]:
    said = []
    if data := at(status, "dataset"):
        said.append(f"It is pinned to snapshot {short(text_at(data, 'digest'))} of Dataset {text_at(data, 'name')}.")
    if challenger := at(status, "challenger"):
        made = text_at(status, "trainingRun")
        by = f", made by TrainingRun {made}" if made else ""
        said.append(f"The challenger is {model_words(challenger)}{by}.")
    if champion := at(status, "champion"):
        said.append(f"The champion it is held against is {model_words(champion)}.")
    return said


def _release(status: Manifest | None, *, now: datetime) -> list[str]:
    said = []
    if promoted := time_at(status, "promotedTime"):
        said.append(f"Its promotion was decided {moment(promoted, now=now)}.")
    if alias := text_at(status, "aliasSet"):
        said.append(f"The registry's alias `champion` was last set to version {alias}.")
    if serving := time_at(status, "servingTime"):
        said.append(f"The ModelService had taken it over {moment(serving, now=now)}.")
    if seen := text_at(status, "watched", "message"):
        said.append(f"While it was watched: {seen}.")
    if ended := time_at(status, "completionTime"):
        words = text_at(status, "outcomeMessage") or "nothing more is known"
        said.append(f"It ended {moment(ended, now=now)}: {words}.")
    return said


def _coming(run: Manifest, *, now: datetime) -> list[str]:
    if has_ended(run):
        return ["It has ended, and nothing more will happen: a RetrainRun is never run again."]
    status, phase = at(run, "status"), phase_of(run)
    coming = [_watching(run, now=now)] if phase == "Watching" else [_NEXT.get(phase, "")]
    if text_at(status, "plan", "mode") == "DryRun":
        coming.append("Nothing is promoted whatever it shows: the policy's mode is DryRun.")
    asked = text_at(run, "metadata", "annotations", ANNOTATION_APPROVE)
    if asked and phase == AWAITING:
        coming.append(f"{asked} approved; the operator has yet to see it.")
    job = at(status, "job")
    if lost := whole_at(job, "failures"):
        why = f"{text_at(job, 'failureReason')}: {text_at(job, 'failure')}".strip(": ")
        last = moment(time_at(job, "failureTime"), now=now)
        coming.append(f"{count(lost, 'attempt')} of this phase did not come through; the last {last}: {why}.")
    return [sentence for sentence in coming if sentence]


def _watching(run: Manifest, *, now: datetime) -> str:
    watch = at(run, "status", "plan", "watch")
    seconds = whole_at(watch, "seconds") or 0
    began = phase_began(run, "Watching")
    monitor = text_at(watch, "monitorRef", "name")
    who = f" DriftMonitor {monitor} looks: a drop of the realised performance takes it back." if monitor else ""
    return f"It is watched for {duration(seconds)}: {until(later(began, seconds), now=now)}.{who}"


def phase_began(run: Manifest, phase: str) -> datetime | None:
    """When a phase began; the last time, if there were several."""
    begun = [item for item in items_at(run, "status", "phases") if text_at(item, "phase") == phase]
    return time_at(begun[-1], "time") if begun else None


def _advice(run: Manifest) -> list[str]:
    name, phase, status = name_of(run), phase_of(run), at(run, "status")
    advice = []
    if phase == AWAITING:
        advice.append(f"To let it be promoted: kubectl springtide approve rrun/{name} --wait")
    if at(status, "verdict", "evidence"):
        advice.append(f"To see the evidence: kubectl springtide report rrun/{name} --open")
    if at(status, "record"):
        advice.append(f"To see what became of it: kubectl springtide report rrun/{name} --record --open")
    made = text_at(status, "trainingRun")
    if made and (phase == "Failed" or not at(status, "challenger")):
        advice.append(f"To see how the training goes: kubectl springtide explain trun/{made}")
    policy = text_at(run, "spec", "policyRef", "name")
    if has_ended(run) and phase not in GOOD and policy:
        advice.append(f"To see what the policy does now: kubectl springtide explain rpol/{policy}")
    return advice


def runs_that_promoted(digest: str, namespace: Namespace) -> list[Manifest]:
    """The runs that decided to promote the model with this digest, the newest first."""
    found = [
        run
        for run in namespace.of("RetrainRun")
        if text_at(run, "status", "challenger", "digest") == digest and time_at(run, "status", "promotedTime")
    ]
    return sorted(found, key=lambda run: text_at(run, "status", "promotedTime"), reverse=True)


def challengers_refused(policy: str, namespace: Namespace) -> list[Manifest]:
    """Runs of a policy whose challenger is there and not released, the newest first; none without a policy."""
    found = [
        run
        for run in namespace.of("RetrainRun")
        if policy
        and text_at(run, "spec", "policyRef", "name") == policy
        and text_at(run, "status", "challenger", "digest")
        and phase_of(run) in FINAL
        and phase_of(run) != "Promoted"
    ]
    return sorted(found, key=_created, reverse=True)


def challenger_node(run: Manifest, *, now: datetime) -> Node:
    """A challenger that was not released, and why."""
    challenger = at(run, "status", "challenger")
    title = f"challenger version {text_at(challenger, 'version') or '?'}, {text_at(challenger, 'digest')}"
    ended = moment(time_at(run, "status", "completionTime"), now=now)
    return Node(title, (f"RetrainRun {name_of(run)} ended {ended}: {phase_of(run)}", verdict_words(run)))


def _tree(run: Manifest, namespace: Namespace, *, now: datetime) -> Node:
    status = at(run, "status")
    details = [f"why: {trigger_words(at(run, 'spec', 'trigger'), now=now)}", f"phase: {told(run, phase_of(run))}"]
    if challenger := at(status, "challenger"):
        details.append(f"challenger: version {text_at(challenger, 'version')}, {text_at(challenger, 'digest')}")
    if champion := at(status, "champion"):
        details.append(f"champion: version {text_at(champion, 'version')}, {text_at(champion, 'digest')}")
    if at(status, "verdict"):
        details.append(f"verdict: {verdict_words(run)}")
    if evidence := at(status, "verdict", "evidence"):
        details.append(f"evidence: {text_at(evidence, 'uri')}, {text_at(evidence, 'digest')}")
    if approval := at(status, "approval"):
        details.append(f"approved by {text_at(approval, 'by')} {moment(time_at(approval, 'time'), now=now)}")
    if record := at(status, "record"):
        details.append(f"record: {text_at(record, 'uri')}, {text_at(record, 'digest')}")
    return Node(f"RetrainRun {name_of(run)}", tuple(details), _training(run, namespace, now=now))


def _training(run: Manifest, namespace: Namespace, *, now: datetime) -> tuple[Node, ...]:
    name = text_at(run, "status", "trainingRun")
    if found := namespace.find("TrainingRun", name) if name else None:
        return (TRAINING.tree(found, namespace, now=now),)
    digest = text_at(run, "status", "challenger", "digest")
    if made := runs_that_made(digest, namespace) if digest else []:
        return tuple(TRAINING.tree(one, namespace, now=now) for one in made)
    if not name:
        return ()
    why = namespace.unreadable.get("TrainingRun") or f"it is not in namespace {namespace.name} any more"
    data = at(run, "status", "dataset")
    snapshot = f"snapshot {text_at(data, 'digest')} of Dataset {text_at(data, 'name')}"
    return (Node(f"TrainingRun {name}", (why,), (Node(snapshot),) if data else (), missing=True),)


def _created(run: Manifest) -> str:
    return text_at(run, "metadata", "creationTimestamp")


def _notable(runs: tuple[Manifest, ...]) -> tuple[Manifest, ...]:
    """Those under way, and of each policy the one that ended last."""
    shown = [run for run in runs if not has_ended(run)]
    last: dict[str, Manifest] = {}
    for run in sorted(runs, key=lambda run: text_at(run, "status", "completionTime")):
        if has_ended(run):
            last[text_at(run, "spec", "policyRef", "name")] = run
    return tuple(sorted([*shown, *last.values()], key=name_of))


class _RunView(View):
    """Its phase is its state."""

    def state(self, manifest: Manifest) -> str:
        return text_at(manifest, "status", "phase") or super().state(manifest)

    def message(self, manifest: Manifest) -> str:
        ended = text_at(manifest, "status", "outcomeMessage") if has_ended(manifest) else ""
        return ended or super().message(manifest)


VIEW = _RunView(
    kind="RetrainRun",
    columns=(
        Column("POLICY", lambda it, _: text_at(it, "spec", "policyRef", "name")),
        Column("TRIGGER", lambda it, _: text_at(it, "spec", "trigger", "type") or "Manual"),
        Column("CHALLENGER", lambda it, _: text_at(it, "status", "challenger", "version")),
        Column("CHAMPION", lambda it, _: text_at(it, "status", "champion", "version")),
        Column("VERDICT", lambda it, _: text_at(it, "status", "verdict", "outcome")),
    ),
    notable=_notable,
    explain=_explain,
    tree=_tree,
)
