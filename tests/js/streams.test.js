// What every client version receives over every transport while the simulation runs: which events,
// when, in which order, of which shape. Times are those of the payloads.

import assert from 'node:assert/strict';
import { before, describe, test } from 'node:test';

import {
  COMBINATIONS, STREAMS, connect, entityOf, isSample, ms,
} from './support/client.mjs';
import { serve, suite } from './support/server.mjs';
import { assertSample, assertTimestamp } from './support/shapes.mjs';

const STARTED = { type: 'success', title: 'Simulation Started', message: 'All simulators are now running' };
const STOPPED = { type: 'info', title: 'Simulation Stopped', message: 'All simulators have been stopped' };

const isTitled = (title) => ({ event, payload }) =>
  event === 'notification' && payload.title === title;

describe('a run of four seconds', { concurrency: true }, () => {
  // One run, watched by all clients at once.
  const context = suite();
  let clients;
  let started;
  let watched;

  before(async () => {
    const server = await serve(context, { DISTURBANCES: '0' });
    clients = await Promise.all(
      COMBINATIONS.map((combination) => connect(context, server, combination)),
    );
    await Promise.all(clients.map((client) => client.subscribeAll()));
    await server.startSimulation();
    started = await clients[0].first('notification', ({ title }) => title === STARTED.title);
    const twoPeriods = ({ log }) =>
      log.filter(({ event }) => event === 'res:generation').length >= 8
      && log.filter(({ event }) => event === 'converter:state').length >= 24;
    await Promise.all(clients.map((client) => client.until(() => twoPeriods(client))));
    await server.stopSimulation();
    await Promise.all(
      clients.map((client) => client.until((log) => log.some(isTitled(STOPPED.title)))),
    );
    // Longer than any period: whatever still comes of the first run comes before the second.
    await server.ticks(21);
    watched = clients.map(({ log }) => log.length);
    await server.startSimulation();
    await Promise.all(clients.map((client) => client.until((log) => (
      log.slice(log.findLastIndex(isTitled(STARTED.title))).some(isSample)
        && log.filter(isTitled(STARTED.title)).length === 2))));
  });

  for (const [index, { version, transport }] of COMBINATIONS.entries()) {
    const firstRun = () => {
      const { log } = clients[index];
      const end = log.findIndex(isTitled(STOPPED.title));
      return log.slice(log.findIndex(isTitled(STARTED.title)), end + 1);
    };

    test(`client ${version} over ${transport}`, async (t) => {
      await t.test('is on the transport it was told to use', () => {
        const name = clients[index].socket.io.engine.transport.name;
        assert.equal(name, transport === 'polling' ? 'polling' : 'websocket');
      });

      for (const [event, { ids, idOf, periodMs }] of Object.entries(STREAMS)) {
        await t.test(`gets each ${event} every ${periodMs} ms, first one period after the start`, () => {
          const payloads = firstRun().filter((entry) => entry.event === event).map((e) => e.payload);
          for (const id of ids) {
            const times = payloads.filter((payload) => idOf(payload) === id).map(ms);
            assert.ok(times.length >= Math.floor(4000 / periodMs), `${id}: ${times.length} samples`);
            times.forEach((time, at) => {
              assert.equal(time - ms(started), (at + 1) * periodMs, `sample ${at} of ${id}`);
            });
          }
        });

        await t.test(`gets ${event} in its documented shape`, () => {
          const payloads = firstRun().filter((entry) => entry.event === event);
          assert.ok(payloads.length > 0);
          payloads.forEach(({ payload, args }) => {
            assert.equal(args.length, 1, 'one argument per event');
            assertSample[event](payload);
          });
        });
      }

      await t.test('gets the samples of one tick in the order of streams and ids', () => {
        const order = Object.values(STREAMS).flatMap(({ ids }) => ids);
        const samples = firstRun().filter(isSample);
        for (const time of new Set(samples.map(({ payload }) => ms(payload)))) {
          const ids = samples.filter(({ payload }) => ms(payload) === time).map(entityOf);
          assert.deepEqual(ids, order.filter((id) => ids.includes(id)), `at ${time}`);
        }
        const times = samples.map(({ payload }) => ms(payload));
        assert.deepEqual(times, times.toSorted((a, b) => a - b), 'no tick before an earlier one');
      });

      await t.test('gets timestamps that are multiples of 100 ms', () => {
        firstRun().forEach(({ payload }) => assert.equal(ms(payload) % 100, 0));
      });

      await t.test('is told of start and stop, and gets nothing after the stop', () => {
        const log = clients[index].log;
        const told = log.filter((entry) => [STARTED, STOPPED].some(({ title }) => isTitled(title)(entry)));
        assert.equal(told.length, 3);
        const [first, last, again] = told.map(({ payload }) => payload);
        const { timestamp, ...text } = first;
        assert.deepEqual(text, STARTED);
        assertTimestamp(timestamp);
        const { timestamp: end, ...lastText } = last;
        assert.deepEqual(lastText, STOPPED);
        assertTimestamp(end);
        assert.equal(again.title, STARTED.title);
        const from = log.findIndex(isTitled(STOPPED.title));
        const to = log.findLastIndex(isTitled(STARTED.title));
        assert.deepEqual(log.slice(from + 1, to), []);
        const late = log.slice(to + 1).filter(isSample).find(({ payload }) => ms(payload) <= ms(again));
        assert.equal(late, undefined, 'a sample of the first run came in the second');
        assert.ok(watched[index] <= to, 'the second run began after the first had ended');
      });

      await t.test('gets what the others get', () => {
        const mine = firstRun();
        const log = clients[0].log;
        const theirs = log.slice(
          log.findIndex(isTitled(STARTED.title)),
          log.findIndex(isTitled(STOPPED.title)) + 1,
        );
        assert.deepEqual(
          mine.map(({ event, payload }) => [event, payload]),
          theirs.map(({ event, payload }) => [event, payload]),
        );
      });
    });
  }
});

