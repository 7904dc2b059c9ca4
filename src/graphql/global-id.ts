import { type Refusal, refusal } from '../refusal.ts';

const UUID = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/i;

/** `Tender` → `tender_0199…`, `LicensePlate` → `license_plate_0199…`: readable, and opaque to clients. */
export function encodeGlobalId(typename: string, id: string): string {
  return `${typename.replace(/(?<=[a-z0-9])[A-Z]/g, (letter) => `_${letter}`).toLowerCase()}_${id}`;
}

/** The parts of a global id; null for text that is not one. */
export function decodeGlobalId(globalId: string): { typename: string; id: string } | null {
  const cut = globalId.lastIndexOf('_');
  const id = globalId.slice(cut + 1);
  if (cut < 1 || !UUID.test(id)) return null;
  const typename = globalId.slice(0, cut).replace(/(?:^|_)([a-z0-9])/g, (_, letter) => letter.toUpperCase());
  return { typename, id: id.toLowerCase() };
}

/**
 * The UUID (lower case) that a client means, from the global form or a bare UUID; undefined where the text is the
 * id of no such thing. For reads: what has no id of ours does not exist.
 */
export function toUuid(type: string, text: string): string | undefined {
  if (UUID.test(text)) return text.toLowerCase();
  const decoded = decodeGlobalId(text);
  return decoded?.typename === type ? decoded.id : undefined;
}

/** As `toUuid`, for an id of any type. */
export function toUuidOfAny(text: string): string | undefined {
  return UUID.test(text) ? text.toLowerCase() : decodeGlobalId(text)?.id;
}

/** As `toUuid`, for commands on something that exists: the refusal names `field`. */
export function idOf(type: string, text: string, field: string): string | Refusal {
  return (
    toUuid(type, text) ?? refusal('NOT_FOUND', `There is no ${type} with the id given as ${field}.`, field)
  );
}

/** As `toUuid`, for an id that the client gives to something new. */
export function newIdOf(type: string, text: string, field: string): string | Refusal {
  return (
    toUuid(type, text) ??
    refusal('INVALID_INPUT', `${field} must be a UUID, bare or as ${encodeGlobalId(type, '<uuid>')}.`, field)
  );
}
