import { type Refusal, refusal } from '../refusal.ts';
import type { Actor, NewEvent, StoredEvent } from './event.ts';
import type { Projection } from './projection.ts';

/** Who gives a command; a carrier's people carry the carrier they answer for. */
export interface Caller extends Actor {
  readonly carrierId?: string;
}

/** What every command carries, so that `decide` needs no clock: fields of their own come beside these. */
export interface Command<T extends string = string> {
  readonly type: T;
  /** The server's clock when the command was taken. */
  readonly at: Date;
  /** When it happened, by whoever saw it; `at` unless the client says otherwise. */
  readonly occurredAt: Date;
  readonly by: Caller;
}

/**
 * What a decision comes to: facts to record, or a refusal, or both (a late answer is refused *and* recorded).
 */
export interface Decision<F extends NewEvent = NewEvent> {
  readonly events: readonly F[];
  readonly refusal?: Refusal;
}

/** A kind of stream: how its state is folded and how commands are decided upon it. All of it pure. */
export interface Aggregate<S, C extends Command, E extends StoredEvent = StoredEvent> {
  readonly type: string;
  /** Raised whenever `evolve` gives other states than before: snapshots of the old shape are ignored from then on. */
  readonly stateVersion: number;
  /** The state before the first event. Every state survives BSON: plain objects, dates, numbers, texts, lists. */
  readonly initial: S;
  /** Sees the newest version of every event; what this code does not know never comes here (`newer.ts`). */
  evolve(state: S, event: E): S;
  decide(state: S, command: C): Decision;
  /**
   * What is wrong with a command by itself, whatever its stream holds; `decide` refuses it for that too. It is asked where
   * the command's key was used before: why a command is refused must not depend on what was sent before it.
   */
  faultOf?(command: C): Refusal | undefined;
  /**
   * Who may not give a command, and why; `decide` refuses it for that too. It is asked for repeats: what was recorded before
   * is told only to those who might have recorded it. Absent where whoever reaches the stream may give every command.
   */
  forbids?(state: S, command: C): Refusal | undefined;
  /** The read models folded from this stream; the inline ones are written together with the events. */
  readonly projections: readonly Projection[];
  /**
   * A refusal that recorded facts stand for, so that a retry of a refused-and-recorded command is refused again.
   */
  refusalOf?(events: readonly StoredEvent[]): Refusal | undefined;
  /**
   * True where `state` proves that the command cannot have been recorded before, which saves a look-up per fix.
   */
  provenNew?(state: S, command: C): boolean;
}

/** A command on its way to a stream. */
export interface Step<S = unknown, C extends Command = Command> {
  readonly aggregate: Aggregate<S, C>;
  /** The aggregate's id, a UUID in text form. */
  readonly id: string;
  readonly command: C;
}

/**
 * What commands on one kind of stream ask of other streams, in the same transaction; a refusal of any refuses all. The
 * command path finds it by the command's type, whoever gives the command.
 */
export interface Workflow<S = unknown, C extends Command = Command> {
  /** The kind of stream that the commands are given to. */
  readonly aggregateType: string;
  /** The types of the commands that it follows; every other command stays on its own stream. */
  readonly commands: readonly C['type'][];
  /**
   * Pure; called only when the command records something and refuses nothing.
   * @param before the command's stream before the command
   * @param stream the command's stream; the steps are taken in the same tenant
   * @param after the stream as the command leaves it
   */
  steps(
    before: S,
    command: C,
    stream: { readonly tenantId: string; readonly id: string },
    after: S,
  ): readonly Step[];
}

/** Records these facts. */
export function record<F extends NewEvent>(...events: F[]): Decision<F> {
  return { events };
}

/** Refuses, and records nothing. */
export function refuse(refusal: Refusal): Decision<never> {
  return { events: [], refusal };
}

/** Which stream. */
export interface StreamRef {
  readonly tenantId: string;
  readonly aggregateType: string;
  /** A UUID in text form. */
  readonly aggregateId: string;
}

/** A stream's name within one process: for caches, queues and ids. */
export function streamKey(stream: StreamRef): string {
  return `${stream.tenantId}/${stream.aggregateType}/${stream.aggregateId}`;
}

/** The order of the log: a stream's events stand together in it. Unique, and the hint of whoever reads streams. */
export const STREAM_INDEX = { tenantId: 1, aggregateType: 1, aggregateId: 1, sequence: 1 } as const;

/** The stream that a row is folded from, where the read model tells its aggregate type. */
export interface StreamOfRow {
  readonly tenantId: string;
  readonly aggregateId: string;
  /** How far it is known to reach; absent: the log tells. */
  readonly sequence?: number;
}

/** How far the clocks may differ of whoever saw something, whoever decided something, and the server. */
export const CLOCK_SKEW_MS = 60_000;

/**
 * No device took a fix, and no load was moved, before this. Clocks without a battery begin in 1970, in 1980 (GPS), or on the
 * first of January 2000.
 */
const EARLIEST = new Date('2001-01-01T00:00:00.000Z');

type Times = Pick<Command, 'occurredAt' | 'at'>;

/** FROM_THE_FUTURE for what cannot have happened yet. */
export function futureFault({ occurredAt, at }: Times): Refusal | undefined {
  return occurredAt.getTime() > at.getTime() + CLOCK_SKEW_MS
    ? refusal('FROM_THE_FUTURE', undefined, 'occurredAt')
    : undefined;
}

/** As `futureFault`, and TOO_LONG_AGO for what only a clock that is not set can say. */
export function clockFault(times: Times): Refusal | undefined {
  return times.occurredAt < EARLIEST ? refusal('TOO_LONG_AGO', undefined, 'occurredAt') : futureFault(times);
}
