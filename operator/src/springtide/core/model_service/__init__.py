"""What the platform does with a ModelService, in order: `decide` is the table of contents of this folder.

The status says which version serves and how far a candidate is. What has to be there for it (servers, Services, who
gets requests) follows from it: `plan`. How it goes on follows from what is observed: `rollout`.
"""

from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from springtide.api import model_service as api
from springtide.api.constants import Reason
from springtide.core import backoff
from springtide.core.artifacts import missing_claim
from springtide.core.decision import Child, Decision, Deletion, Event, Refusal
from springtide.core.ending import GONE, Ending
from springtide.core.kind import (
    DEPLOYMENT,
    INFERENCE_SERVICE,
    JOB,
    PERSISTENT_VOLUME_CLAIM,
    POD,
    POD_DISRUPTION_BUDGET,
    SERVICE,
    Kind,
)
from springtide.core.model_service import rollout, traffic
from springtide.core.model_service.applied import wanted_digest
from springtide.core.model_service.backend import backend_of, missing_capability
from springtide.core.model_service.health import trouble
from springtide.core.model_service.observed import ObservedService, observe, references
from springtide.core.model_service.phase_job import name_of, phase_job
from springtide.core.model_service.plan import Plan, plan
from springtide.core.model_service.servers import children
from springtide.core.model_service.status import Doing, write
from springtide.core.model_service.track import model_label
from springtide.core.model_service.wanted import Missing, Wanted, is_stable_taken_back, wanted_of
from springtide.core.progress import Ended, Running, Settling, Vanished, Waiting, of_job
from springtide.core.workload_state import Job

REFUSED_AGAIN_AFTER = 60.0


@dataclass(frozen=True)
class Next:
    """What follows for the status. again: when to look once more though nothing happens; job: to be there."""

    doing: Doing
    status: api.ModelServiceStatus
    again: datetime | None = None
    job: Child | None = None
    events: tuple[Event, ...] = ()


def decide(service: ObservedService, now: datetime) -> Decision:
    """What should happen next to a ModelService.

    Pure: equal arguments give equal decisions, and deciding again on what the decision brought about changes
    nothing.
    """
    if service.deleting:
        return Decision()  # what it owns goes with it
    spec = service.spec
    if spec is None:
        held = Doing("Held", Reason.INVALID_SPEC, service.spec_problem)
        return Decision(status=write(service, service.status, held, now=now))
    service = service.with_status(service.status.model_copy(update={"backend": backend_of(service)}))
    if missing := missing_capability(service):
        held = Doing("Held", Reason.CAPABILITY_MISSING, missing)
        return Decision(status=write(service, service.status, held, now=now))
    following = _next(service, spec, now)
    made, gone = _objects(service, following)
    return Decision(
        children=made,
        deletions=gone,
        status=write(service, following.status, following.doing, now=now),
        events=following.events,
        requeue_after=max(0.0, (following.again - now).total_seconds()) if following.again else None,
    )


def refuse(service: ObservedService, refusal: Refusal, now: datetime) -> Decision:
    """What is said when the API server does not take an object: it is tried again, slowly, as a quota may be raised."""
    held = Doing("Held", refusal.reason, refusal.message)
    return Decision(status=write(service, service.status, held, now=now), requeue_after=REFUSED_AGAIN_AFTER)


def _objects(service: ObservedService, following: Next) -> tuple[tuple[Child, ...], tuple[Deletion, ...]]:
    """What has to be made, in order, and what is not needed any more.

    It follows from the status as it is written, not from what it becomes in this pass: an intent is on record before
    anything is done for it.
    """
    assert service.spec is not None, "nothing is made for a spec that does not parse"
    wanted = plan(service.spec, service.status, ready=service.ready)
    all_of_it = _children(service, wanted) if wanted else {}
    there = {(made.kind, made.name): made.digest for made in service.made}
    missing = [child for key, child in all_of_it.items() if there.get(key) != wanted_digest(child.manifest)]
    jobs = [following.job] if following.job else []
    claims = missing_claim(service.platform, namespace=service.namespace, claims=service.claims)
    unneeded = [
        Deletion(made.api_version, made.kind, made.name, made.uid)
        for made in service.made
        if (made.kind, made.name) not in all_of_it
    ]
    made = (*claims, *missing, *jobs) if missing or jobs else ()
    return made, (*unneeded, *_given_up(service, following.status.candidate))


def _children(service: ObservedService, wanted: Plan) -> dict[tuple[str, str], Child]:
    """Everything of a plan by kind and name; the entrance when what it leads to is there."""
    assert service.spec is not None, "nothing is made for a spec that does not parse"
    all_of_it = [child for track in wanted.tracks for child in children(service, track)]
    all_of_it.append(traffic.service_child(service, model=wanted.traffic))
    if service.spec.replicas.min > 1:  # the only server of a service must not keep its node from being drained
        all_of_it.append(traffic.budget_child(service, model=wanted.traffic))
    return {(child.manifest["kind"], child.manifest["metadata"]["name"]): child for child in all_of_it}


