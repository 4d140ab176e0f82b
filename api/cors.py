"""Which other origins' pages may call, as headers. Pure."""

from __future__ import annotations

from api.config import Api

METHODS = "GET, HEAD, POST, DELETE, OPTIONS"
HEADERS = "Authorization, Content-Type, X-Request-ID"


def allowed_origins(config: Api) -> tuple[str, ...] | None:
    """The origins that may call beside our own; None for any."""
    if not config.cors:
        return ()
    return config.cors_origins or None


def cors_headers(origin: str | None, config: Api, *, preflight: bool = False) -> dict[str, str]:
    """What an answer to a page of ``origin`` carries; credentials (cookies) are never allowed."""
    allowed = allowed_origins(config)
    if origin is None or (allowed is not None and origin not in allowed):
        return {"Vary": "Origin"} if allowed else {}
    headers = {"Access-Control-Allow-Origin": "*" if allowed is None else origin}
    if allowed is not None:
        headers["Vary"] = "Origin"
    if preflight:
        headers["Access-Control-Allow-Methods"] = METHODS
        headers["Access-Control-Allow-Headers"] = HEADERS
        headers["Access-Control-Max-Age"] = "600"
    else:
        headers["Access-Control-Expose-Headers"] = "X-Request-ID, Retry-After"
    return headers
