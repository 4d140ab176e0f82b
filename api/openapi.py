"""The OpenAPI description, made from the answers' types. Pure."""

from __future__ import annotations

import dataclasses
import types
from collections.abc import Iterable
from typing import (
    Annotated,
    Any,
    Literal,
    NotRequired,
    Required,
    Union,
    get_args,
    get_origin,
    get_type_hints,
    is_typeddict,
)

from api.routes import EVENTS, ROUTES, STREAM, Parameter, Route, Write
from api.shapes import ErrorShape
from bus.open_questions import MEDIA

Schema = dict[str, Any]

_SCALARS: dict[Any, Schema] = {
    str: {"type": "string"},
    int: {"type": "integer"},
    float: {"type": "number"},
    bool: {"type": "boolean"},
}
_KINDS: dict[str, Schema] = {
    "time": {"type": "string"},
    "text": {"type": "string"},
    "integer": {"type": "integer", "minimum": 0},
    "boolean": {"type": "boolean"},
}
_REFUSALS = {
    "400": "A parameter cannot be obeyed.",
    "401": "No token.",
    "403": "The token is wrong, expired or may not.",
    "429": "This token asks too often, or wrong ones come from there; Retry-After says when again.",
    "503": "The store does not answer.",
}


def openapi(version: str) -> Schema:
    """The whole description."""
    schemas: dict[str, Schema] = {}
    paths = {route.path: _operations(route, schemas) for route in ROUTES}
    paths["/api/v1/stream"] = {"get": _stream(schemas)}
    _schema(ErrorShape, schemas)
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "Guardia",
            "version": version,
            "description": "Hosts and services, now and in the past. Times are UTC, unknown is null.",
        },
        "paths": paths,
        "components": {
            "schemas": dict(sorted(schemas.items())),
            "securitySchemes": {"token": {"type": "http", "scheme": "bearer"}},
        },
        "security": [{"token": []}],
    }


def _operations(route: Route, schemas: dict[str, Schema]) -> Schema:
    found = {"get": _operation(route, schemas)} if route.reads else {}
    return found | {write.method.lower(): _write(route, write, schemas) for write in route.writes}


def _write(route: Route, write: Write, schemas: dict[str, Schema]) -> Schema:
    answers: dict[str, Any] = {str(write.status): {"description": "Done."}}
    if write.answer is bytes:
        answers[str(write.status)]["content"] = {MEDIA: {"schema": {"type": "string", "contentMediaType": MEDIA}}}
    elif write.answer is not None:
        answers[str(write.status)]["content"] = {"application/json": {"schema": _schema(write.answer, schemas)}}
    refusals = _REFUSALS | {"400": "The body or a parameter cannot be obeyed.", "415": "The body is no JSON."}
    operation: Schema = {
        "summary": write.summary,
        "operationId": f"{write.method.title()}{route.resource.__name__}",
        "parameters": [*_in_path(route.path), *_in_query(write.parameters)],
        "responses": answers | _refused(refusals | ({"404": "There is no such thing."} if route.missing else {})),
    }
    if write.body is not None:
        schema = _record(write.body, schemas)
        operation["requestBody"] = {"required": True, "content": {"application/json": {"schema": schema}}}
    return operation


def _refused(refusals: dict[str, str]) -> dict[str, Any]:
    shape = {"application/json": {"schema": {"$ref": "#/components/schemas/ErrorShape"}}}
    return {status: {"description": text, "content": shape} for status, text in sorted(refusals.items())}


def _record(body: type[Any], schemas: dict[str, Schema]) -> Schema:
    """The schema of a body, which is a dataclass."""
    hints = get_type_hints(body)
    properties = {field.name: _schema(hints[field.name], schemas) for field in dataclasses.fields(body)}
    needed = [field.name for field in dataclasses.fields(body) if field.default is dataclasses.MISSING]
    schemas[body.__name__] = {"type": "object", "properties": properties, "required": sorted(needed)}
    return {"$ref": f"#/components/schemas/{body.__name__}"}


def _operation(route: Route, schemas: dict[str, Schema]) -> Schema:
    kind = "text/plain" if route.answer is str else "application/json"
    answers: dict[str, Any] = {
        "200": {"description": "The answer.", "content": {kind: {"schema": _schema(route.answer, schemas)}}}
    }
    answers |= _refused(_REFUSALS | ({"404": "There is no such thing."} if route.missing else {}))
    operation: Schema = {
        "summary": route.summary,
        "operationId": route.resource.__name__,
        "parameters": [*_in_path(route.path), *_in_query(route.parameters)],
        "responses": answers,
    }
    if route.resource.open:
        operation["security"] = [{}, {"token": []}]
    return operation


def _stream(schemas: dict[str, Schema]) -> Schema:
    events = [_schema(event, schemas) for event in EVENTS]
    return {
        "summary": "Events as they happen: a WebSocket, one JSON object a text message.",
        "operationId": "Stream",
        "parameters": _in_query(STREAM),
        "responses": {
            "101": {
                "description": "Then messages of these shapes.",
                "content": {"application/json": {"schema": {"oneOf": events}}},
            },
            "426": {"description": "Asked without an upgrade to WebSocket."},
        },
    }


def _in_path(path: str) -> list[Schema]:
    names = [part[1:-1] for part in path.split("/") if part.startswith("{")]
    return [{"name": name, "in": "path", "required": True, "schema": {"type": "string"}} for name in names]


def _in_query(parameters: Iterable[Parameter]) -> list[Schema]:
    return [_parameter(parameter) for parameter in parameters]


def _parameter(parameter: Parameter) -> Schema:
    schema = dict(_KINDS[parameter.kind])
    if parameter.many:
        schema = {"type": "array", "items": schema}
    if parameter.default is not None:
        schema["default"] = parameter.default
    return {"name": parameter.name, "in": "query", "description": parameter.text, "schema": schema}


def _schema(annotation: Any, schemas: dict[str, Schema]) -> Schema:
    if annotation in _SCALARS:
        return dict(_SCALARS[annotation])
    if annotation is types.NoneType:
        return {"type": "null"}
    if is_typeddict(annotation):
        return _object(annotation, schemas)
    origin, arguments = get_origin(annotation), get_args(annotation)
    if origin is Annotated:
        return _schema(arguments[0], schemas) | {"description": arguments[1]}
    if origin in (NotRequired, Required):
        return _schema(arguments[0], schemas)
    if origin is Literal:
        return {"type": "string", "enum": list(arguments)}
    if origin is tuple:
        return {"type": "array", "items": _schema(arguments[0], schemas)}
    if origin is list:
        return {"type": "array", "items": _schema(arguments[0], schemas)}
    if origin is dict:
        return {"type": "object", "additionalProperties": _schema(arguments[1], schemas)}
    if origin in (Union, types.UnionType):
        return {"anyOf": [_schema(argument, schemas) for argument in arguments]}
    raise TypeError(f"no schema is known for {annotation}")  # a fault of ours, found by the first test


def _object(shape: Any, schemas: dict[str, Schema]) -> Schema:
    name = shape.__name__
    if name not in schemas:
        schemas[name] = {}  # shapes may hold each other
        hints = get_type_hints(shape, include_extras=True)
        schemas[name] = {
            "type": "object",
            "properties": {key: _schema(hint, schemas) for key, hint in hints.items()},
            "required": sorted(shape.__required_keys__),
        }
    return {"$ref": f"#/components/schemas/{name}"}
