"""Structured logs: JSON in a pod, lines for people on a terminal."""

import logging
import os
import sys
import warnings

import structlog


def configure_logs(*, human: bool) -> None:
    """Sends everything to standard error; other libraries speak up from warnings on."""
    renderer: structlog.typing.Processor = (
        structlog.dev.ConsoleRenderer(pad_event_to=0) if human else structlog.processors.JSONRenderer()
    )
    processors: list[structlog.typing.Processor] = [
        structlog.processors.add_log_level,
        structlog.processors.TimeStamper(fmt="%H:%M:%S" if human else "iso", utc=not human),
        structlog.processors.StackInfoRenderer(),
    ]
    if not human:
        processors.append(structlog.processors.format_exc_info)
    structlog.configure(
        processors=[*processors, renderer],
        logger_factory=lambda *_: structlog.PrintLogger(sys.stderr),  # looked up late: a progress display replaces it
        cache_logger_on_first_use=False,
    )
    logging.basicConfig(level=os.environ.get("SPRINGTIDE_LIBRARY_LOG_LEVEL", "WARNING"), stream=sys.stderr)
    warnings.simplefilter("ignore", FutureWarning)


log: structlog.typing.FilteringBoundLogger = structlog.get_logger()
