"""Recipes by name. A recipe's libraries are imported only when it is chosen.

A recipe of a user's own will be named `module:Class` here and nowhere else.
"""

from importlib import import_module
from typing import Any, cast

from pydantic import ValidationError
from springtide.api.constants import Reason

from springtide_workloads.errors import WorkloadError
from springtide_workloads.process.lean import without_optional_integrations
from springtide_workloads.recipes.recipe import Parameters, Recipe

RECIPES = {
    "gbdt": "springtide_workloads.recipes.gbdt:Gbdt",
    "mlp": "springtide_workloads.recipes.mlp:Mlp",
}


def find_recipe(name: str) -> Recipe:
    """Raises UnknownRecipe, naming those there are."""
    if name not in RECIPES:
        raise WorkloadError(
            Reason.UNKNOWN_RECIPE, f"recipe.name: there is no recipe {name!r}; there are {', '.join(sorted(RECIPES))}"
        )
    module, _, attribute = RECIPES[name].partition(":")
    with without_optional_integrations():
        return cast("Recipe", getattr(import_module(module), attribute)())


def read_parameters(recipe: Recipe, given: dict[str, Any]) -> Parameters:
    """The parameters with all defaults filled in. Raises InvalidParameter, naming the field."""
    try:
        return recipe.parameters.model_validate(given)
    except ValidationError as error:
        raise WorkloadError(Reason.INVALID_PARAMETER, _describe(error, recipe=recipe)) from error


def _describe(error: ValidationError, *, recipe: Recipe) -> str:
    sentences = []
    for problem in error.errors(include_url=False):
        field = ".".join(str(part) for part in problem["loc"])
        if problem["type"] == "extra_forbidden":
            known = ", ".join(sorted(info.alias or name for name, info in recipe.parameters.model_fields.items()))
            sentences.append(f"recipe.parameters.{field}: {recipe.name} has no such parameter; it has {known}")
        else:
            sentences.append(f"recipe.parameters.{field}: {problem['msg']}, not {problem['input']!r}")
    return "; ".join(sentences)
