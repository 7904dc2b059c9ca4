import { refusal } from '../../refusal.ts';
import type { StoredEvent } from '../event.ts';
import { isDuplicateKey, isPassing } from '../faults.ts';
import { type Folded, remember } from '../fold.ts';
import { NewerVersion } from '../newer.ts';
import type { RowWrite } from '../projection/row-writes.ts';
import type { Milestone } from '../time/snapshots.ts';
import { handleOne, outcomeOfEarlier } from './decide-one.ts';
import { countEvents, decideOn, metadataOf } from './draft.ts';
import { BATCH_JOBS, type Job, type Outcome, outcomeOf, staysOnItsStream } from './intent.ts';
import { type Loaded, loadStream } from './load.ts';
import type { Store } from './store.ts';
import type { Unit } from './unit.ts';

/** Commands on one stream, decided in memory: the unit to write, and what to answer once it is written. */
export interface DecidedBatch extends Unit {
  /** The stream as they leave it. */
  readonly folded: Folded;
  /** Folds on the way that make a snapshot; undefined for none, as mostly. */
  readonly milestones: readonly Milestone[] | undefined;
  /** One for each job; a function where the answer still has to be looked up. */
  readonly answers: readonly (Outcome | (() => Promise<Outcome>))[];
}

/** First events by their id, of commands that are recorded already. */
type Recorded = ReadonlyMap<string, StoredEvent>;

const NOTHING_RECORDED: Recorded = new Map();

/** Handles what has gathered on one stream, in order. Never throws: each job gets its answer or its error. */
export async function handleGathered(store: Store, jobs: readonly Job[]): Promise<void> {
  if (jobs.every(staysOnItsStream)) return handleTogether(store, jobs);
  let batch: Job[] = [];
  for (const job of jobs) {
    if (staysOnItsStream(job)) {
      batch.push(job);
      continue;
    }
    await handleTogether(store, batch);
    batch = [];
    await handleAlone(store, job);
  }
  await handleTogether(store, batch);
}

/** Handles a job by itself. Never throws. */
export async function handleAlone(store: Store, job: Job): Promise<void> {
  await handleOne(store, job).then(job.answer, (error: unknown) => answerFailure(job, error));
}

function answerFailure(job: Job, error: unknown): void {
  if (error instanceof NewerVersion) job.answer(leftToNewer());
  else job.fail(error);
}

/** The answer where only a newer version can decide. */
function leftToNewer(): Outcome {
  return { kind: 'refused', refusal: refusal('NEWER_VERSION'), events: [] };
}

async function handleTogether(store: Store, jobs: readonly Job[]): Promise<void> {
  const [first] = jobs;
  if (first === undefined) return;
  if ((jobs.length > 1 || isKnownNew(store, first)) && (await commitBatch(store, first, jobs))) return;
  // One by one: a lone command, or a batch in which one command's trouble must not become its neighbours'.
  for (const job of jobs) await handleAlone(store, job);
}

/** True where memory is enough to tell that a command was not recorded before. */
function isKnownNew(store: Store, job: Job): boolean {
  const cached = store.cache.get(job.streamKey);
  return cached !== undefined && isNew(job, cached);
}

/** True for a command that cannot have been recorded before. */
function isNew({ keyIsMinted, intent }: Job, { state }: Folded): boolean {
  return keyIsMinted || intent.aggregate.provenNew?.(state, intent.command) === true;
}

/** Those that may have been recorded before. */
function maybeRecorded(jobs: readonly Job[], folded: Folded): readonly Job[] {
  return jobs.filter((job) => !isNew(job, folded));
}

/**
 * Decides a batch from memory, at once, where memory is enough to be sure that none of it was recorded before and
 * nothing of it is refused. Undefined where it is not.
 */
export function decideFromMemory(
  store: Store,
  streamKey: string,
  jobs: readonly Job[],
): DecidedBatch | undefined {
  const folded = store.cache.get(streamKey);
  if (folded === undefined || jobs.length > BATCH_JOBS || !jobs.every(staysOnItsStream)) return undefined;
  if (maybeRecorded(jobs, folded).length > 0) return undefined;
  const decided = decideBatch(store, jobs, { folded, verified: false }, NOTHING_RECORDED);
  return decided === 'unverified' ? undefined : decided;
}

