import { pino } from 'pino';
import { z } from 'zod';
import {
  type Aggregate,
  type Command,
  record,
  refuse,
  type Workflow,
} from '../../src/eventstore/aggregate.ts';
import type { Clock } from '../../src/eventstore/clock.ts';
import type { Intent } from '../../src/eventstore/command/intent.ts';
import type { Store } from '../../src/eventstore/command/store.ts';
import { defineEvent, type StoredEvent } from '../../src/eventstore/event.ts';
import type { ValueFacet } from '../../src/eventstore/interest.ts';
import { openStore } from '../../src/eventstore/open-store.ts';
import type { Projection, Row } from '../../src/eventstore/projection.ts';
import type { StoreObserver } from '../../src/eventstore/store-observer.ts';
import { refusal } from '../../src/refusal.ts';
import type { TestDatabase } from '../database.ts';

/** The smallest aggregate with a rule: a counter that never passes its limit. */
export const counterEvents = [
  defineEvent({
    type: 'Counted',
    version: 1,
    aggregateType: 'Counter',
    effect: 'decision',
    doc: 'The counter went up.',
    payload: z.object({ by: z.int().min(1).max(100) }),
  }),
] as const;

export interface CountCommand extends Command<'Count' | 'CountBoth'> {
  readonly by: Command['by'];
  readonly amount: number;
  readonly limit: number;
  /** Of `CountBoth`: the other counter, which has a limit of its own. */
  readonly other?: { readonly id: string; readonly limit: number };
}

export interface CounterRow extends Row {
  readonly total: number;
}

/** What is left of the total when it is divided: rows come and go by it. */
export function byRest(divisor: number): ValueFacet<CounterRow> {
  return { valuesOf: ({ total }) => [String(total % divisor)] };
}

const amountOf = (event: StoredEvent): number => (event.payload as { by: number }).by;

export const countersRead: Projection<CounterRow> = {
  name: 'counters_read',
  version: 1,
  aggregateType: 'Counter',
  mode: 'inline',
  indexes: [],
  evolve: (row, event) => ({ total: (row?.total ?? 0) + amountOf(event) }),
};

function aggregateWith(projections: readonly Projection[]): Aggregate<number, CountCommand> {
  return {
    type: 'Counter',
    stateVersion: 1,
    initial: 0,
    evolve: (total, event) => total + amountOf(event),
    decide: (total, { amount, limit }) =>
      total + amount > limit
        ? refuse(refusal('INVALID_TRANSITION'))
        : record({ type: 'Counted', payload: { by: amount } }),
    projections,
  };
}

/** Counts with a row written in the same transaction. */
export const counter = aggregateWith([countersRead]);

/** `CountBoth` counts on another stream in the same transaction. */
const countBoth: Workflow<number, CountCommand> = {
  aggregateType: 'Counter',
  commands: ['CountBoth'],
  steps: (_total, { other, ...command }) =>
    other === undefined
      ? []
      : [{ aggregate: counter, id: other.id, command: { ...command, type: 'Count', limit: other.limit } }],
};

/** Counts with events only, so that lone ones travel by insertMany. */
export const bareCounter = aggregateWith([]);

export function count(
  id: string,
  over: Partial<Intent<number, CountCommand>> & { amount?: number; limit?: number } = {},
) {
  const { amount = 1, limit = Number.MAX_SAFE_INTEGER, ...rest } = over;
  const at = new Date();
  const by = { id: 'someone', role: 'dispatcher' } as const;
  return {
    tenantId: 'acme',
    aggregate: counter,
    id,
    command: { type: 'Count', at, occurredAt: at, by, amount, limit } as CountCommand,
    input: { id, amount },
    origin: 'test',
    ...rest,
  } satisfies Intent<number, CountCommand>;
}

/** Counts on two streams: on the first without a limit. */
export function countOnBoth(lead: string, other: { readonly id: string; readonly limit: number }) {
  const intent = count(lead);
  const command: CountCommand = { ...intent.command, type: 'CountBoth', other };
  return { ...intent, command };
}

/** A store as one process has it; open two on one database to have two writers. */
export function openCounterStore(
  database: TestDatabase,
  observer?: StoreObserver,
  clock?: Clock,
): Promise<Store> {
  return openStore({
    client: database.client,
    db: database.db,
    log: pino({ level: 'silent' }),
    definitions: counterEvents,
    projections: [countersRead],
    workflows: [countBoth],
    ...(observer === undefined ? {} : { observer }),
    ...(clock === undefined ? {} : { clock }),
  });
}

/** Asserts nothing: tells what the log has, oldest first. */
export async function sequencesOf(store: Store, id: string): Promise<number[]> {
  const events = await store.events.find({}).sort({ sequence: 1 }).toArray();
  return events.filter((event) => event.aggregateId.toString() === id).map((event) => event.sequence);
}

export const upTo = (n: number): number[] => Array.from({ length: n }, (_, index) => index + 1);
