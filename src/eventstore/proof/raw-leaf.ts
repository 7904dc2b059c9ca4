import { hash } from 'node:crypto';
import { BSON, Timestamp, UUID } from 'mongodb';
import type { StampedPlace, UnstampedPlace } from '../log/position.ts';

// The leaf of an event is the event as the database stores it: the bytes of its document in BSON. MongoDB keeps the order of a
// document's fields and never rewrites it, so they are the same whenever they are read, and whoever has them needs no rules of
// how to write an event down to hash them.

/** Where the bytes of an event's id begin: `_id` is first, after the document's length and its own type, name, length and subtype. */
const ID_OFFSET = 14;
const ID_END = ID_OFFSET + 16;
const BINARY = 0x05;
const UUID_SUBTYPE = 0x04;
// Not (0, 0), which the database would replace by the present moment where it stands in a document that is inserted.
const NO_STAMP = new Timestamp({ t: 0, i: 1 });
const LATEST = new Date(8.64e15);
const LAST_ID = new UUID('ffffffff-ffff-ffff-ffff-ffffffffffff');

/** True for a document whose id is a UUID, as every event's is that Waybill wrote. */
export function hasUuid(bytes: Uint8Array): boolean {
  return bytes[4] === BINARY && bytes[8] === 0 && bytes[9] === 16 && bytes[13] === UUID_SUBTYPE;
}

/** The 16 bytes by which an event is known; of a document that Waybill did not write, as many of its hash. */
export function idOfRaw(bytes: Uint8Array): Buffer {
  if (hasUuid(bytes)) return Buffer.from(bytes.subarray(ID_OFFSET, ID_END));
  return hash('sha256', bytes, 'buffer').subarray(0, 16);
}

/** The same document with another event's id. */
export function withId(bytes: Uint8Array, id: Uint8Array): Uint8Array {
  const copy = Buffer.from(bytes);
  copy.set(id, ID_OFFSET);
  return copy;
}

/** Where an event stands in the log. */
export interface RawPlace {
  /** Before all others where there is none. */
  readonly stamp: Timestamp;
  readonly unstamped?: UnstampedPlace;
  readonly stamped?: StampedPlace;
}

/** What of its fields is not as Waybill writes it counts as the last possible. */
export function placeOfRaw(bytes: Uint8Array): RawPlace {
  const { loggedAt, recordedAt, _id } = BSON.deserialize(bytes);
  const at = recordedAt instanceof Date ? recordedAt : LATEST;
  const id = _id instanceof UUID ? _id : LAST_ID;
  return loggedAt instanceof Timestamp
    ? { stamp: loggedAt, stamped: { loggedAt, recordedAt: at, id } }
    : { stamp: NO_STAMP, unstamped: { recordedAt: at, id } };
}

/** The driver gives bytes where it is asked for raw documents, whatever its types say. */
export function bytesOf(document: unknown): Uint8Array {
  if (!(document instanceof Uint8Array)) throw new Error('The driver decoded what it was to give raw.');
  return document;
}
