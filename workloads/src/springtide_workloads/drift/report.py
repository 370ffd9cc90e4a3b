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
from springtide_workloads.drift.judging import Judged
from springtide_workloads.drift.layout import Layout
from springtide_workloads.drift.page import PAGE_FILE, Page, render
from springtide_workloads.drift.performance import Realised
from springtide_workloads.drift.performance_page import render_performance, view_of
from springtide_workloads.drift.performance_table import write_performance
from springtide_workloads.drift.realised import ModelWindow
from springtide_workloads.drift.side_by_side import Shown
from springtide_workloads.process.logs import log
from springtide_workloads.process.progress import Progress


@dataclass(frozen=True)
class Report:
    """What is shown. counts: of the newest window, by column. shown: by Evidently; None: no column can be."""

    task: DriftTask
    layout: Layout
    newest: Judged | None
    counts: dict[str, Counts]
    windows: tuple[WindowSummary, ...]
    realised: Realised | None
    notes: tuple[str, ...]
    shown: Shown | None

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
            problem = None if self.newest is None else self._evidently(folder)
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
        if self.shown is not None and self.shown.snapshot is not None:
            inputs.append(Input(name="reference", digest=self.shown.snapshot))
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
            evidently_origin="" if self.shown is None else self.shown.origin,
            performance=performance,
        )
        (folder / PAGE_FILE).write_text(render(page), encoding="utf-8")

    def _evidently(self, folder: Path) -> str | None:
        """Why Evidently has no report; None where it has one."""
        if self.shown is None:
            return "no column has rows on both sides"
        problem = write_evidently(folder, self.shown, psi=self.task.rules.psi)
        if problem is not None:
            log.warning("there is no report by Evidently", problem=problem)
        return problem
