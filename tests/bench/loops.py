"""Many equal loops in a namespace: the objects that a person applies, and a hand that plays all their tasks.

Of a loop a person applies a Dataset, a RetrainPolicy, the ModelService that follows it and a DriftMonitor; the policy
makes a RetrainRun, and that a TrainingRun. So there are as many of each kind as there are loops. Nothing is brought
about but by the operator: servers run as soon as they have a node, and a task ends as soon as it runs, with the result
that a task of its role would write.
"""

import asyncio
import hashlib
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from typing import Any

import aiohttp
import api_server
import springtide_side
from api_server import ApiServer, send
from springtide.api.constants import API_VERSION, LABEL_NAME, LABEL_ROLE, ConditionType, Reason, Role
from springtide.api.dataset import Snapshot
from springtide.api.drift_monitor import WindowReport, WindowSummary
from springtide.api.gate import GateOutcome, Verdict
from springtide.api.retrain_run import Record
from springtide.api.task import Result
from springtide.api.training_run import Inputs, RegisteredModel
from springtide.shell.kinds import KINDS

NAMESPACE = "hold-loops"
"""In a namespace whose name begins so, kwok lets a task run until it is told how to end."""
PATH = f"/apis/{API_VERSION}/namespaces/{NAMESPACE}"
PODS = f"/api/v1/namespaces/{NAMESPACE}/pods"
MERGE = "application/merge-patch+json"
PARALLEL = 20
PATIENCE_SECONDS = 1200.0


async def prepare(server: ApiServer) -> None:
    """The CRDs and the namespace."""
    async with server.session() as session:
        await api_server.prepare(session, springtide_side.custom_resources())
        await send(session, "POST", "/api/v1/namespaces", {"metadata": {"name": NAMESPACE}})


def name_of(index: int) -> str:
    """The name of a loop's Dataset, RetrainPolicy, ModelService and DriftMonitor. Its runs have a number after it."""
    return f"loop-{index:03d}"


def digest(words: str) -> str:
    """A digest that is the same for the same words."""
    return f"sha256:{hashlib.sha256(words.encode()).hexdigest()}"


async def apply(session: aiohttp.ClientSession, count: int) -> None:
    """Create the objects of so many loops."""
    gate = asyncio.Semaphore(PARALLEL)

    async def one(plural: str, manifest: dict[str, Any]) -> None:
        async with gate:
            await send(session, "POST", f"{PATH}/{plural}", manifest)

    await asyncio.gather(*(one(*item) for index in range(count) for item in _objects(index)))


@asynccontextmanager
async def played(session: aiohttp.ClientSession) -> AsyncIterator[None]:
    """The tasks of the namespace end well, all of them, from now on."""
    running: asyncio.Queue[dict[str, Any]] = asyncio.Queue()

    def see(event: dict[str, Any]) -> None:
        pod = event["object"]
        role = pod["metadata"].get("labels", {}).get(LABEL_ROLE)
        is_told = "annotations" in pod["metadata"] or "deletionTimestamp" in pod["metadata"]
        if role != Role.SERVER and pod["status"].get("phase") == "Running" and not is_told:
            running.put_nowait(pod["metadata"])

    async def tell() -> None:
        while True:
            await _end(session, await running.get())

    tasks = [asyncio.create_task(tell()) for _ in range(PARALLEL)]
    tasks.append(asyncio.create_task(api_server.watch(session, PODS, see)))
    try:
        yield
    finally:
        for task in tasks:
            task.cancel()
        for outcome in await asyncio.gather(*tasks, return_exceptions=True):
            if isinstance(outcome, Exception):
                raise outcome


async def until_at_rest(session: aiohttp.ClientSession, count: int) -> None:
    """Until there are so many objects of each kind, all of them ready with nothing under way."""
    told: dict[str, Counter[str]] = {}
    try:
        async with asyncio.timeout(PATIENCE_SECONDS):
            while not told or any(states[_AT_REST] < count for states in told.values()):
                await asyncio.sleep(1)
                told = {kind.resource.kind: await _states(session, kind.resource.plural) for kind in KINDS}
    except TimeoutError:
        raise TimeoutError(f"after {PATIENCE_SECONDS:.0f} s not all are at rest: {told}") from None


_AT_REST = "at rest"


async def _states(session: aiohttp.ClientSession, plural: str) -> Counter[str]:
    """How many objects are at rest, and the reasons of the others."""
    async with session.get(f"{PATH}/{plural}") as reply:
        items = (await reply.json())["items"]
    return Counter(_state(item.get("status", {}).get("conditions", ())) for item in items)


def _state(conditions: list[dict[str, str]]) -> str:
    found = {item["type"]: item for item in conditions}
    ready, working = found.get(ConditionType.READY), found.get(ConditionType.RECONCILING)
    recorded = found.get(ConditionType.RECORDED)
    if recorded and recorded["status"] != "True":
        return str(recorded["reason"])
    if ready and working and (ready["status"], working["status"]) == ("True", "False"):
        return _AT_REST
    return ready["reason"] if ready else "not looked at"


