// Replays what was recorded from the service that gridcast replaces (tests/golden/README.md) and
// compares: same answers, same keys, types and nesting. Every deliberate difference stands here.

import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { before, describe, test } from 'node:test';

import { STREAMS, connect } from './support/client.mjs';
import { RawSocket } from './support/raw.mjs';
import { serve, suite } from './support/server.mjs';
import { assertSameShape } from './support/shapes.mjs';

const golden = (name) =>
  JSON.parse(readFileSync(new URL(`../golden/${name}.json`, import.meta.url), 'utf8'));

const pick = (object, keys) => Object.fromEntries(keys.map((key) => [key, object[key]]));

describe('events', async () => {
  // Injected by hand into the old service, whose fields were open.
  const injected = ['fault:detected', 'anomaly:detected', 'network:topology:update'];
  const isInjected = ({ event, args: [payload] }) => (
    injected.includes(event) || /Detected$/.test(payload.title ?? ''));
  const samples = golden('events').filter((sample) => !isInjected(sample));
  const context = suite();
  let client;

  before(async () => {
    const server = await serve(context, { RATE: '10', DISTURBANCES: '0' });
    client = await connect(context, server);
    await client.subscribeAll();
    await server.startSimulation();
    await client.count('res:generation', 4);
    await server.stopSimulation();
    await client.first('notification', ({ title }) => title === 'Simulation Stopped');
  });

  test('all samples are replayed', () => assert.equal(samples.length, 14));

  for (const { event, args } of samples) {
    const [expected] = args;
    const id = STREAMS[event]?.idOf(expected) ?? expected.title;
    test(`${event} of ${id}`, () => {
      const actual = client.log.find((entry) => (
        entry.event === event && (STREAMS[event]?.idOf(entry.payload) ?? entry.payload.title) === id));
      assert.ok(actual, 'it came');
      assertSameShape(actual.args, args);
      if (event === 'notification') {
        const texts = ['type', 'title', 'message'];
        assert.deepEqual(pick(actual.payload, texts), pick(expected, texts));
      }
    });
  }
});

