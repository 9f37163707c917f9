// What a subscriber gets at once: the newest sample of each entity that is new to its connection,
// after the ack, never twice and never after a newer one.

import assert from 'node:assert/strict';
import { describe, test } from 'node:test';

import { STREAMS, TRANSPORTS, VERSIONS, connect, entityOf, isSample, ms, open } from './support/client.mjs';
import { serve } from './support/server.mjs';

const QUIET = { DISTURBANCES: '0' };
// A tick every 5 ms: converters every 25 ms, buses every 50 ms, renewable units every 100 ms.
const RACING = { RATE: '20', DISTURBANCES: '0' };

/** Asserts that no sample of an entity came twice, nor an older one after a newer one. */
function assertForward(log) {
  const newest = new Map();
  for (const entry of log.filter(isSample)) {
    const id = entityOf(entry);
    const time = ms(entry.payload);
    const before = newest.get(id) ?? -Infinity;
    assert.ok(time > before, `${id}: ${time} after ${before}`);
    newest.set(id, time);
  }
}

describe('subscribing between two ticks', { concurrency: true }, () => {
  for (const transport of Object.keys(TRANSPORTS)) {
    test(`over ${transport} the newest samples follow the ack`, async (t) => {
      const server = await serve(t, QUIET);
      const observer = await connect(t, server);
      await observer.subscribeAll();
      await server.startSimulation();
      for (const [event, { subscribe, ids, idOf, periodMs }] of Object.entries(STREAMS)) {
        // Subscribed just after a tick: what comes before the next one is the snapshot.
        const last = ids.at(-1);
        await observer.next(event, (payload) => idOf(payload) === last);
        const client = await connect(t, server, { transport });
        client.socket.emit(subscribe, ids, (ack) => client.note('ack', ack));
        await client.count(event, ids.length);

        const [ack, ...samples] = client.log.filter((entry) => entry.event === 'ack' || isSample(entry));
        assert.equal(ack.event, 'ack', 'the ack comes first');
        assert.deepEqual(samples.slice(0, ids.length).map(entityOf), ids, 'one of each, in id order');
        for (const { payload } of samples.slice(0, ids.length)) {
          const shared = await observer.first(event, (other) => (
            idOf(other) === idOf(payload) && other.timestamp === payload.timestamp));
          assert.deepEqual(payload, shared, 'the very sample that others got');
        }
        // The stream goes on where the snapshot ended.
        await client.count(event, 2 * ids.length);
        const times = client.payloads(event).filter((p) => idOf(p) === last).map(ms);
        assert.equal(times[1] - times[0], periodMs);
      }
    });
  }

  test('the snapshot comes at once, not with the next tick', async (t) => {
    const server = await serve(t, QUIET);
    const observer = await connect(t, server);
    await observer.ask('subscribe:res-units', ['WIND-001']);
    await server.startSimulation();
    await observer.first('res:generation');
    const crowd = await Promise.all(VERSIONS.map((version) => connect(t, server, { version })));
    await Promise.all(crowd.map(async (client) => {
      await client.ask('subscribe:res-units', ['WIND-001']);
      const { latest } = await server.entity('WIND-001');
      const first = await client.first('res:generation');
      assert.ok(ms(first) <= ms(latest), `${first.timestamp} was not there at ${latest.timestamp}`);
    }));
  });

  test('only what is new to the connection is sent', async (t) => {
    const server = await serve(t, QUIET);
    const client = await connect(t, server);
    await client.ask('subscribe:buses', ['BUS-001']);
    await server.startSimulation();
    await client.count('bus:measurement', 1);
    // Again, more, and less and again: BUS-002 alone is new.
    await client.ask('subscribe:buses', ['BUS-001']);
    await client.ask('subscribe:buses', ['BUS-001', 'BUS-002']);
    await client.ask('unsubscribe:buses', ['BUS-001', 'BUS-002']);
    await client.ask('subscribe:buses', ['BUS-001', 'BUS-002']);
    await client.count('bus:measurement', 4);
    assertForward(client.log);
  });
});

test('without a run nothing is sent, and nothing of an earlier run', async (t) => {
  const server = await serve(t, { ...QUIET, RATE: '10' });
  const early = await connect(t, server);
  await early.subscribeAll();
  await server.startSimulation();
  await early.count('res:generation', 4);
  await server.stopSimulation();
  const stopped = await early.first('notification', ({ title }) => title === 'Simulation Stopped');
  assert.notEqual((await server.entity('BUS-001')).latest, null, 'REST keeps the newest values');

  const late = await connect(t, server);
  await late.subscribeAll();
  await server.startSimulation();
  const again = await late.first('notification', ({ title }) => title === 'Simulation Started');
  const later = await connect(t, server);
  await later.subscribeAll();
  for (const client of [late, later]) {
    await client.count('res:generation', 4);
    client.log.filter(isSample).forEach(({ payload }) => {
      assert.ok(ms(payload) > ms(again) && ms(payload) > ms(stopped));
    });
    assertForward(client.log);
  }
});

describe('racing with ticks', { concurrency: true }, () => {
  for (const transport of Object.keys(TRANSPORTS)) {
    test(`new clients over ${transport}, many rounds`, async (t) => {
      const server = await serve(t, RACING);
      await server.startSimulation();
      const keeper = await connect(t, server);
      await keeper.ask('subscribe:converters', ['CONV-001']);
      await keeper.count('converter:state', 1);
      for (let round = 0; round < 40; round += 1) {
        const client = open(t, server, { transport });
        client.socket.on('connect', () => {
          for (const { subscribe, ids } of Object.values(STREAMS)) {
            client.socket.emit(subscribe, ids, (ack) => client.note('ack', ack));
          }
        });
        await client.count('converter:state', 6);
        await client.count('ack', 3);
        assertForward(client.log);
        client.log.filter(isSample).forEach((entry) => {
          const asked = Object.keys(STREAMS).indexOf(entry.event);
          const acks = client.log.slice(0, client.log.indexOf(entry));
          assert.ok(acks.filter(({ event }) => event === 'ack').length > asked, 'after its ack');
        });
        client.socket.close();
      }
    });

    test(`one client over ${transport} that comes and goes`, async (t) => {
      const server = await serve(t, RACING);
      await server.startSimulation();
      const client = await connect(t, server, { transport });
      // Keeps the connection while the client leaves the namespace.
      const main = client.socket.io.socket('/');
      t.after(() => main.close());
      main.connect();
      for (let round = 0; round < 100; round += 1) {
        for (const { subscribe, ids } of Object.values(STREAMS)) {
          client.socket.emit(subscribe, ids);
          client.socket.emit(subscribe, ids.toReversed());
        }
        await client.next('converter:state');
        if (round % 3 === 0) {
          for (const { unsubscribe, ids } of Object.values(STREAMS)) {
            client.socket.emit(unsubscribe, ids);
          }
        } else if (round % 3 === 1) {
          client.socket.disconnect();
          client.socket.connect();
          await client.connected();
        }
      }
      assertForward(client.log);
      assert.ok(client.log.filter(isSample).length > 200);
    });
  }
});
