import { UUID } from 'mongodb';
import { expect } from 'vitest';
import type { Aggregate, Command, Decision } from '../src/eventstore/aggregate.ts';
import type { NewEvent, StoredEvent } from '../src/eventstore/event.ts';
import { fold, type Projection, type Row } from '../src/eventstore/projection.ts';
import type { RefusalCode } from '../src/refusal.ts';

/** When the stories of the tests begin. */
export const START = new Date('2026-03-01T08:00:00.000Z');

/** A moment in a story, in minutes from its start. */
export function minute(minutes: number): Date {
  return new Date(START.getTime() + minutes * 60_000);
}

/** A stream told by its commands: what was decided so far, and what one more command would come to. */
export interface Story<S, C extends Command> {
  readonly state: S;
  readonly events: readonly StoredEvent[];
  /** Gives a command that must be recorded without a refusal. */
  and(command: C): Story<S, C>;
  /** Gives a command and records what it decides, refused or not. */
  tried(command: C): Story<S, C>;
  when(command: C): Verdict;
  row<R extends Row>(projection: Projection<R>): R | null;
}

/** What a command came to. */
export interface Verdict {
  readonly decision: Decision;
  /** It records exactly these facts, and is not refused. */
  records(...facts: NewEvent[]): void;
  /** It is refused with this code, and records nothing. */
  refuses(code: RefusalCode, field?: string): void;
  /** It is refused with this code, and recorded all the same. */
  refusesAndRecords(code: RefusalCode, ...facts: object[]): void;
}

/** A story of an aggregate without a past. */
export function given<S, C extends Command>(aggregate: Aggregate<S, C>, ...commands: C[]): Story<S, C> {
  return commands.reduce((story, command) => story.and(command), storyOf(aggregate, aggregate.initial, []));
}

function storyOf<S, C extends Command>(
  aggregate: Aggregate<S, C>,
  state: S,
  events: readonly StoredEvent[],
): Story<S, C> {
  const after = (decision: Decision, command: C): Story<S, C> => {
    const added = decision.events.map((fact, index) =>
      stored(fact, command, events.length + index + 1, aggregate.type),
    );
    return storyOf(aggregate, added.reduce(aggregate.evolve, state), [...events, ...added]);
  };
  return {
    state,
    events,
    and(command) {
      const decision = aggregate.decide(state, command);
      expect(decision.refusal, `${command.type} in a given story`).toBeUndefined();
      expect(decision.events.length).toBeGreaterThan(0);
      return after(decision, command);
    },
    tried: (command) => after(aggregate.decide(state, command), command),
    when: (command) => verdict(aggregate.decide(state, command)),
    row: (projection) => foldAll(projection, events),
  };
}

/** A read model's row after these events. */
export function foldAll<R extends Row>(projection: Projection<R>, events: readonly StoredEvent[]): R | null {
  let row: R | null = null;
  for (const event of events) row = fold(projection, row, event);
  return row;
}

function verdict(decision: Decision): Verdict {
  return {
    decision,
    records(...facts) {
      expect(decision).toEqual({ events: facts });
    },
    refuses(code, field) {
      expect(decision.refusal).toMatchObject(field === undefined ? { code } : { code, field });
      expect(decision.events).toEqual([]);
    },
    refusesAndRecords(code, ...facts) {
      expect(decision.refusal).toMatchObject({ code });
      expect(decision.events).toMatchObject(facts);
    },
  };
}

/** A fact as the event store would store it. */
export function stored(
  fact: NewEvent,
  command: Command,
  sequence: number,
  aggregateType: string,
): StoredEvent {
  return {
    _id: new UUID(),
    tenantId: 'test',
    aggregateType,
    aggregateId: new UUID('019503a0-0000-7000-8000-000000000001'),
    sequence,
    version: 1,
    ...fact,
    actor: { id: command.by.id, role: command.by.role },
    occurredAt: command.occurredAt,
    recordedAt: command.at,
    metadata: { origin: 'test', producerId: 'test', correlationId: 'test', commandHash: 'test' },
  };
}
