import { type ClientSession, type Timestamp, UUID } from 'mongodb';
import { type Announcement, announcementsOf } from '../log/announced.ts';
import { isBehind } from '../log/position.ts';
import { leafHash } from './merkle.ts';
import { bytesOf, idOfRaw, placeOfRaw, type RawPlace } from './raw-leaf.ts';
import { ID_BYTES, lastSegment, partsOf, type SealedPlace, segmentWith } from './segment.ts';
import type { Leaves, SealStore } from './settled-events.ts';

/** Imported events that are to be sealed by themselves. */
export interface Imported {
  /** Undefined: all were sealed with what was recorded. */
  readonly leaves: Omit<Leaves, 'upTo'> | undefined;
  /** Takes away the announcements, in the transaction that seals the events. */
  done(session: ClientSession): Promise<void>;
}

/**
 * What was announced by imports and stands behind what is sealed. The rest of it is left: it is sealed with what is recorded.
 * @returns undefined where there is nothing to do
 */
export async function openImported(
  store: SealStore,
  tenantId: string,
  limit: number,
): Promise<Imported | undefined> {
  const { db } = store;
  const announcements = await announced(store, tenantId, limit);
  if (announcements.length === 0) return undefined;
  const sealed = (await lastSegment(db, tenantId))?.upTo ?? {};
  const gathered: { id: Uint8Array; hash: Uint8Array; stamp: Timestamp }[] = [];
  const done: Announcement[] = [];
  for (const announcement of announcements) {
    const found = await rawEvents(store, announcement);
    if (!found.every(({ place }) => isSealedUpTo(sealed, place))) continue;
    done.push(announcement);
    for (const { bytes, place } of found) {
      const id = idOfRaw(bytes);
      const isSealed = await segmentWith(db, tenantId, place.stamp, id.toString('hex'));
      if (isSealed === undefined) gathered.push({ id, hash: leafHash(bytes), stamp: place.stamp });
    }
  }
  if (done.length === 0) return undefined;
  const stamps = gathered.map(({ stamp }) => stamp).sort((a, b) => a.compare(b));
  const [low, high] = [stamps[0], stamps.at(-1)];
  return {
    leaves:
      low === undefined || high === undefined
        ? undefined
        : { ids: gathered.map(({ id }) => id), hashes: gathered.map(({ hash }) => hash), low, high },
    done: async (session) => {
      const _id = { $in: done.map((announcement) => announcement._id) };
      await announcementsOf(db).deleteMany({ _id }, { session });
    },
  };
}

/** The oldest announcements, with as many events as a segment takes; always at least one. */
async function announced({ db }: SealStore, tenantId: string, limit: number): Promise<Announcement[]> {
  const taken: Announcement[] = [];
  let events = 0;
  for await (const announcement of announcementsOf(db).find({ tenantId }).sort({ _id: 1 })) {
    events += announcement.ids.length() / ID_BYTES;
    if (taken.length > 0 && events > limit) break;
    taken.push(announcement);
  }
  return taken;
}

async function rawEvents(
  { client, events }: SealStore,
  { ids }: Announcement,
): Promise<{ bytes: Uint8Array; place: RawPlace }[]> {
  const _id = { $in: partsOf(ids.buffer, ID_BYTES).map((id) => new UUID(Uint8Array.from(id))) };
  // In a session of its own: what was announced was recorded with the announcement, and is there to be read after it.
  const session = client.startSession({ causalConsistency: true });
  try {
    const found: AsyncIterable<unknown> = events.find({ _id }, { session, raw: true });
    const raw: { bytes: Uint8Array; place: RawPlace }[] = [];
    for await (const document of found) {
      const bytes = bytesOf(document);
      raw.push({ bytes, place: placeOfRaw(bytes) });
    }
    return raw;
  } finally {
    await session.endSession();
  }
}

function isSealedUpTo({ unstamped, stamped }: SealedPlace, place: RawPlace): boolean {
  if (place.stamped !== undefined) return stamped !== undefined && !isBehind(stamped, place.stamped);
  // Before there were stamps, by recordedAt; imports have had stamps for as long.
  return unstamped !== undefined && place.unstamped !== undefined;
}
