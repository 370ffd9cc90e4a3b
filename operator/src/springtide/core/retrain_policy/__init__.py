"""What the platform does with a RetrainPolicy, in order: `decide` is the table of contents of this folder.

A run is written down first, as an intent in the status, and the RetrainRun is made after, under a name that follows
from it; a RetrainRun begins only while the policy names it. So there is one run at a time, a crash between any two
effects is mended by going on, and two replicas cannot make two runs.
"""

from datetime import datetime

from springtide.api import retrain_policy as api
from springtide.api.constants import Reason
from springtide.core import schedule
from springtide.core.decision import Decision, Event, Refusal
from springtide.core.due import Missed
from springtide.core.kind import RETRAIN_RUN, Kind
from springtide.core.retrain_policy import champion, guards, runs, triggers
from springtide.core.retrain_policy.guards import Hold
from springtide.core.retrain_policy.observed import ObservedPolicy, observe, references
from springtide.core.retrain_policy.status import Doing, retraining, standing, write

REFUSED_AGAIN_AFTER = 60.0


def decide(policy: ObservedPolicy, now: datetime) -> Decision:
    """What should happen next to a RetrainPolicy.

    Pure: equal arguments give equal decisions, and deciding again on what the decision brought about changes
    nothing.
    """
    if policy.deleting:
        return Decision()  # what it owns goes with it
    problem = _problem(policy)
    policy = policy.with_status(champion.released(policy))
    if current := policy.status.current_run:
        return _go_on(policy, current, problem, now)
    if problem:
        return _told(policy, Doing("Held", Reason.INVALID_SPEC, problem), now)
    if lost := runs.under_way(policy):
        return _begin(policy, runs.admitted(policy, lost), now)
    policy = _counting(policy, now=now)
    return _by_hand(policy, now) or _by_itself(policy, now)


def refuse(policy: ObservedPolicy, refusal: Refusal, now: datetime) -> Decision:
    """What is said when the API server does not take the run: it is tried again, slowly, as a quota may be raised."""
    doing = Doing("Held", refusal.reason, refusal.message)
    status = write(policy, policy.status, doing, triggered=None, now=now)
    return Decision(status=status, requeue_after=REFUSED_AGAIN_AFTER)


def _problem(policy: ObservedPolicy) -> str | None:
    """What is wrong with the spec, if anything."""
    if policy.spec is None:
        return policy.spec_problem
    return _split_problem(policy.spec) or schedule.problem(policy.spec.triggers, field="spec.triggers")


def _split_problem(spec: api.RetrainPolicySpec) -> str | None:
    """What the API server refuses; a policy may have been stored before it did."""
    split = spec.template.data.split
    if split.type == "Time" and split.column:
        return None
    return f"spec.template.data.{api.SPLIT_BY_TIME}"


def _go_on(policy: ObservedPolicy, current: api.CurrentRun, problem: str | None, now: datetime) -> Decision:
    """A run is under way: it keeps the plan of its beginning, whatever becomes of the spec."""
    run = policy.run(current)
    if run is None and current.uid is None:
        decision = _told(policy, retraining(current), now)
        return Decision(children=(runs.run_object(policy, current),), status=decision.status)
    if run is None:
        return _after(policy, runs.deleted(policy.status, current, now=now), now)
    status = champion.follow(policy.status, run, now=now)
    if run.has_ended:
        return _after(policy, runs.ended(status, current, run), now)
    following = current.model_copy(update={"uid": run.uid})
    policy = policy.with_status(status.model_copy(update={"current_run": following}))
    doing = Doing("Held", Reason.INVALID_SPEC, problem) if problem else retraining(current, run)
    return _told(policy, doing, now, held=f"RetrainRun {current.name} is under way")


def _after(policy: ObservedPolicy, status: api.RetrainPolicyStatus, now: datetime) -> Decision:
    """A run is over. What follows is seen in the next pass, from the status that says so."""
    past = status.history[0]
    is_good = past.outcome in ("Promoted", "DryRun")
    words = f"{past.name} has ended: {past.message}" if past.message else f"{past.name} has ended"
    ended = policy.with_status(status)
    decision = _told(ended, _standing(ended, now), now)
    return Decision(
        status=decision.status,
        events=(Event("Normal" if is_good else "Warning", past.outcome, words),),
        requeue_after=decision.requeue_after,
    )


