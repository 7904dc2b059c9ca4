import type { StoredEvent } from '../event.ts';
import { isDuplicateKey, isPassing } from '../faults.ts';
import type { Folded } from '../fold.ts';
import type { RowWrite } from '../projection/row-writes.ts';
import type { Milestone } from '../time/snapshots.ts';
import { outcomeOf, outcomeOfEarlier, settle, staysOnItsStream } from './decide-one.ts';
import { countEvents, decideOn, metadataOf } from './draft.ts';
import type { Job, Outcome } from './intent.ts';
import { type Loaded, loadStream, remember } from './load.ts';
import type { Store } from './store.ts';
import { RUN_LENGTH } from './stream-queues.ts';

/** A run decided in memory: what to write, and what to answer once it is written. */
export interface DecidedRun {
  readonly events: StoredEvent[];
  readonly rows: RowWrite[];
  readonly folded: Folded;
  /** Folds on the way that make a snapshot. */
  readonly milestones: readonly Milestone[] | undefined;
  /** True while every command has recorded one event. */
  readonly divisible: boolean;
  readonly answers: readonly (Outcome | (() => Promise<Outcome>))[];
}

type Recorded = ReadonlyMap<string, StoredEvent>;

const NOTHING_RECORDED: Recorded = new Map();

/** Works off what has gathered on one stream, in order. Never throws: each job gets its answer or its error. */
export async function workOff(store: Store, jobs: readonly Job[]): Promise<void> {
  if (jobs.every(staysOnItsStream)) return workRun(store, jobs);
  let run: Job[] = [];
  for (const job of jobs) {
    if (staysOnItsStream(job)) {
      run.push(job);
      continue;
    }
    await workRun(store, run);
    run = [];
    await workAlone(store, job);
  }
  await workRun(store, run);
}

export async function workAlone(store: Store, job: Job): Promise<void> {
  await settle(store, job).then(job.answer, job.fail);
}

async function workRun(store: Store, jobs: readonly Job[]): Promise<void> {
  const [first] = jobs;
  if (first === undefined) return;
  if ((jobs.length > 1 || isProvenNew(store, first)) && (await commitRun(store, first, jobs))) return;
  // One by one: a lone command, or a run in which one command's trouble must not become its neighbours'.
  for (const job of jobs) await workAlone(store, job);
}

function isProvenNew(store: Store, job: Job): boolean {
  const cached = store.cache.get(job.lane);
  return cached !== undefined && isNew(job, cached);
}

/** True for a command that cannot have been recorded before. */
function isNew({ unheard, intent }: Job, { state }: Folded): boolean {
  return unheard || intent.aggregate.provenNew?.(state, intent.command) === true;
}

/**
 * Decides a run from memory, at once, where memory is enough to be sure that none of it was recorded before and
 * nothing of it is refused. Undefined where it is not.
 */
export function decideFromMemory(store: Store, lane: string, jobs: readonly Job[]): DecidedRun | undefined {
  const folded = store.cache.get(lane);
  if (folded === undefined || jobs.length > RUN_LENGTH || !jobs.every(staysOnItsStream)) return undefined;
  if (suspectsAmong(jobs, folded).length > 0) return undefined;
  const decided = decideRun(store, jobs, { folded, verified: false }, NOTHING_RECORDED);
  return decided === 'unverified' ? undefined : decided;
}

/** Answers the jobs of a run that is committed. */
export function answerRun(store: Store, lane: string, jobs: readonly Job[], run: DecidedRun): void {
  remember(store, lane, run.folded);
  if (run.milestones !== undefined) store.snapshots.offer(run.milestones);
  for (const [index, job] of jobs.entries()) answer(job, run.answers[index]);
}

/** Decides and appends a run as one unit. Returns false, with nothing answered, when that did not work out. */
async function commitRun(store: Store, first: Job, jobs: readonly Job[]): Promise<boolean> {
  try {
    const { aggregate } = first.intent;
    const cached = store.cache.get(first.lane);
    let loaded: Loaded =
      cached === undefined
        ? await loadStream(store, first.stream, aggregate, 'cached')
        : { folded: cached, verified: false };
    const suspects = suspectsAmong(jobs, loaded.folded);
    const earlier = suspects.length === 0 ? NOTHING_RECORDED : await findEarlier(store, suspects);
    let decided = decideRun(store, jobs, loaded, earlier);
    if (decided === 'unverified') {
      loaded = await loadStream(store, first.stream, aggregate, 'fresh');
      decided = decideRun(store, jobs, loaded, earlier);
    }
    if (decided === 'unverified') return false;
    if (decided.events.length > 0) await store.committer.commit(decided);
    answerRun(store, first.lane, jobs, decided);
    return true;
  } catch (error) {
    store.cache.delete(first.lane);
    if (!isDuplicateKey(error) && !isPassing(error))
      store.log.warn({ err: error }, 'a run failed; one by one now');
    return false;
  }
}

function answer(job: Job, outcome: DecidedRun['answers'][number] | undefined): void {
  if (outcome === undefined) job.fail(new Error('A run decided nothing about one of its commands.'));
  else if (typeof outcome !== 'function') job.answer(outcome);
  else outcome().then(job.answer, job.fail);
}

/** Those that may have been recorded before. */
function suspectsAmong(jobs: readonly Job[], folded: Folded): readonly Job[] {
  return jobs.filter((job) => !isNew(job, folded));
}

async function findEarlier(store: Store, suspects: readonly Job[]): Promise<Recorded> {
  const found = await Promise.all(suspects.map((job) => store.pointReads.event(job.eventId(0))));
  return new Map(found.filter((event) => event !== null).map((event) => [event._id.toString(), event]));
}

function decideRun(
  store: Store,
  jobs: readonly Job[],
  loaded: Loaded,
  earlier: Recorded,
): DecidedRun | 'unverified' {
  const events: StoredEvent[] = [];
  const rows: RowWrite[] = [];
  // A lone command has no twin beside it; its id need not be spelled out.
  const isAlone = jobs.length === 1 && earlier.size === 0;
  const firsts = isAlone ? undefined : new Map(earlier);
  const answers: DecidedRun['answers'][number][] = [];
  let { folded } = loaded;
  let milestones: readonly Milestone[] | undefined;
  let divisible = true;
  for (const job of jobs) {
    const id = isAlone ? '' : job.eventId(0).toString();
    const twin = firsts?.get(id);
    if (twin !== undefined) {
      answers.push(() => outcomeOfTwin(store, job, twin, events));
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

/** Another job of this very run, or an earlier submission, has recorded it. */
async function outcomeOfTwin(
  store: Store,
  job: Job,
  twin: StoredEvent,
  run: readonly StoredEvent[],
): Promise<Outcome> {
  const outcome = await outcomeOfEarlier(store, job, twin);
  if (outcome.kind === 'refused' || !run.includes(twin)) return outcome;
  return { ...outcome, repeated: true };
}
