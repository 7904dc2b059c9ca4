import type { Store } from '../../eventstore/command/store.ts';
import type { StreamKind } from '../data/stream-kinds.ts';
import type { DrillReport } from '../report.ts';

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
