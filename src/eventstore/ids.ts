import { hash } from 'node:crypto';
import { UUID } from 'mongodb';
import { v5, v7 } from 'uuid';

/** The namespace of every name-based id that Waybill mints (RFC 9562, version 5). Never changes. */
const NAMESPACE = '6f1d5a1e-8f3c-5b7a-9c39-7a1be2d9f0c4';

/** A new id, ordered by time (UUIDv7). */
export function newId(): string {
  return v7();
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

/** The id of the aggregate that a keyed command creates, unless the client names one. */
export function aggregateIdFor(tenantId: string, aggregateType: string, key: string): string {
  return v5(`aggregate\0${tenantId}\0${aggregateType}\0${key}`, NAMESPACE);
}

function named(name: string): UUID {
  return new UUID(v5(name, NAMESPACE, new Uint8Array(16)));
}

/**
 * A digest of what was asked and by whom: 128 bits of SHA-256 over the canonical JSON. Two requests with one key
 * but different digests are two different intents.
 */
export function commandHash(commandType: string, callerId: string, input: unknown): string {
  return hash('sha256', `${commandType}\0${callerId}\0${canonical(input)}`, 'base64url').slice(0, 22);
}

/** JSON with sorted keys; absent and undefined fields are the same. */
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
    if (field !== undefined && field !== null) text += `${JSON.stringify(name)}:${canonical(field)},`;
  }
  return `${text}}`;
}
