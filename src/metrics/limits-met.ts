import { Counter, Gauge, type Registry } from 'prom-client';
import { LIMIT_LABELS } from './limits.ts';

/** Counts how often clients met a limit; each limit is shown from the start, at 0. */
export function openLimitCounter(registry: Registry): Counter<'limit'> {
  const counter = new Counter({
    name: 'waybill_limits_met_total',
    help: 'Requests refused, and sockets and streams closed, by the limit that they had met.',
    labelNames: ['limit'],
    registers: [registry],
  });
  for (const limit of LIMIT_LABELS) counter.inc({ limit }, 0);
  return counter;
}

/** What this process has taken on and not answered yet, in plain numbers, since every request changes them. */
export interface InHand {
  commands: number;
  request_bytes: number;
}

export function openInHand(registry: Registry): InHand {
  const inHand: InHand = { commands: 0, request_bytes: 0 };
  new Gauge({
    name: 'waybill_commands_in_hand',
    help: 'Commands that are being recorded, or wait for it.',
    registers: [registry],
    collect() {
      this.set(inHand.commands);
    },
  });
  new Gauge({
    name: 'waybill_request_bytes_in_hand',
    help: 'Bytes of the requests and messages that are being answered.',
    registers: [registry],
    collect() {
      this.set(inHand.request_bytes);
    },
  });
  return inHand;
}
