"""What a program tells in Prometheus's text format, from its port to the store and to an alarm."""

from __future__ import annotations

import socket
import time
from collections.abc import Iterator

import pytest

from bus.questions import Latest, Series
from bus.wire import read
from tests.agent.program import Program, answer
from tests.pipeline.asking import Hub
from tests.pipeline.programs import until

SECOND = 10**9
ORDERS = 'shop[pay=by "card",town=Z%2Crich].shop_orders_per_s'
OPEN = "shop.shop_open"


class Shop(Program):
    """A shop that has another order each time that it is asked, and can be closed."""

    def __init__(self) -> None:
        super().__init__(self._told)
        self.open, self._orders = 1, 0

    def _told(self, line: socket.socket) -> None:
        self._orders += 1000
        page = f'shop_orders_total{{town="Z,rich",pay="by \\"card\\""}} {self._orders}\nshop_open {self.open}\n'
        answer(page.encode())(line)


@pytest.fixture
def shop() -> Iterator[Shop]:
    with Shop() as made:
        yield made


def test_what_a_program_tells_is_stored_and_judged_like_all_else(shop: Shop) -> None:
    scrape = f'[[scrapes]]\nname = "shop"\nurl = "{shop.scrape.url}"\ninterval = "1s"\n'
    rule = f'[[rules]]\nname = "shop-closed"\nwhen = "{OPEN} == 0"\n'
    hub = Hub(more=f'[agent]\nname = "shop-1"\n{scrape}{rule}')
    try:
        hub.run()
        hub.start("alerter")
        hub.start("agent")

        def told(metric: str) -> bool:
            now = time.time_ns()
            found = hub.ask(Series("shop-1", (metric,), now - 60 * SECOND, now, points=1))
            return found is not None and any(value for column in found.columns for value in column.max or ())

        until(lambda: told(ORDERS) and told(OPEN), 60, "what the shop tells is stored", hub)
        shop.open = 0

        def fires() -> bool:
            found = hub.ask(Latest("alert"))
            alerts = [read(one.record)[0].message() for one in found.records] if found is not None else []
            return any((one.rule, one.state) == ("shop-closed", "firing") for one in alerts)

        until(fires, 60, "the alarm fires", hub)
    finally:
        hub.close()
