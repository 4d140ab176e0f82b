"""Who depends on himself is told, and nobody else, however long the chains are."""

from __future__ import annotations

import time

from hypothesis import given
from hypothesis import strategies as st

from alerter.circles import circles
from bus.tables import Host

NAMES = tuple("abcdefg")


@given(st.dictionaries(st.sampled_from(NAMES), st.sampled_from((*NAMES, "", "host/a", "host/nobody"))))
def test_those_are_told_whose_way_leads_back_to_themselves(parents: dict[str, str]) -> None:
    hosts = [Host(name=name, parent=parent) for name, parent in parents.items()]

    told = {hosts[int(number)].name: objection.remedy for (_, number), objection in circles(hosts, ())}

    for name in parents:
        way, at = [name], parents[name].removeprefix("host/")
        while at in parents and at not in way:
            way.append(at)
            at = parents[at].removeprefix("host/")
        assert told.get(name) == (" to ".join(f"host/{one}" for one in (*way, name)) if at == name else None)


def test_a_chain_of_thousands_is_gone_through_once() -> None:
    hosts = [Host(name=f"web-{number}", parent=f"web-{number + 1}") for number in range(5000)]

    began = time.process_time()
    assert not list(circles(hosts, ()))

    assert time.process_time() - began < 2.0, "by going from each to its end it were ten"
