import type { ClientSession } from 'mongodb';
import { retry } from '../backoff.ts';
import type { StoredEvent } from '../event.ts';
import { isDuplicateKey, isPassing } from '../faults.ts';
import { announce } from '../log/announced.ts';
import type { Log } from '../log/log.ts';
import { stampOfRecorded } from '../log/stamp.ts';
import { openStreamTips, type StreamTips, streamOf } from '../log/stream-tips.ts';
import { transact } from '../transact.ts';
import { type BackfillEvent, type BackfillPlan, planBackfill, type RefusedEvent } from './backfill-plan.ts';
import type { EventLines } from './event-line.ts';

/** How long a batch is tried while the database is away or others write to the same streams, in ms. */
const PATIENCE_MS = 60_000;
/** Streams of which something was refused that are remembered; a file with more of them does not belong to this log. */
export const MAX_REFUSED_STREAMS = 100_000;

/** What became of a batch. */
export interface BackfillResult {
  readonly recorded: number;
  /** The log has them already, the same. */
  readonly repeated: number;
  readonly refused: readonly RefusedEvent[];
}

/** Adds events that were recorded elsewhere to the log. */
export interface Backfill {
  /**
   * Records a batch in one transaction: all that it may take of it is there at once, or nothing is. Each stream's events
   * come in sequence order, from batch to batch as well; batches with a stream in common go one after another. So no
   * reader ever sees a hole, and no kill leaves one.
   * @throws TooManyRefused; what MongoDB throws, after PATIENCE_MS of trying
   */
  write(items: readonly BackfillEvent[]): Promise<BackfillResult>;
}

/** More streams were refused than are remembered. */
export class TooManyRefused extends Error {}

export interface BackfillOptions {
  readonly store: Log;
  readonly lines: EventLines;
  /** Everything is checked, and nothing is recorded. */
  readonly dryRun: boolean;
}

export function openBackfill({ store, lines, dryRun }: BackfillOptions): Backfill {
  const tips: StreamTips = openStreamTips(store);
  const stamped = (event: StoredEvent): StoredEvent => ({
    ...event,
    loggedAt: stampOfRecorded(event, store.clock.now()),
  });
  const broken = new Set<string>();

  /** First the ends of the streams, then the events: what others record meanwhile may be found twice, but is never missed. */
  const look = async (items: readonly BackfillEvent[], certain: boolean): Promise<BackfillPlan> => {
    const events = items.map(({ event }) => event);
    const session = store.client.startSession({ causalConsistency: true });
    try {
      const ends = await tips.load(session, events, certain || dryRun);
      const stored = await storedOf(store, session, events);
      return planBackfill(items, { stored, ends, broken, lines, registry: store.registry });
    } finally {
      await session.endSession();
    }
  };

  const attempt = async (items: readonly BackfillEvent[], certain: boolean): Promise<BackfillResult> => {
    let plan = await look(items, certain);
    if (plan.refused.length > 0 && !certain && !dryRun) {
      // Nothing is refused by memory alone: another import may have recorded something.
      tips.forget(plan.tips.keys());
      plan = await look(items, true);
    }
    const { fresh, repeated, refused } = plan;
    if (fresh.length > 0 && !dryRun)
      // Unordered, since all are taken or none. The transaction costs hardly anything:
      // 40,000 to 44,000 events/s in batches of 1,000, three at once, against 43,000 to 45,000 without.
      await transact(store.client, async (session) => {
        await store.events.insertMany(fresh.map(stamped), { session, ordered: false });
        await announce(store.db, session, fresh);
      });
    tips.remember(plan.tips);
    for (const stream of plan.broken) broken.add(stream);
    if (broken.size > MAX_REFUSED_STREAMS) throw new TooManyRefused();
    return { recorded: fresh.length, repeated, refused };
  };

  return {
    write(items) {
      const deadline = performance.now() + PATIENCE_MS;
      return retry((failures) => attempt(items, failures > 0), {
        when: (error) => {
          // It may be in the log after all: the next try looks.
          const mayPass = isDuplicateKey(error) || isPassing(error);
          if (!mayPass || performance.now() > deadline) return false;
          tips.forget(items.map(({ event }) => streamOf(event)));
          return true;
        },
      });
    },
  };
}

/** Where the bytes of an event's id begin: `_id` is first, after the document's length and its own type, name, length and subtype. */
const ID_OFFSET = 14;
const ID_BYTES = 16;

/** The events with these ids, undecoded, by id in hex. */
async function storedOf(
  store: Log,
  session: ClientSession,
  events: readonly StoredEvent[],
): Promise<Map<string, Uint8Array>> {
  const wanted = { _id: { $in: events.map(({ _id }) => _id) } };
  const found: AsyncIterable<unknown> = store.events
    .find(wanted, { session, raw: true })
    .batchSize(events.length + 1);
  const stored = new Map<string, Uint8Array>();
  for await (const bytes of found) {
    if (!(bytes instanceof Uint8Array)) throw new Error('The driver decoded what it was to give raw.');
    stored.set(Buffer.from(bytes.subarray(ID_OFFSET, ID_OFFSET + ID_BYTES)).toString('hex'), bytes);
  }
  return stored;
}
