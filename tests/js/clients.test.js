// What clients of every version can ask over every transport, and what they are answered.

import assert from 'node:assert/strict';
import { before, describe, test } from 'node:test';

import {
  COMBINATIONS, STREAMS, TRANSPORTS, VERSIONS, connect, entityOf, isSample, open,
} from './support/client.mjs';
import { Server, serve, suite } from './support/server.mjs';

// Ten times the usual rate, so that a test need not wait long for the next sample.
const FAST = { RATE: '10', DISTURBANCES: '0' };
const CONVERTERS = STREAMS['converter:state'].ids;

/** The entities whose samples are among `entries`. */
const distinct = (entries) => [...new Set(entries.filter(isSample).map(entityOf))].toSorted();

describe('while the simulation runs', { concurrency: true }, () => {
  const context = suite();
  let server;

  before(async () => {
    server = await serve(context, FAST);
    await server.startSimulation();
  });

  for (const { version, transport } of COMBINATIONS) {
    const join = (t, options) => connect(t, server, { version, transport, ...options });

    describe(`client ${version} over ${transport}`, { concurrency: true }, () => {
      for (const [event, { subscribe, unsubscribe, ids, idOf }] of Object.entries(STREAMS)) {
        test(`${subscribe} is acked with the list as sent and brings ${event}`, async (t) => {
          const client = await join(t);
          const asked = [ids[1], 'NO-SUCH-ID'];
          assert.deepEqual(await client.ask(subscribe, asked), { subscribed: asked });
          await client.count(event, 3);
          client.payloads(event).forEach((payload) => assert.equal(idOf(payload), ids[1]));
        });

        test(`${unsubscribe} is acked with the list as sent and ends ${event} of these ids`, async (t) => {
          const client = await join(t);
          await client.ask(subscribe, ids);
          await client.first(event, (payload) => idOf(payload) === ids[0]);
          const asked = [ids[0], 'NO-SUCH-ID'];
          assert.deepEqual(await client.ask(unsubscribe, asked), { unsubscribed: asked });
          const from = client.log.length;
          const others = ids.slice(1);
          await client.until((log) => (
            log.slice(from).filter((entry) => entry.event === event).length >= 3 * others.length));
          assert.deepEqual(distinct(client.log.slice(from)), others);
        });
      }

      test('subscriptions add up, and repeating one changes nothing', async (t) => {
        const client = await join(t);
        await client.ask('subscribe:converters', ['CONV-001']);
        await client.ask('subscribe:converters', ['CONV-003', 'CONV-003']);
        await client.ask('subscribe:converters', ['CONV-001']);
        await client.count('converter:state', 10);
        const payloads = client.payloads('converter:state');
        assert.deepEqual(distinct(client.log), ['CONV-001', 'CONV-003']);
        const pairs = payloads.map((payload) => `${payload.converterId} ${payload.timestamp}`);
        assert.equal(new Set(pairs).size, pairs.length, 'each sample once');
      });

      test('requests take effect in the order sent', async (t) => {
        const client = await join(t);
        for (let round = 0; round < 50; round += 1) {
          client.socket.emit('subscribe:converters', ['CONV-001']);
          client.socket.emit('unsubscribe:converters', ['CONV-001']);
          client.socket.emit('unsubscribe:buses', ['BUS-001']);
          client.socket.emit('subscribe:buses', ['BUS-001']);
        }
        await client.ask('subscribe:converters', []);
        const from = client.log.length;
        await client.until((log) => log.slice(from).filter(isSample).length >= 5);
        assert.deepEqual(distinct(client.log.slice(from)), ['BUS-001']);
      });

      test('a payload that is no list brings an exception, to the sender alone, and no ack', async (t) => {
        const [client, other] = await Promise.all([join(t), join(t)]);
        const bad = ['CONV-001', null, 42, true, { ids: ['CONV-001'] }];
        let acks = 0;
        for (const payload of bad) {
          client.socket.emit('subscribe:converters', payload, () => { acks += 1; });
        }
        client.socket.emit('subscribe:converters', () => { acks += 1; });
        await client.count('exception', bad.length + 1);
        const cause = (data) => ({ pattern: 'subscribe:converters', ...data });
        assert.deepEqual(
          client.payloads('exception'),
          [...bad.map((data) => cause({ data })), cause({})].map((given) => ({
            status: 'error', message: 'Internal server error', cause: given,
          })),
        );
        // The connection stays, and nothing was joined.
        await client.ask('subscribe:buses', ['BUS-001']);
        await client.count('bus:measurement', 3);
        await other.ask('subscribe:buses', []);
        assert.equal(acks, 0);
        assert.deepEqual(distinct(client.log), ['BUS-001']);
        assert.deepEqual(other.payloads('exception'), []);
      });

      test('lists are echoed whatever is in them', async (t) => {
        const client = await join(t);
        for (const list of [
          [], [1, 2.5, -3], [['CONV-001'], { a: [null, true] }], ['A', 'A'], ['\u{1F50C} ü \u2028 "'],
        ]) {
          assert.deepEqual(await client.ask('subscribe:converters', list), { subscribed: list });
        }
        const several = await client.ask('subscribe:converters', ['CONV-001'], ['CONV-002']);
        assert.deepEqual(several, { subscribed: [['CONV-001'], ['CONV-002']] });
      });

      test('a binary payload is echoed in a binary ack', async (t) => {
        const client = await join(t);
        const { subscribed } = await client.ask('subscribe:converters', Buffer.from([1, 2, 3]));
        assert.deepEqual([...Buffer.from(subscribed)], [1, 2, 3]);
        const mixed = ['CONV-002', Buffer.from([255])];
        const ack = await client.ask('subscribe:converters', mixed);
        assert.equal(ack.subscribed[0], 'CONV-002');
        assert.deepEqual([...Buffer.from(ack.subscribed[1])], [255]);
        await client.first('converter:state', ({ converterId }) => converterId === 'CONV-002');
      });

      test('10,000 ids are taken, 10,001 are refused with the limit', async (t) => {
        const client = await join(t);
        const many = Array.from({ length: 10_000 }, (_, at) => `X-${at}`);
        many[9_999] = 'CONV-002';
        assert.deepEqual(await client.ask('subscribe:converters', many), { subscribed: many });
        await client.count('converter:state', 2);
        client.socket.emit('subscribe:buses', [...many, 'BUS-001'], () => client.note('ack'));
        const { message, cause, status } = await client.first('exception');
        assert.match(message, /10000/);
        assert.equal(status, 'error');
        assert.deepEqual(cause, { pattern: 'subscribe:buses' });
        await client.count('converter:state', 4);
        assert.deepEqual(distinct(client.log), ['CONV-002']);
        assert.equal(client.payloads('ack').length, 1);
      });

      test('unknown events are ignored', async (t) => {
        const client = await join(t);
        client.socket.emit('unknown:event', ['CONV-001'], () => client.note('ack', 'unknown'));
        await client.ask('subscribe:converters', CONVERTERS);
        await client.count('converter:state', 3);
        assert.deepEqual(client.payloads('ack'), [{ subscribed: CONVERTERS }]);
        assert.deepEqual(client.payloads('exception'), []);
      });

      test('an unknown namespace is refused, the main one is silent', async (t) => {
        const main = await join(t, { namespace: '/' });
        const manager = main.socket.io;
        const nope = manager.socket('/nope');
        t.after(() => nope.close());
        const refused = await new Promise((resolve) => nope.once('connect_error', resolve));
        assert.equal(refused.message, 'Invalid namespace');
        // The same connection can still join.
        const realtime = manager.socket('/realtime');
        t.after(() => realtime.close());
        realtime.connect();
        await new Promise((resolve) => realtime.once('connect', resolve));
        const ack = new Promise((resolve) => realtime.emit('subscribe:converters', CONVERTERS, resolve));
        assert.deepEqual(await ack, { subscribed: CONVERTERS });
        await new Promise((resolve) => realtime.once('converter:state', resolve));
        assert.deepEqual(main.log.map(({ event }) => event), ['connect']);
      });

      test('leaving ends all subscriptions, joining again starts without any', async (t) => {
        const client = await join(t);
        await client.ask('subscribe:converters', CONVERTERS);
        await client.count('converter:state', 3);
        client.socket.disconnect();
        client.socket.connect();
        await client.connected();
        const from = client.log.length;
        await client.ask('subscribe:buses', ['BUS-002']);
        await client.until((log) => log.slice(from).filter(isSample).length >= 3);
        assert.deepEqual(distinct(client.log.slice(from)), ['BUS-002']);
      });
    });
  }
});

