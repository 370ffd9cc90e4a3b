"""`CHAOS=1 make demo`: meanwhile pods are taken away at random moments, and all must come out the same.

Any pod but that of the people who ask: the operator's, MLflow's, those that train, judge and look, and those that
serve. All are killed, as if their node had lost power; what a server was asked at that moment is lost, and the people
ask again. Only the last server of a service that answers is spared. Another value of `CHAOS` draws other moments.
Everything may take four times as long.
"""

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
        answering = [pod for _, pod in pods if _is_server(pod) and _answers(pod)]
        running = [(space, pod) for space, pod in pods if _is_running(pod) and answering != [pod]]
        if not running:
            return
        space, pod = self._draw.choice(running)
        name = pod["metadata"]["name"]
        kubectl("delete", "pod", name, "--grace-period=0", "--force", namespace=space)
        self.taken += 1
        say(f"[red]breaking:[/] killed {escape(name)}")


def _is_running(pod: dict[str, Any]) -> bool:
    metadata = pod["metadata"]
    is_going = "deletionTimestamp" in metadata
    return pod["status"].get("phase") == "Running" and not is_going and metadata["name"] != SPARED


def _is_server(pod: dict[str, Any]) -> bool:
    labels: dict[str, str] = pod["metadata"].get("labels", {})
    return labels.get("springtide.dev/role") == "server"


def _answers(pod: dict[str, Any]) -> bool:
    conditions = {one["type"]: one["status"] for one in pod["status"].get("conditions", ())}
    return _is_running(pod) and conditions.get("Ready") == "True"
