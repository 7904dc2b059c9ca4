import type { ClientSession, Collection, Document, Filter, FindCursor, Timestamp } from 'mongodb';
import { STREAM_INDEX } from '../aggregate.ts';
import { retry } from '../backoff.ts';
import type { StoredEvent } from '../event.ts';
import { isPassing } from '../faults.ts';
import type { Projection, Row } from '../projection.ts';
import { generationCollection, POINTERS, type Pointer } from './generation/pointer.ts';
import type { ReadModels } from './read-models.ts';
import { snapshotCollection, snapshotTime } from './rows-at.ts';

/** Log and rows, both as they were at one moment. */
export interface OneMoment {
  /** Everything committed until then is seen, and nothing later. */
  readonly time: Timestamp;
  /** The rows with these `_id`s, as they are stored. */
  rows(ids: readonly unknown[]): Promise<Uint8Array[]>;
  events(filter: Filter<StoredEvent>): FindCursor<StoredEvent>;
  /** The events of one stream, in order, as they are stored. */
  stream(filter: Filter<StoredEvent>): FindCursor<unknown>;
}

/** How often a read is begun again while the database is away: for about a minute. */
const TRIES = 35;

/**
 * Calls `look` with log and rows as they were at the newest moment that a majority has. `look` may be called again.
 * @throws what `look` throws; what MongoDB throws, after a minute
 */
export async function atOneMoment<T>(
  store: ReadModels,
  { name }: Projection,
  look: (moment: OneMoment) => Promise<T>,
): Promise<T> {
  return retry(
    () =>
      store.client.withSession({ snapshot: true }, async (session) =>
        look(await momentOf(store, name, session)),
      ),
    { when: isPassing, tries: TRIES },
  );
}

async function momentOf(store: ReadModels, name: string, session: ClientSession): Promise<OneMoment> {
  const { db } = store;
  // Both at one moment, where the rows were and the rows: so a switch between makes no difference.
  const pointer = await snapshotCollection<Pointer>(db, POINTERS).findOne({ _id: name }, { session });
  const time = snapshotTime(session);
  if (time === undefined) throw new Error('The server did not say at which moment it read.');
  const rows: Collection<Row> = snapshotCollection<Row>(
    db,
    generationCollection(name, pointer?.generation ?? 1),
  );
  const log: Collection<StoredEvent> = snapshotCollection<StoredEvent>(db, 'events');
  return {
    time,
    async rows(ids) {
      const wanted = { _id: { $in: ids } } as Document as Filter<Row>;
      const found: unknown[] = await rows.find(wanted, { session, raw: true }).toArray();
      return found.filter((bytes) => bytes instanceof Uint8Array);
    },
    events: (filter) => log.find(filter, { session, sort: { sequence: 1 }, batchSize: 1_000 }),
    stream: (filter) =>
      log.find(filter, { session, raw: true, hint: STREAM_INDEX, sort: STREAM_INDEX, batchSize: 1_000 }),
  };
}