def _given_up(service: ObservedService, candidate: api.Candidate | None) -> tuple[Deletion, ...]:
    """Jobs of a rollout that does not go on."""
    mine = name_of(service, candidate) if candidate else None
    jobs = [job for job in service.jobs if not job.finished and job.name != mine and not _has_answered(service, job)]
    return tuple(Deletion("batch/v1", "Job", job.name, job.uid) for job in jobs)


def _has_answered(service: ObservedService, job: Job) -> bool:
    pod = service.pod(job)
    return bool(pod and pod.terminated)


def _next(service: ObservedService, spec: api.ModelServiceSpec, now: datetime) -> Next:
    """How the rollout goes on, and whether the version before is kept still."""
    following = _following(service, spec, now)
    kept = following.status.previous
    if kept is None:
        return following
    if now >= kept.until:
        return replace(following, status=rollout.let_go(following.status))
    return replace(following, again=min(following.again or kept.until, kept.until))


def _following(service: ObservedService, spec: api.ModelServiceSpec, now: datetime) -> Next:
    status = service.status
    if service.released and service.released != status.released:
        status = rollout.released(status, service.released)
        return Next(_resting(service, status), status)
    wanted, candidate = wanted_of(service), status.candidate
    if candidate and isinstance(wanted, Wanted) and not wanted.is_of(candidate.version, candidate.digest):
        doing = Doing("Working", Reason.ROLLED_BACK, f"version {wanted.version} is asked for now")
        return Next(doing, rollout.abandon(status))
    if spec.suspend:
        return Next(Doing("Resting", Reason.SUSPENDED, "suspended by spec.suspend: no rollout goes on"), status)
    if candidate:
        return _go_on(service, spec, candidate, now)
    if isinstance(wanted, Missing) or _is_settled(status, wanted):
        return Next(_resting(service, status), status)
    return _begin(service, wanted, now)


def _is_settled(status: api.ModelServiceStatus, wanted: Wanted) -> bool:
    """Whether the version serves, or was taken back."""
    serves = status.stable is not None and wanted.is_of(status.stable.version, status.stable.digest)
    return serves or any(wanted.is_of(item.version, item.digest) for item in status.quarantined)


def _begin(service: ObservedService, wanted: Wanted, now: datetime) -> Next:
    status = rollout.begin(service.status, wanted, now=now)
    assert status.candidate, "begun a line above"
    if status.candidate.phase == "TakingOver":
        return Next(_taking_over(status.candidate), status)
    if wanted.digest:  # it was judged by those files, so there is nothing to look up; servers verify them
        return _found(service, status, digest=wanted.digest, uri=wanted.uri, now=now)
    return Next(_resolving(wanted.version), status)


def _resolving(version: str) -> Doing:
    return Doing("Working", Reason.RESOLVING, f"version {version} is looked up in the registry")


def _resting(service: ObservedService, status: api.ModelServiceStatus) -> Doing:
    wanted = wanted_of(service)
    if isinstance(wanted, Missing):
        serves = f"; version {status.stable.version} goes on serving" if status.stable else ""
        return Doing(wanted.how, wanted.reason, f"{wanted.message}{serves}")
    version = wanted.version
    for item in status.quarantined:
        if wanted.is_of(item.version, item.digest):
            hint = f"`kubectl annotate msvc {service.name} springtide.dev/release={version}` tries it again"
            message = f"version {version} was taken back ({item.reason}: {item.message}); {hint}"
            return Doing("Held", Reason.QUARANTINED, message)
    if status.stable and wanted.is_of(status.stable.version, status.stable.digest):
        return Doing("Resting", Reason.TAKEN_OVER, f"version {version} serves")
    return _resolving(version)


def _go_on(service: ObservedService, spec: api.ModelServiceSpec, candidate: api.Candidate, now: datetime) -> Next:
    match candidate.phase:
        case "Resolving":
            return _resolve(service, candidate, now)
        case "Loading":
            return _load(service, spec, candidate, now)
        case "Canary":
            return _judge(service, spec, candidate, now)
        case "TakingOver":
            return _take_over(service, spec, candidate, now)


def _resolve(service: ObservedService, candidate: api.Candidate, now: datetime) -> Next:
    doing = _resolving(candidate.version)
    end = _ending(service, candidate, now)
    if not isinstance(end, Ending):
        return _waiting(service, candidate, doing, end, now)
    model = end.result.model if end.result else None
    if end.failure is not None or not (model and model.digest and model.uri):
        return _failed(service, end, now)
    return _found(service, service.status, digest=model.digest, uri=model.uri, now=now)


