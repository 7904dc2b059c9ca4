import { BSON, type Filter, UUID } from 'mongodb';
import type { StoredEvent } from '../event.ts';
import { LOG_INDEX } from '../indexes.ts';
import { announcementsOf } from '../log/announced.ts';
import type { Log } from '../log/log.ts';
import { beyondPlace, beyondUnstamped } from '../log/pages.ts';
import type { ChangedEvent } from './exchange.ts';
import { leafHash } from './merkle.ts';
import { bytesOf, hasUuid, idOfRaw } from './raw-leaf.ts';
import { hashesIn, ID_BYTES, idsIn, partsOf, type SealedPlace, type Segment, segmentsOf } from './segment.ts';

type Read = Pick<Log, 'db' | 'events'>;

/** Events read at once. */
const BATCH = 1_000;
/** Ids read at once, from the index alone. */
const SCAN_BATCH = 10_000;

/** What became of a segment's events. */
export interface Compared {
  readonly changed: readonly ChangedEvent[];
  /** In hex. */
  readonly removed: readonly string[];
}

/** Reads the events of a segment by their ids, wherever they stand now, and holds them against their hashes. */
export async function compareSegment(
  { events }: Read,
  segment: Segment,
  pace: (events: number) => Promise<void>,
): Promise<Compared> {
  const hashes = hashesIn(segment);
  const sealed = new Map(idsIn(segment).map((id, at) => [id, hashes[at] ?? new Uint8Array(0)]));
  const changed: ChangedEvent[] = [];
  const ids = [...sealed.keys()];
  for (let from = 0; from < ids.length; from += BATCH) {
    const batch = ids.slice(from, from + BATCH).map((hex) => new UUID(hex));
    const found: AsyncIterable<unknown> = events
      .find({ _id: { $in: batch } }, { raw: true })
      .batchSize(BATCH + 1);
    for await (const document of found) {
      const bytes = bytesOf(document);
      const id = idOfRaw(bytes);
      const hash = sealed.get(id.toString('hex'));
      sealed.delete(id.toString('hex'));
      // Its bytes are a part of the batch's, which is not to be held for it.
      if (hash !== undefined && !leafHash(bytes).equals(hash))
        changed.push({ id, bytes: Uint8Array.from(bytes), sealed: hash });
    }
    await pace(batch.length);
  }
  const places = new Map(ids.map((id, at) => [id, at]));
  const placeOf = ({ id }: ChangedEvent): number => places.get(Buffer.from(id).toString('hex')) ?? 0;
  return { changed: changed.sort((a, b) => placeOf(a) - placeOf(b)), removed: [...sealed.keys()] };
}

/** An event that stands where all are sealed, and is not. */
export interface Unsealed {
  readonly idHex: string;
  readonly what: string;
}

/**
 * What stands in the log between the end of the segment before and this one's, and is in neither this segment nor in what
 * imports added, nor waits to be.
 */
export async function slippedIn(store: Read, segment: Segment, after: SealedPlace): Promise<Unsealed[]> {
  const { tenantId, upTo } = segment;
  const sealed = new Set(idsIn(segment));
  const found = new Map<string, unknown>();
  for (const conditions of rangesOf(after, upTo)) {
    const filter = { $and: [{ tenantId }, ...conditions] } as Filter<StoredEvent>;
    const ids = store.events
      .find(filter, { hint: { ...LOG_INDEX } })
      .project<{ _id: unknown }>({ _id: 1 })
      .batchSize(SCAN_BATCH);
    for await (const { _id } of ids) {
      const idHex = _id instanceof UUID ? _id.toHexString(false) : await idOfOdd(store, _id);
      if (!sealed.has(idHex)) found.set(idHex, _id);
    }
  }
  if (found.size > 0) await withoutImported(store, segment, after, found);
  return Promise.all(
    [...found].map(async ([idHex, id]) => ({ idHex, what: describe(await rawOf(store, id)) })),
  );
}

/** An event after one place and up to another: of those without a stamp, and of those with one. */
function rangesOf(after: SealedPlace, upTo: SealedPlace): object[][] {
  const unstamped = upTo.unstamped && [
    { loggedAt: null },
    ...beyondUnstamped(after.unstamped),
    { $nor: [{ $and: beyondUnstamped(upTo.unstamped) }] },
  ];
  const stamped = upTo.stamped && [
    ...beyondPlace(after.stamped),
    { loggedAt: { $lte: upTo.stamped.loggedAt } },
    { $nor: [{ $and: beyondPlace(upTo.stamped) }] },
  ];
  return [unstamped, stamped].filter((range) => range !== undefined);
}

/** Announcements first: what is not announced any more is in a segment by then. */
async function withoutImported(
  { db }: Read,
  { tenantId, upTo }: Segment,
  after: SealedPlace,
  found: Map<string, unknown>,
): Promise<void> {
  for await (const { ids } of announcementsOf(db).find({ tenantId }))
    for (const id of partsOf(ids.buffer, ID_BYTES)) found.delete(Buffer.from(id).toString('hex'));
  const from = after.stamped === undefined ? {} : { high: { $gte: after.stamped.loggedAt } };
  const to = upTo.stamped === undefined ? {} : { low: { $lte: upTo.stamped.loggedAt } };
  for await (const segment of segmentsOf(db).find({ tenantId, kind: 'import', ...from, ...to })) {
    if (found.size === 0) return;
    for (const id of idsIn(segment)) found.delete(id);
  }
}

async function rawOf({ events }: Read, id: unknown): Promise<Uint8Array | undefined> {
  const found: unknown = await events.findOne({ _id: id } as Filter<StoredEvent>, { raw: true });
  return found === null ? undefined : bytesOf(found);
}

/** By what a document is known that has an id of another kind, which Waybill has not written. */
async function idOfOdd(store: Read, id: unknown): Promise<string> {
  const raw = await rawOf(store, id);
  return raw === undefined ? '' : idOfRaw(raw).toString('hex');
}

/** Names an event by what it says of itself. */
export function describe(bytes: Uint8Array | undefined): string {
  if (bytes === undefined || !hasUuid(bytes)) return 'a document that is no event';
  const { aggregateType, aggregateId, sequence, type } = BSON.deserialize(bytes);
  return `${aggregateType}/${aggregateId}, event ${sequence}, ${type}`;
}

/** How many events of a tenant are not sealed yet. */
export function countBeyond({ events }: Read, tenantId: string, after: SealedPlace): Promise<number> {
  return events.countDocuments(
    { $and: [{ tenantId }, ...beyondPlace(after.stamped)] } as Filter<StoredEvent>,
    {
      hint: { ...LOG_INDEX },
    },
  );
}
