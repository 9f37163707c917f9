// The OpenAPI document in the hands of others: a strict validator, and clients generated from it.

import assert from 'node:assert/strict';
import { copyFileSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { before, describe, test } from 'node:test';

import { Process, ROOT, bounded, serve, suite } from './support/server.mjs';

const HERE = path.join(ROOT, 'tests/js');
const PYTHON = path.join(ROOT, 'target/python/bin');
const POWERS = [100, 250, 50];

/** Runs a tool to its end, which must be a good one, and returns what it wrote. */
async function tool(command, args, env) {
  const child = new Process(command, args, env);
  const { code } = await bounded(child.ended, () => `${command} does not end:\n${child.output}`, 120_000);
  assert.equal(code, 0, `${command} ${args.join(' ')}\n${child.output}`);
  return child.stdout;
}

describe('the document', () => {
  const context = suite();
  let folder;
  let file;
  let document;

  before(async () => {
    folder = mkdtempSync(path.join(tmpdir(), 'gridcast-openapi-'));
    context.after(() => rmSync(folder, { recursive: true }));
    const server = await serve(context);
    const answer = await server.request('GET', '/api-json');
    document = answer.body;
    file = path.join(folder, 'api.json');
    writeFileSync(file, answer.text);
  });

  /** What a client did and saw. */
  function checked(output) {
    const { ids, ratings, ...rest } = JSON.parse(output);
    assert.ok(ids.includes('BUS-001') && ids.includes('CONV-003') && ids.includes('BRANCH-001'), ids);
    assert.deepEqual(ratings, POWERS);
    assert.deepEqual(rest, {
      running: true, seed: 42, refused: 400, kind: 'VOLTAGE_DIP', ended: true, alerts: true, stopped: true,
      runningAfter: false,
    });
  }

  test('names every operation once and its server relative to itself', () => {
    const operations = Object.values(document.paths).flatMap((item) => Object.values(item));
    const names = operations.map(({ operationId }) => operationId);
    assert.deepEqual(names.filter((name, at) => names.indexOf(name) !== at), []);
    for (const name of ['startSimulation', 'stopSimulation', 'listEntities', 'getEntity', 'inject']) {
      assert.ok(names.includes(name), name);
    }
    const [{ url }] = document.servers;
    assert.equal(new URL(url, 'http://host/grid/api-json').href, 'http://host/grid/');
  });

  test('passes a strict validator, as JSON and as YAML', async (t) => {
    const server = await serve(t);
    const yaml = path.join(folder, 'api.yaml');
    writeFileSync(yaml, (await server.request('GET', '/api-yaml')).text);
    await tool(`${PYTHON}/python`, ['-m', 'openapi_spec_validator', file, yaml]);
  });

  test('gives TypeScript types with which a client works', async (t) => {
    const server = await serve(t);
    const project = path.join(folder, 'typescript');
    mkdirSync(project);
    symlinkSync(path.join(HERE, 'node_modules'), path.join(project, 'node_modules'));
    writeFileSync(path.join(project, 'package.json'), '{"type": "module"}');
    copyFileSync(path.join(HERE, 'openapi/client.ts'), path.join(project, 'client.ts'));
    const bin = (name) => path.join(HERE, 'node_modules/.bin', name);
    await tool(bin('openapi-typescript'), [file, '-o', path.join(project, 'api.ts')]);
    await tool(bin('tsc'), ['--strict', '--skipLibCheck', '--noUncheckedIndexedAccess', '--module', 'nodenext',
      '--target', 'es2022', '--lib', 'es2022,dom,dom.iterable',
      path.join(project, 'client.ts')]);
    checked(await tool('node', [path.join(project, 'client.js'), server.url]));
  });

  test('gives a Python client that works', async (t) => {
    const server = await serve(t);
    const project = path.join(folder, 'python');
    mkdirSync(project);
    const client = path.join(project, 'gridcast_client');
    // What cannot be made of the document is a warning, and it must be without one.
    await tool(`${PYTHON}/openapi-python-client`, ['generate', '--path', file, '--meta', 'none', '--output-path', client,
      '--fail-on-warning'], { PATH: `${PYTHON}:${process.env.PATH}` });
    const script = path.join(HERE, 'openapi/client.py');
    checked(await tool(`${PYTHON}/python`, [script, server.url], { PYTHONPATH: project, PYTHONDONTWRITEBYTECODE: '1' }));
  });
});
