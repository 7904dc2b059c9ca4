/** What the indexes of an `InterestIndex` read in a document, in their order. */
export interface Reading {
  /** Of the document. */
  readonly version: number;
  readonly values: readonly unknown[];
}

/** The readings of documents as their last change left them; those unchanged for longest go when there are too many. */
export class LastReadings {
  readonly #limit: number;
  /** By id, the longest unchanged first. */
  readonly #byId = new Map<string, Reading>();

  constructor(limit: number) {
    this.#limit = limit;
  }

  get(id: string): Reading | undefined {
    return this.#byId.get(id);
  }

  /** @param reading null: the document is gone; undefined: it cannot be read */
  set(id: string, reading: Reading | null | undefined): void {
    this.#byId.delete(id);
    if (!reading) return;
    this.#byId.set(id, reading);
    if (this.#byId.size <= this.#limit) return;
    for (const oldest of this.#byId.keys()) return void this.#byId.delete(oldest);
  }

  clear(): void {
    this.#byId.clear();
  }

  get size(): number {
    return this.#byId.size;
  }
}

/**
 * Whether two readings (null: there was, or is, no document; undefined: not known) suffice to find everyone who may have
 * the document. They do not where a row is gone, or comes in the same version again: that one is being repaired, and
 * subscribers may have seen it in any state.
 */
export function isNextOf(before: Reading | null | undefined, after: Reading | null | undefined): boolean {
  if (before === undefined || !after) return false;
  return before === null || after.version > before.version;
}
