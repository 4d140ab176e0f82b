"""The terminal viewer: all hosts and each one's charts, live and from history.

It asks the hub's API for lists and history and listens to its stream; it keeps nothing. What it changes are acts of
yours, as acknowledging and silencing, for which a token needs the scope ack.
Settings: ~/.config/guardia/viewer.toml (api_url, token_file, refresh_interval, time_window_seconds, symbols).
The token is read from --token-file, GUARDIA_TOKEN or the settings. NO_COLOR and the locale are obeyed.
Exit codes: 0 all went well, 1 the hub could not be reached (with --dump or --script), 100 asked wrongly.
"""
