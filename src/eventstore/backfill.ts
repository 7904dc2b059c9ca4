import { isDeepStrictEqual } from 'node:util';
import type { ClientSession } from 'mongodb';
import { backoff } from './backoff.ts';
import type { StoredEvent } from './event.ts';
import type { EventLines } from './event-line.ts';
import { isDuplicateKey, isPassing } from './faults.ts';
import type { Store } from './store.ts';
import { openStreamTips, type StreamTips, streamOf, type Tip } from './stream-tips.ts';
import { transact } from './transact.ts';

/** How long a batch is tried while the database is away or others write to the same streams, in ms. */
const PATIENCE_MS = 60_000;
/** Streams of which something was refused that are kept in mind; a file with more of them does not belong to this log. */
export const MAX_REFUSED_STREAMS = 100_000;

/** Why the log does not take an event. */
export type BackfillRefusal = 'EVENT_ID_REUSED' | 'SEQUENCE_TAKEN' | 'HOLE' | 'AFTER_REFUSED';

/** An event on its way into the log, and the line it stands on. */
export interface Item {
  readonly line: number;
  readonly event: StoredEvent;
}

export interface Refused {
  readonly line: number;
  readonly reason: BackfillRefusal;
  readonly message: string;
}

/** What became of a batch. */
export interface Batch {
  readonly recorded: number;
  /** The log has them already, just like this. */
  readonly repeated: number;
  readonly refused: readonly Refused[];
}

/** Adds events that were recorded elsewhere to the log. */
export interface Backfill {
  /**
   * Records a batch in one transaction: all that it may take of it is there at once, or nothing is. Each stream's events
   * come in sequence order, from batch to batch as well; batches with a stream in common go one after another. So no
   * reader ever sees a hole, and no kill leaves one.
   * @throws TooManyRefused; what MongoDB throws, after PATIENCE_MS of trying
   */
  write(items: readonly Item[]): Promise<Batch>;
}

/** More streams were refused than are kept in mind. */
export class TooManyRefused extends Error {}

export interface BackfillOptions {
  readonly store: Store;
  readonly lines: EventLines;
  /** Everything is looked at, and nothing is recorded. */
  readonly dryRun: boolean;
}

/** A batch held against the log. */
interface Plan {
  readonly fresh: readonly StoredEvent[];
  readonly repeated: number;
  readonly refused: readonly Refused[];
  readonly tips: ReadonlyMap<string, Tip>;
  /** Streams on which nothing may follow any more. */
  readonly broken: readonly string[];
}

export function openBackfill({ store, lines, dryRun }: BackfillOptions): Backfill {
  const tips: StreamTips = openStreamTips(store);
  const broken = new Set<string>();

  /** Ends first, then events: what others record meanwhile may be found twice, but is never missed. */
  const look = async (items: readonly Item[], certain: boolean): Promise<Plan> => {
    const events = items.map(({ event }) => event);
    const session = store.client.startSession({ causalConsistency: true });
    try {
      const ends = await tips.load(session, events, certain || dryRun);
      const stored = await storedOf(store, session, events);
      return planOf(items, { stored, ends, broken, lines });
    } finally {
      await session.endSession();
    }
  };

  const attempt = async (items: readonly Item[], certain: boolean): Promise<Batch> => {
    let plan = await look(items, certain);
    if (plan.refused.length > 0 && !certain && !dryRun) {
      // No "no" from memory alone: another import may have come by.
      tips.forget(plan.tips.keys());
      plan = await look(items, true);
    }
    const { fresh, repeated, refused } = plan;
    if (fresh.length > 0 && !dryRun)
      // In one transaction an order would only cost; the server takes all of them or none.
      await transact(store.client, async (session) => {
        await store.events.insertMany(fresh, { session, ordered: false });
      });
    tips.remember(plan.tips);
    for (const stream of plan.broken) broken.add(stream);
    if (broken.size > MAX_REFUSED_STREAMS) throw new TooManyRefused();
    return { recorded: fresh.length, repeated, refused };
  };

  return {
    async write(items) {
      const deadline = performance.now() + PATIENCE_MS;
      for (let failures = 0; ; failures++) {
        try {
          return await attempt(items, failures > 0);
        } catch (error) {
          // Whether it is in the log after all, the next look at it tells.
          const mayPass = isDuplicateKey(error) || isPassing(error);
          if (!mayPass || performance.now() > deadline) throw error;
          tips.forget(items.map(({ event }) => streamOf(event)));
          await backoff(failures, () => undefined);
        }
      }
    },
  };
}

