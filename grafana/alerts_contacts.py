"""Who is told of alerts, and in which words: a contact point by mail, as a template for others.

`$ALERTS_TO` is of Grafana's own environment. Grafana would replace any other `$` too.
"""

from __future__ import annotations

from grafana.bundle import Json

SUBJECT = """{{ define "e3p.subject" -}}
{{ if .Alerts.Firing }}{{ len .Alerts.Firing }} to look at{{ else }}all well again{{ end }}
{{- range .Alerts.Firing }}: {{ .Annotations.summary }}{{ end }}
{{- end }}"""
BODY = """{{ define "e3p.body" -}}
{{ range .Alerts.Firing }}{{ .Labels.severity }}: {{ .Annotations.summary }}
{{ .Annotations.description }}
since {{ .StartsAt }}, more in {{ .Annotations.runbook_url }}
{{ with .SilenceURL }}silence it: {{ . }}
{{ end }}
{{ end }}{{ range .Alerts.Resolved }}well again: {{ .Annotations.summary }}
{{ end }}{{- end }}"""


def contacts() -> Json:
    """The words, the contact point, and a policy that tells everything there, as one provisioned file."""
    settings = {
        "addresses": "$ALERTS_TO",
        "subject": '{{ template "e3p.subject" . }}',
        "message": '{{ template "e3p.body" . }}',
    }
    mail = {"uid": "e3p-mail", "type": "email", "settings": settings}
    policy = {
        "orgId": 1,
        "receiver": "e3p",
        "group_by": ["grafana_folder", "alertname"],
        "group_wait": "30s",
        "group_interval": "5m",
        "repeat_interval": "1d",
    }
    return {
        "apiVersion": 1,
        "templates": [
            {"orgId": 1, "name": "e3p.subject", "template": SUBJECT},
            {"orgId": 1, "name": "e3p.body", "template": BODY},
        ],
        "contactPoints": [{"orgId": 1, "name": "e3p", "receivers": [mail]}],
        "policies": [policy],
    }
