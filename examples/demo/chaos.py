"""`CHAOS=1 make demo`: meanwhile pods are taken away at random moments, and all must come out the same.

Any pod but that of the people who ask: the operator's, MLflow's, those that train, judge and look, and those that
serve. The operator's and the working ones are killed, as if their node had lost power. Servers go as from a node that
is drained: each finishes what it was asked, and the disruption budget keeps the last one. Another value of `CHAOS`
draws other moments. Everything may take four times as long.
"""

import json
import os
import random
import threading
from typing import Any

from kubectl import NAMESPACE, SYSTEM, kubectl, read
from rich.markup import escape
from tell import DemoError, say

SEED = os.environ.get("CHAOS", "")
IS_ON = SEED not in ("", "0")
PATIENCE = 4 if IS_ON else 1
"""So many times longer everything may take while pods are taken away."""
LEAST_SECONDS, MOST_SECONDS = 5.0, 20.0
SPARED = "applicants"


class Chaos:
    """Takes pods away until it is stopped. taken: how many."""

    def __init__(self) -> None:
        self.taken = 0
        self._draw = random.Random(SEED)  # noqa: S311 - nothing secret
        self._stopped = threading.Event()
        self._thread = threading.Thread(target=self._run, name="chaos", daemon=True)

    def __enter__(self) -> "Chaos":
        if IS_ON:
            say(f"[red]breaking:[/] a pod at random every {LEAST_SECONDS:.0f} to {MOST_SECONDS:.0f} s, all the time")
            self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stopped.set()
        if IS_ON:
            self._thread.join(30)

    def tell(self) -> None:
        """How many pods it took. Raises DemoError where that was to be seen and none went."""
        if not IS_ON:
            return
        if not self.taken:
            raise DemoError("no pod could be taken away")
        say(f"Meanwhile {self.taken} pods were taken away at random moments; all was given {PATIENCE} times as long.")

    def _run(self) -> None:
        while not self._stopped.wait(self._draw.uniform(LEAST_SECONDS, MOST_SECONDS)):
            try:
                self._take_one()
            except DemoError as error:  # it may have ended by itself meanwhile
                say(f"[dim]not taken: {escape(str(error))[:160]}[/]")

    def _take_one(self) -> None:
        pods = [(space, pod) for space in (SYSTEM, NAMESPACE) for pod in read("pods", namespace=space)["items"]]
        running = [(space, pod) for space, pod in pods if _is_running(pod)]
        if not running:
            return
        space, pod = self._draw.choice(running)
        name, role = pod["metadata"]["name"], pod["metadata"].get("labels", {}).get("springtide.dev/role", "")
        if role == "server":
            _evict(space, name)
        else:
            kubectl("delete", "pod", name, "--grace-period=0", "--force", namespace=space)
        self.taken += 1
        say(f"[red]breaking:[/] {'drained' if role == 'server' else 'killed'} {escape(name)}")


def _is_running(pod: dict[str, Any]) -> bool:
    metadata = pod["metadata"]
    is_going = "deletionTimestamp" in metadata
    return pod["status"].get("phase") == "Running" and not is_going and metadata["name"] != SPARED


def _evict(space: str, name: str) -> None:
    eviction = {"apiVersion": "policy/v1", "kind": "Eviction", "metadata": {"name": name, "namespace": space}}
    path = f"/api/v1/namespaces/{space}/pods/{name}/eviction"
    kubectl("create", "--raw", path, "--filename", "-", stdin=json.dumps(eviction))
