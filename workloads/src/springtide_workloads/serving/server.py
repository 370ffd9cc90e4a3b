"""KServe's model server around one model: health, metadata and metrics are KServe's, predictions are `endpoint`'s.

It listens only when the model has proved itself; SIGTERM makes it unready, and it ends when what is under way is
answered.
"""

import gc
import sys
from pathlib import Path
from typing import Any

from springtide.api.serving import Serving

from springtide_workloads.process.logs import log
from springtide_workloads.serving.counters import Counters
from springtide_workloads.serving.draining import Draining
from springtide_workloads.serving.endpoint import Bounds, Endpoint
from springtide_workloads.serving.inference_log import InferenceLog
from springtide_workloads.serving.log_file import Model, check_names
from springtide_workloads.serving.protocol import OUTPUT
from springtide_workloads.serving.session import Session, open_session

KEEP_ALIVE_SECONDS = 65
LAST_WRITE_SECONDS = 5.0


def serve(serving: Serving, *, scratch: Path, port: int) -> None:
    """Serves until SIGTERM. Raises what `open_session` raises."""
    session = open_session(serving, scratch=scratch)
    log.info("the model has proved itself", model=serving.model_name, version=serving.version, digest=serving.digest)
    sys.argv = sys.argv[:1]  # KServe reads the command line when it is imported
    import kserve
    from kserve.model_server import app

    bounds = Bounds(
        body_bytes=serving.max_body_bytes,
        text_bytes=serving.max_text_bytes,
        connection_requests=serving.connection_requests,
        connection_seconds=serving.connection_seconds,
    )
    counters = Counters()
    inference_log = _open_log(serving, session, counters)
    app.add_middleware(Endpoint, session=session, counters=counters, bounds=bounds, log=inference_log)
    app.add_middleware(Draining, seconds=serving.forget_seconds)
    server = kserve.ModelServer(
        http_port=port,
        enable_grpc=False,
        access_log_format=None,
        grace_period=serving.drain_seconds,
        timeout_keep_alive=KEEP_ALIVE_SECONDS,
        event_loop="uvloop",
    )
    # What is here now stays: a request of thousands of tensors would have it looked through for garbage several times.
    gc.collect()
    gc.freeze()
    try:
        server.start([_model(kserve, session)])
    finally:
        if inference_log:
            inference_log.close(seconds=LAST_WRITE_SECONDS)


def _open_log(serving: Serving, session: Session, counters: Counters) -> InferenceLog | None:
    if serving.log is None:
        return None
    check_names(session.signature)
    model = Model(session.signature, digest=serving.digest, version=serving.version)
    return InferenceLog(serving.log, model=model, count=counters.logged)


def _model(kserve: Any, session: Session) -> Any:
    """The model as KServe's own endpoints tell of it."""

    class Model(kserve.Model):  # type: ignore[misc]  # KServe has no types
        def get_input_types(self) -> list[dict[str, Any]]:
            return [
                {"name": feature.name, "datatype": _datatype(feature.kind), "shape": [-1]}
                for feature in session.signature.features
            ]

        def get_output_types(self) -> list[dict[str, Any]]:
            return [{"name": OUTPUT, "datatype": "FP64", "shape": [-1]}]

    model = Model(session.name)
    model.ready = True
    return model


def _datatype(kind: str) -> str:
    return "FP64" if kind == "Number" else "BYTES"
