// Starts the real server on a free port, talks to its REST routes and ends it.

import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import path from 'node:path';
import { after } from 'node:test';
import { setTimeout } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';

export const ROOT = fileURLToPath(new URL('../../../', import.meta.url));
export const BINARY = path.resolve(
  ROOT,
  process.env.GRIDCAST_BIN ?? path.join(process.env.CARGO_TARGET_DIR ?? 'target', 'debug/gridcast'),
);

/** How long to wait for what must happen: far longer than it takes. */
export const BOUND_MS = 30_000;

const running = new Set();
process.on('exit', () => running.forEach((child) => child.kill('SIGKILL')));

/** Resolves like `promise`, or rejects with the text of `what()` when it takes too long. */
export function bounded(promise, what, ms = BOUND_MS) {
  const timer = new AbortController();
  const late = setTimeout(ms, undefined, { signal: timer.signal }).then(() => {
    throw new Error(`after ${ms} ms: ${what()}`);
  });
  late.catch(() => {});
  return Promise.race([promise, late]).finally(() => timer.abort());
}

/** A child process, what it has written so far and how it ends. */
export class Process {
  constructor(command, args, env = {}) {
    // The caller's own settings of the server must not reach it.
    const { PATH, HOME } = process.env;
    this.child = spawn(command, args, { cwd: ROOT, env: { PATH, HOME, NO_COLOR: '1', ...env } });
    this.stdout = '';
    this.stderr = '';
    this.looking = new Set();
    running.add(this.child);
    for (const name of ['stdout', 'stderr']) {
      this.child[name].setEncoding('utf8').on('data', (text) => {
        this[name] += text;
        this.looking.forEach((look) => look());
      });
    }
    this.ended = new Promise((resolve, reject) => {
      this.child.on('error', reject);
      this.child.on('close', (code, signal) => {
        running.delete(this.child);
        resolve({ code, signal });
      });
    });
    this.ended.catch(() => {});
  }

  get output() {
    return `${this.stdout}${this.stderr}`;
  }

  /** Resolves with the first match of `pattern` in what the process writes. */
  written(pattern) {
    let look;
    const found = new Promise((resolve, reject) => {
      look = () => {
        const match = pattern.exec(this.stdout);
        if (match) resolve(match);
      };
      this.looking.add(look);
      this.ended.then(({ code, signal }) => {
        look();
        reject(new Error(`it ended (${code ?? signal}) without ${pattern}:\n${this.output}`));
      }, reject);
      look();
    });
    return bounded(found, () => `no ${pattern} in:\n${this.output}`).finally(() => {
      this.looking.delete(look);
    });
  }

  /** Sends `signal` and resolves with the exit status when the process has ended. */
  async end(signal = 'SIGTERM', ms = BOUND_MS) {
    this.child.kill(signal);
    try {
      return await bounded(this.ended, () => `still there:\n${this.output}`, ms);
    } finally {
      this.child.kill('SIGKILL');
    }
  }
}

/** Runs the binary to its end. */
export async function run(args, env) {
  const child = new Process(BINARY, args, env);
  const { code, signal } = await bounded(child.ended, () => `still there:\n${child.output}`);
  return { code, signal, stdout: child.stdout, stderr: child.stderr };
}

/** A server that runs. */
export class Server {
  static async start(env = {}) {
    const server = new Server();
    server.process = new Process(BINARY, [], { PORT: '0', ...env });
    const [, url, port] = await server.process.written(/listening on (http:\/\/127\.0\.0\.1:(\d+))/);
    server.url = url;
    server.port = Number(port);
    return server;
  }

  /** Ends the server, which must then exit with status 0. */
  stop(signal = 'SIGTERM', ms = BOUND_MS) {
    this.stopping ??= this.process.end(signal, ms).then(({ code, signal: by }) => {
      assert.equal(code, 0, `the server ended with ${code ?? by}:\n${this.process.output}`);
    });
    return this.stopping;
  }

  /** A request to `target`, with its answer's body as JSON where it is JSON. */
  async request(method, target, { body, headers } = {}) {
    const response = await fetch(new URL(target, this.url), {
      method,
      headers,
      body: body === undefined || typeof body === 'string' ? body : JSON.stringify(body),
      redirect: 'manual',
    });
    const text = await response.text();
    const json = response.headers.get('content-type')?.startsWith('application/json');
    return {
      status: response.status,
      headers: Object.fromEntries(response.headers),
      text,
      body: json && text !== '' ? JSON.parse(text) : text,
    };
  }

  async ok(method, target, body) {
    const answer = await this.request(method, `/api/v1${target}`, { body });
    assert.equal(answer.status, 200, `${method} ${target}: ${answer.text}`);
    return answer.body;
  }

  startSimulation(settings) {
    return this.ok('POST', '/data/simulation/start', settings);
  }

  stopSimulation() {
    return this.ok('POST', '/data/simulation/stop');
  }

  simulation() {
    return this.ok('GET', '/data/simulation');
  }

  /** Resolves when the server has lived through `count` more ticks, running or not. */
  async ticks(count) {
    const { tick: from } = await this.simulation();
    const passed = async () => {
      while ((await this.simulation()).tick < from + count) await setTimeout(20);
    };
    await bounded(passed(), () => `no ${count} ticks since ${from}`);
  }

  status() {
    return this.ok('GET', '/data/simulation/status');
  }

  entity(id) {
    return this.ok('GET', `/entities/${id}`);
  }
}

/** Starts a server for the life of a test. */
export async function serve(t, env) {
  const server = await Server.start(env);
  t.after(() => server.stop());
  return server;
}

/** What `serve` and `connect` take in place of a test's context, for the life of a suite. */
export function suite() {
  const ends = [];
  after(() => Promise.all(ends.map((end) => end())));
  return { after: (end) => ends.push(end) };
}
