import { type ClientSession, type Db, Timestamp } from 'mongodb';
import { clusterNow } from '../changes.ts';

/** How long the server may work on an insert without a transaction, in ms; then it counts as a lost reply. */
export const INSERT_LIMIT_MS = 8_000;

/** The server's own limit on a transaction, in seconds, where we may not ask it (`getParameter`): the default. */
const DEFAULT_LIFETIME_S = 60;
/** It looks for transactions that are over the limit every half of the limit (measured: 3.7 to 4.5 s at 3). */
const LATEST_ABORT = 1.5;
/** For the server's timers, and for moments that are told in whole seconds. */
const MARGIN_S = 2;
/** After so many ms the limit is asked for again: an operator may have changed it. */
const ASK_AGAIN_MS = 60_000;

/** Tells up to where the log is settled. */
export interface Horizon {
  /**
   * A moment of the cluster's clock: every event with a stamp before it is visible to the next reads in `session`, or will
   * never be.
   *
   * Why: the stamp is the database's own, made while it executes the insert. From then on the insert has INSERT_LIMIT_MS,
   * and a transaction its lifetime, after which the server aborts it, whatever has become of the process. So what has
   * a stamp older than that is committed or gone, by a moment that lies before the read; and the read is causally after
   * that moment. No clock of a process takes part. (The database's own clock must not be set forward by more than that
   * while a transaction is open.)
   */
  settledIn(session: ClientSession): Promise<Timestamp>;
}

export function openHorizon(db: Db): Horizon {
  let lifetime: Promise<number> | undefined;
  let askedAt = 0;
  const lifetimeS = (): Promise<number> => {
    if (lifetime === undefined || performance.now() - askedAt > ASK_AGAIN_MS) {
      askedAt = performance.now();
      lifetime = transactionLifetimeS(db);
    }
    return lifetime;
  };
  return {
    async settledIn(session) {
      const longestS = Math.max((await lifetimeS()) * LATEST_ABORT, INSERT_LIMIT_MS / 1_000) + MARGIN_S;
      const now = await clusterNow(db, session);
      return new Timestamp({ t: Math.max(0, now.getHighBits() - Math.ceil(longestS)), i: 0 });
    },
  };
}

async function transactionLifetimeS(db: Db): Promise<number> {
  const name = 'transactionLifetimeLimitSeconds';
  try {
    const answer = await db.client.db('admin').command({ getParameter: 1, [name]: 1 });
    return Number(answer[name]);
  } catch {
    // Not allowed, or a router, which has no such setting.
    return DEFAULT_LIFETIME_S;
  }
}
