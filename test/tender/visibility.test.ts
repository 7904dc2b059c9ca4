import { describe, expect, it } from 'vitest';
import type { Access } from '../../src/access/access.ts';
import { WITHHELD_ACTOR } from '../../src/audit/withheld.ts';
import { rowId } from '../../src/eventstore/projection.ts';
import { selectTenders } from '../../src/tender/filter.ts';
import { type TenderRow, tendersRead } from '../../src/tender/projection.ts';
import { tender } from '../../src/tender/tender.ts';
import { asSeenBy } from '../../src/tender/visibility.ts';
import { given } from '../given.ts';
import {
  accept,
  acme,
  arrive,
  assign,
  at,
  bolt,
  counter,
  create,
  decline,
  depart,
  OFFER_A,
  OFFER_B,
  offer,
  TRUCK,
  tenderIn,
} from './cast.ts';

const carrier = (carrierId: string): Access => ({ tenantId: 'test', sub: 'tms', role: 'carrier', carrierId });
const dispatcher: Access = { tenantId: 'test', sub: 'dora', role: 'dispatcher' };

const broadcast = () => given(tender, create(), offer('ACME', OFFER_A), offer('BOLT', OFFER_B));
const seen = (access: Access, story: ReturnType<typeof broadcast>): TenderRow | null => {
  const row = story.row(tendersRead);
  return row && asSeenBy(access, row);
};

describe('a carrier that was asked', () => {
  it('sees its own offer, and nothing of the others', () => {
    const story = broadcast().and(counter(bolt, '1200.00'));
    const row = seen(carrier('ACME'), story);
    expect(row?.offers.map(({ id }) => id)).toEqual([OFFER_A]);
    expect(JSON.stringify(row)).not.toContain('BOLT');
    expect(JSON.stringify(row)).not.toContain('1200.00');
    expect(JSON.stringify(row)).not.toContain('bolt-tms');
  });

  it('is told that something happened to another’s offer, not what', () => {
    const story = broadcast().and(decline(bolt));
    expect(seen(carrier('ACME'), story)?.lastEvent).toMatchObject({
      type: 'TenderDeclined',
      payload: {},
      actor: { id: WITHHELD_ACTOR },
    });
    expect(seen(carrier('ACME'), story)?.lastEvent).not.toHaveProperty('reasonCode');
    expect(seen(carrier('BOLT'), story)?.lastEvent).toMatchObject({ reasonCode: 'DRIVER_NOT_AVAILABLE' });
  });

  it('sees the vehicle and the exceptions only while it has the load', () => {
    const raised = { type: 'RaiseException', reasonCode: 'ACCIDENT', ...at(9) } as const;
    const story = broadcast().and(accept(acme)).and(assign()).and(depart(1)).and(raised);
    expect(seen(carrier('ACME'), story)).toMatchObject({ vehicleId: TRUCK, acceptedCarrierId: 'ACME' });
    expect(seen(carrier('ACME'), story)?.exceptions).toHaveLength(1);
    const loser = seen(carrier('BOLT'), story);
    expect(loser).toMatchObject({ exceptions: [], lastEvent: { payload: {} } });
    expect(loser).not.toHaveProperty('vehicleId');
    expect(loser).not.toHaveProperty('acceptedOfferId');
    expect(loser).not.toHaveProperty('acceptedCarrierId');
  });

  it('is told of an amendment, but not whose answer it reopens', () => {
    const amended = { type: 'AmendTender', changes: { weightKg: 7 }, ...at(9) } as const;
    const story = broadcast().and(accept(acme)).and(assign()).and(amended);
    expect(seen(carrier('BOLT'), story)?.lastEvent.payload).toEqual({ weightKg: 7 });
    expect(seen(carrier('ACME'), story)?.lastEvent.payload).toHaveProperty('reopened');
  });
});

describe('a carrier that was not asked', () => {
  it('sees nothing', () => {
    expect(seen(carrier('CARGO'), broadcast())).toBeNull();
    expect(seen({ tenantId: 'test', sub: 'x', role: 'carrier' }, broadcast())).toBeNull();
  });
});

describe('everyone else of the tenant', () => {
  it('sees all of it', () => {
    const story = tenderIn('IN_TRANSIT').and(arrive(2));
    expect(seen(dispatcher, story)).toEqual(story.row(tendersRead));
  });
});

describe('a row that the first version of the read model wrote', () => {
  it('is shown until it is rebuilt', () => {
    const raised = { type: 'RaiseException', reasonCode: 'ACCIDENT', ...at(9) } as const;
    const row = tenderIn('IN_TRANSIT').and(raised).row(tendersRead);
    if (row === null) throw new Error('There is no row.');
    const { enteredAt: _at, plans: _plans, formerStops: _stops, custodies: _custodies, ...rest } = row;
    const { reports: _reports, reportsNotShown: _count, ...first } = rest;
    const [exception] = first.exceptions;
    const { marks: _marks, recordedAt: _recorded, ...old } = exception ?? {};
    const stored = { ...first, exceptions: [old] } as unknown as TenderRow;
    for (const access of [dispatcher, carrier('ACME')]) {
      const shown = asSeenBy(access, stored);
      expect(shown).toMatchObject({ status: 'IN_TRANSIT', enteredAt: row.createdAt });
      expect(shown?.reports ?? []).toEqual([]);
      expect(shown?.stops[0]?.sequence).toBe(1);
    }
    expect(asSeenBy(dispatcher, stored)?.exceptions).toMatchObject([{ reasonCode: 'ACCIDENT', marks: [] }]);
  });
});

describe('a filter of tenders', () => {
  const row = tenderIn('ASSIGNED').row(tendersRead);
  const fits = (filter: Parameters<typeof selectTenders>[1], access = dispatcher): boolean =>
    row !== null && selectTenders(access, filter).matches(row);

  it('fits when every given field does, with any of its values', () => {
    expect(fits(null)).toBe(true);
    expect(fits({ status: ['OPEN', 'ASSIGNED'], fleetId: ['north'], carrierId: ['ACME'] })).toBe(true);
    expect(fits({ status: ['ASSIGNED'], fleetId: ['south'] })).toBe(false);
    expect(fits({ vehicleId: [`vehicle_${TRUCK}`] })).toBe(true);
    expect(fits({ ids: [row?.id ?? ''] })).toBe(true);
    expect(fits({ ids: ['nonsense'] })).toBe(false);
    expect(fits({ status: [] })).toBe(false);
  });

  it('of a carrier never reaches beyond its own', () => {
    expect(fits({}, carrier('ACME'))).toBe(true);
    expect(fits({}, carrier('BOLT'))).toBe(false);
    expect(fits({ carrierId: ['ACME'] }, carrier('BOLT'))).toBe(false);
  });

  it('asks the database for the same', () => {
    expect(selectTenders(dispatcher, { ids: [TRUCK], status: ['OPEN', 'OFFERED'] }).filter).toEqual({
      $and: [{ _id: rowId('test', TRUCK) }, { status: { $in: ['OPEN', 'OFFERED'] } }],
    });
    expect(selectTenders(carrier('ACME'), { vehicleId: [TRUCK] }).filter).toEqual({
      $and: [{ carrierIds: 'ACME' }, { acceptedCarrierId: 'ACME' }, { vehicleId: TRUCK }],
    });
  });
});
