import type { DocumentNode } from 'graphql';

/** What a subscription keeps in memory for as long as it runs. */
export interface Held {
  /** About how many bytes it takes by itself, with its variables. */
  readonly bytes: number;
  /** Its document, which many may share, and about how many bytes that takes. */
  readonly document: object;
  readonly documentBytes: number;
}

/** What any subscription takes, be it as small as it may. */
const BASE_BYTES = 1_024;
/** A value in a list is also one of a set, of an index and of a query. With its text it takes about as much (measured). */
const VALUE_BYTES = 96;
/** So many times its text does a parsed document take (measured). */
const DOCUMENT_TIMES = 90;

/** About how much memory a subscription holds while it runs, by all that it was asked with. Linear in that. */
export function heldBy(document: DocumentNode, params: unknown): Held {
  return {
    bytes: BASE_BYTES + bytesOf(params),
    document,
    documentBytes: DOCUMENT_TIMES * (document.loc?.source.body.length ?? 0),
  };
}

/** Without recursion: what a client sends may be nested as deeply as its parser lets through. */
function bytesOf(params: unknown): number {
  let bytes = 0;
  const left: unknown[] = [params];
  while (left.length > 0) {
    const value = left.pop();
    bytes += VALUE_BYTES;
    if (typeof value === 'string') bytes += 2 * value.length;
    else if (Array.isArray(value)) for (const part of value) left.push(part);
    else if (typeof value === 'object' && value !== null)
      for (const [name, part] of Object.entries(value)) {
        bytes += 2 * name.length;
        left.push(part);
      }
  }
  return bytes;
}
