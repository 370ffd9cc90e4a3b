"""`metav1.Condition` as a model: the same shape in every kind."""

from datetime import datetime
from typing import Annotated, Literal

from pydantic import Field

from springtide.api.base import ApiModel, ListMap


class Condition(ApiModel):
    """One statement about an object: true, false or unknown, with a reason for machines and a message for people."""

    type: Annotated[str, Field(max_length=64, description="What the condition is about.")]
    status: Annotated[Literal["True", "False", "Unknown"], Field(description="Whether it holds.")]
    observed_generation: Annotated[
        int | None, Field(ge=0, description="The generation of the spec that the statement was made about.")
    ] = None
    last_transition_time: Annotated[datetime, Field(description="When `status` last changed.")]
    reason: Annotated[
        str, Field(min_length=1, max_length=128, pattern=r"^[A-Za-z][A-Za-z0-9]*$", description="Why, in one word.")
    ]
    message: Annotated[str, Field(max_length=2048, description="Why, in a sentence that a person understands.")] = ""


Conditions = Annotated[
    tuple[Condition, ...], ListMap("type"), Field(max_length=16, description="What is true of the object now.")
]
