// Pages in a real browser: those that existing clients consist of, and those that the server has.

import assert from 'node:assert/strict';
import { writeFileSync, mkdtempSync, rmSync } from 'node:fs';
import { createServer } from 'node:http';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { before, describe, test } from 'node:test';
import { pathToFileURL } from 'node:url';

import { changedText, launch, newPage, textOf } from './support/browser.mjs';
import { balancer } from './support/cluster.mjs';
import { serve, suite } from './support/server.mjs';

const POWER = /^-?\d+\.\d\d kW$/;

/** A page as users have it, for the server at `server`. */
const usersPage = (server, script = 'socket.io.js') => `<!doctype html>
<meta charset="utf-8">
<link rel="icon" href="data:,">
<script src="${server}/socket.io/${script}"></script>
<p id="state">connecting</p>
<p id="CONV-001"></p><p id="CONV-002"></p><p id="CONV-003"></p>
<ol id="notifications"></ol>
<button id="start">start</button><button id="stop">stop</button>
<script>
  const socket = io('${server}/realtime');
  const show = (id, text) => { document.getElementById(id).textContent = text; };
  socket.on('connect', () => {
    show('state', 'connected');
    socket.emit('subscribe:converters', ['CONV-001', 'CONV-002', 'CONV-003']);
  });
  socket.on('disconnect', () => show('state', 'disconnected'));
  socket.on('converter:state', (data) => {
    show(data.converterId, data.state.activePower.toFixed(2) + ' kW');
  });
  socket.on('notification', ({ title, message }) => {
    const item = document.createElement('li');
    item.textContent = title + ': ' + message;
    document.getElementById('notifications').append(item);
  });
  const post = (what) => fetch('${server}/api/v1/data/simulation/' + what, { method: 'POST' });
  for (const what of ['start', 'stop']) {
    document.getElementById(what).onclick = async () => {
      const answer = await (await post(what)).json();
      show('state', answer.message);
    };
  }
</script>`;

const context = suite();
let browser;
let server;

before(async () => {
  [browser, server] = await Promise.all([launch(context), serve(context, { DISTURBANCES: '0' })]);
});

/** A page whose origin is the server's. */
async function pageAt(t, body) {
  const page = await newPage(t, browser, { withoutIcon: true });
  await page.goto(`${server.url}/api/v1`);
  await page.setContent(body);
  return page;
}

/** What a user does with the page: start, look, stop, start again, look. */
async function useThePage(page) {
  await textOf(page, '#state', /^connected$/);
  await page.click('#start');
  await textOf(page, '#state', /^Simulation started successfully$/);
  const first = await textOf(page, '#CONV-001', POWER);
  await changedText(page, '#CONV-001', first);
  await textOf(page, '#CONV-002', POWER);
  await textOf(page, '#CONV-003', POWER);
  await page.click('#stop');
  await textOf(page, 'li:last-child', /^Simulation Stopped: All simulators have been stopped$/);
  await page.evaluate(() => { document.getElementById('CONV-001').textContent = ''; });

  await server.startSimulation();
  await textOf(page, '#CONV-001', POWER);
  const notifications = await page.locator('li').allTextContents();
  assert.deepEqual(notifications.filter((text) => text.startsWith('Simulation')), [
    'Simulation Started: All simulators are now running',
    'Simulation Stopped: All simulators have been stopped',
    'Simulation Started: All simulators are now running',
  ]);
  await server.stopSimulation();
  assert.deepEqual(page.problems, []);
}

describe("the user's page", () => {
  test("from the server's own origin", async (t) => {
    const page = await pageAt(t, usersPage(server.url));
    await useThePage(page);
  });

  test('from a file', async (t) => {
    const folder = mkdtempSync(path.join(tmpdir(), 'gridcast-'));
    t.after(() => rmSync(folder, { recursive: true }));
    const file = path.join(folder, 'page.html');
    writeFileSync(file, usersPage(server.url, 'socket.io.min.js'));
    const page = await newPage(t, browser);
    await page.goto(pathToFileURL(file).href);
    await useThePage(page);
  });

  test('from another origin', async (t) => {
    const other = createServer((_, response) => {
      response.setHeader('content-type', 'text/html').end(usersPage(server.url));
    });
    await new Promise((resolve) => other.listen(0, '127.0.0.1', resolve));
    t.after(() => other.close());
    t.after(() => other.closeAllConnections());
    const page = await newPage(t, browser);
    await page.goto(`http://localhost:${other.address().port}/`);
    await useThePage(page);
  });

  test('as a module with the esm build', async (t) => {
    const body = `<!doctype html><link rel="icon" href="data:,"><p id="CONV-003"></p>
      <script type="module">
        import { io } from '/socket.io/socket.io.esm.min.js';
        const socket = io('/realtime');
        socket.on('connect', () => socket.emit('subscribe:converters', ['CONV-003']));
        socket.on('converter:state', (data) => {
          document.getElementById('CONV-003').textContent = data.state.activePower.toFixed(2) + ' kW';
        });
      </script>`;
    const page = await pageAt(t, body);
    await server.startSimulation();
    await textOf(page, '#CONV-003', POWER);
    await server.stopSimulation();
    assert.deepEqual(page.problems, []);
  });
});

