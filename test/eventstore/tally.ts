import { pino } from 'pino';
import { expect } from 'vitest';
import { handleMany } from '../../src/eventstore/command/handle-many.ts';
import type { Store } from '../../src/eventstore/command/store.ts';
import type { StoredEvent } from '../../src/eventstore/event.ts';
import { openStore } from '../../src/eventstore/open-store.ts';
import { startProjector } from '../../src/eventstore/projection/projector.ts';
import type { Projection, Row } from '../../src/eventstore/projection.ts';
import type { TestDatabase } from '../database.ts';
import { bareCounter, count, counterEvents } from './counter.ts';

export interface TallyRow extends Row {
  readonly amounts: readonly number[];
}

/** An async read model in which any mistake of order, any double and any hole shows: the amounts, one by one. */
export function tallies(evolve: (amount: number) => void = () => undefined): Projection<TallyRow> {
  return {
    name: 'tallies',
    version: 1,
    aggregateType: 'Counter',
    mode: 'async',
    indexes: [],
    evolve: (row, event) => {
      const { by } = event.payload as { by: number };
      evolve(by);
      return { amounts: [...(row?.amounts ?? []), by] };
    },
  };
}

/** A store as one process has it. */
export function openTallyStore({ client, db }: TestDatabase, projection = tallies()): Promise<Store> {
  const log = pino({ level: 'silent' });
  return openStore({ client, db, log, definitions: counterEvents, projections: [projection], workflows: [] });
}

/** A projector with short times, so that a test sees a takeover and a saved place soon. */
export function project(store: Store) {
  return startProjector(store, store.projections, {
    limits: { leaseMs: 600, leasePollMs: 50, idleSaveMs: 100 },
  });
}

/**
 * Records one event per id and round; amounts differ, so that order shows. Who lost too many races against another
 * writer is told CONFLICT, and asks again, as a client does.
 */
export async function countUp(store: Store, ids: readonly string[], rounds: number): Promise<void> {
  for (let round = 1; round <= rounds; round++) {
    let open = ids;
    while (open.length > 0) {
      const intents = open.map((id) => count(id, { aggregate: bareCounter, amount: (round % 9) + 1 }));
      const outcomes = await handleMany(store, intents);
      const refusals = outcomes.map((outcome) => (outcome.kind === 'refused' ? outcome.refusal.code : null));
      expect(refusals.filter((code) => code !== null && code !== 'CONFLICT')).toEqual([]);
      open = open.filter((_, index) => refusals[index] !== null);
    }
  }
}

/** What each stream folds to, by the plainest of folds over the whole log. */
export async function naiveFold(store: Store): Promise<Record<string, number[]>> {
  const folded: Record<string, number[]> = {};
  const events: StoredEvent[] = await store.events.find().sort({ sequence: 1 }).toArray();
  for (const event of events) {
    const id = event.aggregateId.toString();
    folded[id] = [...(folded[id] ?? []), (event.payload as { by: number }).by];
  }
  return folded;
}

export async function storedRows(store: Store): Promise<Record<string, readonly number[]>> {
  const rows = await store.db.collection<TallyRow>('tallies').find().toArray();
  return Object.fromEntries(rows.map((row) => [row.id, row.amounts]));
}
