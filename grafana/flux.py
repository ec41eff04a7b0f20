"""A question to the data source as Grafana's JSON has it; the SDK brings none for InfluxDB."""

from __future__ import annotations

from typing import Any

from grafana_foundation_sdk.cog import builder, runtime, variants
from grafana_foundation_sdk.models.dashboard import DataSourceRef

from grafana.bundle import SOURCE

KIND = "influxdb"
REF = DataSourceRef(type_val=KIND, uid=SOURCE)
"""The data source, as panels name it."""


class FluxQuery(variants.Dataquery):
    """A question in Flux, under the letter that its panel knows it by."""

    def __init__(self, ref_id: str, query: str) -> None:
        self.ref_id, self.query = ref_id, query

    def to_json(self) -> dict[str, object]:
        """As Grafana stores it."""
        return {"refId": self.ref_id, "datasource": REF, "query": self.query}

    @classmethod
    def from_json(cls, data: dict[str, Any]) -> FluxQuery:
        """Back again."""
        return cls(data["refId"], data["query"])


class Flux(builder.Builder[variants.Dataquery]):
    """Builds one."""

    def __init__(self, ref_id: str, query: str) -> None:
        self._query = FluxQuery(ref_id, query)

    def build(self) -> variants.Dataquery:
        return self._query


def variant() -> runtime.DataqueryConfig:
    """By which the SDK reads one."""
    return runtime.DataqueryConfig(identifier=KIND, from_json_hook=FluxQuery.from_json)
