// Faults, anomalies and changes of the network: who is told, in which order, in which shape. The
// disturbances of this run come from its seed.

import assert from 'node:assert/strict';
import { before, describe, test } from 'node:test';

import { STREAMS, connect, isSample } from './support/client.mjs';
import { serve, suite } from './support/server.mjs';
import { assertTimestamp } from './support/shapes.mjs';

const FAULTS = ['fault:detected', 'fault:cleared'];
const ANOMALIES = ['anomaly:detected', 'anomaly:cleared'];
const TOPOLOGY = 'network:topology:update';
const ALERTS = [...FAULTS, ...ANOMALIES];

const isAlert = ({ event }) => ALERTS.includes(event);
const isNotification = ({ event }) => event === 'notification';
const without = (key, { [key]: _, ...rest }) => rest;

/** The keys that name the entity of an alert. */
const SUBJECT = {
  bus: ['busId'], converter: ['converterId'], 'res-unit': ['unitId'], branch: ['branchId', 'busIds'],
};

describe('a disturbed run', () => {
  const context = suite();
  let all;
  let one;
  let none;
  let alerts;
  let afterwards;

  before(async () => {
    const server = await serve(context, { RATE: '20' });
    [all, one, none] = await Promise.all([1, 2, 3].map(() => connect(context, server)));
    await all.subscribeAll();
    await one.ask('subscribe:converters', ['CONV-001']);
    await server.startSimulation({ seed: 5, simulatedStart: '2026-06-21T10:00:00Z', disturbances: 3600 });
    const names = [...ALERTS, TOPOLOGY];
    await all.until((log) => (
      names.every((name) => log.some(({ event }) => event === name))
        && log.some((entry) => isAlert(entry) && entry.payload.entityKind === 'branch')
    ), 'an event of each kind, one of them of a branch');
    await one.until((log) => log.some(isAlert));
    alerts = await server.ok('GET', '/alerts');
    await server.stopSimulation();
    await Promise.all([all, one, none].map((client) => (
      client.first('notification', ({ title }) => title === 'Simulation Stopped'))));
    afterwards = await server.ok('GET', '/alerts');
  });

  test('faults have their documented shape', () => {
    const faults = all.log.filter(({ event }) => FAULTS.includes(event));
    for (const { event, payload } of faults) {
      assert.deepEqual(Object.keys(payload), [
        'id', 'type', 'severity', 'phase', 'location', 'message', 'entityKind',
        ...SUBJECT[payload.entityKind], 'quantity', 'value', 'limit',
        ...(event === 'fault:cleared' ? ['extreme', 'extremeStep'] : []), 'timestamp']);
      const phases = event === 'fault:cleared' ? ['cleared'] : ['raised', 'escalated'];
      assert.ok(phases.includes(payload.phase), payload.phase);
      assert.ok(['LOW', 'MEDIUM', 'HIGH', 'CRITICAL'].includes(payload.severity), payload.severity);
      assert.equal(payload[SUBJECT[payload.entityKind][0]], payload.location);
      assert.match(payload.id, new RegExp(`^${payload.type}-${payload.location}-\\d+$`));
      assert.ok(Number.isFinite(payload.value) && Number.isFinite(payload.limit));
      if (event === 'fault:cleared') {
        assert.ok(Number.isFinite(payload.extreme));
        assert.ok(payload.extremeStep >= Number(payload.id.split('-').at(-1)), payload.id);
      }
      if (payload.entityKind === 'branch') assert.equal(payload.busIds.length, 2);
      assertTimestamp(payload.timestamp);
    }
  });

  test('anomalies have their documented shape', () => {
    const anomalies = all.log.filter(({ event }) => ANOMALIES.includes(event));
    for (const { event, payload } of anomalies) {
      assert.deepEqual(Object.keys(payload), [
        'id', 'type', 'source', 'phase', 'field', 'confidence', 'description', 'affected_equipment',
        'entityKind', ...SUBJECT[payload.entityKind], 'timestamp']);
      assert.equal(payload.phase, event === 'anomaly:cleared' ? 'cleared' : 'raised');
      assert.equal(payload[SUBJECT[payload.entityKind][0]], payload.source);
      assert.ok(payload.id.startsWith(`${payload.type}-${payload.source}-`), payload.id);
      assert.equal(payload.field === null, payload.type === 'MISSING');
      assert.ok(payload.confidence >= 0 && payload.confidence <= 1);
      assert.ok(payload.affected_equipment.includes(payload.source));
      assertTimestamp(payload.timestamp);
    }
  });

  test('an alert comes once, raised first, cleared last, under one id', () => {
    const phases = new Map();
    for (const { payload: { id, phase } } of all.log.filter(isAlert)) {
      phases.set(id, [...(phases.get(id) ?? []), phase]);
    }
    for (const [id, seen] of phases) {
      assert.match(seen.join(' '), /^raised( escalated)*( cleared)?$/, id);
    }
  });

  test('its notification follows it, when it is raised and when it is cleared', () => {
    const texts = {
      'fault:detected': ['error', 'Fault Detected', 'Fault detected at '],
      'fault:cleared': ['info', 'Fault Cleared', 'Fault cleared at '],
      'anomaly:detected': ['warning', 'Anomaly Detected', 'Anomaly detected in '],
      'anomaly:cleared': ['info', 'Anomaly Cleared', 'Anomaly cleared in '],
    };
    const streamed = all.log.filter((entry) => isAlert(entry) || isNotification(entry));
    const announced = streamed.filter(({ event, payload }) => isAlert({ event }) && payload.phase !== 'escalated');
    for (const entry of announced) {
      const { event, payload } = entry;
      const [type, title, message] = texts[event];
      assert.deepEqual(streamed[streamed.indexOf(entry) + 1].payload, {
        type, title, message: `${message}${payload.location ?? payload.source}`,
        data: without('timestamp', payload), timestamp: payload.timestamp,
      });
    }
    const told = streamed.filter(({ event, payload }) => isNotification({ event })
      && /^(Fault|Anomaly) /.test(payload.title));
    assert.equal(told.length, announced.length, 'none without its alert');
  });

  test('alerts go to the rooms of their entity alone', () => {
    const mine = one.log.filter(isAlert);
    mine.forEach(({ payload }) => assert.equal(payload.converterId, 'CONV-001'));
    assert.deepEqual(
      mine.map(({ payload }) => payload),
      all.log.filter((entry) => isAlert(entry) && entry.payload.converterId === 'CONV-001')
        .map(({ payload }) => payload),
    );
    assert.deepEqual(none.log.filter((entry) => isAlert(entry) || isSample(entry)), []);
  });

  test('notifications and changes of the network go to everybody', () => {
    const general = ({ log }) => log.filter(({ event }) => event === 'notification' || event === TOPOLOGY)
      .map(({ event, payload }) => [event, payload]);
    assert.deepEqual(general(none), general(all));
    assert.deepEqual(general(one), general(all));
  });

  test('a change of the network tells all of it', () => {
    const { topology, timestamp } = all.payloads(TOPOLOGY)[0];
    assertTimestamp(timestamp);
    assert.deepEqual(topology.buses.map(({ id }) => id), STREAMS['bus:measurement'].ids);
    for (const bus of topology.buses) {
      assert.deepEqual(Object.keys(bus), ['id', 'type', 'baseKv', 'gsMw', 'bsMvar']);
    }
    assert.equal(topology.branches.length, 6);
    for (const branch of topology.branches) {
      assert.deepEqual(Object.keys(branch), [
        'id', 'from', 'to', 'r', 'x', 'b', 'ratio', 'shiftDeg', 'rateMva', 'inService']);
      assert.equal(typeof branch.inService, 'boolean');
    }
  });

  test('what is active is listed as last emitted, and nothing after the stop', () => {
    const emitted = all.log.filter(isAlert).map(({ payload }) => payload);
    for (const listed of [...alerts.faults, ...alerts.anomalies]) {
      assert.ok(emitted.some((payload) => JSON.stringify(payload) === JSON.stringify(listed)), listed.id);
    }
    assert.deepEqual(afterwards, { faults: [], anomalies: [] });
  });
});
