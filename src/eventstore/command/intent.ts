import type { UUID } from 'mongodb';
import type { Refusal } from '../../refusal.ts';
import { type Aggregate, type Command, type StreamRef, streamKey, type Workflow } from '../aggregate.ts';
import { turn } from '../backoff.ts';
import type { StoredEvent } from '../event.ts';
import type { Folded } from '../fold.ts';
import { commandHash, eventIdFor, followingEventId, mintKey, nullsHash } from '../ids.ts';
import type { Row } from '../projection.ts';

/** A command that is to be recorded, with all that makes it recognisable when it comes again. */
export interface Intent<S = unknown, C extends Command = Command> {
  readonly tenantId: string;
  readonly aggregate: Aggregate<S, C>;
  /** The aggregate's id, a UUID in text form. */
  readonly id: string;
  readonly command: C;
  /** The caller's name for this intent; without one the server mints a key, for its own retries. */
  readonly key?: string | undefined;
  /** The first event's id, where the client or the nature of the fact gives it. */
  readonly eventId?: UUID | undefined;
  /** What the caller asked, as far as two requests with one key have to agree. */
  readonly input: unknown;
  /** The channel: `graphql`, `timer` … */
  readonly origin: string;
  readonly traceId?: string | undefined;
  readonly correlationId?: string;
  readonly causationId?: string;
  /**
   * True for a command that begins its stream: the first try then does not read a stream that should not be there.
   * The append finds out if it is.
   */
  readonly creates?: boolean | undefined;
}

/** What became of an intent. */
export type Outcome =
  | {
      readonly kind: 'recorded';
      readonly events: readonly StoredEvent[];
      /** True when an earlier submission recorded it. */
      readonly repeated: boolean;
      /** The lead stream's row in a read model as the command left it (async read models too). */
      row(projection: string): Row | null;
    }
  | {
      readonly kind: 'refused';
      readonly refusal: Refusal;
      /** What was recorded all the same: a late answer, say. */
      readonly events: readonly StoredEvent[];
    };

/**
 * What became of an intent whose events are in the log.
 * @param folded the lead stream as the command left it
 */
export function outcomeOf(
  events: readonly StoredEvent[],
  folded: Folded | undefined,
  repeated: boolean,
  refused?: Refusal,
): Outcome {
  if (refused !== undefined) return { kind: 'refused', refusal: refused, events };
  return { kind: 'recorded', events, repeated, row: (projection) => folded?.rows[projection] ?? null };
}

/** An intent on its way through this process. */
export interface Job {
  readonly intent: Intent;
  readonly stream: StreamRef;
  /** The stream's name, for caches and queues. */
  readonly streamKey: string;
  /** Digest of the command and its caller. */
  readonly hash: string;
  /** Digest of the command's nulls; undefined for a fact that names itself, which may lack what it likes. */
  readonly nulls: string | undefined;
  /** True where the server made the key: nobody can have recorded anything under it before. */
  readonly keyIsMinted: boolean;
  /** What the command asks of other streams; undefined for one that stays on its own. */
  readonly workflow: Workflow | undefined;
  readonly correlationId: string;
  /** The first event of each try to append, as this job wrote it: tells its own write from that of another job. */
  readonly tried: StoredEvent[];
  /** The id of the command's i-th event, over all its streams. */
  eventId(index: number): UUID;
  answer(outcome: Outcome): void;
  fail(error: unknown): void;
}

/** Fixes an intent's ids, digest and workflow before the first try (design section 5). */
export function openJob(workflows: Workflows, intent: Intent, answer: Job['answer'], fail: Job['fail']): Job {
  const { tenantId, aggregate, id, command, eventId } = intent;
  const stream = { tenantId, aggregateType: aggregate.type, aggregateId: id };
  const key = keyOf(intent) ?? (eventId === undefined ? mintKey() : '');
  return {
    intent,
    stream,
    streamKey: streamKey(stream),
    // Who submits a fact that names itself makes no difference to what it is.
    hash: commandHash(command.type, eventId === undefined ? command.by.id : '', intent.input),
    nulls: eventId === undefined ? nullsHash(intent.input) : undefined,
    keyIsMinted: intent.key === undefined && eventId === undefined,
    workflow: workflowOf(workflows, aggregate, command),
    correlationId: intent.correlationId ?? mintKey(),
    tried: [],
    eventId: (index) =>
      eventId === undefined
        ? eventIdFor(tenantId, `${aggregate.type}/${id}`, key, index)
        : followingEventId(eventId, index),
    answer,
    fail,
  };
}

