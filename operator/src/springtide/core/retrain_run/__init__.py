"""What the platform does with a RetrainRun, in order: `decide` is the table of contents of this folder.

Pending until its policy names it; then Training, Judging, AwaitingApproval where the plan asks for it, RollingOut and
Watching, or RollingBack. Whatever is to be done in a phase is written down before it is done, and can be done again.
After its end, whichever it was, its record is published; nothing else of it changes any more.
"""

from datetime import datetime, timedelta

from springtide.api import retrain_run as api
from springtide.api.constants import Reason
from springtide.api.gate import Verdict
from springtide.api.retrain_policy import ReleasePlan
from springtide.core.decision import Child, Decision, Deletion, Event, Refusal
from springtide.core.ending import Ending
from springtide.core.kind import JOB, PERSISTENT_VOLUME_CLAIM, POD, TRAINING_RUN, Kind
from springtide.core.leftovers import unneeded
from springtide.core.retrain_run import release, status
from springtide.core.retrain_run.alias import Alias, alias
from springtide.core.retrain_run.job import name_of, work_of
from springtide.core.retrain_run.observed import ObservedRun, observe, references
from springtide.core.retrain_run.progress import Unfinished, progress
from springtide.core.retrain_run.record import record
from springtide.core.retrain_run.status import Doing, over, write
from springtide.core.retrain_run.training import Failed, Lost, Missing, Trained, Underway, training
from springtide.core.windows import stamp

REFUSED_AGAIN_AFTER = 60.0


def decide(run: ObservedRun, now: datetime) -> Decision:
    """What should happen next to a RetrainRun.

    Pure: equal arguments give equal decisions, and deciding again on what the decision brought about changes
    nothing.
    """
    if run.deleting:
        return Decision()  # what it owns goes with it
    if run.status.completion_time:
        return _record(run, now)  # terminal is terminal
    if run.spec is None:
        return _told(run, run.status, Doing("Held", Reason.INVALID_SPEC, run.spec_problem), now)
    if run.status.plan is None:
        return _await_turn(run, now)
    if run.policy is None or run.policy.uid != run.status.policy_uid:
        words = f"RetrainPolicy {run.policy_name}, to which the run belongs, is gone"
        return _fail(run, Reason.POLICY_NOT_FOUND, words, now)
    match run.status.phase:
        case "Training":
            return _train(run, now)
        case "Judging":
            return _judge(run, now)
        case "AwaitingApproval":
            return _await_approval(run, now)
        case "RollingOut":
            return _roll_out(run, now)
        case "Watching":
            return _watch(run, now)
        case "RollingBack":
            return _go_back(run, now)
    raise AssertionError(f"a run that has begun and not ended cannot be {run.status.phase}")


def refuse(run: ObservedRun, refusal: Refusal, now: datetime) -> Decision:
    """What is said when the API server does not take an object: it is tried again, slowly, as a quota may be raised."""
    if run.status.completion_time:
        told = status.recorded(run, "Unknown", refusal.reason, refusal.message, now=now)
        return Decision(status=told, requeue_after=REFUSED_AGAIN_AFTER)
    doing = Doing("Held", refusal.reason, refusal.message)
    return Decision(status=write(run, run.status, doing, now=now), requeue_after=REFUSED_AGAIN_AFTER)


def _await_turn(run: ObservedRun, now: datetime) -> Decision:
    """A policy lets one run begin at a time, by its name. The run keeps the plan of that moment."""
    policy, name = run.policy, run.policy_name
    if policy is None:
        return _told(
            run, run.status, Doing("Working", Reason.POLICY_NOT_FOUND, f"there is no RetrainPolicy {name}"), now
        )
    current = policy.status.current_run
    if policy.spec is None or current is None or current.name != run.name or current.uid not in (None, run.uid):
        words = f"RetrainPolicy {name} has not let it begin; `kubectl describe rpol {name}` says why"
        return _told(run, run.status, Doing("Working", Reason.WAITING_FOR_TURN, words), now)
    begun = status.entered(
        run.status,
        "Training",
        now=now,
        plan=ReleasePlan.model_validate(policy.spec.model_dump(include=set(ReleasePlan.model_fields))),
        policy_uid=policy.uid,
        policy_generation=policy.generation,
        training_run=run.name,
        champion=policy.status.champion,
    )
    return _told(run, begun, Doing("Working", Reason.TRAINING, f"TrainingRun {run.name} is made"), now)


