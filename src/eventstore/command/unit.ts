import type { Collection, Db, MongoClient } from 'mongodb';
import type { Logger } from 'pino';
import type { StoredEvent } from '../event.ts';
import type { LiveGenerations } from '../projection/generation/live.ts';
import type { RowWrite } from '../projection/row-writes.ts';
import type { StoreObserver } from '../store-observer.ts';

/** The events of one command, or of a batch of commands on one stream, that are committed together. */
export interface Unit {
  readonly events: readonly StoredEvent[];
  /** The inline rows, one write per event, in order. */
  readonly rows: readonly RowWrite[];
  /** True where each event is a command of its own, so that a beginning of the unit may be written without the rest. */
  readonly divisible: boolean;
}

/** What became of one unit. */
export type UnitResult = { readonly ok: true } | { readonly ok: false; readonly error: unknown };

/** What units are written with. */
export interface CommitterParts {
  readonly client: MongoClient;
  readonly db: Db;
  readonly events: Collection<StoredEvent>;
  readonly log: Logger;
  readonly live: LiveGenerations;
  readonly observer: StoreObserver;
}
