import type { Db, Timestamp } from 'mongodb';
import type { Logger } from 'pino';
import { openChanges, type Signal } from '../../changes.ts';
import { justBefore, scopeOf } from '../cursor.ts';
import { openPlaces } from './places.ts';
import { PastChange, type Ring } from './ring.ts';
import { addressee, type Routes } from './routes.ts';

/** How long reading may take, in ms; what takes longer is given up. */
const LONGEST_MS = 30_000;
/** The pace of an idle stream that only has to find out that it is level, in ms. */
const IDLE_MS = 20;

export interface OplogOptions {
  readonly db: Db;
  readonly log: Logger;
  readonly routes: Routes;
  /** What is read has to reach what is in there. */
  readonly ring: Ring;
  readonly historyBytes: number;
}

/**
 * Reads changes from a moment on, until they meet those in the ring.
 * @returns the moment up to which all are in `into`; undefined where they are gone, too many, or take too long
 */
export async function readOplog(
  options: OplogOptions,
  into: Ring,
  from: Timestamp,
  signal: AbortSignal,
): Promise<Timestamp | undefined> {
  const { db, log, routes, ring, historyBytes } = options;
  const { collections, operations } = routes;
  const isSharded = await isMongos(db);
  const places = openPlaces(justBefore(from));
  const changes = openChanges(db, { collections, operations, from: { at: from }, idleMs: IDLE_MS, log });
  const stop = (): void => changes.stop();
  const late = setTimeout(stop, LONGEST_MS).unref();
  signal.addEventListener('abort', stop);
  try {
    for (let told = await changes.next(); told?.kind === 'changes'; told = await changes.next()) {
      for (const change of told.changes) {
        const place = places.take(routes.countedFor(change) ?? '', change.clusterTime);
        const broken = routes.breakOf(change);
        if (broken !== undefined) into.breakAt(broken, place);
        const name = routes.nameOf(change.collection);
        if (name === undefined || change.key === undefined) continue;
        const [tenantId, id] = addressee(change);
        into.push(new PastChange(scopeOf(name, tenantId), id, change.document, place));
      }
      // The ring of what is read lets go of nothing unless it is full.
      if (into.bytes > historyBytes || !into.from.equals(justBefore(from))) return undefined;
      const until = reachedBy(told, isSharded);
      if (until !== undefined && !ring.from.greaterThan(until)) return until;
    }
    return undefined;
  } finally {
    clearTimeout(late);
    signal.removeEventListener('abort', stop);
    changes.stop();
  }
}

/** Of an unreachable server nothing is known: the stricter rule holds, and costs no more than time. */
async function isMongos(db: Db): Promise<boolean> {
  try {
    return (await db.admin().command({ hello: 1 })).msg === 'isdbgrid';
  } catch {
    return true;
  }
}

/** The moment up to which nothing can come any more. A part of a transaction may have come without the rest. */
function reachedBy({ changes, upTo }: Extract<Signal, { kind: 'changes' }>, isSharded: boolean) {
  if (upTo === undefined) return undefined;
  // A replica set that has nothing more has told everything of that moment; of several shards, one may not have.
  return changes.length === 0 && !isSharded ? upTo : justBefore(upTo);
}
