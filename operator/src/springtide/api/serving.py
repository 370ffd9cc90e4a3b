"""What a server is told: one JSON document in the environment variable `SPRINGTIDE_SERVING`."""

from typing import Annotated

from pydantic import Field

from springtide.api.base import ApiModel, Digest

SERVING_VARIABLE = "SPRINGTIDE_SERVING"
DRAIN_PATH = "/drain"
"""Asked by the kubelet before a server ends: it answers when Services had time to forget it."""


class InferenceLogging(ApiModel):
    """Where and how much of what is asked and answered is written down."""

    uri: Annotated[str, Field(description="The folder of the log: `date=YYYY-MM-DD/hour=HH/*.parquet`, by event time.")]
    sample_fraction: Annotated[float, Field(gt=0, le=1, description="Share of the requests, chosen by their id.")] = 1.0
    retention_seconds: Annotated[int, Field(ge=3600, description="A file is removed so long after it was written.")]
    flush_seconds: Annotated[float, Field(gt=0, description="A row waits at most about so long for its file.")] = 30.0


class Serving(ApiModel):
    """Which model is served, and within which bounds."""

    model_name: Annotated[str, Field(description="How requests call it.")]
    version: Annotated[str, Field(description="Version in the registry; told in answers.")]
    store_uri: Annotated[str, Field(description="Root of the artifact store.")]
    digest: Annotated[
        Digest, Field(description="Digest of the model's manifest; verified before anything is answered.")
    ]
    max_body_bytes: Annotated[int, Field(ge=1024, description="A larger request is refused (413).")] = 64 << 20
    max_text_bytes: Annotated[
        int, Field(ge=1024, description="The same for its text: JSON, and tensors of BYTES. It costs more memory.")
    ] = 8 << 20
    connection_requests: Annotated[
        int, Field(ge=1, description="A kept connection is ended after so many: a Service chooses per connection.")
    ] = 1000
    connection_seconds: Annotated[float, Field(gt=0, description="The same, after so long.")] = 10.0
    forget_seconds: Annotated[float, Field(ge=0, description="How long a request for `DRAIN_PATH` takes.")] = 5.0
    drain_seconds: Annotated[int, Field(ge=1, description="How long requests under way may take at the end.")] = 20
    log: Annotated[InferenceLogging | None, Field(description="None: nothing is written down.")] = None
