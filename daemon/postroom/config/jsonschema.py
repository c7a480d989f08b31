"""The JSON Schema of the settings and of rule files, for editors.

Draft 7: what taplo reads, and with it Even Better TOML. It is made from the same models
that read the files, so that it can't say anything else than they do; where a model
decides by code, the schema allows more than `postroom check`.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import timedelta
from typing import Any

from pydantic import BaseModel
from pydantic.json_schema import (
    GenerateJsonSchema,
    JsonSchemaValue,
    JsonSchemaWarningKind,
    models_json_schema,
)
from pydantic_core import core_schema

from postroom.config.ruletable import RuleTable
from postroom.config.settings import Settings
from postroom.hooks.plugins import Plugins, Registered
from postroom.rules.condition import Options
from postroom.rules.options import show_duration

Schema = dict[str, Any]

_DRAFT = "http://json-schema.org/draft-07/schema#"
_TEMPLATE = "#/definitions/{model}"
_CONDITIONS = {"$ref": "#/definitions/conditions"}
_SEVERAL = {"type": "array", "minItems": 1, "items": _CONDITIONS}
_SCALARS = {"integer", "number", "boolean"}


def settings_schema() -> Schema:
    """The schema of `postroom.toml`."""
    table, definitions = _read_models([Settings])
    return _document("Settings of postroom", table[Settings], definitions)


def rules_schema(plugins: Plugins) -> Schema:
    """The schema of a file of `rules.d`, with what these plugins bring."""
    registered = [*plugins.conditions.values(), *plugins.actions.values()]
    tables, definitions = _read_models([RuleTable, *(each.type for each in registered)])
    rule = tables[RuleTable]
    rule["properties"]["when"] = _CONDITIONS
    rule["properties"]["then"]["items"] = {"$ref": "#/definitions/actions"}
    conditions = _write_options(plugins.conditions, tables)
    actions = _write_options(plugins.actions, tables)
    definitions |= {
        "rule": rule,
        "conditions": _object({**_combinations(), **conditions}),
        "actions": {**_object(actions), "minProperties": 1},
    }
    rules = {"type": "array", "items": {"$ref": "#/definitions/rule"}}
    return _document("Rules of postroom", _object({"rule": rules}), definitions)


def _document(title: str, schema: Schema, definitions: Schema) -> Schema:
    whole = {"$schema": _DRAFT, "title": title, **schema}
    return {**whole, "definitions": definitions}


def _read_models(
    models: Iterable[type[BaseModel]],
) -> tuple[dict[type[BaseModel], Schema], Schema]:
    """The schema of each model, and the definitions that they refer to."""
    wanted = dict.fromkeys(models)
    references, whole = models_json_schema(
        [(model, "validation") for model in wanted],
        ref_template=_TEMPLATE,
        schema_generator=_TomlSchema,
    )
    definitions = {name: _tidied(each) for name, each in whole["$defs"].items()}
    names = {
        model: references[model, "validation"]["$ref"].rpartition("/")[2]
        for model in wanted
    }
    tables = {model: definitions.pop(name) for model, name in names.items()}
    return tables, definitions


def _object(properties: Schema) -> Schema:
    return {"type": "object", "additionalProperties": False, "properties": properties}


def _combinations() -> Schema:
    one = {"allOf": [_CONDITIONS, {"maxProperties": 1}]}
    return {
        "all": {"description": "All of the tables hold.", **_SEVERAL},
        "any": {"description": "One of the tables holds.", **_SEVERAL},
        "not": {"description": "None of them holds.", "anyOf": [one, _SEVERAL]},
    }


def _write_options(
    registered: Mapping[str, Registered[Options]],
    tables: Mapping[type[BaseModel], Schema],
) -> Schema:
    """What may stand after each name: the main option alone, or a table of options."""
    return {
        name: _write_value(entry.type, tables[entry.type])
        for name, entry in sorted(registered.items())
    }


def _write_value(kind: type[Options], table: Schema) -> Schema:
    main = kind.main_option()
    described = {"description": table["description"]}
    if main is None:
        return {"enum": [True], **described}
    short = table["properties"][main]
    bare = {key: value for key, value in table.items() if key != "description"}
    written = short if kind.table_is_main else {"anyOf": [short, bare]}
    return {**written, **described}


def _tidied(schema: Any) -> Any:  # noqa: ANN401 - any part of a schema
    """Without what says nothing to a writer of TOML: no null, no made-up titles."""
    if isinstance(schema, list):
        return [_tidied(each) for each in schema if each != {"type": "null"}]
    if not isinstance(schema, dict):
        return schema
    tidied = {key: _tidied(value) for key, value in schema.items()}
    if isinstance(tidied.get("title"), str):
        del tidied["title"]
    if tidied.get("default", "") is None:
        del tidied["default"]
    if len(tidied.get("anyOf", ())) == 1:
        return {**tidied.pop("anyOf")[0], **tidied}
    return _with_lengths_of_lists(tidied)


def _with_lengths_of_lists(schema: Schema) -> Schema:
    """A length that is said of what may be a list, said of that list."""
    lists = [each for each in schema.get("anyOf", ()) if each.get("type") == "array"]
    for length, items in (("minLength", "minItems"), ("maxLength", "maxItems")):
        if lists and length in schema:
            lists[0][items] = schema.pop(length)
    return schema


class _TomlSchema(GenerateJsonSchema):
    """What stands in a file: a value before a model has read it."""

    ignored_warning_kinds: set[JsonSchemaWarningKind] = {  # noqa: RUF012 - declared so
        "skipped-choice",
        "non-serializable-default",
    }

    def handle_invalid_for_json_schema(
        self, schema: core_schema.CoreSchema, error_info: str
    ) -> JsonSchemaValue:
        """Anything, where a plugin's type is none that JSON has."""
        return {}

    def model_schema(self, schema: core_schema.ModelSchema) -> JsonSchemaValue:
        """A table; where code reads it first, a text may stand for it."""
        table = super().model_schema(schema)
        is_read = schema["schema"]["type"] == "function-before"
        if not is_read or issubclass(schema["cls"], Options):
            return table
        description = table.pop("description", "")
        plain = {"type": "string", "minLength": 1}
        either = [plain, {**table, "minProperties": 1}]
        return {"description": description, "anyOf": either}

    def function_before_schema(
        self, schema: core_schema.BeforeValidatorFunctionSchema
    ) -> JsonSchemaValue:
        """What code reads may be a text as well; one item may stand for a list."""
        read = super().function_before_schema(schema)
        if "json_schema_input_schema" in schema:
            return read
        if read.get("type") == "array":
            return {"anyOf": [read.get("items", {}), read]}
        if read.get("type") in _SCALARS:
            return {"anyOf": [read, {"type": "string"}]}
        return read

    def timedelta_schema(self, schema: core_schema.TimedeltaSchema) -> JsonSchemaValue:
        """A time such as "5m"."""
        return {"type": "string"}

    def encode_default(self, dft: Any) -> Any:  # noqa: ANN401 - as it is declared there
        """A default as a file writes it."""
        is_time = isinstance(dft, timedelta)
        return show_duration(dft) if is_time else super().encode_default(dft)
