// The server as a process: settings, health, start and end.

import assert from 'node:assert/strict';
import { describe, test } from 'node:test';

import { COMBINATIONS, connect, isSample } from './support/client.mjs';
import { Server, run, serve } from './support/server.mjs';

/** How soon the server promises to have ended. */
const END_MS = 2_000;

describe('settings', { concurrency: true }, () => {
  test('AUTOSTART=1 streams without a start, on two servers apart', async (t) => {
    const env = { AUTOSTART: '1', DISTURBANCES: '0' };
    const [one, other] = await Promise.all([serve(t, env), serve(t, env)]);
    for (const server of [one, other]) {
      const client = await connect(t, server);
      await client.ask('subscribe:converters', ['CONV-001']);
      await client.count('converter:state', 2);
      assert.equal((await server.status()).res.isRunning, true);
    }
    await one.stopSimulation();
    assert.equal((await one.status()).converters.isRunning, false);
    assert.equal((await other.status()).converters.isRunning, true);
  });

  test('without AUTOSTART nothing runs', async (t) => {
    const server = await serve(t);
    assert.equal((await server.status()).grid.isRunning, false);
  });

  test('flags win over variables', async (t) => {
    const server = await serve(t, { API_PREFIX: 'rest', CORS_ORIGINS: 'http://a.example' });
    const origin = 'http://a.example';
    const answer = await server.request('GET', '/rest/data/simulation/status', { headers: { origin } });
    assert.equal(answer.status, 200);
    assert.equal(answer.headers['access-control-allow-origin'], origin);
    assert.equal((await server.request('GET', '/api/v1')).status, 404);
    const { code, stderr } = await run(['--port', 'x'], { PORT: '0' });
    assert.equal(code, 2);
    assert.match(stderr, /PORT.*--port.*"x"/);
  });

  test('wrong settings end it with status 2 and are all named', async () => {
    const wrong = {
      HOST: 'example.com', PORT: '65536', API_PREFIX: 'api', CORS_ORIGINS: 'nonsense', AUTOSTART: 'maybe',
      SEED: '-1', SPEED: '0', NOISE: '11', DISTURBANCES: 'many', RATE: '101', RUST_LOG: '=/=',
    };
    const { code, stdout, stderr } = await run([], wrong);
    assert.equal(code, 2);
    assert.equal(stdout, '');
    for (const [variable, value] of Object.entries(wrong)) {
      const line = stderr.split('\n').find((text) => text.includes(`${variable} (--`));
      assert.ok(line?.includes(JSON.stringify(value)), `${variable} in\n${stderr}`);
    }
  });

  test('an unknown flag ends it with status 2', async () => {
    const { code, stderr } = await run(['--colour', 'red']);
    assert.equal(code, 2);
    assert.match(stderr, /--colour/);
  });

  test('--help names every setting, --version the version', async () => {
    const help = await run(['--help']);
    assert.equal(help.code, 0);
    for (const flag of ['host', 'port', 'api-prefix', 'cors-origins', 'autostart', 'seed', 'speed', 'noise',
      'disturbances', 'rate', 'log']) {
      assert.match(help.stdout, new RegExp(`--${flag} `));
    }
    const version = await run(['--version']);
    assert.equal(version.code, 0);
    assert.match(version.stdout, /^gridcast \d+\.\d+\.\d+$/m);
  });

  test('a port that is taken ends it with a reason', async (t) => {
    const server = await serve(t);
    const { code, stderr } = await run([], { PORT: String(server.port) });
    assert.equal(code, 1);
    assert.match(stderr, new RegExp(`cannot listen on .*:${server.port}`));
  });

  test('it listens on both loopback addresses', async (t) => {
    const server = await serve(t);
    const addresses = [...server.process.stdout.matchAll(/listening on (http:\S+)/g)].map(([, url]) => url);
    assert.ok(addresses.length >= 1);
    for (const address of addresses) {
      assert.equal((await fetch(`${address}/healthz`)).status, 200, address);
    }
  });
});

describe('health', { concurrency: true }, () => {
  test('the routes answer', async (t) => {
    const server = await serve(t);
    const alive = await server.request('GET', '/healthz');
    assert.equal(alive.status, 200);
    const ready = await server.request('GET', '/readyz');
    assert.equal(ready.status, 200);
    assert.equal(ready.body.redis, 'none');
  });

  test('healthcheck ends with 0 where a server is ready, with 1 where none is', async (t) => {
    const server = await serve(t);
    const PORT = String(server.port);
    const up = await run(['healthcheck'], { PORT });
    assert.deepEqual(up, { code: 0, signal: null, stdout: '', stderr: '' });
    const byFlag = await run(['healthcheck', '--port', PORT]);
    assert.equal(byFlag.code, 0);
    await server.stop();
    const down = await run(['healthcheck'], { PORT });
    assert.equal(down.code, 1);
    assert.match(down.stderr, new RegExp(`127\\.0\\.0\\.1:${PORT}`));
    const wrong = await run(['healthcheck'], { PORT: 'x' });
    assert.equal(wrong.code, 2);
  });
});

describe('the end', () => {
  for (const signal of ['SIGTERM', 'SIGINT']) {
    test(`on ${signal}, with streaming clients of every kind, within two seconds`, async (t) => {
      const server = await serve(t, { AUTOSTART: '1' });
      const clients = await Promise.all(COMBINATIONS.map((combination) => connect(t, server, combination)));
      await Promise.all(clients.map(async (client) => {
        await client.subscribeAll();
        await client.until((log) => log.some(isSample));
      }));
      await server.stop(signal, END_MS);
      await Promise.all(clients.map(async (client, at) => {
        const reason = await client.first('disconnect');
        const { version, transport } = COMBINATIONS[at];
        assert.match(reason, /^transport (close|error)$/, `${version} over ${transport}`);
      }));
      // They come back by themselves.
      const next = await Server.start({ PORT: String(server.port) });
      t.after(() => next.stop());
      await Promise.all(clients.map((client) => client.count('connect', 2)));
    });
  }

  test('with idle clients and an open request, within two seconds', async (t) => {
    const server = await serve(t);
    await Promise.all(COMBINATIONS.map((combination) => connect(t, server, combination)));
    // A keep-alive connection that stays open after its answer.
    assert.equal((await server.request('GET', '/healthz')).status, 200);
    await server.stop('SIGTERM', END_MS);
  });

  test('at once after the start', async () => {
    const server = await Server.start({ AUTOSTART: '1' });
    await server.stop('SIGTERM', END_MS);
  });
});
