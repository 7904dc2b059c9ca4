import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { acquireLease, leaseHolders, whileHeld } from '../../src/eventstore/lease.ts';
import { claimCheckpoint, FencedOut, saveCheckpoint } from '../../src/eventstore/projection/checkpoint.ts';
import { openDatabase, type TestDatabase } from '../database.ts';
import { eventually } from '../eventually.ts';
import { upTo } from './counter.ts';

let database: TestDatabase;

beforeAll(async () => {
  database = await openDatabase();
});
afterAll(() => database.close());

describe('a lease that many ask for at once', () => {
  it('goes to exactly one of them', async () => {
    const asked = await Promise.all(
      upTo(20).map((n) => acquireLease(database.db, 'contended', `holder ${n}`, 60_000)),
    );
    expect(asked.filter((lease) => lease !== null)).toMatchObject([{ fence: 1 }]);
    expect((await leaseHolders(database.db)).get('contended')).toMatch(/^holder/);
  });

  it('goes to the next with a higher fence when it is released or has run out', async () => {
    const first = await acquireLease(database.db, 'passed on', 'a', 60_000);
    expect(await acquireLease(database.db, 'passed on', 'b', 60_000)).toBeNull();
    await first?.release();
    const second = await acquireLease(database.db, 'passed on', 'b', 1);
    expect(second?.fence).toBe(2);
    const third = await eventually(async () => {
      const lease = await acquireLease(database.db, 'passed on', 'c', 60_000);
      expect(lease).not.toBeNull();
      return lease;
    });
    expect(third?.fence).toBe(3);
    expect(await second?.renew()).toBe(false);
    expect(await third?.renew()).toBe(true);
  });

  it('stays with its holder when that one releases it too late', async () => {
    const late = await acquireLease(database.db, 'late', 'a', 1);
    await eventually(async () => expect(await acquireLease(database.db, 'late', 'b', 60_000)).not.toBeNull());
    await late?.release();
    expect((await leaseHolders(database.db)).get('late')).toBe('b');
  });
});

describe('work under a lease', () => {
  it('is over only when no renewal is on its way: that would take the lease after it was let go', async () => {
    let land: (held: boolean) => void = () => undefined;
    const renewal = new Promise<boolean>((resolve) => {
      land = resolve;
    });
    let sent: () => void = () => undefined;
    const renewing = new Promise<void>((resolve) => {
      sent = resolve;
    });
    const renew = () => {
      sent();
      return renewal;
    };
    const lease = { fence: 1, ttlMs: 3, renew, release: async () => undefined };
    let isOver = false;
    const working = whileHeld(
      lease,
      () => renewing,
      () => undefined,
    ).then(() => {
      isOver = true;
    });
    await renewing;
    await new Promise(setImmediate);
    expect(isOver).toBe(false);
    land(true);
    await working;
    expect(isOver).toBe(true);
  });
});

describe('a checkpoint', () => {
  it('takes nothing from an earlier holder once a later one has claimed it', async () => {
    await claimCheckpoint(database.db, 'rows', 1, 1);
    await saveCheckpoint(database.db, 'rows', 1, { lagMs: 5 });
    const claimed = await claimCheckpoint(database.db, 'rows', 1, 2);
    expect(claimed).toMatchObject({ fence: 2, lagMs: 5 });
    await expect(saveCheckpoint(database.db, 'rows', 1, { lagMs: 6 })).rejects.toThrow(FencedOut);
    await expect(claimCheckpoint(database.db, 'rows', 1, 1)).rejects.toThrow(FencedOut);
  });
});
