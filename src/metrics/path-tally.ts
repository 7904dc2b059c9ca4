import { Counter, type Registry } from 'prom-client';

/** How many HTTP requests the fast path has answered, and how many Yoga, in plain numbers: every request changes them. */
export interface PathTally {
  fast: number;
  yoga: number;
}

/** Makes the tally, and has a registry show it. */
export function openPathTally(registry: Registry): PathTally {
  const tally: PathTally = { fast: 0, yoga: 0 };
  new Counter({
    name: 'waybill_http_lane_requests_total',
    help: 'GraphQL requests over HTTP, by who answered: the fast lane for plain POSTs, or Yoga’s own handler.',
    labelNames: ['lane'],
    registers: [registry],
    collect() {
      this.reset();
      this.inc({ lane: 'fast' }, tally.fast);
      this.inc({ lane: 'yoga' }, tally.yoga);
    },
  });
  return tally;
}
