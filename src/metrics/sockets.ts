import { Counter, Gauge, type Registry } from 'prom-client';

/** WebSockets, and the subscriptions that run over them or over Server-Sent Events. */
export function openSocketMetrics(registry: Registry) {
  const registers = [registry];
  return {
    sockets: new Gauge({ name: 'waybill_sockets', help: 'Open WebSockets.', registers }),
    socketCloses: new Counter({
      name: 'waybill_socket_closes_total',
      help: 'Closed WebSockets, by close code.',
      labelNames: ['code'],
      registers,
    }),
    subscriptions: new Gauge({
      name: 'waybill_subscriptions',
      help: 'Running subscriptions, by field.',
      labelNames: ['field'],
      registers,
    }),
  };
}
