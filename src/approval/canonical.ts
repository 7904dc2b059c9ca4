import { hash } from 'node:crypto';
import type { Count } from './events.ts';

/** JSON as RFC 8785 writes it, of what JSON can hold: fields in the order of their names, no space. Absent fields are left out. */
export function canonicalJson(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map(canonicalJson).join()}]`;
  if (typeof value !== 'object' || value === null) return JSON.stringify(value) ?? 'null';
  const fields = Object.entries(value)
    .filter(([, field]) => field !== undefined)
    .sort(([one], [other]) => (one < other ? -1 : 1))
    .map(([name, field]) => `${JSON.stringify(name)}:${canonicalJson(field)}`);
  return `{${fields.join()}}`;
}

/**
 * What an approver says to have seen: the SHA-256, 64 hex digits, of action, arguments and what the dry run counted. With the
 * counts in it, who saw an earlier dry run cannot approve a later one.
 */
export function hashSeen(action: string, args: string, counts: readonly Count[]): string {
  return hash(
    'sha256',
    `{"action":${JSON.stringify(action)},"arguments":${args},"counts":${canonicalJson(counts)}}`,
  );
}