describe("the server's pages", () => {
  test('/ shows the converters live, without an error', async (t) => {
    const page = await newPage(t, browser);
    await page.goto(`${server.url}/`);
    await textOf(page, '#state', /^Connected\.$/);
    await server.startSimulation();
    for (const id of ['CONV-001', 'CONV-002', 'CONV-003']) {
      const cell = `#${id} :nth-child(2)`;
      const shown = await textOf(page, cell, /^-?\d+\.\d\d$/);
      if (id !== 'CONV-003') await changedText(page, cell, shown);
    }
    await server.stopSimulation();
    assert.deepEqual(page.problems, []);
  });

  for (const address of ['/api', '/api/', '/API']) {
    test(`${address} shows every operation in Swagger UI`, async (t) => {
      const { body } = await server.request('GET', '/api-json');
      const operations = Object.values(body.paths).flatMap((item) => Object.keys(item));
      assert.ok(operations.length >= 10);
      const page = await newPage(t, browser);
      await page.goto(`${server.url}${address}`);
      await page.waitForFunction(
        (count) => document.querySelectorAll('.opblock').length === count, operations.length);
      assert.match(await page.locator('.title').first().innerText(), /^Smart Power Systems API/);
      assert.equal(await page.locator('.errors-wrapper').count(), 0);

      // An operation opens, and can be tried.
      const status = page.locator('.opblock', { hasText: '/data/simulation/status' });
      await status.locator('.opblock-summary').click();
      await status.locator('.try-out__btn').click();
      await status.locator('.execute').click();
      await status.locator('.live-responses-table .response-col_status', { hasText: '200' }).waitFor();
      assert.deepEqual(page.problems, []);
    });
  }
});

describe('below a path that a proxy gives them', () => {
  const below = '/grid/';
  const suiteContext = suite();
  let proxy;

  before(async () => {
    proxy = await balancer(suiteContext, [server], below);
  });

  // nginx itself answers the path without its slash with a redirect.
  for (const address of ['/grid/', '/grid']) {
    test(`${address} shows the converters live, and how to start`, async (t) => {
      const page = await newPage(t, browser);
      await page.goto(`${proxy}${address}`);
      await textOf(page, '#state', /^Connected\.$/);
      const start = await textOf(page, '#start', /^http/);
      assert.equal(start, `${proxy}/grid/api/v1/data/simulation/start`);
      assert.equal((await fetch(start, { method: 'POST' })).status, 200);
      const shown = await textOf(page, '#CONV-001 :nth-child(2)', /^-?\d+\.\d\d$/);
      await changedText(page, '#CONV-001 :nth-child(2)', shown);
      await server.stopSimulation();
      await page.click('a');
      await page.waitForURL(`${proxy}/grid/api/`);
      assert.deepEqual(page.problems, []);
    });
  }

  for (const address of ['/grid/api', '/grid/api/']) {
    test(`${address} shows the routes in Swagger UI, and they can be tried`, async (t) => {
      const page = await newPage(t, browser);
      await page.goto(`${proxy}${address}`);
      const status = page.locator('.opblock', { hasText: '/data/simulation/status' });
      await status.locator('.opblock-summary').click();
      await status.locator('.try-out__btn').click();
      await status.locator('.execute').click();
      await status.locator('.live-responses-table .response-col_status', { hasText: '200' }).waitFor();
      const asked = await status.locator('.request-url').innerText();
      assert.equal(asked.split('\n').at(-1), `${proxy}/grid/api/v1/data/simulation/status`);
      assert.deepEqual(page.problems, []);
    });
  }
});

describe('the files of the browser client', () => {
  const scripts = ['socket.io.js', 'socket.io.min.js', 'socket.io.esm.min.js'];

  for (const name of scripts) {
    test(`${name} and its source map`, async () => {
      const script = await server.request('GET', `/socket.io/${name}`);
      assert.equal(script.status, 200);
      assert.match(script.headers['content-type'], /^application\/javascript/);
      assert.equal(script.headers['access-control-allow-origin'], '*');
      assert.match(script.headers.etag, /^"4\.\d+\.\d+"$/);
      assert.match(script.text, /Socket\.IO v4\.\d+\.\d+/);
      const [, reference] = /sourceMappingURL=(\S+)\s*$/.exec(script.text);
      assert.equal(reference, `${name}.map`);

      const map = await server.request('GET', `/socket.io/${reference}`);
      assert.equal(map.status, 200);
      assert.match(map.headers['content-type'], /^application\/json/);
      assert.equal(map.headers['access-control-allow-origin'], '*');
      assert.equal(map.headers.etag, script.headers.etag);
      assert.equal(map.body.version, 3);
      assert.ok(map.body.sources.length > 5);
    });

    test(`${name} is not sent again to who has it`, async () => {
      const { headers: { etag } } = await server.request('GET', `/socket.io/${name}`);
      for (const known of [etag, `W/${etag}`, `"other", ${etag}`]) {
        const again = await server.request('GET', `/socket.io/${name}`, { headers: { 'if-none-match': known } });
        assert.equal(again.status, 304, known);
        assert.equal(again.text, '');
        assert.equal(again.headers.etag, etag);
        assert.equal(again.headers['access-control-allow-origin'], '*');
      }
      const changed = await server.request('GET', `/socket.io/${name}`, { headers: { 'if-none-match': '"1.0.0"' } });
      assert.equal(changed.status, 200);
    });

    test(`${name} answers HEAD`, async () => {
      const head = await server.request('HEAD', `/socket.io/${name}`);
      assert.equal(head.status, 200);
      assert.ok(Number(head.headers['content-length']) > 10_000);
    });
  }

  test('there is no msgpack bundle', async () => {
    const answer = await server.request('GET', '/socket.io/socket.io.msgpack.min.js');
    assert.ok(answer.status >= 400);
  });
});