def _train(run: ObservedRun, now: datetime) -> Decision:
    match training(run):
        case Missing(child):
            words = f"TrainingRun {run.training_run} is made"
            return _told(run, run.status, Doing("Working", Reason.TRAINING, words), now, children=(child,))
        case Underway(words):
            doing = Doing("Working", Reason.TRAINING, f"TrainingRun {run.training_run}: {words}")
            return _told(run, run.status, doing, now)
        case Lost(following, again, words):
            words = f"{words}; that says nothing of the model: after {stamp(again)} {following} follows"
            doing = Doing("Working", Reason.TRAINING, words)
            if now < again:
                return _told(run, run.status, doing, now, again=again)
            return _told(run, run.status.model_copy(update={"training_run": following}), doing, now)
        case Failed(reason, words):
            return _fail(run, reason, words, now)
        case Trained() as trained:
            return _meet(run, trained, now)


def _meet(run: ObservedRun, trained: Trained, now: datetime) -> Decision:
    """There is a challenger. One that is known already need not be judged."""
    challenger, champion = trained.challenger, run.status.champion
    assert run.policy is not None, "a run without a policy has failed"
    found = {"challenger": challenger, "dataset": trained.dataset}
    known = run.with_status(run.status.model_copy(update=found))
    if champion and champion.digest == challenger.digest:
        words = f"version {challenger.version} is the same model as the champion, version {champion.version}"
        return _end(known, "Rejected", words, now)
    before = next((item for item in run.policy.status.quarantined if item.digest == challenger.digest), None)
    if before:
        words = (
            f"version {challenger.version} is the model that {before.run} promoted and that was taken back;"
            f" `kubectl annotate rpol {run.policy_name} springtide.dev/release={before.run}` lets it be judged again"
        )
        return _end(known, "Rejected", words, now)
    return _told(run, status.entered(known.status, "Judging", now=now), _judging(known), now)


def _judging(run: ObservedRun, note: str = "") -> Doing:
    if run.status.job.failure_reason == Reason.CHAMPION_NOT_FOUND:
        # Nobody but a person brings it back; that is seen by itself, so the run need not begin anew.
        words = f"{run.status.job.failure}; it is looked for again, at least every 5 minutes"
        return Doing("Held", Reason.CHAMPION_NOT_FOUND, words)
    champion = run.status.champion
    beside = f"version {champion.version}" if champion else "no champion"
    words = f"version {run.challenger.version} is held against {beside} on held-out rows"
    return Doing("Working", Reason.JUDGING, f"{words}; {note}" if note else words)


def _judge(run: ObservedRun, now: datetime) -> Decision:
    match progress(run, "evaluate", now=now):
        case Unfinished() as left:
            following = run.status.model_copy(update={"job": left.job})
            return _told(
                run,
                following,
                _judging(run.with_status(following), left.note),
                now,
                children=left.children,
                again=left.again,
                events=left.events,
            )
        case Ending(failure=None, result=result):
            if result is None or result.verdict is None:
                words = "the container of the evaluation ended well, but gave no verdict"
                return _fail(run, Reason.INVALID_RESULT, words, now)
            return _heed(run, result.verdict, now)
        case end:
            return _fail(run, end.reason, f"version {run.challenger.version} could not be judged: {end.message}", now)


def _heed(run: ObservedRun, verdict: Verdict, now: datetime) -> Decision:
    """What a verdict leads to. What is not certain is not promoted."""
    judged = run.with_status(run.status.model_copy(update={"verdict": verdict}))
    plan, version = run.plan, run.challenger.version
    if verdict.outcome != "Passed":
        words = f"version {version}: {_gates(verdict, verdict.outcome)}"
        return _end(judged, "Rejected" if verdict.outcome == "Failed" else "Inconclusive", words, now)
    if plan.mode == "DryRun":
        return _end(judged, "DryRun", f"would have promoted version {version}: {_gates(verdict, 'Passed')}", now)
    if plan.approval == "Manual" or (run.status.champion is None and plan.first_run == "Hold"):
        asking = status.entered(judged.status, "AwaitingApproval", now=now, approved_before=run.approved)
        event = Event("Normal", Reason.AWAITING_APPROVAL, _asking(judged).message)
        return _told(run, asking, _asking(judged), now, events=(event,))
    return _promote(judged, now)


