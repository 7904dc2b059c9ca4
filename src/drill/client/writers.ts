import { setTimeout as pause } from 'node:timers/promises';
import { handle } from '../../eventstore/command/handle.ts';
import type { Intent, Outcome } from '../../eventstore/command/intent.ts';
import type { Store } from '../../eventstore/command/store.ts';
import { newId } from '../../eventstore/ids.ts';
import { rowsOf } from '../../eventstore/projection/rows.ts';
import {
  baseOf,
  DRILL_TENANT,
  fleetOf,
  makeIntent,
  randomFor,
  type StreamKind,
} from '../data/stream-kinds.ts';
import type { DrillReport } from '../report.ts';

/** Who writes while a drill goes on, as gateways do on behalf of their users. */
export interface Writers {
  /** Commands that were recorded, and streams that these began. */
  readonly recorded: number;
  readonly begun: number;
  /** Those that had to be sent again, since the database had not answered in time. */
  readonly repeated: number;
  /** The longest that one had to wait for its answer, in ms. */
  readonly longestMs: number;
  /** Ends the writing; resolves when every command is answered. */
  stop(): Promise<void>;
}

export interface WritersOptions {
  readonly kind: StreamKind;
  /** Each a process of its own, as far as the database can tell. */
  readonly stores: readonly Store[];
  readonly ids: readonly string[];
  readonly perSecond: number;
  readonly seed: string;
  readonly report: DrillReport;
}

/** Between two looks at how many commands are due, in ms. */
const TICK_MS = 20;
/** Commands under way, in seconds' worth of them: where the machine does fewer a second, fewer are given. */
const UNDERWAY_S = 1;
/** Whoever hears that nobody knows, or that others were always faster, sends the same again: so often at most. */
const TRIES = 5;
const WORTH_REPEATING: readonly string[] = ['OUTCOME_UNKNOWN', 'CONFLICT'];
/** Share of commands that begin a stream, and of those whose row is read back at once. */
const BEGINS = 0.05;
const READS_BACK = 0.2;
/** Share of commands that come to another gateway than the one that the stream's people are connected to. */
const ELSEWHERE = 0.05;

/**
 * Gives commands at a steady rate. Each must be recorded, once. Where rows are written with the events, whoever was
 * answered must find what he wrote.
 */
export function startWriters({ kind, stores, ids, perSecond, seed, report }: WritersOptions): Writers {
  const random = randomFor(seed, 'writers');
  const known = stores.map((_, turn) => ids.filter((__, index) => index % stores.length === turn));
  const busy = new Set<string>();
  const underway = new Set<Promise<void>>();
  const done = { recorded: 0, begun: 0, repeated: 0, longestMs: 0 };
  let stopped = false;
  let begun = 0;

  const free = (own: readonly string[]): string | undefined => {
    for (let tries = 0; tries < 10 && own.length > 0; tries++) {
      const id = random.pick(own);
      // One at a time on each stream, so that each change of its row is one event.
      if (!busy.has(id)) return id;
    }
    return undefined;
  };

  const give = async (store: Store, own: string[]): Promise<void> => {
    const begins = random.chance(BEGINS);
    const id = begins ? newId() : free(own);
    if (id === undefined) return;
    const base = baseOf(random);
    const command = begins ? kind.begin(random, base, fleetOf(begun++)) : kind.next(random, base);
    const intent = makeIntent(kind, id, command, { key: newId(), ...(begins ? { creates: true } : {}) });
    busy.add(id);
    const sentAt = performance.now();
    try {
      const outcome = await send(store, intent);
      done.longestMs = Math.max(done.longestMs, performance.now() - sentAt);
      await check(store, intent, outcome);
      if (begins) own.push(id);
    } catch (error) {
      report.problem(`a command failed: ${String(error)}.`);
    } finally {
      busy.delete(id);
    }
  };

  const send = async (store: Store, intent: Intent): Promise<Outcome> => {
    for (let tries = 1; ; tries++) {
      const outcome = await handle(store, intent);
      const again = outcome.kind === 'refused' && WORTH_REPEATING.includes(outcome.refusal.code);
      if (outcome.kind === 'recorded' && outcome.repeated && tries === 1)
        report.problem(`${intent.command.type} of ${intent.id} was answered as a repeat, and it was none.`);
      if (!again || tries === TRIES) return outcome;
      done.repeated += 1;
    }
  };

  const check = async (store: Store, { id, command, creates }: Intent, outcome: Outcome): Promise<void> => {
    const [event] = outcome.events;
    if (outcome.kind === 'refused' || event === undefined) {
      const why = outcome.kind === 'refused' ? outcome.refusal.message : 'it came to nothing.';
      report.problem(`${command.type} of ${id} was refused: ${why}`);
      return;
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
    const most = Math.max(1, perSecond * UNDERWAY_S);
    let lookedAt = performance.now();
    let [due, turn] = [0, 0];
    while (!stopped) {
      const now = performance.now();
      due = Math.min(most, due + ((now - lookedAt) / 1_000) * perSecond);
      lookedAt = now;
      for (; due >= 1 && underway.size < most; due -= 1) {
        const own = known[turn++ % known.length];
        const store = stores[(turn + (random.chance(ELSEWHERE) ? 1 : 0)) % stores.length];
        if (store === undefined || own === undefined) return;
        const giving: Promise<void> = give(store, own).finally(() => underway.delete(giving));
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
    get repeated() {
      return done.repeated;
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