test('a second start changes no period and notifies again', async (t) => {
  const server = await serve(t, { DISTURBANCES: '0' });
  const client = await connect(t, server);
  await client.ask('subscribe:converters', ['CONV-001']);
  await server.startSimulation();
  await client.count('converter:state', 1);
  const { runId } = await server.simulation();
  await server.startSimulation();
  const again = await client.until((log) => log.filter(isTitled(STARTED.title))[1]);
  const after = client.log.indexOf(again);
  await client.until((log) => log.slice(after).filter(isSample).length >= 2);
  assert.equal((await server.simulation()).runId, runId);
  const times = client.payloads('converter:state').map(ms);
  times.slice(1).forEach((time, at) => assert.equal(time - times[at], 500));
});

test('a stop while stopped notifies again', async (t) => {
  const server = await serve(t);
  const client = await connect(t, server);
  await server.stopSimulation();
  await client.count('notification', 1);
  await server.stopSimulation();
  await client.count('notification', 2);
  client.payloads('notification').forEach(({ title }) => assert.equal(title, STOPPED.title));
});

test('the speed changes simulated time, not the periods on the wire', async (t) => {
  const server = await serve(t, { DISTURBANCES: '0' });
  const client = await connect(t, server);
  await client.ask('subscribe:converters', ['CONV-001']);
  await server.startSimulation({ simulatedStart: '2026-06-21T10:00:00Z', speed: 3 });
  await client.count('converter:state', 1);
  const before = await server.simulation();
  assert.equal(before.speed, 3);
  const answer = await server.request('PATCH', '/api/v1/data/simulation', { body: { speed: 2 } });
  assert.equal(answer.status, 200);
  assert.equal(answer.body.speed, 2);
  await client.count('converter:state', 4);
  const times = client.payloads('converter:state').map(ms);
  times.slice(1).forEach((time, at) => assert.equal(time - times[at], 500));
  const now = await server.simulation();
  const wallMs = (now.tick - before.tick) * 100;
  const simulatedMs = Date.parse(now.simulatedTime) - Date.parse(before.simulatedTime);
  assert.ok(simulatedMs >= 2 * wallMs && simulatedMs <= 3 * wallMs, `${simulatedMs} in ${wallMs}`);
});
