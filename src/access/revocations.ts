import type { Db } from 'mongodb';
import type { Access } from './access.ts';
import { apiKeysOf } from './api-keys.ts';
import { CLOCK_TOLERANCE_SECONDS } from './lifetime.ts';
import { revokedSubjectsOf, subjectId } from './subjects.ts';

/** What is read again each time: transactions that began earlier may come to be seen later, and clocks of databases differ. */
const OVERLAP_MS = 300_000;
const READ_TIMEOUT_MS = 5_000;
/** How long a revoked key is remembered: by then, the check of keys has forgotten that it was good. */
const KEY_MEMORY_MS = 60_000;
/** How many keys are asked for at once. */
const KEYS_AT_ONCE = 1_000;

/** What a process knows of revoked subjects and keys; it knows what it has read. */
export class Revocations {
  readonly #db: Db;
  readonly #rememberedMs: number;
  /** When the tokens of a subject were revoked, in ms since 1970. */
  readonly #subjects = new Map<string, number>();
  /** The hashes of keys that were in use here when they were found to be revoked, and when that was. */
  readonly #keys = new Map<string, number>();
  #newest: number | undefined;

  /** @param maxTokenHours by then, every token that was signed before a revocation is over, and it can be forgotten */
  constructor(db: Db, maxTokenHours: number) {
    this.#db = db;
    this.#rememberedMs = maxTokenHours * 3_600_000 + OVERLAP_MS;
  }

  /**
   * Whether a proof is revoked, as far as is known. A token that does not say when it was signed counts as signed before; so does
   * one of the seconds after, since the signer's clock may have been ahead.
   */
  isRevoked(access: Access): boolean {
    const { keyHash, issuedAt } = access;
    if (keyHash !== undefined) return this.#keys.has(keyHash);
    if (this.#subjects.size === 0) return false;
    const revokedAt = this.#subjects.get(subjectId(access));
    if (revokedAt === undefined) return false;
    return issuedAt === undefined || issuedAt.getTime() <= revokedAt + CLOCK_TOLERANCE_SECONDS * 1_000;
  }

  /**
   * Reads what has been revoked meanwhile.
   * @param keys the hashes of keys that are in use here @throws what MongoDB throws
   */
  async read(keys: readonly string[]): Promise<void> {
    await this.#readSubjects();
    for (let at = 0; at < keys.length; at += KEYS_AT_ONCE)
      await this.#readKeys(keys.slice(at, at + KEYS_AT_ONCE));
    const now = Date.now();
    forgetBefore(now - this.#rememberedMs, this.#subjects);
    forgetBefore(now - KEY_MEMORY_MS, this.#keys);
  }

  async #readSubjects(): Promise<void> {
    const since = (this.#newest ?? Date.now() - this.#rememberedMs) - OVERLAP_MS;
    const found = revokedSubjectsOf(this.#db)
      .find({ revokedAt: { $gt: new Date(since) } }, { maxTimeMS: READ_TIMEOUT_MS })
      .project<{ _id: string; revokedAt: Date }>({ revokedAt: 1 });
    for await (const { _id, revokedAt } of found) {
      this.#subjects.set(_id, revokedAt.getTime());
      this.#newest = Math.max(this.#newest ?? 0, revokedAt.getTime());
    }
  }

  /** A key is in force while it is found to be, so that one whose document was removed is none, either. */
  async #readKeys(hashes: readonly string[]): Promise<void> {
    const inForce = await apiKeysOf(this.#db)
      .find({ _id: { $in: [...hashes] }, revokedAt: null }, { maxTimeMS: READ_TIMEOUT_MS })
      .project<{ _id: string }>({ _id: 1 })
      .toArray();
    const good = new Set(inForce.map(({ _id }) => _id));
    for (const hash of hashes) if (!good.has(hash)) this.#keys.set(hash, Date.now());
  }
}

function forgetBefore(moment: number, known: Map<string, number>): void {
  for (const [name, at] of known) if (at < moment) known.delete(name);
}