def _counting(policy: ObservedPolicy, *, now: datetime) -> ObservedPolicy:
    """The same, with a champion that served before, and with the rows from which growth is counted."""
    served = champion.adopted(policy, now=now)
    update: dict[str, object] = {"champion": served} if served else {}
    return policy.with_status(policy.status.model_copy(update=update | {"seen_rows": champion.rows_from_now(policy)}))


def _by_hand(policy: ObservedPolicy, now: datetime) -> Decision | None:
    """What a person asks for, by the annotation or by a run of their own; None: nothing."""
    asked, waiting = triggers.asked_for(policy, now=now), runs.waiting(policy)
    if asked is None and waiting is None:
        return None
    current = runs.new(policy, asked) if asked else runs.admitted(policy, waiting) if waiting else None
    assert current is not None, "one of the two asks for it"
    if hold := guards.hold_of_any(policy):
        return _held(policy, hold, current.trigger, now)
    return _begin(policy, current, now)


def _by_itself(policy: ObservedPolicy, now: datetime) -> Decision:
    hold = guards.hold(policy, now=now)
    match triggers.pending(policy, now=now):
        case Missed(time):
            return _skip(policy, time, now)
        case None:
            return _told(policy, standing(policy, hold), now, again=hold.until if hold else None)
        case trigger if hold:
            return _held(policy, hold, trigger, now)
        case trigger:
            return _begin(policy, runs.new(policy, trigger), now)


def _held(policy: ObservedPolicy, hold: Hold, trigger: api.Trigger, now: datetime) -> Decision:
    return _told(policy, standing(policy, hold), now, triggered=trigger, held=hold.message, again=hold.until)


def _begin(policy: ObservedPolicy, current: api.CurrentRun, now: datetime) -> Decision:
    """Write down that there is to be a run. Whatever else asks for one is answered by it."""
    is_manual = current.trigger.type == "Manual"
    status = policy.status.model_copy(
        update={
            "current_run": current,
            "runs": current.number,
            # A person begins anew: what was of no use before is not held against it.
            "rejections": 0 if is_manual else policy.status.rejections,
            "manual_retrain": policy.asked,
            **triggers.known_now(policy),
            **triggers.seen_to(policy, now=now),
        }
    )
    told = write(policy, status, retraining(current), triggered=None, now=now)
    reason = current.trigger.type
    return Decision(status=told, events=(Event("Normal", reason, f"{current.name}: {current.trigger.message}"),))


def _skip(policy: ObservedPolicy, time: datetime, now: datetime) -> Decision:
    """A time of the schedule was missed by more than its deadline: it is said, and the next one is waited for."""
    stamp = time.isoformat(timespec="minutes").replace("+00:00", "Z")
    message = f"the run of {stamp} was missed by more than spec.triggers.startingDeadlineSeconds and is left out"
    status = policy.status.model_copy(update={"missed_time": time, **triggers.seen_to(policy, now=now)})
    skipped = policy.with_status(status)
    decision = _told(skipped, _standing(skipped, now), now)
    return Decision(
        status=decision.status,
        events=(Event("Warning", Reason.RUN_MISSED, message),),
        requeue_after=decision.requeue_after,
    )


def _standing(policy: ObservedPolicy, now: datetime) -> Doing:
    if problem := _problem(policy):
        return Doing("Held", Reason.INVALID_SPEC, problem)
    return standing(policy, guards.hold(policy, now=now))


def _told(
    policy: ObservedPolicy,
    doing: Doing,
    now: datetime,
    *,
    triggered: api.Trigger | None = None,
    held: str = "",
    again: datetime | None = None,
) -> Decision:
    """A decision that begins nothing: what is to be said, and when to look again. again: at the latest."""
    if policy.status.current_run and policy.spec and policy.status.champion:
        waits = triggers.asked_for(policy, now=now) or triggers.pending(policy, now=now)
        triggered = None if isinstance(waits, Missed) else waits
    written = write(policy, policy.status, doing, triggered=triggered, held=held, now=now)
    times = [time for time in (again, written.next_time) if time and time > now]
    return Decision(
        deletions=runs.unneeded(policy),
        status=written,
        requeue_after=(min(times) - now).total_seconds() if times else None,
    )


KIND: Kind[ObservedPolicy] = Kind(
    resource=api.RESOURCE,
    children=(),
    observe=observe,
    decide=decide,
    refuse=refuse,
    references=references,
    makes=(RETRAIN_RUN,),
    heeds_referrers=True,
)
