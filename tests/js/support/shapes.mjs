// What payloads look like: keys, types and nesting, without their values.

import assert from 'node:assert/strict';

const TIMESTAMP = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/;

const typeOf = (value) => {
  if (value === null) return 'null';
  if (Array.isArray(value)) return 'array';
  return typeof value;
};

/** Asserts that `actual` has every key of `expected`, with values of the same types, at each depth. */
export function assertSameShape(actual, expected, at = 'payload') {
  assert.equal(typeOf(actual), typeOf(expected), `type of ${at}`);
  if (typeOf(expected) === 'array') {
    assert.equal(actual.length, expected.length, `length of ${at}`);
    expected.forEach((item, index) => assertSameShape(actual[index], item, `${at}[${index}]`));
  } else if (typeOf(expected) === 'object') {
    for (const [key, value] of Object.entries(expected)) {
      assert.ok(key in actual, `${at}.${key} is missing in ${JSON.stringify(actual)}`);
      assertSameShape(actual[key], value, `${at}.${key}`);
    }
  }
}

export function assertTimestamp(text) {
  assert.equal(typeof text, 'string');
  assert.match(text, TIMESTAMP);
  assert.equal(new Date(text).toISOString(), text);
}

function assertNumbers(object, fields) {
  for (const field of fields) assert.ok(Number.isFinite(object[field]), `${field}: ${object[field]}`);
}

/** Asserts the keys in their order, all of them. `stale` may stand before the timestamp. */
function assertKeys(payload, keys) {
  const given = Object.keys(payload).filter((key) => key !== 'stale');
  assert.deepEqual(given, keys);
  if ('stale' in payload) assert.equal(payload.stale, true);
}

const CONVERTER_TYPES = { 'CONV-001': 'TWO_LEVEL', 'CONV-002': 'NPC', 'CONV-003': 'BUCK' };
const CAPACITIES = { 'SOLAR-001': 100, 'SOLAR-002': 250, 'WIND-001': 150, 'WIND-002': 300 };

/** Asserts that a sample has exactly the documented keys, with values of the documented types. */
export const assertSample = {
  'converter:state'(payload) {
    assertKeys(payload, ['converterId', 'state', 'timestamp']);
    const numbers = [
      'voltage', 'current_d', 'current_q', 'activePower', 'reactivePower', 'frequency', 'thd',
      'temperature', 'gridVoltage',
    ];
    assert.deepEqual(Object.keys(payload.state), ['converterId', ...numbers, 'type']);
    assertNumbers(payload.state, numbers);
    assert.equal(payload.state.converterId, payload.converterId);
    assert.equal(payload.state.type, CONVERTER_TYPES[payload.converterId]);
    assertTimestamp(payload.timestamp);
  },
  'bus:measurement'(payload) {
    assertKeys(payload, ['busId', 'measurement', 'timestamp']);
    const numbers = [
      'voltageMagnitude', 'voltageAngle', 'frequency', 'activePower', 'reactivePower',
    ];
    assert.deepEqual(Object.keys(payload.measurement), ['busId', ...numbers]);
    assertNumbers(payload.measurement, numbers);
    assert.equal(payload.measurement.busId, payload.busId);
    assertTimestamp(payload.timestamp);
  },
  'res:generation'(payload) {
    const solar = payload.unitId.startsWith('SOLAR');
    const resource = solar ? 'irradiance' : 'windSpeed';
    const numbers = ['generation', 'capacity', 'utilizationFactor', resource, 'temperature'];
    assert.deepEqual(Object.keys(payload), [
      'unitId', 'generation', 'type', 'capacity', 'utilizationFactor', resource, 'temperature',
      'timestamp',
    ]);
    assertNumbers(payload, numbers);
    assert.equal(payload.type, solar ? 'SOLAR' : 'WIND');
    assert.equal(payload.capacity, CAPACITIES[payload.unitId]);
    assertTimestamp(payload.timestamp);
  },
};
