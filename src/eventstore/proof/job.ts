import { setTimeout as delay } from 'node:timers/promises';
import { Timestamp } from 'mongodb';
import { repeat } from '../backoff.ts';
import { clusterNow } from '../changes.ts';
import { isDuplicateKey } from '../faults.ts';
import { newId } from '../ids.ts';
import { createIndexes } from '../indexes.ts';
import { acquireLease, type Lease, whileHeld } from '../lease.ts';
import { ANNOUNCED, proofKeysOf } from '../log/announced.ts';
import type { CheckpointStore } from './copies.ts';
import { Copying } from './copying.ts';
import type { Signer } from './keys.ts';
import { SEGMENT_EVENTS, sealNext } from './seal.ts';
import { SEGMENT_INDEXES, segmentsOf } from './segment.ts';
import type { SealStore } from './settled-events.ts';
import { noteSealed, sealedUpTo } from './status.ts';

/** Called by the job, to be measured. Every call is cheap and never throws. */
export interface SealObserver {
  /** So many events more were sealed by this process. */
  sealed(events: number): void;
  /** What was recorded in the last so many seconds need not be sealed yet, whichever process seals. */
  unsealed(seconds: number): void;
  /** Something could not be sealed, or not be kept elsewhere; it is tried again. */
  failed(): void;
}

export interface SealJobOptions {
  readonly observer?: SealObserver;
  /** Where checkpoints are kept besides. */
  readonly copies?: CheckpointStore | undefined;
  /** From one segment of a tenant to the next, in ms, at most. */
  readonly everyMs?: number;
  /** How often it looks whether anything is due, in ms. */
  readonly lookMs?: number;
}

/** From one segment of a tenant to the next, at most: `docs/trust.md` says what is not protected meanwhile. */
export const SEAL_EVERY_MS = 60_000;
const LOOK_MS = 5_000;
const LEASE_MS = 30_000;
const LEASE = 'proof';

/** What is known of a tenant whose log is sealed. */
interface Pace {
  /** When to look at it next, by the process's clock. */
  dueAt: number;
  lookedAt: number;
  /** Everything stamped before this is sealed. */
  upTo: Timestamp;
}

/**
 * Seals the log of every tenant, once a minute or as soon as 10,000 events are likely to have come, in one process of all.
 * `stop()` resolves when nothing is being sealed any more.
 */
export function startSealing(
  store: SealStore & { readonly producerId: string },
  signer: Signer,
  options: SealJobOptions = {},
): { stop(): Promise<void> } {
  const { observer, copies, everyMs = SEAL_EVERY_MS, lookMs = LOOK_MS } = options;
  const { db, log } = store;
  const holder = `${store.producerId}/${newId()}`;
  const stopping = new AbortController();
  const sealing = new Sealing(store, signer, everyMs, (events) => observer?.sealed(events));
  let lease: Lease | null = null;
  let isPrepared = false;
  const copying = copies && new Copying(db, copies);
  let toCopy = true;

  const look = async (): Promise<void> => {
    if (!isPrepared) await prepare(store, signer);
    isPrepared = true;
    lease = await acquireLease(db, LEASE, holder, LEASE_MS);
    if (lease !== null)
      await whileHeld(lease, work, (err) => log.warn({ err }, 'the lease to seal could not be renewed'));
    const upTo = await sealedUpTo(db);
    if (upTo !== undefined)
      observer?.unsealed(Math.max(0, store.clock.now() / 1_000 - upTo.getHighBitsUnsigned()));
  };
  const work = async (lost: AbortSignal): Promise<void> => {
    const signal = AbortSignal.any([stopping.signal, lost]);
    toCopy = (await sealing.look(signal)) > 0 || toCopy;
    if (!toCopy) return;
    await copying?.copy(signal);
    toCopy = signal.aborted;
  };
  const running = repeat(look, lookMs, stopping.signal, (error) => {
    observer?.failed();
    log.warn({ err: error }, 'the log could not be sealed; trying again');
  });
  return {
    async stop() {
      stopping.abort();
      await running;
      await lease?.release().catch(() => undefined);
    },
  };
}

