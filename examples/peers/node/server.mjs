// A yardstick: the default plant's streams as a plain socket.io server would send them, one emit for each
// entity and period into its room. No plant is simulated; payloads have the shape and size of gridcast's.
//
//     npm ci --prefix examples/peers/node && PORT=3002 RATE=1 node examples/peers/node/server.mjs

import { Server } from 'socket.io';

const ids = (prefix, count) =>
  Array.from({ length: count }, (_, at) => `${prefix}-${String(at + 1).padStart(3, '0')}`);

const STREAMS = [
  {
    request: 'subscribe:converters', room: 'converter', event: 'converter:state', ids: ids('CONV', 3), periodMs: 500,
    sample: (id, timestamp) => ({
      converterId: id,
      state: {
        converterId: id, voltage: 690.123, current_d: 87.123, current_q: -4.123, activePower: 90.12,
        reactivePower: 4.12, frequency: 50.0012, thd: 2.123, temperature: 56.12, gridVoltage: 563.12,
        type: 'TWO_LEVEL',
      },
      timestamp,
    }),
  },
  {
    request: 'subscribe:buses', room: 'bus', event: 'bus:measurement', ids: ids('BUS', 5), periodMs: 1000,
    sample: (id, timestamp) => ({
      busId: id,
      measurement: {
        busId: id, voltageMagnitude: 1.0123, voltageAngle: -4.1234, frequency: 50.0012, activePower: -45.123,
        reactivePower: -15.123,
      },
      timestamp,
    }),
  },
  {
    request: 'subscribe:res-units', room: 'res-unit', event: 'res:generation',
    ids: [...ids('SOLAR', 2), ...ids('WIND', 2)], periodMs: 2000,
    sample: (id, timestamp) => ({
      unitId: id, generation: 57.31, type: 'SOLAR', capacity: 100, utilizationFactor: 0.5731, irradiance: 612.12,
      temperature: 21.41, timestamp,
    }),
  },
];

const io = new Server(Number(process.env.PORT ?? 3002));
const realtime = io.of('/realtime');
realtime.on('connection', (socket) => {
  for (const { request, room } of STREAMS) {
    socket.on(request, (list, ack) => {
      socket.join(list.map((id) => `${room}:${id}`));
      ack?.({ subscribed: list });
    });
  }
});
const rate = Number(process.env.RATE ?? 1);
for (const { room, event, ids: all, periodMs, sample } of STREAMS) {
  setInterval(() => {
    const timestamp = new Date().toISOString();
    for (const id of all) realtime.to(`${room}:${id}`).emit(event, sample(id, timestamp));
  }, periodMs / rate);
}