describe('websocket frames', () => {
  // Where the Socket.IO crate keeps a connection that the old service closed, and the other way.
  const stays = [
    'packet 40/realtime,', 'packet 42/realtime,["connect","x"]', 'packet 2', 'packet 42/nope,["x"]',
  ];
  const closes = ['packet 42/realtime,', 'packet 1'];
  const staysOpen = (name, open) => stays.includes(name) || (open && !closes.includes(name));
  // Two events that the old service did not know.
  const acked = ['unsubscribe:buses with ack id', 'unsubscribe:res-units with ack id'];
  const context = suite();
  let server;

  before(async () => {
    server = await serve(context);
  });

  const withoutSid = (frame) => (
    typeof frame === 'string' ? frame.replace(/"sid":"[^"]+"/, '"sid":"…"') : frame);

  // What comes before the answer to one more question is all that comes.
  const askOnce = (socket, inNamespace) => (inNamespace
    ? socket.answers('42/realtime,99["subscribe:converters",[]]', (frame) => (
      frame === '43/realtime,99[{"subscribed":[]}]'))
    : socket.answers('40/probe,', (frame) => String(frame).startsWith('44/probe,')));

  for (const { name, after, sent, received, open } of golden('frames')) {
    test(name, async (t) => {
      const socket = await RawSocket.open(t, server);
      const joined = after === 'joined /realtime';
      if (joined) assert.match(await socket.join(), /^40\/realtime,\{"sid":"[^"]+"\}$/);
      sent.forEach((frame) => socket.send(frame));

      const expected = acked.includes(name)
        ? ['43/realtime,7[{"unsubscribed":["X-1","X-2"]}]']
        : received.filter((frame) => frame.close === undefined);
      await socket.until(() => socket.closed || socket.frames.length >= expected.length);
      const answers = staysOpen(name, open)
        ? await askOnce(socket, joined && sent[0] !== '41/realtime,')
        : await socket.end();
      assert.deepEqual(answers.map(withoutSid), expected.map(withoutSid));
    });
  }

  test('an auth object is accepted and ignored, and the comma may be missing', async (t) => {
    for (const frame of ['40/realtime,{"token":"x"}', '40/realtime']) {
      const socket = await RawSocket.open(t, server);
      socket.send(frame);
      await socket.until(() => socket.frames.length > 0);
      assert.match(socket.frames[0], /^40\/realtime,\{"sid":"[^"]+"\}$/);
    }
  });

  test('no other namespace exists', async (t) => {
    for (const namespace of ['/realtime/', '/realtime?x=1', '/Realtime', '/nope']) {
      const socket = await RawSocket.open(t, server);
      socket.send(`40${namespace},`);
      await socket.until(() => socket.frames.length > 0);
      assert.equal(socket.frames.shift(), `44${namespace},{"message":"Invalid namespace"}`);
      assert.match(await socket.join(), /^40\/realtime,/);
    }
  });

  test('ack id 0 is answered', async (t) => {
    const socket = await RawSocket.open(t, server);
    await socket.join();
    socket.send('42/realtime,0["subscribe:buses",["BUS-001"]]');
    await socket.until(() => socket.frames.includes('43/realtime,0[{"subscribed":["BUS-001"]}]'));
  });
});

describe('REST answers', async () => {
  const context = suite();
  let server;

  before(async () => {
    server = await serve(context);
  });

  const bodyOf = ({ body, headers }) => {
    const bytes = /^<(\d+) bytes>$/.exec(body ?? '');
    const envelope = JSON.stringify({ a: '' }).length;
    return {
      body: bytes ? JSON.stringify({ a: 'x'.repeat(Number(bytes[1]) - envelope) }) : body,
      headers,
    };
  };

  for (const { name, request, status, headers, body } of golden('rest')) {
    test(name, async () => {
      const answer = await server.request(request.method, request.path, bodyOf(request));
      assert.equal(answer.status, status);
      assert.equal(answer.headers['content-type'], headers['content-type']);
      if (status === 400) {
        // The parser's own words.
        assertSameShape(answer.body, body);
        assert.deepEqual({ ...answer.body, message: '' }, { ...body, message: '' });
      } else if (!/^<\d+ bytes>$/.test(body)) {
        assert.deepEqual(answer.body, body);
      }

      const origin = request.headers?.origin;
      const listed = origin === 'http://localhost:5173';
      const allow = (what) => answer.headers[`access-control-allow-${what}`];
      if (request.method === 'OPTIONS') {
        const preflight = ['origin', 'methods', 'headers', 'credentials'];
        for (const what of preflight) {
          assert.equal(allow(what), headers[`access-control-allow-${what}`], what);
        }
      } else {
        // Any origin may read; those listed may send credentials, which `*` would not let them.
        assert.equal(allow('origin'), listed ? origin : '*');
        assert.equal(allow('credentials'), listed ? 'true' : undefined);
      }
    });
  }
});

describe('Engine.IO over HTTP', () => {
  const context = suite();
  let server;

  before(async () => {
    server = await serve(context);
  });

  const withoutSid = (body) => (
    typeof body === 'string' ? body.replace(/"sid":"[^"]+"/, '"sid":"…"') : body);

  for (const { name, request, status, headers, body } of golden('engineio_http')) {
    test(name, async () => {
      const { method, path, ...rest } = request;
      const answer = await server.request(method, path, rest);
      assert.equal(answer.status, status);
      // The Engine.IO crate refuses this one with the status alone.
      if (name === 'websocket transport without upgrade headers') return;
      assert.deepEqual(withoutSid(answer.body), withoutSid(body));
      const compared = Object.keys(headers).filter((key) => key !== 'content-length');
      assert.deepEqual(pick(answer.headers, compared), pick(headers, compared));
    });
  }

  test('handshake over websocket', async (t) => {
    const { sid, ...handshake } = (await RawSocket.open(t, server)).handshake;
    assert.equal(typeof sid, 'string');
    assert.deepEqual(handshake, {
      upgrades: [], pingInterval: 25000, pingTimeout: 20000, maxPayload: 1000000,
    });
  });
});