/** Publishes the key. From here on imports announce what they record; nothing is sealed until those before are settled. */
async function prepare({ db }: SealStore, { verifier }: Signer): Promise<void> {
  await createIndexes(segmentsOf(db), SEGMENT_INDEXES);
  await createIndexes(db.collection(ANNOUNCED), [
    { keys: { tenantId: 1, _id: 1 }, serves: 'what imports have announced of a tenant' },
  ]);
  try {
    await proofKeysOf(db).insertOne({ _id: verifier.text, since: await clusterNow(db) });
  } catch (error) {
    if (!isDuplicateKey(error)) throw error;
  }
}

/** Goes through the tenants, each when it is due. */
class Sealing {
  readonly #store: SealStore;
  readonly #signer: Signer;
  readonly #everyMs: number;
  readonly #onSealed: (events: number) => void;
  readonly #tenants = new Map<string, Pace>();
  #listedAt = Number.NEGATIVE_INFINITY;
  /** What the database took before this moment is of a tenant that is known. */
  #listedUpTo = new Timestamp(0n);

  constructor(store: SealStore, signer: Signer, everyMs: number, onSealed: (events: number) => void) {
    this.#store = store;
    this.#signer = signer;
    this.#everyMs = everyMs;
    this.#onSealed = onSealed;
  }

  /** @returns how many events it sealed */
  async look(signal: AbortSignal): Promise<number> {
    const { db } = this.#store;
    const horizon = await this.#horizon();
    // Imports that began before there was a key announce nothing, and have to be in the log before it is sealed.
    const first = await proofKeysOf(db).findOne({}, { sort: { since: 1 } });
    if (first === null || first.since.greaterThanOrEqual(horizon)) return 0;
    await this.#list(horizon);
    let sealed = 0;
    for (const [tenantId, pace] of this.#tenants) {
      if (signal.aborted) return sealed;
      if (performance.now() >= pace.dueAt) sealed += await this.#seal(tenantId, pace, signal);
    }
    const upTo = [...this.#tenants.values()].map((pace) => pace.upTo);
    await noteSealed(
      db,
      upTo.reduce((a, b) => (a.lessThan(b) ? a : b), this.#listedUpTo),
    );
    return sealed;
  }

  /** By the index, which leaps from one tenant to the next. */
  async #list(horizon: Timestamp): Promise<void> {
    if (performance.now() - this.#listedAt < this.#everyMs) return;
    const tenantIds: string[] = await this.#store.events.distinct('tenantId');
    this.#listedAt = performance.now();
    this.#listedUpTo = horizon;
    for (const tenantId of tenantIds)
      if (!this.#tenants.has(tenantId))
        this.#tenants.set(tenantId, { dueAt: 0, lookedAt: performance.now(), upTo: new Timestamp(0n) });
  }

  async #seal(tenantId: string, pace: Pace, signal: AbortSignal): Promise<number> {
    const [horizon, began] = [await this.#horizon(), performance.now()];
    let all = 0;
    for (let sealed = SEGMENT_EVENTS; sealed >= SEGMENT_EVENTS && !signal.aborted; ) {
      sealed = await sealNext(this.#store, this.#signer, tenantId);
      all += sealed;
      if (sealed > 0) this.#onSealed(sealed);
      // A backlog is sealed with pauses: others want the database, too.
      if (sealed >= SEGMENT_EVENTS) await delay(0);
    }
    if (signal.aborted) return all;
    const sinceMs = Math.max(1, began - pace.lookedAt);
    const fullMs = all === 0 ? Number.POSITIVE_INFINITY : (SEGMENT_EVENTS / all) * sinceMs;
    pace.dueAt = began + Math.min(this.#everyMs, fullMs);
    pace.lookedAt = began;
    pace.upTo = horizon;
    return all;
  }

  async #horizon(): Promise<Timestamp> {
    const session = this.#store.client.startSession({ causalConsistency: true });
    try {
      return await this.#store.horizon.settledIn(session);
    } finally {
      await session.endSession();
    }
  }
}
