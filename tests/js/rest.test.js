// REST beyond what was recorded: entities, tolerance in addresses and bodies, and what a client of
// both doors sees.

import assert from 'node:assert/strict';
import { before, describe, test } from 'node:test';

import { STREAMS, connect, ms } from './support/client.mjs';
import { serve, suite } from './support/server.mjs';

const ROOMS = { bus: 'bus', converter: 'converter', 'res-unit': 'res-unit' };
const EXPECTED = {
  'BUS-001': ['bus', 'SLACK', { baseKv: 220 }],
  'BUS-002': ['bus', 'PV', { baseKv: 220 }],
  'BUS-003': ['bus', 'PQ', { baseKv: 220 }],
  'BUS-004': ['bus', 'PQ', { baseKv: 110 }],
  'BUS-005': ['bus', 'PQ', { baseKv: 110 }],
  'CONV-001': ['converter', 'TWO_LEVEL', { ratedPower: 100 }],
  'CONV-002': ['converter', 'NPC', { ratedPower: 250 }],
  'CONV-003': ['converter', 'BUCK', { ratedPower: 50 }],
  'SOLAR-001': ['res-unit', 'SOLAR', { capacity: 100 }],
  'SOLAR-002': ['res-unit', 'SOLAR', { capacity: 250 }],
  'WIND-001': ['res-unit', 'WIND', { capacity: 150 }],
  'WIND-002': ['res-unit', 'WIND', { capacity: 300 }],
};

describe('entities', () => {
  const context = suite();
  let server;

  before(async () => {
    server = await serve(context, { DISTURBANCES: '0', RATE: '10' });
  });

  test('all are listed with their nameplates', async () => {
    const { entities } = await server.ok('GET', '/entities');
    const streamed = entities.filter(({ kind }) => kind !== 'branch');
    assert.deepEqual(streamed.map(({ id }) => id), Object.keys(EXPECTED));
    for (const { id, kind, type, quantities, room, ...rating } of streamed) {
      assert.deepEqual([kind, type, rating], EXPECTED[id], id);
      assert.equal(room, `${ROOMS[kind]}:${id}`);
      for (const { field, unit, description, min, max } of quantities) {
        for (const text of [field, unit, description]) assert.ok(text.length > 0, `${id}.${field}`);
        assert.ok(min <= max, `${id}.${field}`);
      }
    }
    for (const { id, kind, room, rateMva } of entities.filter((entity) => entity.kind === 'branch')) {
      assert.match(id, /^BRANCH-\d{3}$/);
      assert.equal(kind, 'branch');
      assert.equal(room, null);
      assert.equal(typeof rateMva, 'number');
    }
  });

  test('each tells its newest payload, null before the first run', async (t) => {
    for (const id of Object.keys(EXPECTED)) assert.equal((await server.entity(id)).latest, null, id);
    const client = await connect(t, server);
    await client.subscribeAll();
    await server.startSimulation();
    await client.count('res:generation', 4);
    await server.stopSimulation();
    await client.first('notification', ({ title }) => title === 'Simulation Stopped');
    for (const [event, { ids, idOf }] of Object.entries(STREAMS)) {
      for (const id of ids) {
        const { latest, quantities } = await server.entity(id);
        const last = client.payloads(event).findLast((payload) => idOf(payload) === id);
        assert.deepEqual(latest, last, id);
        const fields = { ...latest, ...latest.state, ...latest.measurement };
        quantities.forEach(({ field }) => assert.equal(typeof fields[field], 'number', `${id}.${field}`));
      }
    }
  });

  test('an unknown id, or one in another case, is a 404', async () => {
    for (const id of ['BUS-999', 'bus-001', '%20']) {
      const answer = await server.request('GET', `/api/v1/entities/${id}`);
      assert.equal(answer.status, 404);
      assert.deepEqual({ ...answer.body, message: '' }, { message: '', error: 'Not Found', statusCode: 404 });
    }
  });
});

describe('addresses and bodies', () => {
  const context = suite();
  let server;

  before(async () => {
    server = await serve(context);
  });

  test('routes ignore case and one trailing slash', async () => {
    for (const target of ['/API/V1/Data/Simulation/STATUS', '/api/v1/data/simulation/status/', '/API-JSON', '/Api/V1/']) {
      assert.equal((await server.request('GET', target)).status, 200, target);
    }
    for (const target of ['/api/v1/data/simulation/status//', '/realtime', '/socket.io?EIO=4&transport=polling']) {
      const answer = await server.request('GET', target);
      assert.equal(answer.status, 404, target);
      assert.equal(answer.body.message, `Cannot GET ${target}`);
    }
  });

  test('HEAD answers where GET does', async () => {
    for (const target of ['/api/v1', '/api/v1/data/simulation/status', '/api', '/api-json', '/', '/healthz']) {
      const answer = await server.request('HEAD', target);
      assert.equal(answer.status, 200, target);
      assert.equal(answer.text, '');
    }
  });

  test('a start reads an object whatever its content type, and ignores other bodies', async () => {
    const start = async (body, type) => {
      const answer = await server.request('POST', '/api/v1/data/simulation/start', {
        body, headers: { 'content-type': type },
      });
      assert.equal(answer.status, 200, answer.text);
      const { seed } = await server.simulation();
      await server.stopSimulation();
      return seed;
    };
    for (const type of ['application/json', 'application/x-www-form-urlencoded', 'text/plain']) {
      assert.equal(await start('{"seed": 11, "more": 1}', type), 11, type);
    }
    assert.notEqual(await start('seed=11', 'application/x-www-form-urlencoded'), 11);
    assert.notEqual(await start('[11]', 'application/json'), 11);
  });

  test('the document is OpenAPI 3.1 and names every route and event payload', async () => {
    const { body } = await server.request('GET', '/api-json');
    assert.match(body.openapi, /^3\.1\./);
    assert.deepEqual([body.info.title, body.info.version], ['Smart Power Systems API', '1.0']);
    for (const target of ['', '/data/simulation/status', '/data/simulation/start', '/data/simulation/stop',
      '/data/simulation', '/entities', '/entities/{id}']) {
      assert.ok(body.paths[`/api/v1${target}`], target);
    }
    assert.equal(Object.values(body.components.securitySchemes)[0].scheme, 'bearer');
    const yaml = await server.request('GET', '/api-yaml');
    assert.equal(yaml.status, 200);
    assert.match(yaml.text, /^openapi: /m);
  });

  test('a command counts from the moment it was accepted', async () => {
    for (let round = 0; round < 5; round += 1) {
      const { status } = await server.startSimulation();
      assert.equal(status.grid.isRunning, true);
      assert.deepEqual(await server.status(), status);
      await server.stopSimulation();
      assert.equal((await server.status()).res.isRunning, false);
    }
  });

  test('many starts and stops end in a state that all doors agree on', async (t) => {
    const client = await connect(t, server);
    await client.ask('subscribe:converters', ['CONV-001']);
    for (let round = 0; round < 10; round += 1) {
      await Promise.all([server.startSimulation(), server.stopSimulation(), server.startSimulation()]);
      await server.stopSimulation();
    }
    await server.startSimulation();
    const { runId, isRunning } = await server.simulation();
    assert.equal(isRunning, true);
    const sample = await client.first('converter:state');
    const started = client.payloads('notification').findLast(({ title }) => title === 'Simulation Started');
    assert.equal(ms(sample) - ms(started), 500, 'one period after the last start');
    assert.equal((await server.simulation()).runId, runId);
    await server.stopSimulation();
  });
});