async def _end(session: aiohttp.ClientSession, pod: dict[str, Any]) -> None:
    labels = pod["labels"]
    message = _result(Role(labels[LABEL_ROLE]), labels[LABEL_NAME]).encode()
    note = {"springtide.test/exit-code": "0", "springtide.test/message": message}
    body = {"metadata": {"annotations": note}}
    await send(session, "PATCH", f"{PODS}/{pod['name']}", body, **{"Content-Type": MERGE})


def _result(role: Role, name: str) -> Result:
    """What a task ends with. name: of the object that it works for."""
    loop = name[: len(name_of(0))]
    match role:
        case Role.REFRESH:
            return Result(status="Succeeded", reason=Reason.REFRESHED, snapshot=_snapshot(loop))
        case Role.ATTEMPT:
            return Result(
                status="Succeeded",
                reason=Reason.SUCCEEDED,
                metrics=dict.fromkeys(("auc", "logLoss", "brier", "ece"), 0.912345),
                inputs=Inputs(digest=_snapshot(loop).digest, rows=200_000),
                model=RegisteredModel(
                    name=f"{NAMESPACE}.{loop}",
                    version="1",
                    digest=digest(f"model of {loop}"),
                    uri=f"s3://a/models/{loop}",
                ),
            )
        case Role.EVALUATE:
            gate = GateOutcome(name="better", outcome="Passed", value=0.912345, message="AUC 0.912")
            return Result(
                status="Succeeded",
                reason=Reason.EVALUATED,
                verdict=Verdict(outcome="Passed", rows=50_000, gates=(gate,)),
            )
        case Role.PROMOTE:
            return Result(status="Succeeded", reason=Reason.PROMOTED)
        case Role.RECORD:
            record = Record(uri=f"s3://a/records/{name}", digest=digest(f"record of {name}"))
            return Result(status="Succeeded", reason=Reason.RECORDED, record=record)
        case Role.LOOK:
            window = _window(with_time=not _looks_at_data(int(loop.rpartition("-")[2])))
            summary = WindowSummary.model_validate(window.model_dump(include=set(WindowSummary.model_fields)))
            return Result(status="Succeeded", reason=Reason.JUDGED, window=window, windows=(summary,))
    raise ValueError(f"{name} has a task of role {role}, which no loop at rest should come to")


def _snapshot(loop: str) -> Snapshot:
    return Snapshot(
        digest=digest(f"data of {loop}"),
        uri=f"s3://a/datasets/{loop}",
        rows=200_000,
        bytes=10**8,
        created_time=datetime.now(UTC).replace(microsecond=0),
    )


def _window(*, with_time: bool) -> WindowReport:
    midnight = datetime.now(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
    return WindowReport(
        start=midnight - timedelta(days=1) if with_time else None,
        end=midnight if with_time else None,
        rows=20_000,
        verdict="Stable",
        max_psi=0.0123,
        columns=100,
        message="100 columns are as before; the greatest PSI is 0.0123",
    )


def _looks_at_data(index: int) -> bool:
    """Every other monitor looks at the Dataset, and the others at what the service was asked."""
    return index % 2 == 0


def _objects(index: int) -> tuple[tuple[str, dict[str, Any]], ...]:
    """(plural, manifest) of what a person applies."""
    name = name_of(index)
    specs = {
        ("datasets", "Dataset"): {"source": {"uri": f"s3://lake/{name}/"}, "refresh": {"schedule": _far_off()}},
        ("retrainpolicies", "RetrainPolicy"): _policy(name),
        ("modelservices", "ModelService"): {
            "model": {"name": name},
            "versionFrom": {"retrainPolicyRef": {"name": name}},
            "backend": "Deployment",
            "inferenceLog": {},
        },
        ("driftmonitors", "DriftMonitor"): _monitor(name, looks_at_data=_looks_at_data(index)),
    }
    return tuple(
        (plural, {"apiVersion": API_VERSION, "kind": kind, "metadata": {"name": name}, "spec": spec})
        for (plural, kind), spec in specs.items()
    )


def _policy(name: str) -> dict[str, Any]:
    return {
        "template": {
            "model": {"name": name},
            "data": {"datasetRef": {"name": name}, "split": {"type": "Time", "column": "applied_at"}},
            "recipe": {"name": "gbdt"},
            "target": {"column": "default"},
        },
        "triggers": {"schedule": _far_off(), "drift": {"monitorRef": {"name": name}}},
        "gates": [{"name": "better", "metric": "AUC", "versusChampion": {"minDelta": 0.0}}],
        "guards": {"cooldownSeconds": 0},
        "serviceRef": {"name": name},
        "watch": {"seconds": 0, "monitorRef": {"name": name}},
    }


def _monitor(name: str, *, looks_at_data: bool) -> dict[str, Any]:
    if looks_at_data:  # once for each snapshot
        return {"target": {"datasetRef": {"name": name}}, "baseline": {"trainingRunRef": {"name": f"{name}-1"}}}
    return {"target": {"modelServiceRef": {"name": name}}, "schedule": _far_off()}


def _far_off() -> str:
    """A schedule that comes round in about half a year."""
    return f"0 0 1 {(datetime.now(UTC) + timedelta(days=180)).month} *"
