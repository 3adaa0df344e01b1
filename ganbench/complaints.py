"""What pydantic objects to, in the words of whoever wrote the value: TOML, JSON, or the command line."""

from typing import Any

from pydantic import ValidationError

LONGEST = 200

_WORDS = {
    "int_type": "must be a whole number",
    "int_parsing": "must be a whole number",
    "int_from_float": "must be a whole number",
    "int_parsing_size": "must be below 2^63",
    "float_type": "must be a number",
    "float_parsing": "must be a number",
    "finite_number": "must be a finite number",
    "string_type": "must be text",
    "bool_type": "must be true or false",
    "bool_parsing": "must be true or false",
    "tuple_type": "must be a list",
    "dict_type": "must be a table of names and values",
    "model_type": "must be a table of names and values",
    "extra_forbidden": "is not a known name here",
}


def explain(error: ValidationError) -> str:
    """The first complaint of a validation in one line: which field, which value, what it must be."""
    first = error.errors(include_url=False)[0]
    field = ".".join(str(part) for part in first["loc"])
    if first["type"] == "missing":
        return f"{field} is missing"
    message = _message(first)
    return f"{field}={shown(first['input'])}: {message}" if field else message


def shown(value: Any) -> str:
    """The value as Python writes it, in one line, cut where it is long."""
    try:
        text = repr(value)
    except ValueError:  # Python writes no whole number of more than 4,300 digits
        return "(a number of thousands of digits)"
    text = " ".join(line.strip() for line in text.splitlines())  # a table or a matrix has several
    return text if len(text) <= LONGEST else f"{text[:LONGEST]}..."


def _message(complaint: Any) -> str:
    kind, context = complaint["type"], complaint.get("ctx", {})
    if kind in _WORDS:
        return _WORDS[kind]
    if kind == "less_than" and context["lt"] == 2**63:
        return "must be below 2^63"
    if kind == "value_error":
        return str(context["error"])
    message = complaint["msg"].replace("Input should", "must")
    return str(message[:1].lower() + message[1:])
