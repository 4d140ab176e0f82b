"""The application: ``create_app`` is handed all its parts, ``from_program`` makes them for a worker."""

from __future__ import annotations

import logging
import time
from functools import partial
from pathlib import Path
from typing import Any

import zmq

from api import errors
from api.backtests import tried
from api.config import Api
from api.counter import Asker
from api.directory import Directory
from api.encoding import to_json
from api.fanout import Fanout
from api.hub import Hub
from api.judge import JudgeLine
from api.leaving import App
from api.lines import DeskLine
from api.live import Live
from api.middleware import Front
from api.openapi import openapi
from api.resources.pages import Assets, OpenApi, Page, Root, nothing
from api.resources.status import Badge, StatusPageResource
from api.resources.stream import AGAIN_SECONDS, AUTH_SECONDS, Stream
from api.routes import ROUTES
from api.short import Short
from api.stair import KINDS, Stair
from api.tokens import Watched
from api.used import Used
from api.worker import Lifespan
from bus.lives import Life
from bus.producer import Producer
from bus.program import Program, version
from bus.sockets import Ask, Push, Subscribe
from bus.versions import Seen
from bus.vitals import Vitals

EXPECTED = {
    "store": ("guardia.store-writer",),
    "alerter": ("guardia.alerter",),
    "prober": ("guardia.prober",),
}
"""Which programs make up which part of the hub beside its collectors, by the subjects of their vitals."""
COMMANDS_SECONDS = 60.0
"""So long the store may take to answer what a command asks, as on its own machine: a page that is looked at is in a
hurry, an export is not."""


def create_app(
    hub: Hub,
    *,
    version: str = "",
    lifespan: object | None = None,
    auth_seconds: float = AUTH_SECONDS,
    again_seconds: float = AGAIN_SECONDS,
) -> App:
    """The ASGI application over ``hub``. ``lifespan`` opens and closes what lives as long as the worker."""
    logging.getLogger("falcon").setLevel(logging.CRITICAL)  # our handler tells what failed, without query strings
    middleware: list[Any] = [Front(hub), Short(hub)]
    if lifespan is not None:
        middleware.append(lifespan)
    app = App(middleware=middleware)
    app.ws_options.max_receive_queue = 1
    errors.register(app)
    for route in ROUTES:
        app.add_route(route.path, route.made(hub))
    app.add_route("/api/v1/stream", Stream(hub, auth_seconds=auth_seconds, again_seconds=again_seconds))
    app.add_route("/api/v1/openapi.json", OpenApi(hub, to_json(openapi(version))))
    app.add_route("/api/docs", Page(hub, "docs.html"))
    app.add_route("/api/static/{name}", Assets(hub))
    app.add_route("/", Root(hub))
    if hub.status_page.services:  # else a dashboard of the operator's may have these paths
        app.add_route("/status", StatusPageResource(hub))
        app.add_route("/status/{name}.svg", Badge(hub))
    app.add_sink(nothing, "/api(/|$)")
    if hub.config.static:
        app.add_static_route("/", hub.config.static)
    return app


def from_program(program: Program[Api], config: Api, place: int, tokens: Path, *, token_needed: bool) -> App:
    """The application of the worker at ``place`` (1, 2 ...). Opens nothing before the server starts it.

    ``config`` is the program's own table, as it can be had; ``tokens`` is the file of these.
    """
    settings = program.settings
    directory = Directory.of(settings["hosts"], settings["services"], settings["maintenance"])
    live = Live()
    fanout = Fanout(
        live,
        directory.display,
        now=time.time_ns(),
        gone=directory.is_gone,
        unread_bytes=config.unread_bytes,
        replay_bytes=config.replay_bytes,
    )
    context: zmq.Context[Any] = zmq.Context()

    def on(road: Any, name: str) -> Any:
        road.connect(program.address(name))
        return road

    def stair_of_all() -> Subscribe:
        subscribe = Subscribe(context, KINDS)
        for one in program.stairs:
            subscribe.connect(one)
        return subscribe

    asker = Asker(program.desk, timeout=config.question_seconds)
    patient = DeskLine(program.desk, timeout=max(config.question_seconds, COMMANDS_SECONDS))
    judge = JudgeLine(lambda: on(Ask(context), "alerter"), timeout=config.question_seconds)
    hub = Hub(
        config=config,
        status_page=settings["status_page"],
        directory=directory,
        live=live,
        fanout=fanout,
        counter=asker,
        ask_store=patient.asked,
        keyring=Watched(tokens, needed=token_needed).keyring,
        clock=time.time_ns,
        vitals=Vitals(time.monotonic()),
        expected=EXPECTED | {"collector": program.collectors},
        versions=Seen(program.versions),
        used=Used(tokens),
        vitals_seconds=program.bus.vitals_seconds,
        judge=judge,
        tries=partial(tried, file=settings.path, lock=program.run_dir / "backtest.lock"),
    )
    stair = Stair(stair_of_all, fanout)
    lifespan = Lifespan(
        hub,
        asker,
        stair,
        context=context,
        lines=(judge, patient),
        producer=lambda: Producer(on(Push(context), "side_door"), f"guardia.api-{place}"),
        canary=lambda: Producer(on(Push(context), "side_door"), f"guardia.canary-{place}"),
        life=Life(program.run_dir, f"api-{place}", within=program.life),
    )
    return create_app(hub, version=version(), lifespan=lifespan)
