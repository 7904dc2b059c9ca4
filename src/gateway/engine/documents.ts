import { LRUCache } from 'lru-cache';

/** Documents that are remembered, parsed and validated. */
const REMEMBERED_DOCUMENTS = 1_000;
/** Their text in all: what is made of a document is some fifty times as large as its text. */
const REMEMBERED_CHARACTERS = 1_048_576;
/** A longer one is no client's regular question, and would drive out many. */
const LONGEST_REMEMBERED = 65_536;

/** What is known by a document's text; bounded, however many and however long the documents that clients send. */
export function rememberDocuments<T extends object>(): LRUCache<string, T> {
  return new LRUCache<string, T>({
    max: REMEMBERED_DOCUMENTS,
    maxSize: REMEMBERED_CHARACTERS,
    maxEntrySize: LONGEST_REMEMBERED,
    sizeCalculation: (_known, text) => text.length + 1,
  });
}
