"""The application over its parts, all of which are passed in."""

from __future__ import annotations

import logging
from typing import Any

import falcon
import falcon.asgi

from api import errors
from api.encoding import to_json
from api.hub import Hub
from api.middleware import Front
from api.openapi import openapi
from api.resources.pages import Assets, OpenApi, Page, Root, nothing
from api.resources.stream import Stream
from api.routes import ROUTES

App = falcon.asgi.App[Any, Any]


def create_app(hub: Hub, *, version: str = "", lifespan: object | None = None, auth_seconds: float = 5.0) -> App:
    """The ASGI application over ``hub``. ``lifespan`` opens and closes what lives as long as the worker."""
    logging.getLogger("falcon").setLevel(logging.CRITICAL)  # our handler tells what failed, without query strings
    middleware: list[Any] = [Front(hub)] if lifespan is None else [Front(hub), lifespan]
    app: App = falcon.asgi.App(middleware=middleware)
    app.ws_options.max_receive_queue = 1
    errors.register(app)
    for route in ROUTES:
        app.add_route(route.path, route.made(hub))
    app.add_route("/api/v1/stream", Stream(hub, auth_seconds=auth_seconds))
    app.add_route("/api/v1/openapi.json", OpenApi(hub, to_json(openapi(version))))
    app.add_route("/api/docs", Page(hub, "docs.html"))
    app.add_route("/api/static/{name}", Assets(hub))
    app.add_route("/", Root(hub))
    app.add_sink(nothing, "/api(/|$)")
    if hub.config.static:
        app.add_static_route("/", hub.config.static)
    return app
