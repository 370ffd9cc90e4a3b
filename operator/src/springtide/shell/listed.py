"""Objects of ours whose kind the cluster need not serve: InferenceServices of KServe.

They are listed every few seconds while one of ours is known, so that one that somebody deletes or changes is mended
soon. They are not watched: a watch of a kind that is not served, or is served no more, ends this process.
"""

import asyncio
import time

from springtide.shell import resync
from springtide.shell.operator import Operator

PERIOD_SECONDS = 10.0
DUTY = 10
"""At most a tenth of the time is spent on lists, however long they are."""


async def follow(operator: Operator) -> None:
    """Keep what was made of the listed kinds in the store, for ever."""
    while True:
        begin = time.monotonic()
        for child in operator.listed_kinds():
            if operator.store.holds(child.kind):
                await resync.look(operator, child)
        await asyncio.sleep(max(PERIOD_SECONDS, DUTY * (time.monotonic() - begin)))
