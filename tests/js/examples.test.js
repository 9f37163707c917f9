// The examples, run as a user runs them, against a real server.

import assert from 'node:assert/strict';
import { createServer } from 'node:http';
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { describe, test } from 'node:test';
import { pathToFileURL } from 'node:url';

import { changedText, launch, newPage, textOf } from './support/browser.mjs';
import { STREAMS } from './support/client.mjs';
import { Process, ROOT, bounded, serve } from './support/server.mjs';

const ENTITIES = Object.values(STREAMS).flatMap(({ ids }) => ids);
const TIME = String.raw`\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z`;

const CARGO = process.env.CARGO ?? 'cargo';

function example(t, command, args, env) {
  const child = new Process(command, args, env);
  t.after(() => child.end('SIGINT').then(() => {}));
  return child;
}

test('watch.mjs prints samples of every entity, and notifications', async (t) => {
  const server = await serve(t, { DISTURBANCES: '0', RATE: '5' });
  const watch = example(t, process.execPath, ['examples/watch.mjs', server.url]);
  await watch.written(/^connected to /m);
  await server.startSimulation();
  await watch.written(/success +Simulation Started: All simulators are now running/);
  const number = String.raw` +-?\d+\.\d+ `;
  for (const [ids, units] of [
    [STREAMS['bus:measurement'].ids, ['p.u.', 'deg', 'MW', 'MVAR', 'Hz']],
    [STREAMS['converter:state'].ids, ['kW', 'kVAR', 'V dc', 'deg C', '% THD']],
    [['SOLAR-001', 'SOLAR-002'], ['kW', '%', 'W/m2', 'deg C']],
    [['WIND-001', 'WIND-002'], ['kW', '%', 'm/s', 'deg C']],
  ]) {
    const values = units.map((unit) => number + unit.replace('.', '\\.')).join('');
    for (const id of ids) await watch.written(new RegExp(`^${TIME} ${id} +${values}$`, 'm'));
  }
  await server.stopSimulation();
  await watch.written(/info +Simulation Stopped: All simulators have been stopped/);
  assert.equal(watch.stderr, '');
});

test('watch_bus prints the samples of its bus', async (t) => {
  const server = await serve(t, { DISTURBANCES: '0', RATE: '5', AUTOSTART: '1' });
  const cargo = (verb, ...rest) => [verb, '--quiet', '--locked', '--example', 'watch_bus', ...rest];
  // `make test` has built it; a first build takes its time.
  const build = new Process(CARGO, cargo('build'), process.env);
  const { code } = await bounded(build.ended, () => build.output, 280_000);
  assert.equal(code, 0, build.output);
  const address = `127.0.0.1:${server.port}`;
  const watch = example(t, CARGO, cargo('run', '--', 'BUS-004', address), process.env);
  const line = ['p\\.u\\.', 'deg', 'Hz', 'MW', 'MVAR'].map((unit) => ` +-?\\d+\\.\\d+ ${unit}`);
  await watch.written(new RegExp(`(^${TIME} BUS-004${line.join('')}\n){3}`, 'm'));
});

describe('dashboard.html', () => {
  async function look(t, page, server) {
    await textOf(page, '#state', /^Connected to /);
    await page.click('#start');
    await textOf(page, '#state', /^Simulation started successfully$/);
    await textOf(page, '#notifications li.success', /Simulation Started: All simulators are now running$/);
    for (const id of ENTITIES) {
      await textOf(page, `#${id} .value`, /^-?\d+\.\d+ (p\.u\.|kW)$/);
      const cells = await page.locator(`#${id} dd`).allTextContents();
      assert.ok(cells.length >= 3, `${id}: ${cells}`);
      cells.forEach((text) => assert.match(text, /^-?\d+\.\d+( \S+)*$/, `${id}: ${cells}`));
    }
    const first = await textOf(page, '#CONV-001 .value', /./);
    await changedText(page, '#CONV-001 .value', first);
    assert.equal(await page.locator('.card').count(), ENTITIES.length);
    await page.click('#stop');
    await textOf(page, '#notifications li.info', /Simulation Stopped/);
    assert.deepEqual(page.problems, []);
    assert.equal((await server.status()).grid.isRunning, false);
  }

  test('opened as a file shows all entities of the server it is given', async (t) => {
    const server = await serve(t, { DISTURBANCES: '0' });
    const page = await newPage(t, await launch(t));
    const file = pathToFileURL(path.join(ROOT, 'examples/dashboard.html'));
    await page.goto(`${file.href}?server=${server.url}`);
    await look(t, page, server);
  });

  test('served from another origin does the same, and says when there is no server', async (t) => {
    const server = await serve(t, { DISTURBANCES: '0' });
    const html = readFileSync(path.join(ROOT, 'examples/dashboard.html'));
    const other = createServer((_, response) => response.setHeader('content-type', 'text/html').end(html));
    await new Promise((resolve) => other.listen(0, '127.0.0.1', resolve));
    t.after(() => new Promise((resolve) => {
      other.close(resolve);
      other.closeAllConnections();
    }));
    const page = await newPage(t, await launch(t));
    const address = `http://localhost:${other.address().port}/?server=`;
    await page.goto(`${address}${server.url}`);
    await look(t, page, server);

    await server.stop();
    await textOf(page, '#state', /^Disconnected/);
    await page.goto(`${address}${server.url}`);
    await textOf(page, '#state', new RegExp(`^Cannot reach ${server.url}`));
  });
});
