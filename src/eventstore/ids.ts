import { hash, randomFillSync } from 'node:crypto';
import { UUID } from 'mongodb';
import { parse, v7 } from 'uuid';

/** The namespace of every name-based id that Waybill mints (RFC 9562, version 5). Never changes. */
const NAMESPACE = Buffer.from(parse('6f1d5a1e-8f3c-5b7a-9c39-7a1be2d9f0c4'));

const LARGEST_48_BITS = 2 ** 48 - 1;

/** Random bytes for so many ids are asked of the system at once: asked for each, they take 1.8 of its 2.1 µs. */
const POOL_IDS = 256;
const ID_BYTES = 16;
const pool = new Uint8Array(POOL_IDS * ID_BYTES);
let spent = pool.length;

function randomBytes(): Uint8Array {
  if (spent === pool.length) {
    randomFillSync(pool);
    spent = 0;
  }
  spent += ID_BYTES;
  return pool.subarray(spent - ID_BYTES, spent);
}

/** A new id, ordered by time to the millisecond (UUIDv7). */
export function newId(): string {
  return v7({ rng: randomBytes });
}

let minted = 0;
const MINT = v7();

/** A key that no other command of any process has: for a server's own retries of a command without one. */
export function mintKey(): string {
  minted += 1;
  return `${MINT}/${minted}`;
}

/**
 * The id of the i-th event of a command. The same key on the same stream gives the same ids, in any process at
 * any time, which is what makes a retry recognisable.
 */
export function eventIdFor(tenantId: string, stream: string, key: string, index: number): UUID {
  return named(`event\0${tenantId}\0${stream}\0${key}\0${index}`);
}

/** The id of the i-th event of a command whose first event was given its id by the client. */
export function followingEventId(first: UUID, index: number): UUID {
  return index === 0 ? first : named(`after\0${first.toString()}\0${index}`);
}

/** An id that is known as text, in the form in which it is stored. @throws for what is no UUID */
export function uuid(text: string): UUID {
  return new UUID(text);
}

/** The id of the aggregate that a keyed command creates, unless the client names one. */
export function aggregateIdFor(tenantId: string, aggregateType: string, key: string): string {
  return named(`aggregate\0${tenantId}\0${aggregateType}\0${key}`).toString();
}

/** UUIDv5 (RFC 9562): by the platform's one-shot hash, which takes a third of the library's time; each event needs one. */
function named(name: string): UUID {
  const bytes = Buffer.allocUnsafe(NAMESPACE.length + Buffer.byteLength(name));
  NAMESPACE.copy(bytes);
  bytes.write(name, NAMESPACE.length);
  const id = Buffer.from(hash('sha1', bytes, 'hex'), 'hex').subarray(0, 16);
  id[6] = 0x50 | (id.readUInt8(6) & 0x0f);
  id[8] = 0x80 | (id.readUInt8(8) & 0x3f);
  return new UUID(id);
}

/**
 * The id of a fact that its name and moment identify: a UUIDv8 (RFC 9562) with the moment in the leading 48 bits, in
 * milliseconds, and 74 bits of the name's SHA-256 behind it. Ids sort by their moment, so the `_id` index grows at its
 * right edge however many such facts there are; the same fact has the same id in any process at any time.
 * @param name what tells the fact from all others, its moment included
 */
export function momentId(name: string, moment: Date): UUID {
  // By way of a text, into the pool of small buffers: one of its own costs more than its making when it is collected.
  const id = Buffer.from(hash('sha256', name, 'hex').slice(0, 32), 'hex');
  // Clocks before 1970 and after 10889 are off by more than an index cares about; the hash still tells them apart.
  id.writeUIntBE(Math.min(Math.max(moment.getTime(), 0), LARGEST_48_BITS), 0, 6);
  id[6] = 0x80 | (id.readUInt8(6) & 0x0f);
  id[8] = 0x80 | (id.readUInt8(8) & 0x3f);
  return new UUID(id);
}

/**
 * A digest of what was asked and by whom: 128 bits of SHA-256 over the canonical JSON. Two requests with one key
 * but different digests are two different intents.
 */
export function commandHash(commandType: string, callerId: string, input: unknown): string {
  return hash('sha256', `${commandType}\0${callerId}\0${canonical(input)}`, 'base64url').slice(0, 22);
}

/**
 * A digest of which fields of what was asked are null, '' where none is: to some commands null says more than nothing. It is
 * kept beside `commandHash`, which takes null for absent and must go on as it is, so that a retry is recognised by a process
 * of another version, older or newer.
 */
export function nullsHash(input: unknown): string {
  const places: string[] = [];
  findNulls(input, '', places);
  return places.length === 0 ? '' : hash('sha256', places.sort().join('\0'), 'base64url').slice(0, 22);
}

/** Nulls in lists are no matter here: there is nothing else that they could be taken for. */
function findNulls(value: unknown, place: string, places: string[]): void {
  if (typeof value !== 'object' || value === null || value instanceof Date) return;
  for (const [name, below] of Object.entries(value)) {
    if (below === null && !Array.isArray(value)) places.push(`${place}/${name}`);
    else findNulls(below, `${place}/${name}`, places);
  }
}

/** JSON with sorted keys; fields that are absent, undefined or null are the same. */
function canonical(value: unknown): string {
  if (typeof value === 'number') return String(value);
  if (value === undefined || value === null) return 'null';
  if (value instanceof Date) return `"${value.toISOString()}"`;
  if (Array.isArray(value)) return `[${value.map(canonical).join()}]`;
  if (typeof value !== 'object') return JSON.stringify(value);
  const fields = value as Record<string, unknown>;
  let text = '{';
  for (const name of Object.keys(fields).sort()) {
    const field = fields[name];
    if (field !== undefined && field !== null) text += `${quoted(name)}:${canonical(field)},`;
  }
  return `${text}}`;
}

/** Mostly a name as GraphQL has them, in which nothing needs escaping. */
function quoted(name: string): string {
  return /^\w+$/.test(name) ? `"${name}"` : JSON.stringify(name);
}
