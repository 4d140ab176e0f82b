"""Times and values as text."""

from __future__ import annotations

import json
import math

from hypothesis import given
from hypothesis import strategies as st

from api.encoding import to_bytes, to_json, to_time
from tests.api.given import NOON


def test_a_time_has_milliseconds_and_z() -> None:
    assert to_time(NOON) == "2026-01-31T12:00:00.000Z"
    assert to_time(NOON + 123_999_999) == "2026-01-31T12:00:00.123Z"
    assert to_time(0) == "1970-01-01T00:00:00.000Z"


def test_json_is_compact_and_has_no_nan() -> None:
    assert to_json({"a": [1, 2.0, None, "ä"]}) == '{"a":[1,2.0,null,"ä"]}'
    assert to_json([math.nan, math.inf, -math.inf]) == "[null,null,null]"
    assert to_json({"huge": 10**30, "more": [math.inf, {"none": math.nan}]}) == (
        f'{{"huge":{10**30},"more":[null,{{"none":null}}]}}'
    )


@given(
    st.recursive(
        st.none()
        | st.booleans()
        | st.integers(-(2**70), 2**70)
        | st.floats(allow_nan=False, allow_infinity=False)
        # What is no text in UTF-8 cannot be sent by anybody.
        | st.text(st.characters(exclude_categories=["Cs"])),
        lambda inner: st.lists(inner) | st.lists(inner).map(tuple) | st.dictionaries(st.text('ab"\\\n\x7fé€'), inner),
    )
)
def test_json_is_read_as_what_was_written(value: object) -> None:
    again = json.loads(to_bytes(value))
    assert again == json.loads(json.dumps(value))
    assert repr(again) == repr(json.loads(json.dumps(value)))  # 1 and 1.0, 0.0 and -0.0 are equal to Python