describe('over a restart of the server', { concurrency: true }, () => {
  for (const { version, transport } of COMBINATIONS) {
    test(`client ${version} over ${transport} comes back by itself, without subscriptions`, async (t) => {
      const first = await serve(t, FAST);
      const client = await connect(t, first, { version, transport });
      await client.ask('subscribe:converters', CONVERTERS);
      await first.startSimulation();
      await client.count('converter:state', 3);
      await first.stop();
      const reason = await client.first('disconnect');
      assert.match(reason, /^transport (close|error)$/);
      const second = await Server.start({ ...FAST, AUTOSTART: '1', PORT: String(first.port) });
      t.after(() => second.stop());
      await client.count('connect', 2);
      const from = client.log.length;
      await client.ask('subscribe:buses', ['BUS-003']);
      await client.until((log) => log.slice(from).filter(isSample).length >= 3);
      assert.deepEqual(distinct(client.log.slice(from)), ['BUS-003']);
    });
  }
});

test('a subscription in the connect handler is never ignored', async (t) => {
  const server = await serve(t, FAST);
  await server.startSimulation();
  const crowd = [];
  for (let round = 0; round < 25; round += 1) {
    for (const version of VERSIONS) {
      for (const transport of Object.keys(TRANSPORTS)) {
        const client = open(t, server, { version, transport });
        client.socket.on('connect', () => {
          client.socket.emit('subscribe:converters', ['CONV-002'], (ack) => client.note('ack', ack));
        });
        crowd.push(client);
      }
    }
  }
  await Promise.all(crowd.map(async (client) => {
    assert.deepEqual(await client.first('ack'), { subscribed: ['CONV-002'] });
    await client.count('converter:state', 2);
  }));
});