async function storedOf(
  store: Store,
  session: ClientSession,
  events: readonly StoredEvent[],
): Promise<Map<string, StoredEvent>> {
  const found = store.events
    .find({ _id: { $in: events.map(({ _id }) => _id) } }, { session })
    .batchSize(events.length + 1);
  const stored = new Map<string, StoredEvent>();
  for await (const event of found) stored.set(event._id.toString(), event);
  return stored;
}

interface Known {
  readonly stored: ReadonlyMap<string, StoredEvent>;
  readonly ends: ReadonlyMap<string, Tip>;
  readonly broken: ReadonlySet<string>;
  readonly lines: EventLines;
}

function planOf(items: readonly Item[], { stored, ends, broken, lines }: Known): Plan {
  const known = new Map(stored);
  const tips = new Map(ends);
  const refusedStreams = new Set<string>();
  const fresh: StoredEvent[] = [];
  const refused: Refused[] = [];
  let repeated = 0;
  for (const { line, event } of items) {
    const id = event._id.toString();
    const stream = streamOf(event);
    const earlier = known.get(id);
    const tip = tips.get(stream)?.sequence ?? 0;
    const reason =
      earlier === undefined
        ? reasonAgainst(event, tip, broken.has(stream) || refusedStreams.has(stream))
        : isSame(earlier, event, lines)
          ? undefined
          : 'EVENT_ID_REUSED';
    if (reason !== undefined) {
      refusedStreams.add(stream);
      refused.push({ line, reason, message: messageOf(reason, event, tip) });
      continue;
    }
    tips.set(stream, { sequence: Math.max(tip, event.sequence) });
    if (earlier !== undefined) repeated += 1;
    else {
      fresh.push(event);
      known.set(id, event);
    }
  }
  return { fresh, repeated, refused, tips, broken: [...refusedStreams] };
}

function reasonAgainst(
  { sequence }: StoredEvent,
  tip: number,
  isBroken: boolean,
): BackfillRefusal | undefined {
  if (sequence <= tip) return 'SEQUENCE_TAKEN';
  // Even where it would fit: it was decided upon a history that this log does not have.
  if (isBroken) return 'AFTER_REFUSED';
  return sequence > tip + 1 ? 'HOLE' : undefined;
}

function messageOf(reason: BackfillRefusal, event: StoredEvent, tip: number): string {
  const { _id, aggregateType, aggregateId, sequence } = event;
  const stream = `${aggregateType} ${aggregateId}`;
  switch (reason) {
    case 'EVENT_ID_REUSED':
      return `The log has an event ${_id} with other content.`;
    case 'SEQUENCE_TAKEN':
      return `The log has another event ${sequence} of ${stream}.`;
    case 'HOLE':
      return `Event ${sequence} of ${stream} would follow event ${tip}.`;
    case 'AFTER_REFUSED':
      return `An earlier event of ${stream} was refused.`;
  }
}

/** Compared as lines; where only the order of fields differs, they are the same. */
function isSame(stored: StoredEvent, event: StoredEvent, lines: EventLines): boolean {
  const [one, other] = [lines.write(stored), lines.write(event)];
  return one === other || isDeepStrictEqual(JSON.parse(one), JSON.parse(other));
}
