import { Counter, Gauge, type Registry } from 'prom-client';

/** The sealing of the log. */
export function openProofMetrics(registry: Registry) {
  const registers = [registry];
  return {
    sealedEvents: new Counter({
      name: 'waybill_sealed_events_total',
      help: 'Events that this process sealed in signed checkpoints.',
      registers,
    }),
    unsealedSeconds: new Gauge({
      name: 'waybill_unsealed_seconds',
      help: 'What was recorded in the last so many seconds may not be sealed yet: a change of it would not be noticed.',
      registers,
    }),
    sealFailures: new Counter({
      name: 'waybill_seal_failures_total',
      help: 'Times that the log could not be sealed, or a checkpoint not be kept beside it; it is tried again.',
      registers,
    }),
  };
}
