"""The first Guardia's configurations: all that version 0.5 knew, and the form before it."""

from __future__ import annotations

import json
from typing import Any

FULL: dict[str, Any] = {
    "_comment": "the shop",
    "alerts": {
        "ops room": {"discord": {"url": "https://discord.example/api/webhooks/1/s3cr3t", "user_id": "42"}},
        "pager": {"webhook": {"url": "http://127.0.0.1:9000/hook?key=s3cr3t"}},
    },
    "defaults": {
        "server": {
            "interval": 30,
            "limits": {"temperature": {"limit": 80, "grace": 3, "alert": "ops room"}, "usage": {"limit": 90}},
        },
        "service": {"interval": 45, "timeout": 5, "grace": 2, "alert": "pager"},
    },
    "servers": [
        {
            "ip": "192.168.1.100",
            "port": 3000,
            "display": "Web 1",
            "token": "s3cr3t",
            "limits": {"usage": {"limit": 70}},
        },
        {"ip": "::1", "interval": 5, "limits": {"temperature": {"limit": 60, "grace": 0, "alert": "pager"}}},
        {"ip": "10.0.0.9", "display": None},
    ],
    "services": [
        {"name": "My Shop", "url": "https://shop.example/health", "expected_status": [200, 201], "body_pattern": "ok"},
        {"name": "till", "url": "http://anna:s3cr3t@127.0.0.1/x", "method": "POST", "interval": 60, "grace": 5},
    ],
    "storage": {"backend": "sqlite", "path": "./metrics.db", "retention_days": 90, "cleanup_interval_hours": 12},
    "api": {"bind": "127.0.0.1", "port": 8085, "auth_token": "s3cr3t", "enable_cors": True},
}
INLINE: dict[str, Any] = {
    "servers": [
        {
            "ip": "10.0.0.1",
            "limits": {
                "temperature": {"limit": 70, "grace": 5, "alert": {"webhook": {"url": "https://hook.example/a"}}},
                "usage": {"limit": 80, "alert": {"webhook": {"url": "https://hook.example/a"}}},
            },
        }
    ],
    "services": [
        {"name": "shop", "url": "https://shop.example", "alert": {"discord": {"url": "https://discord.example/w"}}}
    ],
}


def text(raw: Any) -> str:
    """The configuration as a file."""
    return json.dumps(raw)
