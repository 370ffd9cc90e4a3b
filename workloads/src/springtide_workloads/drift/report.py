"""A look's report: a folder in the artifact store, named by its content.

index.html         every column of the newest window, ranked, with its distribution beside the reference's
verdicts.parquet   every column and slice of every window
counts.parquet     what was counted, by hour and slice
evidently.html     the worst columns as Evidently shows them, where it could
performance.parquet  where there are labels: every window, model and slice with labels

Where no window was judged, but there are new labels, index.html shows performance alone.
"""

from dataclasses import dataclass
from pathlib import Path

from springtide.api.drift_monitor import WindowSummary
from springtide.api.task import DriftTask

from springtide_workloads.artifacts.manifest import Input, describe_folder
from springtide_workloads.artifacts.store import ArtifactStore
from springtide_workloads.drift.bins import Counts
from springtide_workloads.drift.evidently_report import EVIDENTLY_FILE, write_evidently
from springtide_workloads.drift.judging import Judged, ranked
from springtide_workloads.drift.layout import Layout
from springtide_workloads.drift.page import PAGE_FILE, Page, render
from springtide_workloads.drift.performance import Realised
from springtide_workloads.drift.performance_page import render_performance, view_of
from springtide_workloads.drift.performance_table import write_performance
from springtide_workloads.drift.realised import ModelWindow
from springtide_workloads.process.logs import log
from springtide_workloads.process.progress import Progress

SHOWN_BY_EVIDENTLY = 20


@dataclass(frozen=True)
class Report:
    """What is shown. counts: of the newest window, by column."""

    task: DriftTask
    layout: Layout
    newest: Judged | None
    counts: dict[str, Counts]
    windows: tuple[WindowSummary, ...]
    realised: Realised | None
    notes: tuple[str, ...]

    @property
    def is_empty(self) -> bool:
        """Whether there is nothing to show."""
        return self.newest is None and not self._measured

    @property
    def _measured(self) -> tuple[ModelWindow, ...]:
        return self.realised.windows if self.realised else ()

    def publish(self, folder: Path, *, store: ArtifactStore, progress: Progress) -> tuple[str, str]:
        """Writes the pages beside the tables, and publishes all of it; its URI and digest."""
        with progress.phase("writing the report", total=2, unit="pages") as phase:
            problem = None if self.newest is None else self._evidently(folder, self.newest)
            phase.advance(1)
            if self._measured:
                write_performance(folder, self._measured)
            self.write_page(folder, evidently_problem=problem)
            phase.advance(1)
        inputs = [Input(name="baseline", digest=self.task.baseline.digest)]
        if self._measured and self.task.labels is not None:
            inputs.append(Input(name="labels", digest=self.task.labels.snapshot))
        if self.task.data.snapshot is not None:
            inputs.append(Input(name="data", digest=self.task.data.snapshot))
        manifest = describe_folder(folder, kind="Report", schema=(), inputs=tuple(inputs))
        return store.publish(folder, manifest=manifest), manifest.digest

    def write_page(self, folder: Path, *, evidently_problem: str | None) -> None:
        """The page that does not need Evidently, but says what became of it."""
        performance = None if self.realised is None else view_of(self.realised, task=self.task)
        if self.newest is None:
            assert performance is not None, "an empty report is not written"
            (folder / PAGE_FILE).write_text(render_performance(performance), encoding="utf-8")
            return
        page = Page(
            task=self.task,
            layout=self.layout,
            newest=self.newest,
            counts=self.counts,
            windows=self.windows,
            notes=self.notes,
            evidently=EVIDENTLY_FILE if evidently_problem is None else None,
            evidently_problem=evidently_problem,
            performance=performance,
        )
        (folder / PAGE_FILE).write_text(render(page), encoding="utf-8")

    def _evidently(self, folder: Path, newest: Judged) -> str | None:
        """Why Evidently has no report; None where it has one."""
        worst = [one.name for one in ranked(newest.columns) if one.rows][:SHOWN_BY_EVIDENTLY]
        columns = [(self.layout.columns[name], self.counts[name]) for name in worst]
        problem = write_evidently(folder, columns=columns, psi=self.task.rules.psi)
        if problem is not None:
            log.warning("there is no report by Evidently", problem=problem)
        return problem
