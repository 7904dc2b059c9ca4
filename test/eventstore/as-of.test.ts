import { describe, expect, it } from 'vitest';
import { rowAsOf } from '../../src/eventstore/as-of.ts';
import { tendersRead } from '../../src/tender/projection.ts';
import { minute } from '../given.ts';
import { accept, acme, arrive, depart, tenderIn } from '../tender/cast.ts';

/** Offered at 1, accepted at 3, assigned at 4; departed at 5, which was told at 20 only; arrived at 6. */
const story = tenderIn('ASSIGNED')
  .and({ ...depart(1, 20), occurredAt: minute(5) })
  .and({ ...arrive(2, 21), occurredAt: minute(6) });

const rowAt = (asOf?: number, knownAt?: number) =>
  rowAsOf([...story.events].reverse(), tendersRead, {
    asOf: asOf === undefined ? null : minute(asOf),
    knownAt: knownAt === undefined ? null : minute(knownAt),
  });

describe('a tender as it was', () => {
  it('is nothing before it began', async () => {
    expect(await rowAt(-1)).toBeNull();
    expect(await rowAt(undefined, -1)).toBeNull();
  });

  it.each([
    [0, 'OPEN'],
    [2, 'OFFERED'],
    [3, 'ACCEPTED'],
    [4, 'ASSIGNED'],
    [5, 'IN_TRANSIT'],
  ])('at minute %i was %s', async (asOf, status) => {
    expect((await rowAt(asOf))?.status).toBe(status);
  });

  it('as it was known then, lacks what was told later', async () => {
    expect((await rowAt(10, 10))?.status).toBe('ASSIGNED');
    expect((await rowAt(10, 20))?.status).toBe('IN_TRANSIT');
    expect((await rowAt(10, 20))?.stops[1]).not.toHaveProperty('arrivedAt');
    expect((await rowAt(10, 21))?.stops[1]?.arrivedAt).toEqual(minute(6));
  });

  it('shows the last event that had happened, not the last that was told', async () => {
    expect((await rowAt(5))?.lastEvent.type).toBe('StopDeparted');
    expect((await rowAt(4))?.lastEvent.type).toBe('TenderAssigned');
  });

  it('without a moment is the row as it is', async () => {
    expect(await rowAt()).toEqual(story.row(tendersRead));
  });

  it('ignores an answer told for a time before its offer', async () => {
    const odd = tenderIn('OFFERED').and({ ...accept(acme, 5), occurredAt: minute(0.5) });
    const row = await rowAsOf(odd.events, tendersRead, { asOf: minute(0.7) });
    expect(row?.offers).toEqual([]);
  });
});
