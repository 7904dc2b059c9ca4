/**
 * What a process of Waybill measures of itself, for `/metrics`. The gateway and the observers of the event store put
 * numbers in; `process/health.ts` shows the registry. Each area has a file: `http.ts`, `sockets.ts`, `feed.ts`, `log.ts`,
 * `projections.ts`. What happens for every request or every result is counted in plain numbers, which cost nothing, and
 * read only when somebody asks: `path-tally.ts`, `result-tally.ts`, `limits-met.ts`. The limits themselves, which
 * this folder only counts, stand in `limits.ts`.
 */
import { Counter, collectDefaultMetrics, Registry } from 'prom-client';
import { openFeedMetrics } from './feed.ts';
import { openHttpMetrics } from './http.ts';
import { openInHand, openLimitCounter } from './limits-met.ts';
import { openLogMetrics } from './log.ts';
import { openPathTally } from './path-tally.ts';
import { openProjectionMetrics } from './projections.ts';
import { openProofMetrics } from './proof.ts';
import { openResultTally } from './result-tally.ts';
import { openSocketMetrics } from './sockets.ts';

/** Members are named for what they count, the unit last. */
export type Metrics = ReturnType<typeof openMetrics>;

/** Makes the metrics in a registry of their own, so that two gateways in one process don't mix. */
export function openMetrics() {
  const registry = new Registry();
  return {
    registry,
    ...openHttpMetrics(registry),
    paths: openPathTally(registry),
    limits: openLimitCounter(registry),
    inHand: openInHand(registry),
    ...openSocketMetrics(registry),
    results: openResultTally(registry),
    ...openFeedMetrics(registry),
    ...openLogMetrics(registry),
    ...openProjectionMetrics(registry),
    ...openProofMetrics(registry),
    expiredOffers: new Counter({
      name: 'waybill_expired_offers_total',
      help: 'Offers that this process let expire.',
      registers: [registry],
    }),
    approvalEvents: new Counter({
      name: 'waybill_approval_events_total',
      help: 'What this process recorded of approvals without being asked, and glass that was broken, by type of event.',
      labelNames: ['type'],
      registers: [registry],
    }),
  };
}

/** Adds memory, CPU, event-loop delay and garbage collection. For the process's own registry, once. */
export function measureProcess(metrics: Pick<Metrics, 'registry'>): void {
  collectDefaultMetrics({ register: metrics.registry });
}
