import { Counter, Gauge, Histogram, type Registry } from 'prom-client';
import { REQUEST_SECONDS, SIZES } from './buckets.ts';

/** Appends to the log, and the snapshots that shorten its reading. */
export function openLogMetrics(registry: Registry) {
  const registers = [registry];
  return {
    /** Kinds: insert (one insertMany), transaction. */
    appendSeconds: new Histogram({
      name: 'waybill_append_seconds',
      help: 'Duration of a group of appends, from being sent to being acknowledged by a majority.',
      labelNames: ['kind'],
      buckets: REQUEST_SECONDS,
      registers,
    }),
    appendGroupSize: new Histogram({
      name: 'waybill_append_group_size',
      help: 'Appends that travelled together.',
      labelNames: ['kind'],
      buckets: SIZES,
      registers,
    }),
    appendedEvents: new Counter({
      name: 'waybill_appended_events_total',
      help: 'Events written to the log.',
      registers,
    }),
    /** Reasons: race (the sequence was taken), unknown (the outcome of a write was not known). */
    appendRetries: new Counter({
      name: 'waybill_append_retries_total',
      help: 'Appends tried again, by reason.',
      labelNames: ['reason'],
      registers,
    }),
    /** Of: event (of an unknown type or version), read_model (rows of a later version). */
    newerVersions: new Counter({
      name: 'waybill_newer_versions_met_total',
      help: 'Times that something was met which only a newer version understands.',
      labelNames: ['of'],
      registers,
    }),
    /** Set when the metrics are asked for. */
    clockSkewSeconds: new Gauge({
      name: 'waybill_clock_skew_seconds',
      help: "How far this machine's clock is ahead of the database's; negative where it is behind.",
      registers,
    }),
    /** Fates: written, dropped (too many waited, or the database was away): that costs time, and changes no answer. */
    snapshots: new Counter({
      name: 'waybill_snapshots_total',
      help: 'Folds of streams to be written down, by fate.',
      labelNames: ['fate'],
      registers,
    }),
  };
}
