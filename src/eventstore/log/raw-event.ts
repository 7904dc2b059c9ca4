import { BSON, type UUID } from 'mongodb';
import type { Actor, Metadata, StoredEvent } from '../event.ts';
import { type Row, withoutStamp } from '../projection.ts';

const { parseToElements, NumberUtils, ByteUtils } = BSON.onDemand;
type Element = typeof BSON.onDemand.BSONElement;

const DOUBLE = 0x01;
const STRING = 0x02;
const DOCUMENT = 0x03;
const DATE = 0x09;
const INT32 = 0x10;

/** A field's name, and its place in an event as the append writes it: looked for there first. */
interface Field {
  readonly name: keyof StoredEvent;
  readonly codes: readonly number[];
  readonly place: number;
}

function field(name: keyof StoredEvent, place: number): Field {
  return { name, codes: [...name].map((character) => character.charCodeAt(0)), place };
}

const TENANT_ID = field('tenantId', 1);
const AGGREGATE_ID = field('aggregateId', 3);
const SEQUENCE = field('sequence', 4);
const TYPE = field('type', 5);
const VERSION = field('version', 6);
const PAYLOAD = field('payload', 7);
const OCCURRED_AT = field('occurredAt', 9);
const RECORDED_AT = field('recordedAt', 10);
const METADATA = field('metadata', 11);

/**
 * A stored event over its bytes, of which it decodes what is asked for: a fold looks at a few fields of most events,
 * and decoding the rest costs more than everything else in a replay. Its fields are accessors: `{ ...event }` copies
 * none of them, so what leaves the fold is `whole()`.
 */
export class RawEvent implements StoredEvent {
  readonly #bytes: Uint8Array;
  readonly #elements: readonly Element[];
  #whole: StoredEvent | undefined;
  #payload: unknown;
  #type: string | undefined;
  #metadata: Metadata | undefined;
  #recordedAt: Date | undefined;

  constructor(bytes: Uint8Array) {
    this.#bytes = bytes;
    // An array, though its type says less.
    const elements = parseToElements(bytes);
    this.#elements = Array.isArray(elements) ? elements : [...elements];
  }

  /** The event as the driver would have decoded it, but for the stamp, of which no fold knows. */
  whole(): StoredEvent {
    this.#whole ??= withoutStamp(BSON.deserialize(this.#bytes) as StoredEvent);
    return this.#whole;
  }

  /** For the driver, where the event itself was put into a row. */
  toBSON(): StoredEvent {
    return this.whole();
  }

  /** True for the next event of the same stream, given that both are of one aggregate type. */
  continues(previous: RawEvent): boolean {
    return this.#has(AGGREGATE_ID, previous) && this.#has(TENANT_ID, previous);
  }

  get _id(): UUID {
    return this.whole()._id;
  }
  get tenantId(): string {
    return this.whole().tenantId;
  }
  get aggregateType(): string {
    return this.whole().aggregateType;
  }
  get aggregateId(): UUID {
    return this.whole().aggregateId;
  }
  get reasonCode(): string {
    // An accessor can't be absent, as the type would have it; what it gives can.
    return this.whole().reasonCode as string;
  }
  get actor(): Actor {
    return this.whole().actor;
  }

  get sequence(): number {
    return this.#number(SEQUENCE) ?? this.whole().sequence;
  }
  get version(): number {
    return this.#number(VERSION) ?? this.whole().version;
  }
  get type(): string {
    this.#type ??= this.#decodedType();
    return this.#type;
  }
  #decodedType(): string {
    const [kind, , , offset, length] = this.#find(TYPE) ?? [];
    if (kind !== STRING || offset === undefined || length === undefined) return this.whole().type;
    return ByteUtils.toUTF8(this.#bytes, offset + 4, offset + length - 1, true);
  }
  get payload(): unknown {
    if (this.#whole !== undefined) return this.#whole.payload;
    this.#payload ??= this.#document(PAYLOAD) ?? this.whole().payload;
    return this.#payload;
  }
  get metadata(): Metadata {
    if (this.#whole !== undefined) return this.#whole.metadata;
    this.#metadata ??= (this.#document(METADATA) as Metadata | undefined) ?? this.whole().metadata;
    return this.#metadata;
  }
  get occurredAt(): Date {
    return this.#date(OCCURRED_AT) ?? this.whole().occurredAt;
  }
  get recordedAt(): Date {
    this.#recordedAt ??= this.#date(RECORDED_AT) ?? this.whole().recordedAt;
    return this.#recordedAt;
  }

  #number(wanted: Field): number | undefined {
    const [kind, , , offset] = this.#find(wanted) ?? [];
    if (offset === undefined) return undefined;
    if (kind === INT32) return NumberUtils.getInt32LE(this.#bytes, offset);
    return kind === DOUBLE ? NumberUtils.getFloat64LE(this.#bytes, offset) : undefined;
  }

  #document(wanted: Field): unknown {
    const [kind, , , offset, length] = this.#find(wanted) ?? [];
    if (kind !== DOCUMENT || offset === undefined || length === undefined) return undefined;
    return BSON.deserialize(this.#bytes.subarray(offset, offset + length));
  }

  #date(wanted: Field): Date | undefined {
    const [kind, , , offset] = this.#find(wanted) ?? [];
    if (kind !== DATE || offset === undefined) return undefined;
    const low = NumberUtils.getUint32LE(this.#bytes, offset);
    return new Date(NumberUtils.getInt32LE(this.#bytes, offset + 4) * 0x1_0000_0000 + low);
  }

  /** Where the field is expected, or right after it, or anywhere. */
  #find(wanted: Field): Element | undefined {
    const { place } = wanted;
    const likely = this.#named(place, wanted) ?? this.#named(place - 1, wanted);
    if (likely !== undefined) return likely;
    for (let index = 0; index < this.#elements.length; index++) {
      const element = this.#named(index, wanted);
      if (element !== undefined) return element;
    }
    return undefined;
  }

  #named(index: number, { codes }: Field): Element | undefined {
    const element = this.#elements[index];
    if (element === undefined) return undefined;
    const [, nameOffset, nameLength] = element;
    if (nameLength !== codes.length) return undefined;
    for (let at = 0; at < nameLength; at++) if (this.#bytes[nameOffset + at] !== codes[at]) return undefined;
    return element;
  }

  /** Whether another event has the same bytes in this field. */
  #has(wanted: Field, other: RawEvent): boolean {
    const mine = this.#find(wanted);
    const theirs = other.#find(wanted);
    if (mine === undefined || theirs === undefined) return false;
    const [, , , offset, length] = mine;
    const [, , , otherOffset, otherLength] = theirs;
    if (length !== otherLength) return false;
    for (let at = length - 1; at >= 0; at--)
      if (this.#bytes[offset + at] !== other.#bytes[otherOffset + at]) return false;
    return true;
  }
}

/** A row that leaves the fold: it holds no bytes of the batch that its last event was read in. */
export function wholeRow<R extends Row>(row: R): R {
  const { lastEvent } = row;
  return lastEvent instanceof RawEvent ? { ...row, lastEvent: lastEvent.whole() } : row;
}
