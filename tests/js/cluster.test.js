// Real clients of several instances, through the balancer.

import assert from 'node:assert/strict';
import { test } from 'node:test';

import { COMBINATIONS, connect } from './support/client.mjs';
import { cluster, eventually } from './support/cluster.mjs';

const samplesOf = (client) => client.log.filter(({ event }) => event === 'converter:state');

test('clients of every version live through the death of their instance', async (t) => {
  const { instances, url } = await cluster(t, 3);
  const clients = await Promise.all(
    COMBINATIONS.map(async ({ version, transport }) => {
      const client = await connect(t, { url }, { version, transport });
      const subscribe = () => client.socket.emit('subscribe:converters', ['CONV-001']);
      client.socket.on('connect', subscribe);
      subscribe();
      return client;
    }),
  );
  await instances[1].startSimulation({ seed: 1 });
  for (const client of clients) await client.count('converter:state', 3);

  const message = { type: 'info', title: 'Hello', message: 'from one instance to all clients' };
  const sent = await instances[2].request('POST', '/api/v1/notifications', { body: message });
  assert.equal(sent.status, 202, sent.text);
  for (const client of clients) await client.first('notification', ({ title }) => title === 'Hello');

  // The balancer sends all clients of this address to the same instance.
  const { instance: serving } = await (await fetch(`${url}/api/v1/cluster`)).json();
  const names = await Promise.all(instances.map((one) => one.ok('GET', '/cluster')));
  const victim = instances[names.findIndex(({ instance }) => instance === serving)];
  victim.killed = true;
  victim.process.child.kill('SIGKILL');
  const died = Date.now();
  // A client that polls hears of it at once too: its request is answered by another instance.
  await Promise.all(
    clients.map((client) => eventually(async () => client.log.some(({ event }) => event === 'disconnect'), 'it notices')),
  );
  for (const client of clients) {
    const lost = client.log.findIndex(({ event }) => event === 'disconnect');
    await client.first('converter:state', () => true, lost);
  }
  t.diagnostic(`all ${clients.length} clients have samples again ${Date.now() - died} ms after the death`);
  for (const client of clients) await client.next('converter:state');
  for (const client of clients) {
    const times = samplesOf(client).map(({ payload }) => Date.parse(payload.timestamp));
    const back = times.slice(1).filter((time, at) => time < times[at]);
    assert.deepEqual(back, [], 'no step back');
    const greetings = client.log.filter(({ payload }) => payload?.title === 'Hello');
    assert.equal(greetings.length, 1, 'an operator is heard once');
  }
});
