import type { Aggregate, Command } from './aggregate.ts';
import type { Folded } from './cache.ts';
import type { StoredEvent } from './event.ts';
import { fold, type Row } from './projection.ts';
import { type StreamRef, streamKey } from './read.ts';
import type { Store } from './store.ts';

/** A stream's fold, and whether it was read from the log just now or may be behind it. */
export interface Loaded {
  readonly folded: Folded;
  readonly verified: boolean;
}

/** How sure a load must be. */
export type Freshness =
  /** A cached fold will do; without one the stream is read. */
  | 'cached'
  /** A cached fold will do; without one the stream is taken to be new. */
  | 'new'
  /** As the log has it now. */
  | 'fresh';

/** Loads a stream: from the cache as it is, or brought up to the log where `freshness` asks for it. */
export async function loadStream(
  store: Store,
  stream: StreamRef,
  aggregate: Aggregate<unknown, Command>,
  freshness: Freshness,
): Promise<Loaded> {
  const key = streamKey(stream);
  const cached = store.cache.get(key);
  if (cached !== undefined && freshness !== 'fresh') return { folded: cached, verified: false };
  if (freshness === 'new') return { folded: emptyFold(aggregate), verified: false };
  let folded = cached ?? emptyFold(aggregate);
  await store.streamReads.read(stream, folded.sequence, (event) => {
    folded = foldEvent(aggregate, folded, store.registry.upcast(event));
  });
  remember(store, key, folded);
  return { folded, verified: true };
}

/** The fold of no events. */
function emptyFold(aggregate: Aggregate<unknown, Command>): Folded {
  return { sequence: 0, state: aggregate.initial, rows: {} };
}

/** One event further: state and rows together, so that they never differ. */
export function foldEvent(
  aggregate: Aggregate<unknown, Command>,
  folded: Folded,
  event: StoredEvent,
): Folded {
  if (event.sequence !== folded.sequence + 1) {
    throw new Error(
      `Event ${event._id} has sequence ${event.sequence} after ${folded.sequence}: a hole in its stream.`,
    );
  }
  const rows: Record<string, Row | null> = {};
  for (const projection of aggregate.projections) {
    rows[projection.name] = fold(projection, folded.rows[projection.name] ?? null, event);
  }
  const { aggregateId, sequence } = event;
  return { aggregateId, sequence, state: aggregate.evolve(folded.state, event), rows };
}

/** Keeps a fold unless a newer one is kept already; an empty one is not worth a place. */
export function remember(store: Store, key: string, folded: Folded): void {
  if (folded.sequence === 0) return;
  const known = store.cache.get(key);
  if (known === undefined || known.sequence < folded.sequence) store.cache.set(key, folded);
}
