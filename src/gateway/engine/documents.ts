import { LRUCache } from 'lru-cache';

/** How many documents are remembered. */
const REMEMBERED_DOCUMENTS = 1_000;
/** How long their texts may be in all. A document takes some ninety times its text, and what is found out of it up to as much again. */
const REMEMBERED_CHARACTERS = 1_048_576;
/** No client asks for a longer one regularly, and it would drive out many. */
const LONGEST_REMEMBERED = 65_536;

/** Remembers something by a document's text; bounded, however many and however long the documents that clients send. */
export function rememberDocuments<T extends object>(): LRUCache<string, T> {
  return new LRUCache<string, T>({
    max: REMEMBERED_DOCUMENTS,
    maxSize: REMEMBERED_CHARACTERS,
    maxEntrySize: LONGEST_REMEMBERED,
    sizeCalculation: (_known, text) => text.length + 1,
  });
}
