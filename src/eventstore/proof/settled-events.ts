import type { ClientSession, Filter, Timestamp } from 'mongodb';
import type { StoredEvent } from '../event.ts';
import { LOG_INDEX } from '../indexes.ts';
import type { Log } from '../log/log.ts';
import { beyondPlace, beyondUnstamped } from '../log/pages.ts';
import { placeAt } from '../log/position.ts';
import { leafHash } from './merkle.ts';
import { bytesOf, idOfRaw, placeOfRaw, type RawPlace } from './raw-leaf.ts';
import type { SealedPlace } from './segment.ts';

const BATCH = 1_000;

/** What sealing asks of the store. */
export type SealStore = Pick<Log, 'client' | 'db' | 'events' | 'horizon' | 'clock' | 'timeline' | 'log'>;

/** Events in their order, as leaves. */
export interface Leaves {
  readonly ids: readonly Uint8Array[];
  readonly hashes: readonly Uint8Array[];
  readonly low: Timestamp;
  readonly high: Timestamp;
  /** How far the log has been read. */
  readonly upTo: SealedPlace;
}

/**
 * Reads the next events of a tenant before which none can appear any more (`horizon.ts`), in the order of pages.
 * @returns undefined where there are none
 */
export async function readSettled(
  store: Pick<Log, 'client' | 'events' | 'horizon'>,
  tenantId: string,
  after: SealedPlace,
  limit: number,
): Promise<Leaves | undefined> {
  const session = store.client.startSession({ causalConsistency: true });
  try {
    const horizon = await store.horizon.settledIn(session);
    const gathering = new Gathering();
    const read = (conditions: readonly object[]): Promise<void> =>
      gathering.take(store, session, [{ tenantId }, ...conditions], limit);
    await read([{ loggedAt: null }, ...beyondUnstamped(after.unstamped)]);
    const unstamped = gathering.last?.unstamped ?? after.unstamped;
    if (gathering.size < limit) await read([...beyondPlace(after.stamped), { loggedAt: { $lt: horizon } }]);
    // All that is settled has been read, unless there was too much of it.
    const stamped = gathering.size < limit ? placeAt(horizon) : (gathering.last?.stamped ?? after.stamped);
    // Without fields that are undefined: they would be stored as null.
    return gathering.leaves({
      ...(unstamped === undefined ? {} : { unstamped }),
      ...(stamped === undefined ? {} : { stamped }),
    });
  } finally {
    await session.endSession();
  }
}

/** Hashes events as they come, so that no more of them are held than the driver's batch. */
class Gathering {
  readonly #ids: Uint8Array[] = [];
  readonly #hashes: Uint8Array[] = [];
  #first: Uint8Array | undefined;
  #last: Uint8Array | undefined;

  get size(): number {
    return this.#ids.length;
  }

  get last(): RawPlace | undefined {
    return this.#last === undefined ? undefined : placeOfRaw(this.#last);
  }

  async take(
    { events }: Pick<Log, 'events'>,
    session: ClientSession,
    conditions: readonly object[],
    limit: number,
  ): Promise<void> {
    const { tenantId: _, ...order } = LOG_INDEX;
    const found: AsyncIterable<unknown> = events
      .find({ $and: [...conditions] } as Filter<StoredEvent>, { session, raw: true, hint: { ...LOG_INDEX } })
      .sort(order)
      .limit(limit - this.size)
      .batchSize(BATCH);
    for await (const document of found) {
      const bytes = bytesOf(document);
      this.#ids.push(idOfRaw(bytes));
      this.#hashes.push(leafHash(bytes));
      this.#first ??= bytes;
      this.#last = bytes;
    }
  }

  leaves(upTo: SealedPlace): Leaves | undefined {
    if (this.#first === undefined || this.#last === undefined) return undefined;
    const [low, high] = [placeOfRaw(this.#first).stamp, placeOfRaw(this.#last).stamp];
    return { ids: this.#ids, hashes: this.#hashes, low, high, upTo };
  }
}