def _gates(verdict: Verdict, outcome: str) -> str:
    """The gates that ended so, with their numbers."""
    told = [f"{gate.name}: {gate.message}" for gate in verdict.gates if gate.outcome == outcome]
    return "; ".join(told) or f"the verdict on {verdict.rows} rows is {verdict.outcome}"


def _asking(run: ObservedRun) -> Doing:
    verdict = run.status.verdict
    passed = _gates(verdict, "Passed") if verdict else ""
    hint = f"`kubectl annotate rrun {run.name} springtide.dev/approve=<who>` promotes it"
    if run.approved and run.approved == run.status.approved_before:
        hint = (
            f"springtide.dev/approve={run.approved} was there before the verdict and approves nothing: remove it"
            f" (`kubectl annotate rrun {run.name} springtide.dev/approve-`), and {hint}"
        )
    words = f"version {run.challenger.version} has passed its gates and waits for a person; {hint}; {passed}"
    return Doing("Asking", Reason.AWAITING_APPROVAL, words)


def _await_approval(run: ObservedRun, now: datetime) -> Decision:
    if not run.approved:
        return _told(run, run.status.model_copy(update={"approved_before": None}), _asking(run), now)
    if run.approved == run.status.approved_before:
        return _told(run, run.status, _asking(run), now)
    approval = api.Approval(by=run.approved, time=now.replace(microsecond=0))
    return _promote(run.with_status(run.status.model_copy(update={"approval": approval})), now)


def _promote(run: ObservedRun, now: datetime) -> Decision:
    """Write down that it is to be promoted; alias and service follow, each as often as it takes."""
    following = status.entered(run.status, "RollingOut", now=now, promoted_time=now.replace(microsecond=0))
    return _told(run, following, _rolling_out(run), now)


def _rolling_out(run: ObservedRun, note: str = "") -> Doing:
    if withheld := release.withheld(run):
        return Doing("Held", Reason.SERVICE_FOLLOWS_OTHER, withheld)
    words = release.coming(run)
    if run.plan.service_ref and run.service is None:
        return Doing("Held", Reason.MODEL_SERVICE_NOT_READY, words)
    return Doing("Working", Reason.ROLLING_OUT, f"{words}; {note}" if note else words)


def _roll_out(run: ObservedRun, now: datetime) -> Decision:
    if words := release.refused_by_service(run):
        return _take_back(run, words, now)
    done = alias(run, now=now)
    if done.refused:
        return _take_back(run, done.refused, now)
    is_out = release.is_serving(run) if run.plan.service_ref else done.status.job.done
    if not (release.is_champion(run) and is_out):
        return _aliased(run, done, _rolling_out(run, done.note), now)
    following = status.entered(done.status, "Watching", now=now, serving_time=now.replace(microsecond=0))
    watched = run.with_status(following)
    return _aliased(
        run, Alias(following, done.note, "", done.children, done.again, done.events), _watching(watched), now
    )


def _watching(run: ObservedRun, note: str = "") -> Doing:
    seen = release.seen_so_far(run)
    words = f"version {run.challenger.version} is watched for {run.plan.watch.seconds} s; {seen}"
    is_blind = run.plan.watch.monitor_ref and run.monitor is None
    reason = Reason.DRIFT_MONITOR_NOT_FOUND if is_blind else Reason.WATCHING
    return Doing("Working", reason, f"{words}; {note}" if note else words)


def _watch(run: ObservedRun, now: datetime) -> Decision:
    """Until the time is over. What could not be measured takes nothing back: only a drop for certain does."""
    if words := release.refused_by_service(run) or release.dropped(run):
        return _take_back(_seen(run, words), words, now)
    done = alias(run, now=now)
    if done.refused:
        return _take_back(_seen(run, release.seen_so_far(run)), done.refused, now)
    assert run.status.serving_time is not None, "it is watched from the moment it serves"
    end = run.status.serving_time + timedelta(seconds=run.plan.watch.seconds)
    if now < end or not done.status.job.done:
        again = end if now < end else None
        return _aliased(run, done, _watching(run, done.note), now, again=again)
    champion = run.status.champion
    place = f"took the place of version {champion.version}" if champion else "is the first champion"
    gates = f": {_gates(run.status.verdict, 'Passed')}" if run.status.verdict else ""
    watched = f"; {release.seen_so_far(run)}" if run.plan.watch.seconds else ""
    promoted = _seen(run.with_status(done.status), release.seen_so_far(run))
    return _end(promoted, "Promoted", f"version {run.challenger.version} {place}{gates}{watched}", now)


