"""What the tests of the loop look at of the record of a run."""

import json
from pathlib import Path
from typing import Any

from tests.kind.cluster import Document, Namespace, Resource
from tests.kind.retrain.loops import FIRST, a_policy

FAILING = "fails"


def a_policy_that_fails() -> Document:
    """Its first run ends without a model, for want of its target, and there is no second."""
    once = {"cooldownSeconds": 1, "maxConsecutiveRejections": 1}
    policy = a_policy(FAILING, parameters=FIRST, model="failing", guards=once)
    policy["spec"]["template"]["target"] = {"column": "no_such_column"}
    return policy


def recorded(namespace: Namespace, run: str) -> Resource:
    """The RetrainRun, once its record is there."""
    return namespace.wait_for_retrain_run(run, lambda found: "record" in found.status, what="to have its record")


def record_of(namespace: Namespace, run: str, folder: Path) -> Any:
    """What the record of a run says, as a person saves it: verified by the digest in the status."""
    record = recorded(namespace, run).status["record"]
    page, document = folder / f"{run}.html", folder / f"{run}.json"
    for file, target in ((), page), (("--file", "run.json"), document):
        said = namespace.springtide("report", f"rrun/{run}", "--record", *file, "--output", str(target))
        assert f"its digest is right ({record['digest']})" in said
    assert page.read_text().startswith("<!doctype html>")
    return json.loads(document.read_text())
