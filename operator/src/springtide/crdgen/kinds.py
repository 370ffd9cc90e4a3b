"""Which kinds there are: every module of `springtide.api` that has a `RESOURCE`."""

import importlib
import inspect
import pkgutil
from dataclasses import dataclass

import springtide.api
from springtide.api.base import CustomResource


@dataclass(frozen=True)
class Kind:
    """A kind, and what its module's docstring says about it."""

    resource: CustomResource
    description: str

    @property
    def file_name(self) -> str:
        """Name of its CRD file, as controller-gen would call it."""
        return f"springtide.dev_{self.resource.plural}.yaml"


def discover() -> tuple[Kind, ...]:
    """All kinds, by name."""
    modules = (
        importlib.import_module(f"{springtide.api.__name__}.{module.name}")
        for module in pkgutil.iter_modules(springtide.api.__path__)
    )
    kinds = (
        Kind(module.RESOURCE, inspect.cleandoc(module.__doc__ or "").partition("\n")[0])
        for module in modules
        if isinstance(getattr(module, "RESOURCE", None), CustomResource)
    )
    return tuple(sorted(kinds, key=lambda kind: kind.resource.kind))
