import { Counter, Gauge, type Registry } from 'prom-client';

/** What becomes of changes on their way to subscribers. */
export function openFeedMetrics(registry: Registry) {
  const registers = [registry];
  return {
    /** Lanes: ordered, latest, log. Set when the metrics are asked for. */
    subscriberQueueItems: new Gauge({
      name: 'waybill_subscriber_queue_items',
      help: 'Changes waiting in the queues of all subscribers, by lane.',
      labelNames: ['lane'],
      registers,
    }),
    subscriberOverflows: new Counter({
      name: 'waybill_subscriber_overflows_total',
      help: 'Subscribers closed because they read too slowly, by lane and limit.',
      labelNames: ['lane', 'limit'],
      registers,
    }),
    feedReopens: new Counter({
      name: 'waybill_feed_reopens_total',
      help: 'Change streams opened again.',
      labelNames: ['stream'],
      registers,
    }),
    feedGaps: new Counter({
      name: 'waybill_feed_gaps_total',
      help: 'Gaps told to subscribers.',
      labelNames: ['reason'],
      registers,
    }),
    /** From: ring (memory), oplog, nowhere (a gap and a snapshot). */
    feedResumes: new Counter({
      name: 'waybill_feed_resumes_total',
      help: 'Subscribers that came back with a cursor, by lane and by where what they missed was found.',
      labelNames: ['lane', 'from'],
      registers,
    }),
    /** Set when the metrics are asked for. */
    feedLagSeconds: new Gauge({
      name: 'waybill_feed_lag_seconds',
      help: 'How old what a change stream told last is; 0 while it keeps up.',
      labelNames: ['stream'],
      registers,
    }),
    feedHistoryBytes: new Gauge({
      name: 'waybill_feed_history_bytes',
      help: 'Changes kept in memory for subscribers who come back.',
      labelNames: ['stream'],
      registers,
    }),
    feedRememberedRows: new Gauge({
      name: 'waybill_feed_remembered_rows',
      help: 'Rows of which the feed knows who may have them; a change of another is shown to all subscribers.',
      labelNames: ['stream'],
      registers,
    }),
  };
}
