import { type Aggregate, type Command, type StreamRef, streamKey } from '../aggregate.ts';
import type { StoredEvent } from '../event.ts';
import { emptyFold, type Folded, foldEvent, remember } from '../fold.ts';
import { foldedOf, type Snapshot } from '../time/snapshots.ts';
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
  const folded =
    cached === undefined
      ? await foldAnew(store, stream, aggregate)
      : await foldOn(store, stream, aggregate, cached);
  remember(store.cache, key, folded);
  return { folded, verified: true };
}

/** A fold brought up to the log, or up to one of its sequences. */
async function foldOn(
  store: Store,
  stream: StreamRef,
  aggregate: Aggregate<unknown, Command>,
  from: Folded,
  upTo?: number,
): Promise<Folded> {
  let folded = from;
  const take = (event: StoredEvent): void => {
    folded = foldEvent(store.registry, aggregate, folded, store.registry.upcast(event));
  };
  await store.streamReads.read(stream, folded.sequence, take, upTo);
  return folded;
}

/**
 * Folds a stream that is not in memory, on from its newest snapshot. Where streams of this kind had none lately, its
 * first events are read first: mostly there are no more, and one round trip was enough.
 */
async function foldAnew(
  store: Store,
  stream: StreamRef,
  aggregate: Aggregate<unknown, Command>,
): Promise<Folded> {
  const { every, reads } = store.snapshots;
  let folded = emptyFold(aggregate);
  if (every > 0 && !reads.isExpected(aggregate)) {
    folded = await foldOn(store, stream, aggregate, folded, every);
    if (folded.sequence < every) return folded;
  }
  const snapshot = every === 0 ? undefined : await reads.newest(stream, aggregate);
  const base = snapshot?.sequence ?? 0;
  folded =
    (snapshot && (await foldAfter(store, stream, aggregate, snapshot))) ??
    (await foldOn(store, stream, aggregate, folded));
  // Nobody should have to read that much again.
  if (folded.sequence - base > 2 * every) store.snapshots.build(stream, aggregate);
  return folded;
}

/** Folds a stream on from a snapshot; undefined where the snapshot is of another log. */
async function foldAfter(
  store: Store,
  stream: StreamRef,
  aggregate: Aggregate<unknown, Command>,
  snapshot: Snapshot,
): Promise<Folded | undefined> {
  let folded = foldedOf(snapshot);
  let proven = false;
  await store.streamReads.read(stream, snapshot.sequence - 1, (event) => {
    if (event.sequence === snapshot.sequence) proven = event._id.equals(snapshot.eventId);
    else if (proven) folded = foldEvent(store.registry, aggregate, folded, store.registry.upcast(event));
  });
  return proven ? folded : undefined;
}
