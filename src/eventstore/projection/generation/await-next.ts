import { type Db, MongoError } from 'mongodb';
import type { Logger } from 'pino';
import { pause } from '../../backoff.ts';
import { generationCollection, type Pointer } from './pointer.ts';
import { hasSeal, isAbandoned, LIFT_MS, liftSeal } from './seal.ts';

/** How long a writer sees a switch make no progress before it asks whether the rebuild is still alive, in ms. */
export const SEAL_PATIENCE_MS = LIFT_MS;
/** How long it waits for a rebuild that is, in ms; what it was about to write is then tried again from the start. */
const LONGEST_MS = 12_000;
/** Between two looks at the pointer, in ms. */
const LOOK_MS = 20;

/** The rows' collection is sealed, and stays so. Nothing was written; trying again may help, and the label says so. */
export class StillSealed extends MongoError {
  constructor(collection: string) {
    super(`${collection} is sealed for a switch that does not come.`);
    this.addErrorLabel('TransientTransactionError');
  }
}

/** How the pointers are known here, and where they are read. */
export interface PointerReader {
  readonly db: Db;
  readonly log: Logger;
  /** Names this process where it lifts a seal. */
  readonly producerId: string;
  /** The pointer as last read. */
  pointer(projection: { readonly name: string }): Pointer;
  /** Reads the pointers again. */
  refresh(): Promise<void>;
}

/**
 * Waits until the rows of read model `name` are no longer in the collection `from`, or its seal is off again. Lifts the
 * seal itself where the rebuild that put it on has died.
 * @throws StillSealed after LONGEST_MS
 */
export async function awaitGeneration(reader: PointerReader, name: string, from: string): Promise<void> {
  const { db, producerId, log } = reader;
  const began = performance.now();
  let seen = { revision: 0, at: began };
  for (;;) {
    await reader.refresh();
    const pointer = reader.pointer({ name });
    if (generationCollection(name, pointer.generation) !== from) return;
    const { revision, sealing } = pointer;
    // The switch was called off. But a rebuild that was held up may have put its seal on after that.
    if (sealing === undefined && !(await hasSeal(db, from))) return;
    const now = performance.now();
    if (revision !== seen.revision) seen = { revision, at: now };
    if (
      now - seen.at > SEAL_PATIENCE_MS &&
      (sealing === undefined || (await isAbandoned(db, name, sealing)))
    ) {
      log.warn({ projection: name, collection: from, sealing }, 'a rebuild died in its switch; called off');
      if (await liftSeal(db, pointer, from, producerId)) return;
    }
    if (now - began > LONGEST_MS) throw new StillSealed(from);
    await pause(LOOK_MS);
  }
}
