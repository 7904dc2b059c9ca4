import type { SeededRandom } from '../client/seeded-random.ts';
import { clusterNow } from '../eventstore/changes.ts';
import type { Store } from '../eventstore/command/store.ts';
import { startProjector } from '../eventstore/projection/projector.ts';
import { awaitProjector } from '../eventstore/verify/await-projector.ts';
import type { Finding } from '../eventstore/verify/finding.ts';
import { verifyProjection } from '../eventstore/verify/verify.ts';
import { checkRows } from './check/rows.ts';
import { randomFor } from './data/commands.ts';
import { type Damage, damage } from './data/damage.ts';
import { type MadeStream, makeLog } from './data/make-log.ts';
import { STREAM_KINDS, type StreamKind } from './data/stream-kinds.ts';
import type { Scratch } from './drill.ts';
import { count, type DrillReport, rate } from './report.ts';

export interface DriftDrill {
  /** Over all read models. */
  readonly rows: number;
  readonly seed: string;
}

/** The rows of one read model. */
interface Part {
  readonly kind: StreamKind;
  readonly streams: readonly MadeStream[];
}

const EVENTS_PER_STREAM = 4;
/** One row in so many is damaged. */
const DAMAGED_ONE_IN = 100;

/** Damages rows of every read model in every way; verify must name those and no others, and mend them. */
export async function drillDrift(scratch: Scratch, drill: DriftDrill, report: DrillReport): Promise<void> {
  const store = await scratch.openStore();
  const parts = await report.timed(
    () => fill(store, drill, scratch.signal),
    (_, seconds) =>
      `made ${count(drill.rows)} rows of ${count(drill.rows * EVENTS_PER_STREAM)} events (${rate(drill.rows, seconds)})`,
  );
  await project(scratch, store, parts);
  const random = randomFor(drill.seed, 'damage');
  const done = await report.timed(
    () => damageAll(store, parts, Math.max(1, Math.round(drill.rows / DAMAGED_ONE_IN)), random),
    (all) => `damaged ${count(all.length)} rows, ${describe(all)},`,
  );
  scratch.signal.throwIfAborted();
  await report.timed(
    () => checkNamed(store, parts, done, report),
    (named) => `verify named ${count(named)} rows`,
  );
  await report.timed(
    () => mend(store, parts, done.length, report),
    (mended) => `verify --repair mended ${count(mended)} rows`,
  );
  for (const { kind, streams } of parts)
    await report.timed(
      () => checkRows(store, kind.projection, streams.length, report),
      (rows) => `compared ${count(rows)} rows of ${kind.projection.name} once more`,
    );
}

async function fill(store: Store, { rows, seed }: DriftDrill, signal: AbortSignal): Promise<Part[]> {
  const parts: Part[] = [];
  for (const [index, kind] of STREAM_KINDS.entries()) {
    const streams = Math.ceil((rows - index) / STREAM_KINDS.length);
    const events = streams * EVENTS_PER_STREAM;
    parts.push({ kind, streams: await makeLog(store, { kind, streams, events, seed, signal }) });
  }
  return parts;
}

/** Starts projectors and waits until they are level: rows that were behind before that would be mended by them. */
async function project(scratch: Scratch, store: Store, parts: readonly Part[]): Promise<void> {
  const followed = parts.map(({ kind }) => kind.projection).filter(({ mode }) => mode === 'async');
  const projector = await startProjector(store, followed);
  scratch.onClose(() => projector.stop());
  for (const projection of followed)
    if (!(await awaitProjector(store, projection, await clusterNow(store.db))))
      throw new Error(`The projector of ${projection.name} does not get level.`);
}

async function damageAll(
  store: Store,
  parts: readonly Part[],
  wanted: number,
  random: SeededRandom,
): Promise<Damage[]> {
  const taken = new Set<string>();
  const done: Damage[] = [];
  while (done.length < wanted) {
    const part = parts[done.length % parts.length];
    const { id } = random.pick(part?.streams ?? []);
    if (part === undefined || taken.has(id)) continue;
    taken.add(id);
    done.push(await damage(store, part.kind, id, Math.floor(done.length / parts.length), random));
  }
  return done;
}

/** What was damaged is named, as what it is, and nothing else. @returns how many are named */
async function checkNamed(
  store: Store,
  parts: readonly Part[],
  damages: readonly Damage[],
  report: DrillReport,
): Promise<number> {
  const due = new Map(damages.map((one) => [`${one.of} ${one.row}`, one]));
  let named = 0;
  const take = (finding: Finding): void => {
    named += 1;
    const key = `${finding.of} ${finding.row}`;
    const done = due.get(key);
    due.delete(key);
    if (done === undefined)
      report.problem(`verify named ${key} (${finding.kind}), which is as it should be.`);
    else if (!fits(finding, done))
      report.problem(`verify named ${key} ${shown(finding)}, and it is ${done.kind} ${done.field ?? ''}.`);
  };
  for (const { kind } of parts) {
    const { behind } = await verifyProjection(store, kind.projection, { onFinding: take });
    if (behind > 0) report.problem(`verify could say nothing of ${behind} rows of ${kind.projection.name}.`);
  }
  for (const [key, { kind, field = '' }] of due)
    report.problem(`verify did not name ${key}, which is ${kind} ${field}.`);
  return named;
}

function fits(finding: Finding, { kind, field }: Damage): boolean {
  if (finding.kind !== kind) return false;
  if (finding.kind !== 'wrong') return true;
  return finding.fields.length === 1 && finding.fields[0]?.field === field;
}

function shown(finding: Finding): string {
  return finding.kind === 'wrong'
    ? `wrong ${finding.fields.map(({ field }) => field).join(', ')}`
    : finding.kind;
}

/** @returns how many rows were put right */
async function mend(
  store: Store,
  parts: readonly Part[],
  expected: number,
  report: DrillReport,
): Promise<number> {
  let mended = 0;
  for (const { kind } of parts)
    mended += (await verifyProjection(store, kind.projection, { repair: true })).repaired;
  if (mended !== expected) report.problem(`${mended} rows were mended, where ${expected} were damaged.`);
  return mended;
}

function describe(damages: readonly Damage[]): string {
  const kinds = new Map<string, number>();
  for (const { kind } of damages) kinds.set(kind, (kinds.get(kind) ?? 0) + 1);
  return [...kinds].map(([kind, number]) => `${count(number)} ${kind}`).join(', ');
}
