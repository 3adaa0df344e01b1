"""Checks of a component of any kind: parameters, documentation, recommended recipe."""

from dataclasses import replace
from typing import Any

from ganbench.errors import UsageError, did_you_mean
from ganbench.explain import own_doc
from ganbench.parameters import defaults
from ganbench.recipe import validate
from ganbench.spec import Recipe
from ganbench.testing.kit import Flaw, NotApplicable, Subject


def parameters(subject: Subject) -> None:
    """It can be built from its defaults, which are numbers, truth values or text."""
    if subject.kind == "executor":
        raise NotApplicable("an executor takes no parameters from users")
    try:
        own = defaults(subject.kind, subject.cls)
    except UsageError as error:
        raise Flaw(f"{error}; naming '{subject.name}' in a run would be refused with this line") from error
    if not subject.argument and (refusal := replace(subject, parameters={}).refusal()):
        given = f", with its own defaults {own}" if own else ""
        raise Flaw(f"{refusal}{given}; it could not be used by its name alone")
    subject.build()


def documentation(subject: Subject) -> None:
    """It has a docstring."""
    if not own_doc(subject.cls):
        raise Flaw(f"{subject.cls.__name__} has no docstring; `ganbench show {subject.name}` would explain nothing")


def recommendation(subject: Subject) -> None:
    """The recipe settings that it recommends are valid."""
    settings: Any = getattr(subject.cls, "recommends", None)
    if not settings:
        return
    for key in settings:
        if key not in Recipe.model_fields:
            hint = did_you_mean(key, Recipe.model_fields)
            raise Flaw(
                f"it recommends '{key}', which is not a recipe setting{hint}; a run would be refused with this line"
            )
    try:
        validate(settings, f"{subject.kind} '{subject.name}'")
    except UsageError as error:
        raise Flaw(f"{error}; a run under its recommendation would be refused with this line") from error


CHECKS = (parameters, documentation, recommendation)
