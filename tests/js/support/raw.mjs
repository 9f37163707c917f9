// A websocket that speaks Engine.IO and Socket.IO by hand.

import assert from 'node:assert/strict';

import { WebSocket } from 'ws';

import { bounded } from './server.mjs';

export class RawSocket {
  /** Connects and waits for the Engine.IO handshake. */
  static async open(t, server) {
    const raw = new RawSocket();
    const url = `ws://127.0.0.1:${server.port}/socket.io/?EIO=4&transport=websocket`;
    raw.socket = new WebSocket(url);
    t.after(() => raw.socket.terminate());
    raw.frames = [];
    raw.closed = false;
    raw.looking = new Set();
    const changed = () => raw.looking.forEach((look) => look());
    raw.socket.on('message', (data, isBinary) => {
      // The server pings at once; a ping is no answer to anything.
      if (!isBinary && data.toString() === '2') return raw.socket.send('3');
      raw.frames.push(isBinary ? { hex: data.toString('hex') } : data.toString());
      return changed();
    });
    raw.socket.on('error', () => {});
    raw.socket.on('close', () => {
      raw.closed = true;
      changed();
    });
    await raw.until(() => raw.frames.length > 0);
    raw.handshake = JSON.parse(raw.frames.shift().slice(1));
    return raw;
  }

  send(frame) {
    this.socket.send(typeof frame === 'string' ? frame : Buffer.from(frame.hex, 'hex'));
  }

  /** Resolves when `holds()` is true. */
  until(holds) {
    let look;
    const found = new Promise((resolve) => {
      look = () => holds() && resolve();
      this.looking.add(look);
      look();
    });
    const seen = () => `not so: ${holds}; received ${JSON.stringify(this.frames)}`;
    return bounded(found, seen).finally(() => this.looking.delete(look));
  }

  /** Joins `/realtime`. */
  async join() {
    this.send('40/realtime,');
    await this.until(() => this.frames.length > 0);
    return this.frames.shift();
  }

  /** Everything received before the answer to `probe`; the connection must stay open. */
  async answers(probe, isAnswer) {
    this.send(probe);
    await this.until(() => this.closed || this.frames.some(isAnswer));
    assert.ok(!this.closed, 'the connection stays open');
    return this.frames.splice(0, this.frames.findIndex(isAnswer) + 1).slice(0, -1);
  }

  /** Everything received until the connection closes, which it must. */
  async end() {
    await this.until(() => this.closed);
    return this.frames.filter((frame) => frame !== '1');
  }
}
