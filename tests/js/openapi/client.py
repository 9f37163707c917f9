"""A client that is generated from the server's document, as a user would write it."""

import json
import sys

from gridcast_client import Client
from gridcast_client.api.data import (
    end_injection,
    get_simulation,
    get_simulation_status,
    inject,
    start_simulation,
    stop_simulation,
)
from gridcast_client.api.plant import get_alerts, list_entities
from gridcast_client.models import ErrorBody, InjectionBody, InjectionKind, StartBody

client = Client(base_url=sys.argv[1], raise_on_unexpected_status=True)

started = start_simulation.sync(client=client, body=StartBody(seed=42, noise=0.5))
run = get_simulation.sync(client=client)
entities = list_entities.sync(client=client).entities
dip = InjectionBody(kind=InjectionKind.VOLTAGE_DIP, entity_id="BUS-004", size=7.0)
refused = inject.sync(client=client, body=dip)
assert isinstance(refused, ErrorBody)
dip.size, dip.duration_s = 0.8, 30.0
placed = inject.sync(client=client, body=dip)
ended = end_injection.sync(placed.id, client=client)
alerts = get_alerts.sync(client=client)
stopped = stop_simulation.sync(client=client)
status = get_simulation_status.sync(client=client)

print(
    json.dumps(
        {
            "running": started.status.grid.is_running,
            "seed": run.seed,
            "ids": [entity.id for entity in entities],
            "ratings": [entity.rated_power for entity in entities if entity.rated_power],
            "refused": refused.status_code,
            "kind": placed.kind.value,
            "ended": ended.id == placed.id,
            "alerts": isinstance(alerts.faults, list),
            "stopped": stopped.success,
            "runningAfter": status.grid.is_running,
        }
    )
)
