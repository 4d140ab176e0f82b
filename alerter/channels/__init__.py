"""The ways to tell somebody: a type's word, and where its settings and its sending stand.

A further channel is a file here and a line below. Its record is read from ``[channels.NAME]``; it keeps to
``common.Channel``, and the contract tests run over it without being asked.
"""

CHANNELS = {
    "webhook": "alerter.channels.webhook:Webhook",
    "discord": "alerter.channels.discord:Discord",
    "slack": "alerter.channels.slack:Slack",
    "pagerduty": "alerter.channels.pagerduty:PagerDuty",
    "email": "alerter.channels.email:Email",
    "ntfy": "alerter.channels.ntfy:Ntfy",
    "command": "alerter.channels.command:Command",
    "apprise": "alerter.channels.apprise:Apprise",
}
