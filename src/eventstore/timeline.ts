import { randomBytes } from 'node:crypto';
import { type Collection, type Db, Timestamp } from 'mongodb';
import type { Logger } from 'pino';
import { clusterNow } from './changes.ts';
import { collectionIds, replicaSetIdOf } from './database-identity.ts';
import { isDuplicateKey } from './faults.ts';

/**
 * One unbroken course of a database. A restore begins another one: what the log, the rows and the clients' cursors of the
 * old one say need not be so in the new one.
 */
export interface Timeline {
  /** Random, never 0. */
  readonly id: number;
  /** True for a moment at which no process of Waybill ran on this database: a cursor from then is of another course. */
  isAway(time: Timestamp): boolean;
}

/** From the last sign of life of one process to the first of the next. */
interface Absence {
  readonly from: Timestamp;
  readonly to: Timestamp;
}

/** The timeline as it is stored, with what it is recognised by. */
export interface TimelineDocument {
  readonly _id: 'log';
  readonly id: number;
  readonly since: Date;
  /** The id that the server gave to the collection `events`: a copy of it gets another one. */
  readonly events: string;
  /** Absent where this user may not ask for it. */
  readonly replicaSetId?: string;
  /** Rises as long as any process runs: whoever sees it fall looks at an earlier state of the database. */
  readonly pulse: number;
  /** When it rose, by the cluster's clock. */
  readonly pulsedAt: Timestamp;
  readonly absences: readonly Absence[];
  /** How many events the log was estimated to have. */
  readonly logged?: number;
  /** How many rows the live generation of each read model was seen to have, by the generation's collection. */
  readonly rows: Readonly<Record<string, number>>;
}

export const TIMELINES = 'timeline';
const ID = 'log';
const TRIES = 10;
/** A sign of life older than this, in s, means that nobody was there meanwhile: a process gives one every few seconds. */
const ABSENT_S = 30;
const ABSENCES = 50;
/** How often a process gives a sign of life, in ms; of all of them, only one writes it. */
export const PULSE_MS = 5_000;

export function timelinesOf(db: Db): Collection<TimelineDocument> {
  return db.collection<TimelineDocument>(TIMELINES, {
    readConcern: { level: 'majority' },
    writeConcern: { w: 'majority', journal: true },
  });
}

/**
 * Finds out whether the log is still the one that was here before, and begins a new timeline where it is not, or where
 * nobody can tell. Many processes may do it at once: they agree. The collection `events` must exist.
 */
export async function openTimeline(db: Db, log: Logger): Promise<Timeline> {
  for (let tries = 1; ; tries++) {
    const document = await goOn(db, log);
    if (document !== null) return timelineOf(document);
    if (tries === TRIES) throw new Error('The timeline of the database is changed all the time.');
  }
}

/** Gives a sign of life, unless there was one a moment ago: whoever gives out cursors does so all the time. */
export async function pulse(db: Db, { id }: Pick<Timeline, 'id'>): Promise<void> {
  const now = await clusterNow(db);
  const before = new Timestamp({ t: now.getHighBitsUnsigned() - PULSE_MS / 1_000, i: 0 });
  await timelinesOf(db).updateOne(
    { _id: ID, id, pulsedAt: { $lt: before } },
    { $inc: { pulse: 1 }, $set: { pulsedAt: now } },
  );
}

/**
 * Gives the last sign of life of a process, behind all cursors that it gave out: none is of a time when nobody was there.
 * @param seen the pulse that it saw last: with less, the database is back at an earlier state, and was not looked after
 */
export async function lastPulse(db: Db, { id }: Pick<Timeline, 'id'>, seen: number): Promise<void> {
  const pulsedAt = await clusterNow(db);
  const filter = { _id: ID, id, pulse: { $gte: seen } } as const;
  await timelinesOf(db).updateOne(filter, { $inc: { pulse: 1 }, $max: { pulsedAt } });
}

/** @returns null where another process was faster */
async function goOn(db: Db, log: Logger): Promise<TimelineDocument | null> {
  const timelines = timelinesOf(db);
  const [known, ids, replicaSetId, now] = await Promise.all([
    timelines.findOne({ _id: ID }),
    collectionIds(db, ['events']),
    replicaSetIdOf(db.client),
    clusterNow(db),
  ]);
  const events = ids.get('events') ?? '';
  const seen = { events, ...(replicaSetId === undefined ? {} : { replicaSetId }) };
  if (known !== null && isSame(known, seen) && !(await hasLostEvents(db, known))) {
    const absences = absencesOf(known, now);
    // By its pulse: of several processes that start at once, one notes the absence, and the others see its sign of life.
    const noted = absences === known.absences ? {} : { absences };
    const sole = absences === known.absences ? {} : { pulse: known.pulse };
    return timelines.findOneAndUpdate(
      { _id: ID, id: known.id, ...sole },
      { $set: { ...seen, ...noted }, $max: { pulsedAt: now }, $inc: { pulse: 1 } },
      { returnDocument: 'after' },
    );
  }
  const fresh: TimelineDocument = {
    _id: ID,
    id: randomBytes(4).readUInt32BE() || 1,
    since: new Date(),
    ...seen,
    pulse: (known?.pulse ?? 0) + 1,
    pulsedAt: now,
    absences: [],
    rows: {},
  };
  if (!(await put(timelines, known, fresh))) return null;
  if (known !== null)
    log.warn({ known: identityOf(known), found: seen }, 'another log than before: a restore');
  return fresh;
}

/** A log never becomes smaller. The server's estimate is free, but may be wrong after it was killed: then they are counted. */
export async function hasLostEvents(
  db: Db,
  { logged = 0 }: Pick<TimelineDocument, 'logged'>,
): Promise<boolean> {
  const events = db.collection('events');
  if ((await events.estimatedDocumentCount()) * 2 >= logged) return false;
  return (await events.countDocuments({}, { hint: { _id: 1 } })) * 2 < logged;
}

function isSame(known: TimelineDocument, seen: { events: string; replicaSetId?: string }): boolean {
  const isOtherCluster =
    known.replicaSetId !== undefined &&
    seen.replicaSetId !== undefined &&
    known.replicaSetId !== seen.replicaSetId;
  return known.events === seen.events && !isOtherCluster;
}

function identityOf({ events, replicaSetId, pulsedAt }: TimelineDocument): object {
  return { events, replicaSetId, pulsedAt };
}

async function put(
  timelines: Collection<TimelineDocument>,
  known: TimelineDocument | null,
  fresh: TimelineDocument,
): Promise<boolean> {
  try {
    if (known === null) await timelines.insertOne(fresh);
    else {
      const { _id, ...replacement } = fresh;
      return (
        (await timelines.replaceOne({ _id, id: known.id, pulse: known.pulse }, replacement)).matchedCount ===
        1
      );
    }
    return true;
  } catch (error) {
    if (isDuplicateKey(error)) return false;
    throw error;
  }
}

function absencesOf({ pulsedAt, absences }: TimelineDocument, now: Timestamp): readonly Absence[] {
  if (now.getHighBitsUnsigned() - pulsedAt.getHighBitsUnsigned() <= ABSENT_S) return absences;
  return [...absences, { from: pulsedAt, to: now }].slice(-ABSENCES);
}

function timelineOf({ id, absences }: TimelineDocument): Timeline {
  return {
    id,
    isAway: (time) => absences.some(({ from, to }) => time.greaterThan(from) && time.lessThan(to)),
  };
}
