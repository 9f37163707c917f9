// A client whose types are generated from the server's document, as a user would write it.

import createClient from 'openapi-fetch';

import type { components, paths } from './api.js';

type Entity = components['schemas']['Entity'];

// As much of Node as is used here.
declare const process: { argv: string[] };

const [, , address] = process.argv;
const client = createClient<paths>({ baseUrl: address });

/** The data of an answer, which must be one. */
function taken<T>({ data, error }: { data?: T; error?: components['schemas']['ErrorBody'] }): T {
  if (data === undefined) throw new Error(error?.message ?? 'no answer');
  return data;
}

const started = taken(await client.POST('/api/v1/data/simulation/start', { body: { seed: 42, noise: 0.5 } }));
const grid: components['schemas']['GridStatus'] = started.status.grid;

const run = taken(await client.GET('/api/v1/data/simulation'));

const { entities } = taken(await client.GET('/api/v1/entities'));
const ids: string[] = entities.map(({ id }: Entity) => id);
const ratings = entities.flatMap((entity) => ('ratedPower' in entity ? [entity.ratedPower] : []));

const refused = await client.POST('/api/v1/data/simulation/faults', {
  body: { kind: 'VOLTAGE_DIP', entityId: 'BUS-004', size: 7 },
});
const placed = taken(await client.POST('/api/v1/data/simulation/faults', {
  body: { kind: 'VOLTAGE_DIP', entityId: 'BUS-004', size: 0.8, durationS: 30 },
}));
const ended = taken(await client.DELETE('/api/v1/data/simulation/faults/{id}', { params: { path: { id: placed.id } } }));

const { faults } = taken(await client.GET('/api/v1/alerts'));
const buses = faults.flatMap((fault) => (fault.entityKind === 'bus' ? [fault.busId] : []));

const stopped = taken(await client.POST('/api/v1/data/simulation/stop'));
const status = taken(await client.GET('/api/v1/data/simulation/status'));

console.log(JSON.stringify({
  running: grid.isRunning,
  seed: run.seed,
  ids,
  ratings,
  refused: refused.error?.statusCode,
  kind: placed.kind,
  ended: ended.id === placed.id,
  alerts: buses.length >= 0,
  stopped: stopped.success,
  runningAfter: status.grid.isRunning,
}));
