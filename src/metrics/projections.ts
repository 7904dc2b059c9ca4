import { Counter, Gauge, Histogram, type Registry } from 'prom-client';
import { REQUEST_SECONDS, SIZES } from './buckets.ts';

/** How read models keep up with the log, and what verification found in them. */
export function openProjectionMetrics(registry: Registry) {
  const registers = [registry];
  return {
    /** Set when the metrics are asked for. */
    projectionLagSeconds: new Gauge({
      name: 'waybill_projection_lag_seconds',
      help: 'How far a read model is behind the log.',
      labelNames: ['projection'],
      registers,
    }),
    projectionBatchSize: new Histogram({
      name: 'waybill_projection_batch_size',
      help: 'Events folded in one transaction of the projector.',
      labelNames: ['projection'],
      buckets: SIZES,
      registers,
    }),
    projectionFoldSeconds: new Histogram({
      name: 'waybill_projection_fold_seconds',
      help: 'Age of the oldest event of a batch when its row was written.',
      labelNames: ['projection'],
      buckets: REQUEST_SECONDS,
      registers,
    }),
    projectionRetries: new Counter({
      name: 'waybill_projection_retries_total',
      help: 'Failures of the projector that it tried again after.',
      labelNames: ['projection'],
      registers,
    }),
    projectionPoisoned: new Counter({
      name: 'waybill_projection_poisoned_total',
      help: 'Rows left behind by an event that cannot be folded.',
      labelNames: ['projection'],
      registers,
    }),
    /** As the last verification found them, whichever process made it. */
    verifyFindings: new Gauge({
      name: 'waybill_verify_findings',
      help: 'Rows and streams that the last verification found wrong, by kind.',
      labelNames: ['projection', 'kind'],
      registers,
    }),
    verifyEvents: new Counter({
      name: 'waybill_verify_events_total',
      help: 'Events that this process folded to verify a read model.',
      labelNames: ['projection'],
      registers,
    }),
    verifyLastRun: new Gauge({
      name: 'waybill_verify_last_run_timestamp_seconds',
      help: 'When the last verification ended, in seconds since 1970.',
      labelNames: ['projection'],
      registers,
    }),
    verifyLastSeconds: new Gauge({
      name: 'waybill_verify_last_run_seconds',
      help: 'How long the last verification took.',
      labelNames: ['projection'],
      registers,
    }),
  };
}
