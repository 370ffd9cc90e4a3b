"""The operator's process: wait for leadership, work, and end cleanly or not at all.

Leadership is never given up and taken back within one process: whatever ends the work ends the process, and
Kubernetes starts a fresh one.
"""

import argparse
import asyncio
import contextlib
import os
import signal
import socket
import sys
import time
from pathlib import Path

import kopf
import structlog
import uvloop
import yaml
from aiohttp import ClientError
from pydantic import ValidationError

from springtide.api.platform import Platform
from springtide.cluster.client import ApiError, Client, load_configuration
from springtide.cluster.lease import Elector, LeaseLostError
from springtide.shell import health, listed, logs, queues, registration, resync, worker
from springtide.shell.metrics import Metrics
from springtide.shell.operator import Operator, wall_clock

_log = structlog.get_logger("main")
DRAIN_SECONDS = 10.0


def main() -> None:
    """Entry point of `springtide-operator`."""
    arguments = _arguments()
    logs.configure(level=arguments.log_level)
    try:
        platform = read_platform(arguments.platform)
    except ValueError as error:
        raise SystemExit(f"springtide-operator: {error}") from None
    sys.exit(uvloop.run(run(platform, port=arguments.port)))


def read_platform(path: Path) -> Platform:
    """The platform's settings in a YAML file. Raises ValueError that says what is wrong with which field."""
    try:
        return Platform.model_validate(yaml.safe_load(path.read_text()))
    except OSError as error:
        raise ValueError(f"the settings {path} cannot be read: {error.strerror}") from error
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise ValueError(f"the settings {path} are not YAML: {error}") from error
    except ValidationError as error:
        lines = (f"{'.'.join(str(part) for part in item['loc'])}: {item['msg']}" for item in error.errors())
        raise ValueError(f"the settings {path} are wrong: {'; '.join(lines)}") from error


async def run(platform: Platform, *, port: int) -> int:
    """Run until told to stop; returns the exit code."""
    metrics = Metrics()
    identity = os.environ.get("POD_NAME", socket.gethostname())
    client = Client(await load_configuration(), observe=metrics.observe_request)
    operator = Operator(platform=platform, client=client, metrics=metrics, identity=identity)
    metrics.collect_objects((kind.resource.kind for kind in operator.kinds), operator.store.reasons)
    elector = Elector(
        client,
        namespace=os.environ.get("POD_NAMESPACE", platform.lease_namespace),
        identity=identity,
        monotonic=time.monotonic,
        now=wall_clock,
    )
    probes = await health.serve(operator, port=port)
    stop = _told_to_stop()
    try:
        if not await _elected(elector, stop):
            return 0
        return await _lead(operator, elector, stop)
    except (ApiError, ClientError, OSError, LeaseLostError) as error:
        _log.error("ending; a fresh process will try again", error=str(error))
        return 1
    finally:
        await elector.release()
        await probes.cleanup()
        await client.close()


def _told_to_stop() -> asyncio.Event:
    """Set by SIGTERM and SIGINT, until kopf listens to them itself."""
    stop = asyncio.Event()
    for signum in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(signum, stop.set)
    return stop


async def _elected(elector: Elector, stop: asyncio.Event) -> bool:
    """Wait for leadership; False if the process is told to stop first. Raises what the election raises."""
    acquiring, stopping = asyncio.create_task(elector.acquire()), asyncio.create_task(stop.wait())
    await asyncio.wait({acquiring, stopping}, return_when=asyncio.FIRST_COMPLETED)
    stopping.cancel()
    if not acquiring.done():
        await _end(acquiring)
        return False
    await acquiring
    return True


async def _lead(operator: Operator, elector: Elector, stop: asyncio.Event) -> int:
    """Work until told to stop (0) or until something that must not end has ended (1)."""
    operator.metrics.leading.set(1)
    _log.info("leading", identity=operator.identity)
    # Renewal first, so that a long first resync does not lose the lease.
    holding = asyncio.create_task(elector.hold(), name="lease")
    try:
        if not await _first_resync(operator, holding, stop):
            return 0
        return await _work(operator, holding, stop)
    finally:
        await _end(holding)  # before the lease is released, or it would be renewed once more


async def _first_resync(operator: Operator, holding: asyncio.Task[None], stop: asyncio.Event) -> bool:
    """The barrier: no decision is made before everything has been seen once. False if told to stop before."""
    begin = time.monotonic()
    syncing, stopping = asyncio.create_task(resync.resync(operator)), asyncio.create_task(stop.wait())
    await asyncio.wait({syncing, holding, stopping}, return_when=asyncio.FIRST_COMPLETED)
    stopping.cancel()
    if not syncing.done():
        await _end(syncing)
        if holding.done():
            raise LeaseLostError(str(holding.exception()))
        return False
    await syncing
    _log.info("in sync", objects=len(operator.store), seconds=round(time.monotonic() - begin, 2))
    return True


async def _work(operator: Operator, holding: asyncio.Task[None], stop: asyncio.Event) -> int:
    # Our tasks are made before kopf's: kopf cancels every task that was made after its own start.
    tasks = [asyncio.create_task(worker.work(operator), name=f"worker-{n}") for n in range(operator.platform.workers)]
    tasks.append(asyncio.create_task(resync.keep(operator), name="resync"))
    tasks.append(asyncio.create_task(queues.follow(operator), name="queues"))
    tasks.append(asyncio.create_task(listed.follow(operator), name="listed"))
    watching = asyncio.create_task(_watch(operator, stop), name="kopf")
    done, _ = await asyncio.wait({holding, watching, *tasks}, return_when=asyncio.FIRST_COMPLETED)
    for task in done:
        if task.exception():
            _log.error("ending because a part has ended", part=task.get_name(), error=str(task.exception()))
    if not holding.done():  # who has lost the lease must not write any more
        await _drain(operator)
    await _end(watching, *tasks)
    return 0 if watching in done and watching.exception() is None else 1


async def _end(*tasks: asyncio.Task[None]) -> None:
    """Cancel the tasks and wait until they are done, though not for ever."""
    for task in tasks:
        task.cancel()
    await asyncio.wait(tasks, timeout=5)


async def _watch(operator: Operator, stop: asyncio.Event) -> None:
    """kopf, until the process is told to stop or a watch ends for good."""
    namespaces = operator.platform.namespaces
    await kopf.operator(
        registry=registration.build(operator),
        standalone=True,
        clusterwide=not namespaces,
        namespaces=namespaces,
        stop_flag=stop,
    )


async def _drain(operator: Operator) -> None:
    """Let the passes that are under way finish: a pass that is cut off leaves its second half to the successor."""
    operator.queue.close()
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(DRAIN_SECONDS):
            while operator.queue.busy:  # noqa: ASYNC110  # at the very end; an event would serve nobody else
                await asyncio.sleep(0.05)


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="springtide-operator",
        description="Keeps machine-learning models fresh: reconciles the springtide.dev resources of a cluster.",
    )
    parser.add_argument(
        "--platform",
        type=Path,
        default=Path("/etc/springtide/platform.yaml"),
        help="YAML file with the platform's settings (default: %(default)s)",
    )
    parser.add_argument("--port", type=int, default=8080, help="port of probes and metrics (default: %(default)s)")
    parser.add_argument(
        "--log-level", choices=["debug", "info", "warning", "error"], default="info", help="(default: %(default)s)"
    )
    return parser.parse_args()


if __name__ == "__main__":
    main()