def _found(service: ObservedService, status: api.ModelServiceStatus, *, digest: str, uri: str, now: datetime) -> Next:
    """The candidate's files are known."""
    assert status.candidate, "asked of a rollout"
    candidate = status.candidate
    if quarantined := next((item for item in status.quarantined if item.digest == digest), None):
        # Other numbers do not make another model.
        known = candidate.model_copy(update={"digest": digest, "uri": uri})
        message = f"it is the model of version {quarantined.version}, which was taken back: {quarantined.message}"
        status = status.model_copy(update={"candidate": known})
        return _roll_back(service, status, reason=quarantined.reason, message=message, now=now)
    status = rollout.resolved(status, digest=digest, uri=uri, now=now)
    if status.candidate and status.candidate.phase == "TakingOver":
        return Next(_taking_over(status.candidate), status)
    return Next(Doing("Working", Reason.LOADING, f"servers of version {candidate.version} start"), status)


def _load(service: ObservedService, spec: api.ModelServiceSpec, candidate: api.Candidate, now: datetime) -> Next:
    assert candidate.digest, "a candidate that loads was looked up"
    model = model_label(candidate.digest)
    wanted = plan(spec, service.status, ready=service.ready)
    needed = wanted.replicas(model) if wanted else spec.replicas.min
    ready = service.ready(model)
    if ready >= needed:
        words = f"version {candidate.version} has proved its files and its golden requests on {ready} servers"
        doing = Doing("Working", Reason.LOADING, words)
        if service.status.previous or (wanted and _others(service, wanted)):
            # Next the Service leads to all servers that there are: those of the version before must be gone.
            return Next(doing, rollout.let_go(service.status))
        steps = 0 if is_stable_taken_back(service) else len(spec.rollout.steps)
        return Next(doing, rollout.loaded(service.status, steps=steps, now=now))
    return _not_ready(service, candidate, f"{ready} of {needed} servers of version {candidate.version} are ready", now)


def _not_ready(service: ObservedService, candidate: api.Candidate, words: str, now: datetime) -> Next:
    """What keeps its servers from being ready: the model, or a cluster that has no place for them."""
    assert candidate.digest, "a candidate that loads was looked up"
    model, grace = model_label(candidate.digest), service.platform.start_grace_seconds
    servers = service.servers_of(model)
    if not servers and service.status.backend == "KServe":  # whatever keeps KServe from it, it is not the model
        said = service.backend_trouble(model) or "it has not said why"
        message = f"KServe has made no server of version {candidate.version} yet: {said}"
        return Next(Doing("Working", Reason.LOADING, message), service.status)
    why = trouble(servers)
    if why and why.for_good:
        return _roll_back(service, service.status, reason=why.reason, message=why.message, now=now)
    reason = why.reason if why else Reason.STARTING
    words = f"{words}; {why.message}" if why else words
    loading, has_run = Doing("Working", Reason.LOADING, words), any(one.ran and not one.ready for one in servers)
    if candidate.failure_reason:  # there was no place
        if has_run:
            return Next(loading, rollout.started(service.status, now=now))
        return Next(Doing("Working", reason, words), service.status)
    end = candidate.phase_time + timedelta(seconds=grace)
    if now < end:
        return Next(loading, service.status, again=end)
    if not has_run:
        return Next(Doing("Working", reason, words), rollout.no_place(service.status, reason=reason, message=words))
    reason = why.reason if why else Reason.LOAD_FAILED
    return _roll_back(service, service.status, reason=reason, message=f"{words}, after {grace} s", now=now)


def _others(service: ObservedService, wanted: Plan) -> bool:
    """Whether there are servers of a model that should have none."""
    return any(not server.deleted and not wanted.replicas(server.model) for server in service.servers)


