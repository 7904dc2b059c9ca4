import { execFileSync } from 'node:child_process';
import { UUID } from 'mongodb';
import { describe, expect, it } from 'vitest';
import type { Aggregate, Command } from '../../src/eventstore/aggregate.ts';
import type { StoredEvent } from '../../src/eventstore/event.ts';
import { fold, type Row } from '../../src/eventstore/projection.ts';
import { nameOf, openRegistry } from '../../src/eventstore/registry.ts';
import { aggregates, eventDefinitions, projections } from '../../src/model.ts';
import { FOLDER, goldenEvents } from './golden-events.ts';

const registry = openRegistry(eventDefinitions);
const golden = goldenEvents();

/** What `evolve` makes of an event, as stored and then in the newest version. */
function evolved(aggregate: Aggregate<unknown, Command>, state: unknown, event: StoredEvent): unknown {
  return aggregate.evolve(state, registry.upcast(event));
}

describe('the golden files', () => {
  it('are one per event type and version, and more where fields were added', () => {
    const names = new Set(golden.map(({ name }) => name));
    expect([...names].sort()).toEqual(registry.all.map(nameOf).sort());
  });

  it('are never changed and never deleted', () => {
    const inGit = (...args: string[]): string =>
      execFileSync('git', [...args, '--diff-filter=MDRT', '--no-renames', '--', FOLDER], {
        encoding: 'utf8',
      });
    const touched = inGit('log', '--name-status', '--format=%h %s');
    const touchedNow = inGit('diff', '--name-status', 'HEAD');
    expect(touched + touchedNow).toBe('');
  });
});

describe.each(golden)('the stored event $file', ({ name, event }) => {
  it('is what its name says, with all that every event has', () => {
    expect(nameOf(event)).toBe(name);
    expect([event._id, event.aggregateId].every((id) => id instanceof UUID)).toBe(true);
    expect([event.occurredAt, event.recordedAt].every((at) => at instanceof Date)).toBe(true);
    expect(event.metadata).toMatchObject({ origin: expect.any(String), commandHash: expect.any(String) });
  });

  it('fits its schema, which knows its every field', () => {
    const definition = registry.all.find((each) => nameOf(each) === name);
    expect(definition?.payload.parse(event.payload)).toEqual(event.payload);
    expect(definition?.aggregateType).toBe(event.aggregateType);
    if (event.reasonCode !== undefined) expect(definition?.reasonCodes).toContain(event.reasonCode);
  });

  it('is read in the newest version', () => {
    const newest = registry.latest(event.type);
    const upcast = registry.upcast(event);
    expect(upcast.version).toBe(newest.version);
    expect(newest.payload.safeParse(upcast.payload).error).toBeUndefined();
  });

  it('is folded, in its place and at the beginning of a stream', () => {
    const aggregate = aggregates.find(({ type }) => type === event.aggregateType);
    if (aggregate === undefined) throw new Error(`${event.aggregateType} is the stream of no aggregate.`);
    const before = golden
      .map((each) => each.event)
      .filter((each) => each.aggregateType === event.aggregateType && each.sequence < event.sequence);
    const state = before.reduce((folded, each) => evolved(aggregate, folded, each), aggregate.initial);
    for (const each of [state, aggregate.initial])
      expect(() => evolved(aggregate, each, event)).not.toThrow();
    for (const projection of projections.filter(
      ({ aggregateType }) => aggregateType === event.aggregateType,
    )) {
      const row = [...before, event].reduce<Row | null>(
        (folded, each) => fold(projection, folded, registry.upcast(each)),
        null,
      );
      expect(row?.lastEvent).toBe(event);
    }
  });
});

describe('the golden events of a stream, one after another', () => {
  const rowOf = (name: string, id: string): unknown => {
    const projection = projections.find((each) => each.name === name);
    if (projection === undefined) throw new Error(`There is no read model ${name}.`);
    return golden
      .map(({ event }) => registry.upcast(event))
      .filter((event) => event.aggregateId.toString() === id)
      .reduce<Row | null>((row, event) => fold(projection, row, event), null);
  };

  it('tell what became of a tender, a vehicle and a route', () => {
    const vehicleId = '01954f00-11d0-7b05-a3c4-6e2f90b1d403';
    expect(rowOf('tenders_read', '0195504e-3c00-7a10-9b2e-4f1c6d0a7e01')).toMatchObject({
      status: 'COMPLETED',
      reference: 'PO-4711-B',
      vehicleId,
      lastSequence: 26,
    });
    expect(rowOf('fleet_status', vehicleId)).toMatchObject({
      state: 'available',
      licensePlate: 'ABC-123',
      tenderId: null,
      position: { longitude: -97.7431, latitude: 30.2672 },
    });
    expect(rowOf('route_summary', '0195504f-90e8-7d44-8a57-3bc2e1f09605')).toMatchObject({
      adjustments: 1,
      distanceM: 291800.5,
    });
  });
});
