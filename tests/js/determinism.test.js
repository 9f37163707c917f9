// Equal seed, start and settings give equal runs, as clients see them; and the run as REST tells it.

import assert from 'node:assert/strict';
import { test } from 'node:test';

import { connect, ms } from './support/client.mjs';
import { serve } from './support/server.mjs';
import { assertTimestamp } from './support/shapes.mjs';

const RATE = { RATE: '10' };
const SETTINGS = {
  seed: 20260621,
  simulatedStart: '2026-06-21T10:00:00Z',
  noise: 1.5,
  disturbances: 3600,
};
const SAMPLES = 300;

/** The first events of a new run: all that a client gets, in order. */
async function record(t, server, settings) {
  const client = await connect(t, server);
  await client.subscribeAll();
  await server.startSimulation(settings);
  const started = ({ event, payload }) => (
    event === 'notification' && payload.title === 'Simulation Started');
  const of = (log) => log.slice(log.findIndex(started));
  await client.until((log) => log.some(started) && of(log).length > SAMPLES, 'enough events');
  await server.stopSimulation();
  return of(client.log).slice(0, SAMPLES);
}

/** The events without what belongs to the wall clock, but with the ticks between them. */
function comparable(events) {
  const start = ms(events[0].payload);
  return events.map(({ event, payload: { timestamp, ...rest } }) => ({
    event, afterMs: Date.parse(timestamp) - start, ...rest,
  }));
}

test('two servers with equal seed, start and settings send the same', async (t) => {
  const servers = await Promise.all([serve(t, RATE), serve(t, { ...RATE, SEED: '7', SPEED: '2' })]);
  const settings = { ...SETTINGS, speed: 1 };
  const [one, other] = await Promise.all(servers.map((server) => record(t, server, settings)));
  assert.deepEqual(comparable(other), comparable(one));
});

test('a second run on the same server sends the same', async (t) => {
  const server = await serve(t, RATE);
  const first = await record(t, server, SETTINGS);
  const second = await record(t, server, SETTINGS);
  assert.deepEqual(comparable(second), comparable(first));
  assert.notEqual(second[0].payload.timestamp, first[0].payload.timestamp);
});

test('settings of the server do what those of a start do', async (t) => {
  const { simulatedStart, ...rest } = SETTINGS;
  const env = { SEED: `${rest.seed}`, NOISE: `${rest.noise}`, DISTURBANCES: `${rest.disturbances}` };
  const servers = await Promise.all([serve(t, RATE), serve(t, { ...RATE, ...env })]);
  const [one, other] = await Promise.all([
    record(t, servers[0], SETTINGS), record(t, servers[1], { simulatedStart })]);
  assert.deepEqual(comparable(other), comparable(one));
});

test('another seed gives another run', async (t) => {
  const servers = await Promise.all([serve(t, RATE), serve(t, RATE)]);
  const [one, other] = await Promise.all([
    record(t, servers[0], SETTINGS), record(t, servers[1], { ...SETTINGS, seed: 1 })]);
  assert.notDeepEqual(comparable(other), comparable(one));
});

test('a seed that is not given is drawn anew for each run', async (t) => {
  const server = await serve(t, RATE);
  const seeds = new Set();
  for (let run = 0; run < 3; run += 1) {
    await server.startSimulation();
    seeds.add((await server.simulation()).seed);
    await server.stopSimulation();
  }
  assert.equal(seeds.size, 3);
});

test('GET /data/simulation tells the run', async (t) => {
  const server = await serve(t, { SPEED: '2', NOISE: '0.5', DISTURBANCES: '0' });
  const before = await server.simulation();
  assert.deepEqual(Object.keys(before), [
    'runId', 'isRunning', 'seed', 'speed', 'simulatedTime', 'tick', 'noise', 'disturbances']);
  assert.deepEqual({ ...before, tick: 0 }, {
    runId: null, isRunning: false, seed: null, speed: 2, simulatedTime: null, tick: 0, noise: 0.5, disturbances: 0,
  });

  const client = await connect(t, server);
  await client.ask('subscribe:converters', ['CONV-001']);
  const { seed, simulatedStart } = SETTINGS;
  await server.startSimulation({ seed, simulatedStart });
  const accepted = await server.simulation();
  assert.equal(accepted.isRunning, true, 'from the moment it was accepted');
  assert.equal(accepted.seed, seed);
  await client.count('converter:state', 2);
  const running = await server.simulation();
  assert.equal(running.runId, accepted.runId);
  assert.equal(typeof running.runId, 'string');
  assertTimestamp(running.simulatedTime);
  assert.ok(running.tick > before.tick);
  // Two seconds for each second since the start took effect.
  const started = client.payloads('notification').find(({ title }) => title === 'Simulation Started');
  const wallMs = running.tick * 100 - ms(started);
  assert.equal(Date.parse(running.simulatedTime) - Date.parse(simulatedStart), 2 * wallMs);

  await server.stopSimulation();
  assert.equal((await server.simulation()).isRunning, false);
  await server.startSimulation();
  assert.notEqual((await server.simulation()).runId, running.runId);
});

test('what cannot be done is refused and changes nothing', async (t) => {
  const server = await serve(t);
  const refused = async (method, target, body, status, ...words) => {
    const answer = await server.request(method, `/api/v1/data/simulation${target}`, { body });
    assert.equal(answer.status, status, answer.text);
    const names = { 400: 'Bad Request', 409: 'Conflict' };
    assert.deepEqual({ ...answer.body, message: '' }, { message: '', error: names[status], statusCode: status });
    words.forEach((word) => assert.ok(answer.body.message.includes(word), answer.body.message));
  };
  await refused('PATCH', '', { speed: 2 }, 409);
  await refused('POST', '/start', { seed: -1 }, 400, 'seed', '9007199254740991');
  await refused('POST', '/start', { speed: 0, noise: 11, disturbances: 'x', simulatedStart: 'now' }, 400,
    'speed', 'noise', 'disturbances', 'simulatedStart', '; ');
  assert.equal((await server.status()).grid.isRunning, false);

  await server.startSimulation({ seed: 5, unknown: true });
  const { runId } = await server.simulation();
  await refused('POST', '/start', { seed: 5 }, 409);
  await refused('PATCH', '', { speed: 101 }, 400, 'speed');
  await refused('PATCH', '', { seed: 6 }, 400, 'seed');
  const { seed, speed, runId: still } = await server.simulation();
  assert.deepEqual({ seed, speed, still }, { seed: 5, speed: 1, still: runId });
});