def _judge(service: ObservedService, spec: api.ModelServiceSpec, candidate: api.Candidate, now: datetime) -> Next:
    steps = spec.rollout.steps
    if candidate.step >= len(steps):  # the spec was edited meanwhile
        return Next(_taking_over(candidate), rollout.passed(service.status, steps=0, weight=candidate.weight, now=now))
    step = steps[candidate.step]
    seen = "" if candidate.weight is None else f"; at last it got {candidate.weight} %"
    place = f"step {candidate.step + 1} of {len(steps)}"
    words = f"version {candidate.version} is to get {step.weight} % of the requests ({place}){seen}"
    doing = Doing("Working", Reason.CANARY, words)
    if candidate.failure_reason == Reason.INCONCLUSIVE:
        doing = Doing("Working", Reason.HOLDING, f"{words}; {candidate.failure}")
    end = _ending(service, candidate, now)
    if not isinstance(end, Ending):
        return _waiting(service, candidate, doing, end, now)
    judgement = end.result.judgement if end.result else None
    if end.failure is not None or judgement is None:
        return _failed(service, end, now)
    if judgement.outcome == "Failed":
        message = "; ".join(item.message for item in judgement.checks if item.outcome == "Failed") or end.message
        return _roll_back(service, service.status, reason=Reason.CHECK_FAILED, message=message, now=now)
    if judgement.outcome == "Passed":
        status = rollout.passed(service.status, steps=len(steps), weight=judgement.weight, now=now)
        return Next(Doing("Working", Reason.CANARY, f"{words}: every check has passed"), status)
    if spec.rollout.on_inconclusive == "Rollback":
        return _roll_back(service, service.status, reason=Reason.INCONCLUSIVE, message=end.message, now=now)
    status = rollout.held(service.status, message=end.message, weight=judgement.weight, now=now)
    return Next(Doing("Working", Reason.HOLDING, f"{words}; {end.message}"), status)


def _take_over(service: ObservedService, spec: api.ModelServiceSpec, candidate: api.Candidate, now: datetime) -> Next:
    assert candidate.digest, "a candidate that takes over was looked up"
    model = model_label(candidate.digest)
    ready = service.ready(model)
    if ready < spec.replicas.min:
        why = trouble(service.servers_of(model))
        if why and why.for_good:
            return _roll_back(service, service.status, reason=why.reason, message=why.message, now=now)
        doing = _taking_over(candidate)
        words = f"{doing.message}: {ready} of {spec.replicas.min} servers are ready"
        return Next(Doing("Working", doing.reason, words), service.status)
    status = rollout.taken_over(service.status, keep_seconds=spec.rollout.keep_stable_seconds, now=now)
    event = Event("Normal", Reason.TAKEN_OVER, f"version {candidate.version} serves")
    return Next(Doing("Resting", Reason.TAKEN_OVER, f"version {candidate.version} serves"), status, events=(event,))


def _taking_over(candidate: api.Candidate) -> Doing:
    return Doing("Working", Reason.TAKING_OVER, f"version {candidate.version} takes over")


def _roll_back(
    service: ObservedService, status: api.ModelServiceStatus, *, reason: str, message: str, now: datetime
) -> Next:
    status = rollout.rolled_back(status, reason=reason, message=message, now=now)
    event = Event("Warning", Reason.ROLLED_BACK, message)
    return Next(_resting(service, status), status, events=(event,))


def _ending(
    service: ObservedService, candidate: api.Candidate, now: datetime
) -> Ending | Waiting | Running | Settling | None:
    """How the Job of the phase ended, or how it is; None: there is none."""
    job = service.job(name_of(service, candidate))
    if job is None:
        return None
    queue = f"Job {job.name} is suspended; whoever suspended it lets it start"
    found = of_job(job, service.pod(job), failed=Reason.LOAD_FAILED, queue=queue, now=now)
    match found:
        case Ended(_, end):
            return end
        case Vanished():
            return GONE
        case Settling() | Running() | Waiting():
            return found


def _waiting(
    service: ObservedService,
    candidate: api.Candidate,
    doing: Doing,
    found: Waiting | Running | Settling | None,
    now: datetime,
) -> Next:
    if candidate.failure_time:  # what the next attempt finds is to be seen
        doing = Doing("Working", candidate.failure_reason or doing.reason, f"{candidate.failure}; it is tried again")
    if isinstance(found, Settling):
        return Next(doing, service.status, again=now + timedelta(seconds=found.seconds))
    if isinstance(found, Waiting) and found.stuck:
        return Next(Doing("Working", found.reason, found.message), service.status)
    if found is not None:
        return Next(doing, service.status)
    earliest = backoff.after_failure(candidate.failure_time or now, failures=candidate.failures)
    if earliest and now < earliest:
        return Next(doing, service.status, again=earliest)
    return Next(doing, service.status, job=phase_job(service, candidate))


def _failed(service: ObservedService, end: Ending, now: datetime) -> Next:
    reason, message = end.reason, end.message
    if end.failure is None:
        reason, message = Reason.INVALID_RESULT, "the container ended well but did not say what was asked"
    status = rollout.failed(service.status, reason=reason, message=message, now=now)
    event = Event("Warning", reason, message)
    return Next(Doing("Working", reason, f"{message}; it is tried again"), status, events=(event,))


KIND: Kind[ObservedService] = Kind(
    resource=api.RESOURCE,
    children=(JOB, POD, PERSISTENT_VOLUME_CLAIM, DEPLOYMENT, SERVICE, POD_DISRUPTION_BUDGET),
    listed=(INFERENCE_SERVICE,),
    observe=observe,
    decide=decide,
    refuse=refuse,
    references=references,
)
