"""Which replica works: leadership by a Lease, as client-go elects.

A candidate never compares its clock with another's. It watches the lease with its own: a holder that has not renewed
for `duration` as seen from here is gone. A leader that cannot renew for `renew_deadline`, which is shorter, stops by
itself before anybody else may start. Every write carries the resourceVersion that was read, so two candidates cannot
both win.
"""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import structlog
from aiohttp import ClientError

from springtide.cluster.access import LEASE_NAME
from springtide.cluster.client import ApiError, Client

_API = "coordination.k8s.io/v1"
_log = structlog.get_logger("lease")


@dataclass(frozen=True)
class Timing:
    """Seconds, as client-go has them by default.

    request: the longest that one attempt may take; renew_deadline and request together must be below duration.
    """

    duration: float = 15.0
    renew_deadline: float = 10.0
    retry: float = 2.0
    request: float = 4.0


class LeaseLostError(Exception):
    """Another replica leads, or nobody can tell any more: this process must end."""


class Elector:
    """A candidate for leadership.

    identity: name of this replica. monotonic: seconds of a clock that only goes forward. now: wall clock, written
    into the lease for people to read.
    """

    def __init__(
        self,
        client: Client,
        *,
        namespace: str,
        identity: str,
        monotonic: Callable[[], float],
        now: Callable[[], datetime],
        timing: Timing = Timing(),
    ) -> None:
        self._client = client
        self._namespace = namespace
        self._identity = identity
        self._monotonic = monotonic
        self._now = now
        self._timing = timing
        self._renewed = 0.0
        self._seen: tuple[str, float] = ("", 0.0)
        self._lease: dict[str, Any] | None = None

    async def acquire(self) -> None:
        """Wait until this replica leads."""
        while True:
            begun = self._monotonic()
            if await self._attempt(self._take):
                self._renewed = begun
                return
            await asyncio.sleep(self._timing.retry)

    async def hold(self) -> None:
        """Renew until leadership is lost; raises LeaseLostError then."""
        while True:
            left = self._renewed + self._timing.renew_deadline - self._monotonic()
            if left <= 0:
                raise LeaseLostError(f"the lease could not be renewed for {self._timing.renew_deadline:.0f} s")
            await asyncio.sleep(min(self._timing.retry, left))
            # Counted from before the request: others may have seen the lease that early.
            begun = self._monotonic()
            if begun < self._renewed + self._timing.renew_deadline and await self._attempt(self._renew):
                self._renewed = begun

    async def release(self) -> None:
        """Let the other replica take over at once. Failing to say so is no harm: the lease runs out."""
        if self._lease is None or self._lease["spec"].get("holderIdentity") != self._identity:
            return
        body = self._spec(holder="", transitions=self._lease["spec"].get("leaseTransitions", 0), duration=1)
        await self._attempt(lambda: self._write(body))
        self._lease = None

    async def _attempt(self, step: Callable[[], Any]) -> bool:
        try:
            async with asyncio.timeout(self._timing.request):
                return bool(await step())
        except (ApiError, ClientError, OSError, TimeoutError) as error:
            _log.warning("the lease could not be read or written", error=str(error))
            return False

    async def _take(self) -> bool:
        try:
            self._lease = await self._client.request("get", _API, "leases", namespace=self._namespace, name=LEASE_NAME)
        except ApiError as error:
            if error.code != 404:
                raise
            return await self._create()
        if not self._is_free(self._lease):
            return False
        return await self._write(
            self._spec(holder=self._identity, transitions=self._lease["spec"].get("leaseTransitions", 0) + 1)
        )

    def _is_free(self, lease: dict[str, Any]) -> bool:
        holder = lease["spec"].get("holderIdentity")
        if not holder or holder == self._identity:
            return True
        version = lease["metadata"]["resourceVersion"]
        if version != self._seen[0]:
            self._seen = (version, self._monotonic())
            return False
        duration: float = lease["spec"].get("leaseDurationSeconds", self._timing.duration)
        return self._monotonic() - self._seen[1] > duration

    async def _renew(self) -> bool:
        try:
            return await self._write_again()
        except ApiError as error:
            if error.code != 409:
                raise
        # Somebody wrote the lease: an answer to our own last renewal may have been lost, or another leads now.
        self._lease = await self._client.request("get", _API, "leases", namespace=self._namespace, name=LEASE_NAME)
        if self._lease["spec"].get("holderIdentity") != self._identity:
            raise LeaseLostError(f"{self._lease['spec'].get('holderIdentity') or 'nobody'} holds the lease now")
        return await self._write_again()

    async def _write_again(self) -> bool:
        assert self._lease is not None, "only a holder renews"
        spec = self._lease["spec"]
        return await self._write(
            self._spec(holder=self._identity, transitions=spec.get("leaseTransitions", 0), since=spec["acquireTime"])
        )

    async def _create(self) -> bool:
        body = {
            "apiVersion": _API,
            "kind": "Lease",
            "metadata": {"name": LEASE_NAME, "namespace": self._namespace},
            "spec": self._spec(holder=self._identity, transitions=0),
        }
        self._lease = await self._client.request("create", _API, "leases", namespace=self._namespace, body=body)
        return True

    async def _write(self, spec: dict[str, Any]) -> bool:
        assert self._lease is not None, "what is written over was read before"
        metadata = {key: self._lease["metadata"][key] for key in ("name", "namespace", "resourceVersion")}
        body = {"apiVersion": _API, "kind": "Lease", "metadata": metadata, "spec": spec}
        self._lease = await self._client.request(
            "update", _API, "leases", namespace=self._namespace, name=LEASE_NAME, body=body
        )
        return True

    def _spec(
        self, *, holder: str, transitions: int, since: str | None = None, duration: float | None = None
    ) -> dict[str, Any]:
        now = self._now().isoformat(timespec="microseconds").replace("+00:00", "Z")
        return {
            "holderIdentity": holder,
            "leaseDurationSeconds": int(duration or self._timing.duration),
            "acquireTime": since or now,
            "renewTime": now,
            "leaseTransitions": transitions,
        }
