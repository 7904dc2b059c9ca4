import { setTimeout as pause } from 'node:timers/promises';
import { handle } from '../eventstore/handle.ts';
import { newId } from '../eventstore/ids.ts';
import type { Intent, Outcome } from '../eventstore/intent.ts';
import { rowsOf } from '../eventstore/rows.ts';
import type { Store } from '../eventstore/store.ts';
import { baseOf, DRILL_TENANT, type DrillKind, drillIntent, fleetOf, randomFor } from './drill-kinds.ts';
import type { DrillReport } from './drill-report.ts';

/** Who writes while a drill goes on, as gateways do on behalf of their users. */
export interface Writers {
  /** Commands that were recorded, and streams that these began. */
  readonly recorded: number;
  readonly begun: number;
  /** The longest that one had to wait for its answer, in ms. */
  readonly longestMs: number;
  /** Ends the writing; resolves when every command is answered. */
  stop(): Promise<void>;
}

export interface WritersOptions {
  readonly kind: DrillKind;
  /** Each a process of its own, as far as the database can tell. */
  readonly stores: readonly Store[];
  readonly ids: readonly string[];
  readonly perSecond: number;
  readonly seed: string;
  readonly report: DrillReport;
}

/** Between two looks at how many commands are due, in ms. */
const TICK_MS = 20;
/** After a hold-up no more than this many seconds' worth of commands is given at once. */
const BACKLOG_S = 1;
/** Share of commands that begin a stream, and of those whose row is read back at once. */
const BEGINS = 0.05;
const READS_BACK = 0.2;

/**
 * Gives commands at a steady rate. Each must be recorded, once. Where rows are written with the events, whoever was
 * answered must find what he wrote.
 */
export function startWriters({ kind, stores, ids, perSecond, seed, report }: WritersOptions): Writers {
  const random = randomFor(seed, 'writers');
  const known = [...ids];
  const busy = new Set<string>();
  const underway = new Set<Promise<void>>();
  const done = { recorded: 0, begun: 0, longestMs: 0 };
  let stopped = false;

  const free = (): string | undefined => {
    for (let tries = 0; tries < 10 && known.length > 0; tries++) {
      const id = random.pick(known);
      // One at a time on each stream, so that each change of its row is one event.
      if (!busy.has(id)) return id;
    }
    return undefined;
  };

  const give = async (store: Store): Promise<void> => {
    const begins = random.chance(BEGINS);
    const id = begins ? newId() : free();
    if (id === undefined) return;
    const base = baseOf(random);
    const command = begins ? kind.begin(random, base, fleetOf(known.length)) : kind.next(random, base);
    const intent = drillIntent(kind, id, command, begins ? { creates: true } : {});
    busy.add(id);
    const sentAt = performance.now();
    try {
      const outcome = await handle(store, intent);
      done.longestMs = Math.max(done.longestMs, performance.now() - sentAt);
      await check(store, intent, outcome);
      if (begins) known.push(id);
    } catch (error) {
      report.problem(`a command failed: ${String(error)}.`);
    } finally {
      busy.delete(id);
    }
  };

  const check = async (store: Store, { id, command, creates }: Intent, outcome: Outcome): Promise<void> => {
    const [event] = outcome.events;
    if (outcome.kind === 'refused' || event === undefined || outcome.repeated) {
      const why = outcome.kind === 'refused' ? `refused: ${outcome.refusal.message}` : 'answered as a repeat';
      return report.problem(`${command.type} of ${id} was ${why}.`);
    }
    done.recorded += 1;
    if (creates === true) done.begun += 1;
    if (kind.projection.mode !== 'inline' || !random.chance(READS_BACK)) return;
    const row = await rowsOf(store, DRILL_TENANT, kind.projection).byId(id);
    if ((row?.lastSequence ?? 0) < event.sequence)
      report.problem(
        `event ${event.sequence} of ${id} was acknowledged, and its row showed ${row?.lastSequence}.`,
      );
  };

  const work = async (): Promise<void> => {
    let [given, since] = [0, performance.now()];
    while (!stopped) {
      const due = Math.floor(((performance.now() - since) / 1_000) * perSecond) - given;
      if (due > perSecond * BACKLOG_S) [given, since] = [0, performance.now()];
      for (let index = 0; index < Math.min(due, perSecond * BACKLOG_S); index++, given++) {
        const store = stores[given % stores.length];
        if (store === undefined) break;
        const giving: Promise<void> = give(store).finally(() => underway.delete(giving));
        underway.add(giving);
      }
      await pause(TICK_MS);
    }
    await Promise.all(underway);
  };

  const working = work();
  return {
    get recorded() {
      return done.recorded;
    },
    get begun() {
      return done.begun;
    },
    get longestMs() {
      return done.longestMs;
    },
    stop() {
      stopped = true;
      return working;
    },
  };
}
