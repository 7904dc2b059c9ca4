import { openSideBySide } from '../../client/side-by-side.ts';
import { decideOn, metadataOf } from '../../eventstore/command/draft.ts';
import { openJob } from '../../eventstore/command/intent.ts';
import type { Store } from '../../eventstore/command/store.ts';
import type { StoredEvent } from '../../eventstore/event.ts';
import { emptyFold } from '../../eventstore/fold.ts';
import { newId } from '../../eventstore/ids.ts';
import { toBeStamped } from '../../eventstore/log/stamp.ts';
import type { Row } from '../../eventstore/projection.ts';
import { baseOf, type CommandBase, fleetOf, makeIntent, randomFor } from './commands.ts';
import type { StreamKind } from './stream-kinds.ts';

/** How a log is made up. */
export interface LogPlan {
  readonly kind: StreamKind;
  /** Over all streams; each has at least one. */
  readonly events: number;
  readonly streams: number;
  readonly seed: string;
  readonly signal?: AbortSignal;
  /** Called with how many events are written. */
  onProgress?(events: number): void;
}

/** A stream that was made. */
export interface MadeStream {
  /** A UUID in text form. */
  readonly id: string;
  readonly events: number;
}

/** Events in one write. */
const BATCH_EVENTS = 2_000;
/** Writes on their way at once: one is made while others are written. */
const IN_FLIGHT = 2;
/** How far apart the events of a stream happen, in ms. */
const STEP_MS = 1_000;

/**
 * Fills an empty database with a log, and with the rows that it folds to. Events are decided, checked and folded by the
 * product's own code, and only written by thousands. The same seed gives the same story, of streams with other ids.
 */
export async function makeLog(store: Store, plan: LogPlan): Promise<MadeStream[]> {
  const { kind, streams, signal } = plan;
  const rows = store.db.collection<Row>(store.live.collectionOf(kind.projection));
  const made: MadeStream[] = [];
  const writes = openSideBySide(IN_FLIGHT);
  let [written, events, folded] = [0, [] as StoredEvent[], [] as Row[]];
  const write = async (): Promise<void> => {
    const [someEvents, someRows] = [events, folded];
    [events, folded] = [[], []];
    await writes.start(new Set(), async () => {
      if (someEvents.length > 0) await store.events.insertMany(toBeStamped(someEvents), { ordered: false });
      if (someRows.length > 0) await rows.insertMany(someRows, { ordered: false });
      written += someEvents.length;
      plan.onProgress?.(written);
    });
  };
  for (let index = 0; index < streams && signal?.aborted !== true; index++) {
    const stream = makeStream(store, plan, index);
    made.push({ id: stream.id, events: stream.events.length });
    // A long stream is more than one write.
    for (const event of stream.events) {
      events.push(event);
      if (events.length >= BATCH_EVENTS) await write();
    }
    if (stream.row !== null) folded.push(stream.row);
    if (writes.failure() !== undefined) break;
  }
  if (events.length + folded.length > 0) await write();
  await writes.settled();
  if (writes.failure() !== undefined) throw writes.failure();
  signal?.throwIfAborted();
  return made;
}

interface Made {
  readonly id: string;
  readonly events: readonly StoredEvent[];
  readonly row: Row | null;
}

function makeStream(store: Store, { kind, events: total, streams, seed }: LogPlan, index: number): Made {
  const random = randomFor(seed, index);
  const id = newId();
  const wanted = Math.max(1, Math.floor(total / streams) + (index < total % streams ? 1 : 0));
  const events: StoredEvent[] = [];
  let folded = emptyFold(kind.aggregate);
  while (events.length < wanted) {
    const base = earlier(baseOf(random), (wanted - events.length) * STEP_MS);
    const command =
      folded.sequence === 0 ? kind.begin(random, base, fleetOf(index)) : kind.next(random, base);
    const step = { aggregate: kind.aggregate, id, command };
    const job = openJob(store.workflows, makeIntent(kind, id, command), ignore, ignore);
    const draft = decideOn(store, job, step, folded, 0, metadataOf(store, job));
    if (draft.events.length === 0)
      throw new Error(`A drill's ${command.type} came to nothing: ${draft.refusal?.message}`);
    folded = draft.folded;
    events.push(...draft.events);
  }
  return { id, events, row: folded.rows[kind.projection.name] ?? null };
}

/** A vehicle tells of one moment after another: were they all the same one, which fix is shown would go by what is in it. */
function earlier(base: CommandBase, byMs: number): CommandBase {
  return { ...base, occurredAt: new Date(base.occurredAt.getTime() - byMs) };
}

function ignore(): void {}
