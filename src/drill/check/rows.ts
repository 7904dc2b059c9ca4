import { setTimeout as pause } from 'node:timers/promises';
import type { Store } from '../../eventstore/command/store.ts';
import { rowsOf } from '../../eventstore/projection/rows.ts';
import { projectionStatus } from '../../eventstore/projection/status.ts';
import type { Projection, Row } from '../../eventstore/projection.ts';
import type { Finding } from '../../eventstore/verify/finding.ts';
import { verifyProjection } from '../../eventstore/verify/verify.ts';
import type { BoardSubscriber } from '../client/board-subscriber.ts';
import { DRILL_TENANT, type StreamKind } from '../data/stream-kinds.ts';
import { count, type DrillReport } from '../report.ts';

/** How long a change may take to a screen, and a projector to be level, in ms. */
const PATIENCE_MS = 60_000;
const LOOK_MS = 50;

/** The log has what was made and what was acknowledged, each once. */
export async function checkLog(
  { events }: Store,
  { aggregate }: StreamKind,
  expected: number,
  report: DrillReport,
): Promise<void> {
  const found = await events.countDocuments({ aggregateType: aggregate.type });
  if (found !== expected) report.problem(`the log has ${found} events, where ${expected} were recorded.`);
}

/** Every subscriber comes to show what the read model has. */
export async function checkBoards(
  store: Store,
  { projection }: StreamKind,
  subscribers: readonly BoardSubscriber[],
  report: DrillReport,
): Promise<void> {
  const rows = rowsOf<Row & { fleetId?: string | null }>(store, DRILL_TENANT, projection);
  const all = await rows.find({}, { sort: { _id: 1 }, limit: 0 });
  for (const { fleetId, shown } of subscribers) {
    const truth = all.filter((row) => fleetId === undefined || row.fleetId === fleetId);
    const missing = (): Row | undefined =>
      truth.find(({ id, lastSequence }) => shown.get(id) !== lastSequence);
    for (let waitedMs = 0; missing() !== undefined && waitedMs < PATIENCE_MS; waitedMs += LOOK_MS)
      await pause(LOOK_MS);
    const row = missing();
    const who = `a subscriber of ${fleetId ?? 'the whole board'}`;
    if (row !== undefined)
      report.problem(`${who} shows ${shown.get(row.id)} of ${row.id}, which is at ${row.lastSequence}.`);
    else if (shown.size !== truth.length)
      report.problem(`${who} shows ${shown.size} rows, where there are ${truth.length}.`);
  }
}

/** The log has these events and no others, and no stream has a hole. */
export async function checkRecorded(
  { events }: Store,
  ids: ReadonlySet<string>,
  report: DrillReport,
): Promise<void> {
  const last = new Map<string, number>();
  let found = 0;
  const inOrder = events.find({}, { projection: { _id: 1, aggregateType: 1, aggregateId: 1, sequence: 1 } });
  for await (const { _id, aggregateType, aggregateId, sequence } of inOrder.sort({ sequence: 1 })) {
    found += 1;
    if (!ids.has(_id.toString())) report.problem(`the log has event ${_id}, of which nobody was told.`);
    const stream = `${aggregateType} ${aggregateId}`;
    const before = last.get(stream) ?? 0;
    if (sequence !== before + 1) report.problem(`${stream} has ${sequence} after ${before}.`);
    last.set(stream, sequence);
  }
  if (found !== ids.size) report.problem(`the log has ${found} events, where ${ids.size} were acknowledged.`);
}

/** The rows are the folds of their streams, and there are so many. @returns how many there are */
export async function checkRows(
  store: Store,
  projection: Projection,
  expected: number,
  report: DrillReport,
): Promise<number> {
  const { rows, behind } = await verifyProjection(store, projection, {
    onFinding: (finding) => report.problem(`verify found ${wordsOf(finding)}.`),
  });
  if (behind > 0) report.problem(`${behind} rows of ${projection.name} stayed behind the log.`);
  if (rows !== expected)
    report.problem(`${projection.name} has ${rows} rows, where there are ${expected} streams.`);
  return rows;
}

/** Every read model comes to be level with the log, and no row differs from the fold of its stream. */
export async function checkVerified(store: Store, report: DrillReport): Promise<void> {
  let rows = 0;
  for (const projection of store.projections) {
    const level = async (): Promise<boolean> => {
      const status = (await projectionStatus(store)).find(({ name }) => name === projection.name);
      return status?.state !== 'catching_up' && status?.lagMs === 0;
    };
    for (let waitedMs = 0; !(await level()) && waitedMs < PATIENCE_MS; waitedMs += LOOK_MS)
      await pause(LOOK_MS);
    const verified = await verifyProjection(store, projection, {
      onFinding: (finding) => report.problem(`verify found ${wordsOf(finding)}.`),
    });
    if (verified.behind > 0)
      report.problem(`${verified.behind} rows of ${projection.name} stayed behind the log.`);
    rows += verified.rows;
  }
  report.say(`compared ${count(rows)} rows with the fold of their streams`);
}

function wordsOf(finding: Finding): string {
  const fields = finding.kind === 'wrong' ? ` (${finding.fields.map(({ field }) => field).join(', ')})` : '';
  return `${finding.of} ${finding.row} ${finding.kind}${fields}`;
}
