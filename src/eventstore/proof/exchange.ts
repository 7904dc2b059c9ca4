import { BSON } from 'mongodb';
import { leafHash } from './merkle.ts';
import { withId } from './raw-leaf.ts';

/** An event that is not what was sealed. */
export interface ChangedEvent {
  /** 16 bytes. */
  readonly id: Uint8Array;
  readonly bytes: Uint8Array;
  /** The hash of what was sealed. */
  readonly sealed: Uint8Array;
}

/** More fields than this are not tried in every combination. */
const MAX_FIELDS = 12;

/**
 * The fields that two changed events have exchanged: put back, both are what was sealed.
 * @returns undefined where that is not what happened; an empty list where all but the ids was exchanged
 */
export function exchangedFields(a: ChangedEvent, b: ChangedEvent): readonly string[] | undefined {
  if (is(a, withId(b.bytes, a.id)) && is(b, withId(a.bytes, b.id))) return [];
  const [inA, inB] = [fieldsOf(a.bytes), fieldsOf(b.bytes)];
  const differing = [...inA.keys()].filter((name) => {
    const [mine, theirs] = [inA.get(name), inB.get(name)];
    return name !== '_id' && mine && theirs && Buffer.compare(mine, theirs) !== 0;
  });
  if (differing.length > MAX_FIELDS) return undefined;
  for (let chosen = 1; chosen < 2 ** differing.length; chosen++) {
    const names = differing.filter((_, index) => (chosen & (1 << index)) !== 0);
    if (is(a, exchanged(inA, inB, names)) && is(b, exchanged(inB, inA, names))) return names;
  }
  return undefined;
}

function is({ sealed }: ChangedEvent, bytes: Uint8Array): boolean {
  return leafHash(bytes).equals(sealed);
}

/** The fields of a document by name, each with its type and name as they stand in its bytes. */
function fieldsOf(bytes: Uint8Array): Map<string, Uint8Array> {
  const fields = new Map<string, Uint8Array>();
  for (const [, nameOffset, nameLength, offset, length] of BSON.onDemand.parseToElements(bytes)) {
    const name = Buffer.from(bytes.subarray(nameOffset, nameOffset + nameLength)).toString();
    fields.set(name, bytes.subarray(nameOffset - 1, offset + length));
  }
  return fields;
}

/** A document with some fields of another one. */
function exchanged(
  mine: ReadonlyMap<string, Uint8Array>,
  theirs: ReadonlyMap<string, Uint8Array>,
  names: readonly string[],
): Uint8Array {
  const fields = [...mine].map(([name, field]) =>
    names.includes(name) ? (theirs.get(name) ?? field) : field,
  );
  const length = Buffer.alloc(4);
  length.writeInt32LE(fields.reduce((sum, field) => sum + field.length, 5));
  return Buffer.concat([length, ...fields, Buffer.of(0)]);
}
