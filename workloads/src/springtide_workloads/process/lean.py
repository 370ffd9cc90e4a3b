"""Imports without the optional integrations that no task uses.

pyarrow, on its first conversion, and LightGBM, on import, look for pandas and scikit-learn, which MLflow brings along.
Importing those takes about as long as starting the pod. Hidden for that moment, both libraries go on without them;
MLflow, imported later, finds them as ever.
"""

import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from importlib.abc import MetaPathFinder
from importlib.machinery import ModuleSpec
from types import ModuleType

OPTIONAL = frozenset({"pandas", "sklearn", "matplotlib", "graphviz", "dask", "distributed", "joblib", "psutil"})


class _Hiding(MetaPathFinder):
    """Finds that the optional packages are not installed."""

    def find_spec(
        self,
        fullname: str,
        path: Sequence[str] | None = None,  # noqa: ARG002  # the interface
        target: ModuleType | None = None,  # noqa: ARG002
    ) -> ModuleSpec | None:
        if fullname.partition(".")[0] in OPTIONAL:
            raise ModuleNotFoundError(f"{fullname} is hidden: no task needs it here", name=fullname)
        return None


@contextmanager
def without_optional_integrations() -> Iterator[None]:
    """Within it, importing one of `OPTIONAL` fails, unless it was imported before."""
    hiding = _Hiding()
    sys.meta_path.insert(0, hiding)
    try:
        yield
    finally:
        sys.meta_path.remove(hiding)


def import_arrow() -> None:
    """Imports pyarrow and lets it look for pandas in vain."""
    with without_optional_integrations():
        import pyarrow as pa
        import pyarrow.parquet

        pa.array([0.0]).to_numpy()  # the first conversion is when it looks
