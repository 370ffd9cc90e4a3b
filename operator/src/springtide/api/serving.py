"""What a server is told: one JSON document in its environment."""
# Stand-in until the server's own module is merged: the fields that the operator sets.

from springtide.api.base import ApiModel, Digest

SERVING_VARIABLE = "SPRINGTIDE_SERVING"


class Serving(ApiModel):
    """Which model is served."""

    model_name: str
    version: str
    uri: str
    digest: Digest