def _seen(run: ObservedRun, words: str) -> ObservedRun:
    """The run with what its watch saw, if there was one."""
    if not run.plan.watch.seconds:
        return run
    return run.with_status(run.status.model_copy(update={"watched": release.watched(run, words)}))


def _take_back(run: ObservedRun, why: str, now: datetime) -> Decision:
    """Write down that it is taken back; policy, alias and service follow."""
    words = f"version {run.challenger.version} is taken back: {why}"[: status.MESSAGE_LIMIT]
    following = status.entered(run.status, "RollingBack", now=now, outcome_message=words)
    event = Event("Warning", Reason.ROLLING_BACK, words)
    return _told(run, following, Doing("Working", Reason.ROLLING_BACK, words), now, events=(event,))


def _go_back(run: ObservedRun, now: datetime) -> Decision:
    done = alias(run, now=now)
    words = run.status.outcome_message or ""
    if release.is_gone(run) and done.status.job.done:
        champion = run.status.champion
        after = f"version {champion.version} is the champion again" if champion else "there is no version before it"
        more = f"; {done.refused}" if done.refused else ""
        return _end(run.with_status(done.status), "RolledBack", f"{words}; {after}{more}", now)
    notes = "; ".join(part for part in (words, done.note) if part)
    return _aliased(run, done, Doing("Working", Reason.ROLLING_BACK, notes), now)


def _record(run: ObservedRun, now: datetime) -> Decision:
    """It is over. What is left to do is to publish its record."""
    left = record(run, now=now)
    return Decision(
        children=left.children,
        deletions=_old_jobs(run),
        status=left.status,
        events=left.events,
        requeue_after=_seconds_until(left.again, now),
    )


def _aliased(run: ObservedRun, done: Alias, doing: Doing, now: datetime, *, again: datetime | None = None) -> Decision:
    """A decision that goes on with the alias. again: at the latest."""
    times = [time for time in (again, done.again) if time]
    return _told(
        run,
        done.status,
        doing,
        now,
        children=done.children,
        again=min(times) if times else None,
        events=done.events,
    )


def _end(run: ObservedRun, phase: api.Phase, words: str, now: datetime) -> Decision:
    ended = status.ended(run.status, phase, words, now=now)
    doing = over(ended)
    event = Event("Normal" if phase in ("Promoted", "DryRun") else "Warning", doing.reason, doing.message)
    return _told(run, ended, doing, now, events=(event,))


def _fail(run: ObservedRun, reason: str, words: str, now: datetime) -> Decision:
    ended = status.ended(run.status, "Failed", words, now=now)
    event = Event("Warning", reason, words)
    return _told(run, ended, over(ended, reason=reason), now, events=(event,))


def _told(
    run: ObservedRun,
    following: api.RetrainRunStatus,
    doing: Doing,
    now: datetime,
    *,
    children: tuple[Child, ...] = (),
    again: datetime | None = None,
    events: tuple[Event, ...] = (),
) -> Decision:
    """A decision, with what is to be said. again: when to look once more though nothing happens."""
    return Decision(
        children=children,
        deletions=_old_jobs(run),
        status=write(run, following, doing, now=now),
        events=events,
        requeue_after=_seconds_until(again, now),
    )


def _seconds_until(again: datetime | None, now: datetime) -> float | None:
    return max(0.0, (again - now).total_seconds()) if again else None


def _old_jobs(run: ObservedRun) -> tuple[Deletion, ...]:
    work = work_of(run)
    return unneeded(run.jobs, mine=name_of(run, work) if work else None, pod_of=run.pod)


KIND: Kind[ObservedRun] = Kind(
    resource=api.RESOURCE,
    children=(JOB, POD, PERSISTENT_VOLUME_CLAIM),
    observe=observe,
    decide=decide,
    refuse=refuse,
    references=references,
    makes=(TRAINING_RUN,),
)
