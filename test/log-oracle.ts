import type { Db } from 'mongodb';
import { expect } from 'vitest';
import type { StoredEvent } from '../src/eventstore/event.ts';
import { generationCollection, readPointer } from '../src/eventstore/projection/generation/pointer.ts';
import { fold, type Projection, type Row } from '../src/eventstore/projection.ts';
import { projections } from '../src/model.ts';

/** The log's streams, each in sequence order, by `tenant/type/id`. */
export async function streamsOf(db: Db): Promise<Map<string, StoredEvent[]>> {
  const streams = new Map<string, StoredEvent[]>();
  const events = db.collection<StoredEvent>('events', { readConcern: { level: 'majority' } });
  for await (const event of events.find().sort({ sequence: 1 })) {
    const key = `${event.tenantId}/${event.aggregateType}/${event.aggregateId}`;
    streams.set(key, [...(streams.get(key) ?? []), event]);
  }
  return streams;
}

/** S-01 over the whole log: every stream counts 1, 2, 3 … */
export function expectNoHoles(streams: ReadonlyMap<string, readonly StoredEvent[]>): void {
  for (const [key, events] of streams) {
    expect(
      events.map((event) => event.sequence),
      key,
    ).toEqual(events.map((_, index) => index + 1));
  }
}

/** The rows that differ from the fold of their stream, as `read model/id`: none when the read models are right. */
export async function driftOf(
  db: Db,
  streams: ReadonlyMap<string, readonly StoredEvent[]>,
  of: readonly Projection[] = projections,
): Promise<string[]> {
  const drift: string[] = [];
  for (const projection of of) {
    const expected = foldAll(projection, streams);
    const pointer = await readPointer(db, projection.name);
    const collection = generationCollection(projection.name, pointer?.generation ?? 1);
    const rows = db.collection<Row>(collection, { readConcern: { level: 'majority' } });
    for await (const row of rows.find()) {
      const wanted = expected.get(row._id);
      expected.delete(row._id);
      if (wanted === undefined || !same(row, wanted)) drift.push(`${projection.name}/${row._id}`);
    }
    drift.push(...[...expected.keys()].map((id) => `${projection.name}/${id}`));
  }
  return drift;
}

function foldAll(
  projection: Projection,
  streams: ReadonlyMap<string, readonly StoredEvent[]>,
): Map<string, Row> {
  const rows = new Map<string, Row>();
  for (const events of streams.values()) {
    if (events[0]?.aggregateType !== projection.aggregateType) continue;
    const row = events.reduce<Row | null>((folded, event) => fold(projection, folded, event), null);
    if (row !== null) rows.set(row._id, row);
  }
  return rows;
}

/** Equal as the database has them: absent and undefined are the same, the order of fields is not looked at. */
function same(a: unknown, b: unknown): boolean {
  return canonical(a) === canonical(b);
}

function canonical(value: unknown): string {
  return JSON.stringify(value, (_key, field) =>
    typeof field === 'object' && field !== null && !Array.isArray(field)
      ? Object.fromEntries(Object.entries(field).sort(([a], [b]) => (a < b ? -1 : 1)))
      : field,
  );
}
