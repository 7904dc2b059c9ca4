import type { SeededRandom } from '../../client/seeded-random.ts';
import type { Intent, Outcome } from '../../eventstore/command/intent.ts';
import type { Store } from '../../eventstore/command/store.ts';
import { newId } from '../../eventstore/ids.ts';
import { rowsOf } from '../../eventstore/projection/rows.ts';
import { baseOf, DRILL_TENANT, fleetOf, makeIntent } from '../data/commands.ts';
import type { StreamKind } from '../data/stream-kinds.ts';
import type { DrillReport } from '../report.ts';
import { sendUntilSettled } from './send-until-settled.ts';

/** What has been written so far. */
export interface Written {
  /** Commands that were recorded, and streams that these began. */
  readonly recorded: number;
  readonly begun: number;
  /** How often a command was sent again, since the database had not answered in time. */
  readonly repeated: number;
  /** How long the slowest answer took, in ms. */
  readonly longestMs: number;
}

export interface WriteOptions {
  readonly kind: StreamKind;
  readonly random: SeededRandom;
  readonly report: DrillReport;
}

/** Gives commands one by one, and looks at each answer. */
export interface Write {
  readonly done: Written;
  /** Gives a command of one of these streams, or of a new one, which is added to them. */
  give(store: Store, own: string[]): Promise<void>;
}

/** How often a command is sent at most, where the answer leaves open what has become of it. */
const MOST_TIMES = 5;
/** Share of commands that begin a stream, and of those whose row is read back at once. */
const BEGINS = 0.05;
const READS_BACK = 0.2;
/** How many streams are looked at for one without a command under way. */
const PICKS = 10;

/** Each command must be recorded, once. Where rows are written with the events, they must show an event once it is acknowledged. */
export function openWrite({ kind, random, report }: WriteOptions): Write {
  /** One command at a time for each stream, so that each change of its row is one event. */
  const busy = new Set<string>();
  const done = { recorded: 0, begun: 0, repeated: 0, longestMs: 0 };
  let begun = 0;

  /** @returns undefined where every stream that was looked at is busy */
  const next = (own: readonly string[]): Intent | undefined => {
    const creates = random.chance(BEGINS);
    const id = creates ? newId() : pickFree(own, busy, random);
    if (id === undefined) return undefined;
    const base = baseOf(random);
    const command = creates ? kind.begin(random, base, fleetOf(begun++)) : kind.next(random, base);
    return makeIntent(kind, id, command, { key: newId(), ...(creates ? { creates } : {}) });
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

  const send = async (store: Store, intent: Intent): Promise<Outcome> => {
    const sentAt = performance.now();
    const outcomes = await sendUntilSettled(store, intent, MOST_TIMES);
    done.longestMs = Math.max(done.longestMs, performance.now() - sentAt);
    done.repeated += outcomes.length - 1;
    const [first] = outcomes;
    if (first.kind === 'recorded' && first.repeated)
      report.problem(`${intent.command.type} of ${intent.id} was answered as a repeat, and it was none.`);
    return outcomes.at(-1) ?? first;
  };

  return {
    done,
    async give(store, own) {
      const intent = next(own);
      if (intent === undefined) return;
      busy.add(intent.id);
      try {
        await check(store, intent, await send(store, intent));
        if (intent.creates === true) own.push(intent.id);
      } catch (error) {
        report.problem(`a command failed: ${String(error)}.`);
      } finally {
        busy.delete(intent.id);
      }
    },
  };
}

function pickFree(
  ids: readonly string[],
  busy: ReadonlySet<string>,
  random: SeededRandom,
): string | undefined {
  for (let picks = 0; picks < PICKS && ids.length > 0; picks++) {
    const id = random.pick(ids);
    if (!busy.has(id)) return id;
  }
  return undefined;
}
