// Real clients that ask for large acks and attachments while samples come fast, by websocket from the
// beginning, after an upgrade and by polling, with either way of delivery: every payload is whole, and
// every sample of an entity comes once and in order.

import assert from 'node:assert/strict';
import { describe, test } from 'node:test';

import { TRANSPORTS, connect, entityOf, isSample } from './support/client.mjs';
import { serve, suite } from './support/server.mjs';

const ROUNDS = 12;

/** A list of about `bytes` characters that names no entity. */
const list = (bytes, round) => [`${round}`, 'x'.repeat(bytes)];

for (const delivery of ['direct', 'plain']) {
  describe(`large answers between samples, delivery ${delivery}`, { concurrency: true }, () => {
    const context = suite();
    let server;
    const served = async () => {
      server ??= serve(context, {
        DISTURBANCES: '0', RATE: '30', AUTOSTART: '1', DELIVERY: delivery,
      });
      return server;
    };

    for (const transport of Object.keys(TRANSPORTS)) {
      test(`over ${transport}`, async (t) => {
        const clients = await Promise.all([1, 2, 3].map(async () => {
          const client = await connect(t, await served(), { version: '4.8', transport });
          await client.subscribeAll();
          return client;
        }));
        await Promise.all(clients.map(async (client) => {
          for (let round = 0; round < ROUNDS; round += 1) {
            const small = list(1000 * round, round);
            const large = list(900_000, round);
            const bytes = Buffer.alloc(50_000, round);
            const answers = await Promise.all([
              client.ask('subscribe:buses', small),
              ...(round % 3 === 0 ? [client.ask('subscribe:converters', large)] : []),
              client.ask('subscribe:res-units', [bytes]),
              client.ask('unsubscribe:buses', small),
            ]);
            assert.deepEqual(answers[0], { subscribed: small });
            if (round % 3 === 0) assert.deepEqual(answers[1], { subscribed: large });
            assert.ok(bytes.equals(Buffer.from(answers.at(-2).subscribed[0])));
            assert.deepEqual(answers.at(-1), { unsubscribed: small });
          }
        }));
        const ends = clients.map(({ log }) => {
          const last = new Map();
          for (const { event, payload } of log.filter(isSample)) {
            const entity = entityOf({ event, payload });
            assert.ok(!(payload.timestamp <= last.get(entity)), `${entity} at ${payload.timestamp}`);
            last.set(entity, payload.timestamp);
          }
          assert.equal(last.size, 12);
          return log.filter(({ event }) => event === 'converter:state').length;
        });
        assert.ok(Math.min(...ends) > 20, `${ends}`);
      });
    }
  });
}
