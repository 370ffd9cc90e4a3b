"""What a person on a terminal is shown: the recipes, and the outcome of a task."""

from rich.console import Console
from rich.table import Table
from springtide.api.drift_monitor import WindowSummary
from springtide.api.task import Result

from springtide_workloads.recipes.registry import RECIPES, find_recipe


def print_recipes() -> None:
    """Every recipe with its parameters."""
    console = Console()
    for name in RECIPES:
        recipe = find_recipe(name)
        table = Table(title=name, title_justify="left", box=None)
        for heading in ("parameter", "default", "bounds", ""):
            table.add_column(heading)
        schema = recipe.parameters.model_json_schema(by_alias=True)["properties"]
        for field, facts in schema.items():
            table.add_row(field, str(facts.get("default", "")), _bounds(facts), facts.get("description", ""))
        console.print(table)
        console.print()


def print_result(result: Result) -> None:
    """The outcome of a task."""
    console = Console(stderr=True)
    color = "green" if result.status == "Succeeded" else "red"
    console.print(f"[bold {color}]{result.reason}[/bold {color}]  {result.message}", highlight=False)
    for violation in result.violations:
        console.print(f"  {violation.column or 'table'} ({violation.rule}): {violation.message}", highlight=False)
    if result.status != "Succeeded":
        return
    if result.snapshot is not None:
        console.print(f"snapshot  {result.snapshot.uri}", highlight=False, soft_wrap=True)
        return
    for window in result.windows:
        _print_window(console, window)
    if result.window is not None and result.window.report_uri is not None:
        console.print(f"report  {result.window.report_uri}/index.html", highlight=False, soft_wrap=True)
    table = Table(box=None, show_header=False)
    for name, value in result.metrics.items():
        table.add_row(name, f"{value:,.0f}" if name.endswith("Rows") else f"{value:.4f}")
    console.print(table)
    if result.model is not None:
        console.print(f"model   {result.model.uri}", highlight=False, soft_wrap=True)
    if result.mlflow is not None:
        console.print(f"MLflow  run {result.mlflow.run_id}", highlight=False)


def _print_window(console: Console, window: WindowSummary) -> None:
    stretch = "all rows" if window.start is None else f"{window.start:%Y-%m-%d %H:%M} to {window.end:%Y-%m-%d %H:%M}"
    psi = "" if window.max_psi is None else f", max PSI {window.max_psi:.3f}"
    text = f"{stretch}  {window.verdict}: {window.rows:,} rows, {window.drifted_columns} columns drifted or broken{psi}"
    console.print(text, highlight=False)


def _bounds(facts: dict[str, object]) -> str:
    words = {"exclusiveMinimum": ">", "minimum": ">=", "exclusiveMaximum": "<", "maximum": "<="}
    return ", ".join(f"{word} {facts[key]}" for key, word in words.items() if key in facts)