/**
 * The key as it makes ids. A carrier's is its own: whether another carrier has used the same one must not show, nor come in its
 * way.
 */
function keyOf({ key, command: { by } }: Intent): string | undefined {
  return key === undefined || by.role !== 'carrier' ? key : `${by.carrierId ?? ''}\0${key}`;
}

/**
 * True where a recorded event is of this very command, given before: the same was asked, by the same caller in the same
 * role. (Carriers have keys of their own.)
 */
export function isOfCommand({ metadata, actor }: StoredEvent, { hash, nulls, intent }: Job): boolean {
  if (metadata.commandHash !== hash) return false;
  if (intent.eventId === undefined && actor.role !== intent.command.by.role) return false;
  const before = metadata.commandNulls;
  return before === undefined || nulls === undefined || before === nulls;
}

/** True for a command that touches its own stream only, and so may be decided in a batch with its neighbours. */
export function staysOnItsStream(job: Job): boolean {
  return job.workflow === undefined;
}

/** The workflows by the type of the command that they follow. */
export type Workflows = ReadonlyMap<string, Workflow>;

/** @throws where two workflows follow one command: which of them would come first? */
export function openWorkflows(workflows: readonly Workflow[]): Workflows {
  const byCommand = new Map<string, Workflow>();
  for (const workflow of workflows) {
    for (const type of workflow.commands) {
      if (byCommand.has(type)) throw new Error(`Two workflows follow ${type}.`);
      byCommand.set(type, workflow);
    }
  }
  return byCommand;
}

/** What a command asks of other streams; undefined for one that stays on its own, as most do. */
function workflowOf(
  workflows: Workflows,
  aggregate: Aggregate<unknown, Command>,
  command: Command,
): Workflow | undefined {
  const workflow = workflows.get(command.type);
  return workflow?.aggregateType === aggregate.type ? workflow : undefined;
}

/** Serialises the work on each stream within this process, and hands it over in batches. */
export interface StreamQueues {
  /** Queues a job on a stream; `work` gets every job that has gathered, in order. It never rejects. */
  submit<J>(stream: string, job: J, work: (jobs: readonly J[]) => Promise<void>): void;
  /** Takes a stream that nobody works on, and keeps others waiting until it is released. */
  claim(stream: string): boolean;
  /** Gives a claimed stream back; `work` gets what has gathered meanwhile. */
  release<J>(stream: string, work: (jobs: readonly J[]) => Promise<void>): void;
  /** Streams with work in hand. */
  readonly size: number;
}

/** Jobs in one batch: a batch is one unit of the log, so it stays within a group. */
export const BATCH_JOBS = 200;

/**
 * Opens the queues. Commands on one stream wait for the append before them, then are decided one after another and
 * appended as one: a busy stream costs one stroke per batch, not one lost race per command.
 */
export function openStreamQueues(): StreamQueues {
  /** The jobs that wait, by stream; a stream is here while somebody works on it. */
  const queues = new Map<string, unknown[]>();
  const drain = async <J>(
    stream: string,
    queue: J[],
    work: (jobs: readonly J[]) => Promise<void>,
  ): Promise<void> => {
    for (;;) {
      // One turn of the event loop, so that commands given at once make one batch.
      await turn();
      if (queue.length === 0) break;
      await work(queue.splice(0, BATCH_JOBS));
    }
    queues.delete(stream);
  };
  return {
    submit(stream, job, work) {
      const queue = queues.get(stream);
      if (queue !== undefined) {
        queue.push(job);
        return;
      }
      const opened = [job];
      queues.set(stream, opened);
      void drain(stream, opened, work);
    },
    claim(stream) {
      if (queues.has(stream)) return false;
      queues.set(stream, []);
      return true;
    },
    release<J>(stream: string, work: (jobs: readonly J[]) => Promise<void>) {
      const queue = queues.get(stream) ?? [];
      if (queue.length === 0) queues.delete(stream);
      else void drain(stream, queue as J[], work);
    },
    get size() {
      return queues.size;
    },
  };
}
