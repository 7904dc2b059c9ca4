import { type Refusal, refusal } from '../../refusal.ts';
import { type Step, streamKey } from '../aggregate.ts';
import type { StoredEvent } from '../event.ts';
import { type Folded, remember } from '../fold.ts';
import { append, COMMAND_DEADLINE_MS, isOwn } from './append.ts';
import { countEvents, type Draft, decideOn, metadataOf, ownFault } from './draft.ts';
import { isOfCommand, type Job, type Outcome, outcomeOf } from './intent.ts';
import { type Freshness, loadStream } from './load.ts';
import type { Store } from './store.ts';

/** How often a command is decided anew after a lost race, before CONFLICT (S-02). */
export const MAX_RACES = 10;

/** The most events of one command, over all its streams. */
export const MAX_EVENTS_PER_COMMAND = 16;

/** A command decided on every stream it touches. */
interface Decided {
  readonly drafts: ReadonlyMap<string, Draft>;
  readonly events: readonly StoredEvent[];
  readonly refusal?: Refusal;
  /** False when a cached fold took part, which may be behind the log. */
  readonly verified: boolean;
}

/** Takes one command through load, decide and append until it is recorded or refused. */
export async function handleOne(store: Store, job: Job): Promise<Outcome> {
  const deadline = performance.now() + COMMAND_DEADLINE_MS;
  let freshness: Freshness = job.intent.creates ? 'new' : 'cached';
  for (let races = 0; races <= MAX_RACES; ) {
    const decided = await decideSteps(store, job, freshness);
    if (decided.refusal !== undefined && !decided.verified) {
      // No "no" from memory alone: another process may have changed the stream.
      freshness = 'fresh';
      continue;
    }
    if (decided.events.length === 0) {
      const earlier = await store.pointReads.event(job.eventId(0));
      if (earlier !== null) return outcomeOfEarlier(store, job, earlier);
      return refusedOrNothing(decided);
    }
    const unit = {
      divisible: false,
      events: decided.events,
      rows: [...decided.drafts.values()].flatMap((draft) => draft.rows),
    };
    const appended = await append(store, job, unit, deadline);
    switch (appended.kind) {
      case 'committed':
        for (const [stream, draft] of decided.drafts) {
          remember(store.cache, stream, draft.folded);
          if (draft.milestones !== undefined) store.snapshots.offer(draft.milestones);
        }
        return outcomeOf(decided.events, decided.drafts.get(job.streamKey)?.folded, false, decided.refusal);
      case 'earlier':
        return outcomeOfEarlier(store, job, appended.first);
      case 'unknown':
        for (const stream of decided.drafts.keys()) store.cache.delete(stream);
        return { kind: 'refused', refusal: refusal('OUTCOME_UNKNOWN'), events: [] };
      case 'raced':
        store.observer.retried('race');
        freshness = 'fresh';
        races += 1;
    }
  }
  return { kind: 'refused', refusal: refusal('CONFLICT'), events: [] };
}

function refusedOrNothing(decided: Decided): Outcome {
  if (decided.refusal === undefined) throw new Error('A decision recorded nothing and refused nothing.');
  return { kind: 'refused', refusal: decided.refusal, events: [] };
}

/** Decides a command and its further steps, one upon the other, each on its stream as the ones before leave it. */
async function decideSteps(store: Store, job: Job, freshness: Freshness): Promise<Decided> {
  const { intent } = job;
  const drafts = new Map<string, Draft>();
  const events: StoredEvent[] = [];
  const metadata = metadataOf(store, job);
  let verified = true;
  let leadState: unknown;
  // Only the lead stream is known to be new; the others are read.
  const sideFreshness = freshness === 'new' ? 'cached' : freshness;
  let refused: Refusal | undefined;

  const take = async (step: Step): Promise<void> => {
    const { aggregate, id } = step;
    const stream = { tenantId: intent.tenantId, aggregateType: aggregate.type, aggregateId: id };
    const key = streamKey(stream);
    let before: Folded | undefined = drafts.get(key)?.folded;
    if (before === undefined) {
      const loaded = await loadStream(
        store,
        stream,
        aggregate,
        key === job.streamKey ? freshness : sideFreshness,
      );
      verified &&= loaded.verified;
      before = loaded.folded;
    }
    if (key === job.streamKey) leadState = before.state;
    const draft = decideOn(store, job, step, before, events.length, metadata);
    refused = draft.refusal;
    const earlier = drafts.get(key);
    drafts.set(key, earlier === undefined ? draft : joined(earlier, draft));
    events.push(...draft.events);
    countEvents(events);
  };

  await take(intent);
  if (refused !== undefined) return { drafts, events, refusal: refused, verified };
  const after = drafts.get(job.streamKey)?.folded.state;
  for (const step of job.workflow?.steps(leadState, intent.command, intent, after) ?? []) {
    await take(step);
    if (refused !== undefined) return { drafts, events: [], refusal: refused, verified };
  }
  if (events.length > MAX_EVENTS_PER_COMMAND)
    throw new Error(`${intent.command.type} made ${events.length} events.`);
  return { drafts, events, verified };
}

/** Two commands on one stream, decided one after the other. */
function joined(first: Draft, second: Draft): Draft {
  const milestones = [...(first.milestones ?? []), ...(second.milestones ?? [])];
  return {
    ...second,
    rows: [...first.rows, ...second.rows],
    milestones: milestones.length === 0 ? undefined : milestones,
  };
}

/**
 * What a retry is answered: the first result, or that the key was used for something else (D-02), unless the caller may not
 * give the command, or what is asked now is wrong by itself.
 */
export async function outcomeOfEarlier(store: Store, job: Job, first: StoredEvent): Promise<Outcome> {
  const { intent } = job;
  const forbidden = await forbiddenNow(store, job);
  if (forbidden !== undefined) return { kind: 'refused', refusal: forbidden, events: [] };
  if (!isOfCommand(first, job)) {
    const { folded } = await loadStream(store, job.stream, intent.aggregate, 'cached');
    const refused = ownFault(store, intent, folded) ?? refusal('IDEMPOTENCY_KEY_REUSED');
    return { kind: 'refused', refusal: refused, events: [] };
  }
  const others = (first.metadata.commandSize ?? 1) - 1;
  const ids = Array.from({ length: others }, (_, index) => job.eventId(index + 1));
  const found = await Promise.all(ids.map((id) => store.pointReads.event(id)));
  const events = [first, ...found.filter((event) => event !== null)];
  const cached = store.cache.get(job.streamKey);
  const isBehind = cached === undefined || cached.sequence < first.sequence;
  const { folded } = await loadStream(store, job.stream, intent.aggregate, isBehind ? 'fresh' : 'cached');
  return outcomeOf(
    events,
    folded,
    !isOwn(store, job, first),
    intent.aggregate.refusalOf?.(events.map(store.registry.upcast)),
  );
}

/** A repeat is authorised as if it were the first. No "no" from memory alone: another process may have changed the stream. */
async function forbiddenNow(store: Store, { intent, stream }: Job): Promise<Refusal | undefined> {
  const { aggregate, command } = intent;
  for (const freshness of ['cached', 'fresh'] as const) {
    const { folded } = await loadStream(store, stream, aggregate, freshness);
    const forbidden = aggregate.forbids?.(folded.state, command);
    if (forbidden === undefined || freshness === 'fresh') return forbidden;
  }
  return undefined;
}
