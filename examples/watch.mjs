// Prints everything that gridcast streams: samples, notifications, faults and anomalies.
//
//   node examples/watch.mjs [URL]        http://localhost:3000 by default
//
// `make build` has installed its one dependency, socket.io-client, under web/.

import { createRequire } from 'node:module';

const { io } = createRequire(new URL('../web/package.json', import.meta.url))('socket.io-client');

const url = process.argv[2] ?? 'http://localhost:3000';
const socket = io(new URL('/realtime', url).href);

// In this handler: subscriptions end with the connection, and it runs after a reconnect too.
socket.on('connect', () => {
  console.log(`connected to ${url}`);
  socket.emit('subscribe:buses', ['BUS-001', 'BUS-002', 'BUS-003', 'BUS-004', 'BUS-005']);
  socket.emit('subscribe:converters', ['CONV-001', 'CONV-002', 'CONV-003']);
  socket.emit('subscribe:res-units', ['SOLAR-001', 'SOLAR-002', 'WIND-001', 'WIND-002']);
});
socket.on('connect_error', ({ message }) => console.log(`cannot connect to ${url}: ${message}`));
socket.on('disconnect', (reason) => console.log(`disconnected: ${reason}`));

const print = (timestamp, name, ...values) => console.log(timestamp, name.padEnd(10), ...values);
const number = (value, unit, digits = 2) => `${value.toFixed(digits).padStart(8)} ${unit}`;

socket.on('bus:measurement', ({ busId, measurement: m, timestamp }) => {
  print(timestamp, busId,
    number(m.voltageMagnitude, 'p.u.', 4), number(m.voltageAngle, 'deg', 3),
    number(m.activePower, 'MW'), number(m.reactivePower, 'MVAR'), number(m.frequency, 'Hz', 3));
});

socket.on('converter:state', ({ converterId, state: s, timestamp }) => {
  print(timestamp, converterId,
    number(s.activePower, 'kW'), number(s.reactivePower, 'kVAR'), number(s.voltage, 'V dc', 1),
    number(s.temperature, 'deg C', 1), number(s.thd, '% THD'));
});

socket.on('res:generation', ({ unitId, generation, temperature, timestamp, ...unit }) => {
  const resource = unit.type === 'SOLAR'
    ? number(unit.irradiance, 'W/m2', 1)
    : number(unit.windSpeed, 'm/s');
  print(timestamp, unitId,
    number(generation, 'kW'), number(100 * unit.utilizationFactor, '%', 1), resource,
    number(temperature, 'deg C', 1));
});

socket.on('notification', ({ type, title, message, timestamp }) => {
  print(timestamp, type, `${title}: ${message}`);
});

for (const event of ['fault:detected', 'fault:cleared']) {
  socket.on(event, ({ location, type, severity, phase, message, timestamp }) => {
    print(timestamp, location, type, severity, phase, message);
  });
}

for (const event of ['anomaly:detected', 'anomaly:cleared']) {
  socket.on(event, ({ source, type, phase, description, timestamp }) => {
    print(timestamp, source, type, phase, description);
  });
}
