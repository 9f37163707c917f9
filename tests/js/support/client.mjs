// Real socket.io clients of several versions, with a record of everything that reaches them.

import { createRequire } from 'node:module';

import { bounded } from './server.mjs';

const require = createRequire(import.meta.url);

/** The clients that must work unchanged, oldest first. */
export const VERSIONS = ['3.1', '4.0', '4.6.1', '4.8'];

export const TRANSPORTS = {
  websocket: ['websocket'],
  polling: ['polling'],
  upgrade: ['polling', 'websocket'],
};

/** Each version over each transport. */
export const COMBINATIONS = VERSIONS.flatMap((version) =>
  Object.keys(TRANSPORTS).map((transport) => ({ version, transport })),
);

export const io = (version) => require(`client-${version}`).io;

/** A socket and the log of all that reached it, as `{ event, payload, args }`, acks included. */
export class Client {
  constructor(socket) {
    this.socket = socket;
    this.log = [];
    this.looking = new Set();
    socket.onAny((event, ...args) => this.note(event, ...args));
    for (const event of ['connect', 'disconnect']) {
      socket.on(event, (reason) => this.note(event, reason));
    }
    socket.on('connect_error', ({ message }) => this.note('connect_error', message));
  }

  note(event, ...args) {
    this.log.push({ event, payload: args[0], args });
    this.looking.forEach((look) => look());
  }

  /** Resolves with what `find(log)` returns, as soon as that is neither false nor undefined. */
  until(find, what = find.toString()) {
    let look;
    const found = new Promise((resolve, reject) => {
      look = () => {
        try {
          const result = find(this.log);
          if (result !== undefined && result !== false) resolve(result);
        } catch (error) {
          reject(error);
        }
      };
      this.looking.add(look);
      look();
    });
    const tail = () => this.log.slice(-5).map((entry) => JSON.stringify(entry).slice(0, 300));
    return bounded(found, () => `not seen: ${what}; the last events are\n${tail().join('\n')}`).finally(() => {
      this.looking.delete(look);
    });
  }

  /** Resolves with the payload of the first `event` from place `from` of the log that fits. */
  first(event, fits = () => true, from = 0) {
    const find = (log) =>
      log.slice(from).find((entry) => entry.event === event && fits(entry.payload));
    return this.until(find, `${event} where ${fits}`).then(({ payload }) => payload);
  }

  /** Like `first`, counting from now on. */
  next(event, fits) {
    return this.first(event, fits, this.log.length);
  }

  /** Resolves when `count` events named `event` have come. */
  count(event, count) {
    const find = (log) => log.filter((entry) => entry.event === event).length >= count;
    return this.until(find, `${count} times ${event}`);
  }

  /** The payloads of all events named `event` so far. */
  payloads(event) {
    return this.log.filter((entry) => entry.event === event).map(({ payload }) => payload);
  }

  /** Sends an event and resolves with the ack, which is noted in the log as `ack`. */
  ask(event, ...args) {
    const acked = new Promise((resolve) => {
      this.socket.emit(event, ...args, (...ack) => {
        this.note('ack', ...ack);
        resolve(ack[0]);
      });
    });
    return bounded(acked, () => `no ack of ${event}`);
  }

  /** Subscribes to everything that is streamed. */
  async subscribeAll() {
    for (const { subscribe, ids } of Object.values(STREAMS)) await this.ask(subscribe, ids);
  }

  connected() {
    return this.until(() => this.socket.connected, 'a connection');
  }
}

/** Opens a client to `/realtime` (or another namespace) for the life of a test. */
export function open(t, server, options = {}) {
  const { version = '4.8', transport = 'websocket', namespace = '/realtime', ...rest } = options;
  const socket = io(version)(`${server.url}${namespace}`, {
    transports: TRANSPORTS[transport],
    forceNew: true,
    reconnectionDelay: 50,
    reconnectionDelayMax: 200,
    ...rest,
  });
  t.after(() => socket.close());
  return new Client(socket);
}

/** Opens a client and waits until it is connected and on its last transport. */
export async function connect(t, server, options = {}) {
  const client = open(t, server, options);
  await client.connected();
  if (options.transport === 'upgrade') {
    const { engine } = client.socket.io;
    if (engine.transport.name !== 'websocket') {
      const upgraded = new Promise((resolve) => engine.once('upgrade', resolve));
      await bounded(upgraded, () => 'no upgrade to websocket');
    }
  }
  return client;
}

/** The streams, in the order in which they go out where ticks coincide. */
export const STREAMS = {
  'res:generation': {
    subscribe: 'subscribe:res-units',
    unsubscribe: 'unsubscribe:res-units',
    ids: ['SOLAR-001', 'SOLAR-002', 'WIND-001', 'WIND-002'],
    idOf: (payload) => payload.unitId,
    periodMs: 2000,
  },
  'bus:measurement': {
    subscribe: 'subscribe:buses',
    unsubscribe: 'unsubscribe:buses',
    ids: ['BUS-001', 'BUS-002', 'BUS-003', 'BUS-004', 'BUS-005'],
    idOf: (payload) => payload.busId,
    periodMs: 1000,
  },
  'converter:state': {
    subscribe: 'subscribe:converters',
    unsubscribe: 'unsubscribe:converters',
    ids: ['CONV-001', 'CONV-002', 'CONV-003'],
    idOf: (payload) => payload.converterId,
    periodMs: 500,
  },
};

export const isSample = ({ event }) => event in STREAMS;

/** The entity a sample is of. */
export const entityOf = ({ event, payload }) => STREAMS[event].idOf(payload);

/** A timestamp of the wire in milliseconds. */
export const ms = (payload) => Date.parse(payload.timestamp);