/** Answers the jobs of a batch that is committed. */
export function answerBatch(
  store: Store,
  streamKey: string,
  jobs: readonly Job[],
  batch: DecidedBatch,
): void {
  remember(store.cache, streamKey, batch.folded);
  if (batch.milestones !== undefined) store.snapshots.offer(batch.milestones);
  for (const [index, job] of jobs.entries()) answer(job, batch.answers[index]);
}

function answer(job: Job, outcome: DecidedBatch['answers'][number] | undefined): void {
  if (outcome === undefined) job.fail(new Error('A batch decided nothing about one of its commands.'));
  else if (typeof outcome !== 'function') job.answer(outcome);
  else outcome().then(job.answer, (error: unknown) => answerFailure(job, error));
}

/** Decides and appends a batch as one unit. Returns false, with nothing answered, when that did not work out. */
async function commitBatch(store: Store, first: Job, jobs: readonly Job[]): Promise<boolean> {
  try {
    const { aggregate } = first.intent;
    const cached = store.cache.get(first.streamKey);
    let loaded: Loaded =
      cached === undefined
        ? await loadStream(store, first.stream, aggregate, 'cached')
        : { folded: cached, verified: false };
    const doubtful = maybeRecorded(jobs, loaded.folded);
    const recorded = doubtful.length === 0 ? NOTHING_RECORDED : await findRecorded(store, doubtful);
    let decided = decideBatch(store, jobs, loaded, recorded);
    if (decided === 'unverified') {
      loaded = await loadStream(store, first.stream, aggregate, 'fresh');
      decided = decideBatch(store, jobs, loaded, recorded);
    }
    if (decided === 'unverified') return false;
    if (decided.events.length > 0) await store.committer.commit(decided);
    answerBatch(store, first.streamKey, jobs, decided);
    return true;
  } catch (error) {
    store.cache.delete(first.streamKey);
    if (error instanceof NewerVersion) {
      for (const job of jobs) job.answer(leftToNewer());
      return true;
    }
    if (!isDuplicateKey(error) && !isPassing(error))
      store.log.warn({ err: error }, 'a batch failed; one by one now');
    return false;
  }
}

async function findRecorded(store: Store, jobs: readonly Job[]): Promise<Recorded> {
  const found = await Promise.all(jobs.map((job) => store.pointReads.event(job.eventId(0))));
  return new Map(found.filter((event) => event !== null).map((event) => [event._id.toString(), event]));
}

/**
 * Decides commands on one stream, one upon the other.
 * @returns `unverified` where one is refused upon a fold that may be behind the log: no "no" from memory alone
 */
function decideBatch(
  store: Store,
  jobs: readonly Job[],
  loaded: Loaded,
  recorded: Recorded,
): DecidedBatch | 'unverified' {
  const events: StoredEvent[] = [];
  const rows: RowWrite[] = [];
  // A lone command has no neighbour with the same id, which need not be spelled out then.
  const isAlone = jobs.length === 1 && recorded.size === 0;
  const firsts = isAlone ? undefined : new Map(recorded);
  const answers: DecidedBatch['answers'][number][] = [];
  let { folded } = loaded;
  let milestones: readonly Milestone[] | undefined;
  let divisible = true;
  for (const job of jobs) {
    const id = isAlone ? '' : job.eventId(0).toString();
    const earlier = firsts?.get(id);
    if (earlier !== undefined) {
      answers.push(() => outcomeOfRepeat(store, job, earlier, events));
      continue;
    }
    const draft = decideOn(store, job, job.intent, folded, 0, metadataOf(store, job));
    if (draft.refusal !== undefined && !loaded.verified) return 'unverified';
    folded = draft.folded;
    events.push(...draft.events);
    rows.push(...draft.rows);
    divisible &&= draft.events.length <= 1;
    countEvents(draft.events);
    if (draft.milestones !== undefined) milestones = [...(milestones ?? []), ...draft.milestones];
    const [own] = draft.events;
    if (own !== undefined) {
      firsts?.set(id, own);
      job.tried.push(own);
    }
    answers.push(outcomeOf(draft.events, draft.folded, false, draft.refusal));
  }
  return { events, rows, folded, milestones, divisible, answers };
}

/** The answer to a command that another job of its own batch, or an earlier submission, has recorded. */
async function outcomeOfRepeat(
  store: Store,
  job: Job,
  first: StoredEvent,
  batch: readonly StoredEvent[],
): Promise<Outcome> {
  const outcome = await outcomeOfEarlier(store, job, first);
  if (outcome.kind === 'refused' || !batch.includes(first)) return outcome;
  return { ...outcome, repeated: true };
}
