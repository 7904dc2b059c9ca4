import { pino } from 'pino';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { type ExpiryPort, look, startExpiry } from '../../src/dispatch/expiry.ts';
import { handle } from '../../src/eventstore/command/handle.ts';
import type { Store } from '../../src/eventstore/command/store.ts';
import { newId } from '../../src/eventstore/ids.ts';
import { dueRows } from '../../src/eventstore/projection/due-rows.ts';
import { tendersRead } from '../../src/tender/projection.ts';
import { openDatabase, type TestDatabase } from '../database.ts';
import { eventually } from '../eventually.ts';
import { DETAILS } from '../tender/cast.ts';
import { now, openWholeStore, play, tell, tenderRow, typesOf } from './stage.ts';

let database: TestDatabase;
let store: Store;
let other: Store;

beforeAll(async () => {
  database = await openDatabase();
  store = await openWholeStore(database);
  other = await openWholeStore(database);
});
afterAll(() => database.close());

/** A process' timer; `skewMs` puts its clock ahead. */
function portOf(process: Store, skewMs = 0): ExpiryPort {
  return {
    due: (at, limit) => dueRows(process, tendersRead, 'nextExpiryAt', at, limit),
    handle: (intent) => handle(process, intent),
    log: pino({ level: 'silent' }),
    clock: () => new Date(Date.now() + skewMs),
    intervalMs: 20,
  };
}

/** A tender offered to some carriers for so long. */
async function offered(carriers: readonly string[], lifeMs: number): Promise<string> {
  const id = newId();
  const expiresAt = new Date(Date.now() + lifeMs);
  await play(
    store,
    id,
    { type: 'CreateTender', details: DETAILS, ...now() },
    ...carriers.map(
      (carrierId) => ({ type: 'OfferTender', offerId: newId(), carrierId, expiresAt, ...now() }) as const,
    ),
  );
  return id;
}

describe('offers that nobody answers', () => {
  it('expire by the clock, once each, with timers in two processes', async () => {
    const tenders = await Promise.all([1, 2, 3, 4, 5].map(() => offered(['ACME', 'BOLT'], 300)));
    const later = await offered(['ACME'], 3_600_000);
    const timers = [store, other, store, other].map((process) => startExpiry(portOf(process)));
    await eventually(async () => {
      const rows = await Promise.all(tenders.map((id) => tenderRow(store, id)));
      expect(rows.map((row) => row?.status)).toEqual(tenders.map(() => 'EXHAUSTED'));
    });
    await Promise.all(timers.map((timer) => timer.stop()));
    for (const id of tenders) {
      const types = await typesOf(store, id);
      expect(types.filter((type) => type === 'TenderOfferExpired')).toHaveLength(2);
      expect(await tenderRow(store, id)).not.toHaveProperty('nextExpiryAt');
    }
    expect((await tenderRow(store, later))?.status).toBe('OFFERED');
  });

  it('expire all, however many one tender has', async () => {
    const id = await offered(
      Array.from({ length: 20 }, (_, index) => `C${index}`),
      60_000,
    );
    const port = portOf(store, 120_000);
    await look(port);
    expect((await tenderRow(store, id))?.status).toBe('OFFERED');
    await look(port);
    expect((await tenderRow(store, id))?.status).toBe('EXHAUSTED');
  });

  it('are expired by the system, and say when that was', async () => {
    const id = await offered(['ACME'], 60_000);
    await look(portOf(store, 120_000));
    const row = await tenderRow(store, id);
    expect(row?.lastEvent).toMatchObject({
      type: 'TenderOfferExpired',
      actor: { id: 'offer-expiry', role: 'system' },
      metadata: { origin: 'timer' },
    });
    expect(row?.offers[0]?.answeredAt).toEqual(row?.offers[0]?.expiresAt);
  });

  it('raced by an acceptance, end one way', async () => {
    const id = await offered(['ACME'], 60_000);
    const [accepted] = await Promise.all([
      tell(store, id, { type: 'AcceptTender', ...now() }),
      look(portOf(other, 120_000)),
    ]);
    const types = await typesOf(store, id);
    const status = (await tenderRow(store, id))?.status;
    if (accepted.kind === 'recorded') expect(types).not.toContain('TenderOfferExpired');
    expect(status).toBe(accepted.kind === 'recorded' ? 'ACCEPTED' : 'EXHAUSTED');
  });
});

describe('a timer that cannot reach the database', () => {
  it('says so and goes on', async () => {
    const port = portOf(store);
    const log = { ...port.log, warn: vi.fn() } as unknown as ExpiryPort['log'];
    let calls = 0;
    const timer = startExpiry({
      ...port,
      log,
      due: () => {
        calls += 1;
        return Promise.reject(new Error('gone'));
      },
    });
    await eventually(() => expect(calls).toBeGreaterThan(2));
    await timer.stop();
    expect(log.warn).toHaveBeenCalled();
  });
});
