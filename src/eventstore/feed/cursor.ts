import { Buffer } from 'node:buffer';
import { hash } from 'node:crypto';
import { BSON, Timestamp } from 'mongodb';

/**
 * A place in the feed: between two changes of one read model, or of the log. It is the same in every process, since all
 * changes of a read model are counted, of whichever tenant and generation.
 */
export interface Place {
  /** Cluster time: everything before it lies before this place. */
  readonly time: Timestamp;
  /** How many of the changes at that very time, which a transaction's share, lie before this place. */
  readonly ordinal: number;
}

/** The ordinal behind all changes of a time. */
export const ALL = 0xffff_ffff;

/** The place behind everything that was committed until `time`. */
export function placeBehind(time: Timestamp): Place {
  return { time, ordinal: ALL };
}

/** The last moment before `time`. */
export function justBefore(time: Timestamp): Timestamp {
  return new Timestamp(time.toBigInt() - 1n);
}

/** The first moment after `time`. */
export function justAfter(time: Timestamp): Timestamp {
  return new Timestamp(time.toBigInt() + 1n);
}

/** True where `a` lies behind `b`; false where they are the same. */
export function isBehind(a: Place, b: Place): boolean {
  return a.time.equals(b.time) ? a.ordinal > b.ordinal : a.time.greaterThan(b.time);
}

/** A cursor that was read: where a client was. */
export interface ResumePoint extends Place {
  /** The timeline of the database that wrote it (`timeline.ts`); 0 where it is not told. */
  readonly timeline: number;
  /** False where the client has only a part of what it needs to go on from here: its snapshot was not complete. */
  readonly complete: boolean;
  /** The cursor itself. */
  readonly cursor: string;
}

/** Thrown for a cursor that no subscription of this kind and tenant has ever given out. The message is for the client. */
export class InvalidCursorError extends Error {
  override readonly name = 'InvalidCursorError';

  constructor() {
    super(
      'after is no cursor of this subscription, or is damaged. Subscribe without it: a snapshot comes first.',
    );
  }
}

const VERSION = 3;
/** Cursors as they were written before they told their timeline. */
const WITHOUT_TIMELINE = 2;
const COMPLETE = 1;
/** Version, flags, time, ordinal; from version 3 on the timeline; then the check. */
const PLACE_BYTES = 14;
const TIMELINE_BYTES = 4;
const CURSOR_BYTES = 21;
const CURSOR_TEXT = /^[\w-]{28}$/;

/** Whose feed a cursor is of; the same in every process. */
export function scopeOf(name: string, tenantId: string): string {
  return `${name}/${tenantId}`;
}

/** Writes a cursor, opaque to clients: 28 characters, valid for ever, and for this scope and timeline only. */
export function writeCursor(
  scope: string,
  { time, ordinal }: Place,
  timeline: number,
  complete = true,
): string {
  const bytes = Buffer.allocUnsafe(CURSOR_BYTES);
  bytes[0] = VERSION;
  bytes[1] = complete ? COMPLETE : 0;
  bytes.writeUInt32BE(time.getHighBitsUnsigned(), 2);
  bytes.writeUInt32BE(time.getLowBitsUnsigned(), 6);
  bytes.writeUInt32BE(ordinal, 10);
  bytes.writeUInt32BE(timeline, PLACE_BYTES);
  const end = PLACE_BYTES + TIMELINE_BYTES;
  checkOf(scope, bytes, end).copy(bytes, end, 0, CURSOR_BYTES - end);
  return bytes.toString('base64url');
}

/** @throws InvalidCursorError for what `writeCursor` has not written for this scope */
export function readCursor(scope: string, cursor: string): ResumePoint {
  const bytes = Buffer.from(CURSOR_TEXT.test(cursor) ? cursor : '', 'base64url');
  const end = bytes[0] === VERSION ? PLACE_BYTES + TIMELINE_BYTES : PLACE_BYTES;
  const isOurs =
    bytes.length === CURSOR_BYTES &&
    (bytes[0] === VERSION || bytes[0] === WITHOUT_TIMELINE) &&
    checkOf(scope, bytes, end)
      .subarray(0, CURSOR_BYTES - end)
      .equals(bytes.subarray(end));
  if (!isOurs) throw new InvalidCursorError();
  return {
    time: new Timestamp({ t: bytes.readUInt32BE(2), i: bytes.readUInt32BE(6) }),
    ordinal: bytes.readUInt32BE(10),
    timeline: bytes[0] === VERSION ? bytes.readUInt32BE(PLACE_BYTES) : 0,
    complete: bytes[1] === COMPLETE,
    cursor,
  };
}

/** Not a secret: who knows the tenant could make one up, and would only resume somewhere in its own tenant's feed. */
function checkOf(scope: string, bytes: Buffer, end: number): Buffer {
  return hash('sha256', `${scope}/${bytes.toString('hex', 0, end)}`, 'buffer');
}

/** What a queue counts for something without a document. */
export const BARE_BYTES = 64;
/** What a kept change takes beside its document, in bytes. */
const ENTRY_BYTES = 200;

/**
 * One change on its way to subscribers, shared by all of them: what costs something to compute is computed once, and
 * only if someone asks.
 */
export class Delivery<D extends object> {
  /** Whose feed it is of. */
  readonly scope: string;
  readonly id: string;
  /** The document after the change; null when it is gone. */
  readonly document: D | null;
  /** Behind this change, and before the next. */
  readonly place: Place;
  /** The timeline of the database. */
  readonly timeline: number;
  #cursor: string | undefined;
  #bytes: number | undefined;

  constructor(scope: string, id: string, document: D | null, place: Place, timeline: number) {
    this.scope = scope;
    this.id = id;
    this.document = document;
    this.place = place;
    this.timeline = timeline;
  }

  get clusterTime(): Timestamp {
    return this.place.time;
  }

  get cursor(): string {
    this.#cursor ??= writeCursor(this.scope, this.place, this.timeline);
    return this.#cursor;
  }

  /** What a queue counts for it: the size in BSON, near enough to what it takes in memory. */
  get bytes(): number {
    this.#bytes ??= this.document === null ? BARE_BYTES : BSON.calculateObjectSize(this.document);
    return this.#bytes;
  }
}

/** A delivery as it is kept for clients who come back: packed, since an object takes four times the memory. */
export class PastChange {
  readonly scope: string;
  readonly id: string;
  readonly place: Place;
  readonly timeline: number;
  readonly #document: Uint8Array | null;
  #unpacked: WeakRef<Delivery<object>> | undefined;

  constructor(scope: string, id: string, document: object | null, place: Place, timeline: number) {
    this.scope = scope;
    this.id = id;
    this.place = place;
    this.timeline = timeline;
    this.#document = document === null ? null : BSON.serialize(document);
  }

  get bytes(): number {
    return ENTRY_BYTES + (this.#document?.length ?? 0);
  }

  /** The change as it was delivered; shared by all who ask for it at about the same time. */
  delivery(): Delivery<object> {
    const known = this.#unpacked?.deref();
    if (known !== undefined) return known;
    const document = this.#document === null ? null : BSON.deserialize(this.#document);
    const unpacked = new Delivery<object>(this.scope, this.id, document, this.place, this.timeline);
    this.#unpacked = new WeakRef(unpacked);
    return unpacked;
  }
}
