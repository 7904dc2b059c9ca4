import { type Db, MongoError } from 'mongodb';
import type { Logger } from 'pino';
import { pause } from '../backoff.ts';
import type { Live } from './live-generation.ts';
import { isAbandoned, isSealedNow, LIFT_MS, lift } from './seal.ts';

/** How long a writer sees a switch make no progress before it asks whether the rebuild is still alive, in ms. */
export const SEAL_PATIENCE_MS = LIFT_MS;
/** How long it waits for a rebuild that is, in ms; what it was about to write is then tried again from the start. */
const LONGEST_MS = 12_000;
/** Between two looks at the pointer, in ms. */
const LOOK_MS = 20;

/** The rows' collection is sealed, and stays so. Nothing was written; trying again may help, and says so by its label. */
export class StillSealed extends MongoError {
  constructor(collection: string) {
    super(`${collection} is sealed for a switch that does not come.`);
    this.addErrorLabel('TransientTransactionError');
  }
}

export interface Waiter {
  readonly db: Db;
  readonly log: Logger;
  readonly producerId: string;
  readonly live: Live;
}

/**
 * Waits until a read model's rows are no longer in `from`, or the seal is off again.
 * @throws StillSealed
 */
export async function awaitMove(waiter: Waiter, name: string, from: string): Promise<void> {
  const { db, live, producerId, log } = waiter;
  const began = performance.now();
  let seen = { revision: 0, at: began };
  for (;;) {
    await live.refresh();
    if (live.of({ name }) !== from) return;
    const pointer = live.pointer({ name });
    const { revision, sealing } = pointer;
    // Called off: unless a rebuild was so late that it sealed what it had no right to any more.
    if (sealing === undefined && !(await isSealedNow(db, from))) return;
    const now = performance.now();
    if (revision !== seen.revision) seen = { revision, at: now };
    if (
      now - seen.at > SEAL_PATIENCE_MS &&
      (sealing === undefined || (await isAbandoned(db, name, sealing)))
    ) {
      log.warn({ projection: name, collection: from, sealing }, 'a rebuild died in its switch; called off');
      if (await lift(db, pointer, from, producerId)) return;
    }
    if (now - began > LONGEST_MS) throw new StillSealed(from);
    await pause(LOOK_MS, () => undefined);
  }
}
