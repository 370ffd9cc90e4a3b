"""From a snapshot task to its result, in the order in which it happens.

The source is read once: checked, sampled and written in passing. Only what satisfies the contract is published, as a
whole or not at all; what is there already is recognised by its digest.
"""

from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import chain
from pathlib import Path

import pyarrow as pa
from springtide.api.constants import Reason
from springtide.api.dataset import VIOLATIONS_LISTED, Snapshot, Violation
from springtide.api.task import Result, SnapshotTask

from springtide_workloads.artifacts.digests import canonical
from springtide_workloads.artifacts.manifest import MANIFEST, Column, Manifest, describe_folder
from springtide_workloads.artifacts.store import ArtifactStore
from springtide_workloads.data.listing import Listing
from springtide_workloads.data.pinned import DATASETS
from springtide_workloads.data.sample import RowSample
from springtide_workloads.data.scan import sample_rows
from springtide_workloads.data.split import PROFILE, draw
from springtide_workloads.drift.scan import count_files
from springtide_workloads.errors import WorkloadError
from springtide_workloads.process.fitting import first_that_fits
from springtide_workloads.process.logs import log
from springtide_workloads.process.progress import Progress
from springtide_workloads.snapshot.contract import ContractCheck
from springtide_workloads.snapshot.parts import PartWriter, parts_of
from springtide_workloads.snapshot.profile import PROFILE_FILE, describe, freeze_bins
from springtide_workloads.snapshot.source import Source, list_source
from springtide_workloads.snapshot.statistics import ColumnStatistics, EventTimes


@dataclass(frozen=True)
class Reading:
    """What one pass over the source found."""

    schema: pa.Schema
    rows: int
    statistics: dict[str, ColumnStatistics]
    sample: pa.Table
    times: EventTimes | None
    violations: tuple[Violation, ...]


def take_snapshot(task: SnapshotTask, *, start_time: datetime, scratch: Path, progress: Progress) -> Result:
    """Does the work, or finds that there is none. Raises WorkloadError.

    A violated contract is no exception: the result says which rules, as many as fit.
    """
    store = ArtifactStore(task.store_uri, section=f"{DATASETS}/{task.owner.namespace}.{task.owner.name}")
    store.check_writable()
    listing = list_source(task)
    log.info("source", files=len(listing.files), bytes=listing.size, state=listing.state)
    if _is_known(task, listing, store=store):
        _remove(task, store=store, keep=task.known)
        count = "file is as it was" if len(listing.files) == 1 else f"{len(listing.files)} files are as they were"
        return _succeeded(Reason.UNCHANGED, f"the {count}", start_time=start_time, listing=listing)

    folder = scratch / "snapshot"
    folder.mkdir()
    reading = _read(
        Source(listing, task=task, scratch=scratch), task=task, folder=folder, now=start_time, progress=progress
    )
    if reading.violations:
        return _violated(reading.violations, start_time=start_time, listing=listing)
    manifest = _complete(folder, reading, progress=progress)
    log.info("publishing", digest=manifest.digest, bytes=manifest.size, rows=reading.rows)
    uri = store.publish(folder, manifest=manifest)
    _remove(task, store=store, keep=manifest.digest)
    snapshot = Snapshot(
        digest=manifest.digest,
        uri=uri,
        rows=reading.rows,
        bytes=manifest.size,
        event_time_min=reading.times.oldest if reading.times else None,
        event_time_max=reading.times.newest if reading.times else None,
        created_time=datetime.now(UTC),
    )
    same = manifest.digest == task.known
    return _succeeded(
        Reason.UNCHANGED if same else Reason.REFRESHED,
        _sentence(reading, listing, same=same),
        start_time=start_time,
        listing=listing,
        snapshot=snapshot,
    )


def _is_known(task: SnapshotTask, listing: Listing, *, store: ArtifactStore) -> bool:
    if task.known is None or task.source_state != listing.state:
        return False
    return store.read_file(task.known, MANIFEST) is not None


def _read(source: Source, *, task: SnapshotTask, folder: Path, now: datetime, progress: Progress) -> Reading:
    """The one pass. Nothing is written any more once a rule is broken, but everything is checked."""
    batches = source.batches(progress)
    first = next(batches)
    schema = source.schema
    statistics = {field.name: ColumnStatistics(field.type) for field in schema}
    check = ContractCheck(task, schema)
    sample = RowSample(sample_rows(len(schema)))
    name = task.event_time_column
    times = EventTimes(schema.field(name).type, now=now) if name is not None and check.is_met else None
    rows = 0
    with PartWriter(folder, schema) as writer:
        for batch in chain([first], batches):
            check.add(batch)
            for column, known in statistics.items():
                known.add(batch.rows.column(column))
            if times is not None and name is not None:
                times.add(batch.rows.column(name))
            if check.is_met:
                sample.add(batch.rows, draw(batch.rows.num_rows, seed=0, salt=PROFILE, first=rows))
                writer.write(batch.rows)
            rows += batch.rows.num_rows
    return Reading(schema, rows, statistics, sample.table(schema), times, check.violations())


def _complete(folder: Path, reading: Reading, *, progress: Progress) -> Manifest:
    """Writes the profile beside the parts; the manifest of both."""
    bins = freeze_bins(reading.sample)
    counts = count_files(tuple(parts_of(folder)), bins=bins, progress=progress)
    profile = describe(reading.statistics, rows=reading.rows, sample=reading.sample, bins=bins, counts=counts)
    (folder / PROFILE_FILE).write_bytes(canonical(profile.to_wire()))
    columns = tuple(Column(name=field.name, type=str(field.type)) for field in reading.schema)
    return describe_folder(folder, kind="Data", schema=columns, inputs=())


def _remove(task: SnapshotTask, *, store: ArtifactStore, keep: str | None) -> None:
    """Old snapshots. One that cannot be removed costs room, and is no reason to refuse the new one."""
    for digest in task.remove:
        if digest == keep:
            continue
        try:
            if store.remove(digest):
                log.info("removed", digest=digest)
        except WorkloadError as error:
            log.warning("an old snapshot could not be removed", digest=digest, reason=error.reason, error=error.message)


def _succeeded(
    reason: Reason, message: str, *, start_time: datetime, listing: Listing, snapshot: Snapshot | None = None
) -> Result:
    return Result(
        status="Succeeded",
        reason=reason,
        message=message,
        start_time=start_time,
        end_time=datetime.now(UTC),
        snapshot=snapshot,
        source_state=listing.state,
    )


def _violated(violations: tuple[Violation, ...], *, start_time: datetime, listing: Listing) -> Result:
    """As many violations as a termination message has room for."""
    first = violations[0]
    what = f"column {first.column}: {first.message}" if first.column else first.message
    more = f" (and {len(violations) - 1} more)" if len(violations) > 1 else ""
    result = Result(
        status="Failed",
        reason=Reason.CONTRACT_VIOLATED,
        message=f"nothing is published: {what}{more}",
        start_time=start_time,
        end_time=datetime.now(UTC),
        source_state=listing.state,
        violations=violations[:VIOLATIONS_LISTED],
    )
    told = result.violations
    return first_that_fits(result.model_copy(update={"violations": told[:count]}) for count in range(len(told), -1, -1))


def _sentence(reading: Reading, listing: Listing, *, same: bool) -> str:
    files = "1 file" if len(listing.files) == 1 else f"{len(listing.files)} files"
    content = f"{reading.rows} rows in {len(reading.schema)} columns from {files}"
    text = f"the same {content} as before" if same else content
    if reading.times is not None and reading.times.in_future:
        text += f"; {reading.times.in_future} of them have an event time in the future"
    return text
