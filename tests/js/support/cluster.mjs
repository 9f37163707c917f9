// Several instances that share a Redis, behind the balancer's own configuration.

import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { setTimeout } from 'node:timers/promises';

import { Process, ROOT, Server, bounded } from './server.mjs';

async function freePort() {
  const server = createServer();
  await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address();
  await new Promise((resolve) => server.close(resolve));
  return port;
}

/** Resolves when `look` resolves to something true. */
export function eventually(look, what) {
  const looking = async () => {
    for (;;) {
      const found = await look().catch(() => false);
      if (found) return found;
      await setTimeout(20);
    }
  };
  return bounded(looking(), () => what);
}

/** A redis-server that keeps nothing, for the life of a test. */
async function redis(t) {
  const port = await freePort();
  const folder = mkdtempSync(path.join(tmpdir(), 'gridcast-redis-'));
  const settings = ['--port', String(port), '--bind', '127.0.0.1', '--dir', folder];
  const server = new Process('redis-server', [...settings, '--save', '', '--appendonly', 'no']);
  t.after(async () => {
    await server.end();
    rmSync(folder, { recursive: true });
  });
  await server.written(/Ready to accept connections/);
  return `redis://127.0.0.1:${port}`;
}

/** nginx with the configuration that the containers use, ahead of `instances`; `below` is the path they get. */
export async function balancer(t, instances, below = '/') {
  const folder = mkdtempSync(path.join(tmpdir(), 'gridcast-nginx-'));
  const port = await freePort();
  const write = (name, lines) => writeFileSync(path.join(folder, name), lines.join('\n'));
  const configuration = readFileSync(path.join(ROOT, 'deploy/nginx.conf'), 'utf8');
  write('nginx.conf', [below === '/' ? configuration : configuration
    .replace('location / {', `location ${below} {`)
    .replace('proxy_pass http://gridcast;', 'proxy_pass http://gridcast/;')]);
  write('listen.conf', [`listen 127.0.0.1:${port};`]);
  const addresses = instances.map((instance) => new URL(instance.url).host);
  write('instances.conf', addresses.map((host) => `server ${host} max_fails=3 fail_timeout=2s;`));
  const globals = `daemon off; pid ${folder}/pid;`;
  const server = new Process('nginx', ['-p', folder, '-c', `${folder}/nginx.conf`, '-e', 'stderr', '-g', globals], {
    PATH: `${process.env.PATH}:/usr/sbin`,
  });
  t.after(async () => {
    await server.end();
    rmSync(folder, { recursive: true });
  });
  const url = `http://127.0.0.1:${port}`;
  await eventually(async () => (await fetch(`${url}${below}healthz`)).ok, 'nginx answers');
  return url;
}

/** Starts `count` instances and a balancer for the life of a test. */
export async function cluster(t, count) {
  const REDIS_URL = await redis(t);
  const start = () => Server.start({ REDIS_URL, HOST: '127.0.0.1', DISTURBANCES: '0' });
  const instances = await Promise.all(Array.from({ length: count }, start));
  t.after(() => Promise.all(instances.filter(({ killed }) => !killed).map((one) => one.stop())));
  for (const instance of instances) {
    await eventually(
      async () => (await instance.request('GET', '/readyz')).status === 200,
      'an instance is ready',
    );
  }
  return { instances, url: await balancer(t, instances) };
}
