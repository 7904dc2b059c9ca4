import { Counter, Gauge, type Registry } from 'prom-client';

/** How results were made for subscribers, in plain numbers: there are hundreds of thousands a second. */
export interface ResultTally {
  /** Handed to a subscriber as it was made for its group. */
  shared: number;
  /** Executed for one subscriber. */
  alone: number;
  /** How much is remembered for further subscribers; set by whoever remembers. */
  bytes: () => number;
}

/** Makes the tally, and has a registry show it. */
export function openResultTally(registry: Registry): ResultTally {
  const tally: ResultTally = { shared: 0, alone: 0, bytes: () => 0 };
  const registers = [registry];
  new Counter({
    name: 'waybill_subscription_results_total',
    help: 'Results handed to subscribers, by how they were made: shared with others, or alone.',
    labelNames: ['how'],
    registers,
    collect() {
      this.reset();
      this.inc({ how: 'shared' }, tally.shared);
      this.inc({ how: 'alone' }, tally.alone);
    },
  });
  new Gauge({
    name: 'waybill_shared_result_bytes',
    help: 'Text of results that is kept for further subscribers, at most.',
    registers,
    collect() {
      this.set(tally.bytes());
    },
  });
  return tally;
}
