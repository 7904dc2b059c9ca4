import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Access } from '../../src/access/access.ts';
import { RATE_USE, rateUseOf } from '../../src/access/rate-use.ts';
import { Bucket } from '../../src/gateway/cost/bucket.ts';
import { levelOnce } from '../../src/gateway/cost/level.ts';
import { openRates, type RateLimits } from '../../src/gateway/cost/rates.ts';
import { CLIENT_LIMITS } from '../../src/metrics/limits.ts';
import { openMetrics } from '../../src/metrics/metrics.ts';
import { openDatabase, type TestDatabase } from '../database.ts';

describe('what a caller may use', () => {
  it('is ten seconds of its rate at once, and then as much as comes', () => {
    const bucket = new Bucket('a', 100, 0);
    bucket.take(999);
    expect(bucket.wait(0)).toBe(0);
    bucket.take(1);
    expect(bucket.wait(0)).toBe(1);
    expect(bucket.wait(0.5)).toBe(0);
    expect(bucket.wait(1_000)).toBe(0);
    bucket.take(1_001);
    expect(bucket.wait(1_000)).toBeGreaterThan(0);
  });

  it('lets a dear operation begin, and makes the next one wait for longer', () => {
    const bucket = new Bucket('a', 100, 0);
    bucket.take(1_500);
    expect(bucket.wait(0)).toBe(5);
    expect(bucket.wait(4)).toBe(1);
    expect(bucket.wait(5.01)).toBe(0);
  });

  it('is not forgotten while it is used, however full', () => {
    const bucket = new Bucket('a', 100, 0);
    expect(bucket.isIdle(0)).toBe(true);
    bucket.take(50);
    expect(bucket.isIdle(100)).toBe(false);
    bucket.settle();
    expect(bucket.isIdle(100)).toBe(true);
  });
});

const limits: RateLimits = { ...CLIENT_LIMITS, rate: 100, rateCarrier: 50, rateTenant: 150 };
const access = (sub: string, tenantId = 'demo'): Access => ({ sub, tenantId, role: 'dispatcher' });

describe('callers of one process', () => {
  it('share by subject, whatever token they show, and by tenant', () => {
    const rates = openRates(limits, openMetrics());
    expect(rates.take(access('a'), 1_200)).toBe(0);
    expect(rates.take(access('a'), 1)).toBeGreaterThan(0);
    expect(rates.take(access('b'), 500)).toBe(0);
    expect(rates.take(access('c'), 1)).toBeGreaterThan(0);
    expect(rates.take(access('a', 'other'), 1)).toBe(0);
  });

  it('are not held up by who has nothing left: what is refused takes nothing', () => {
    const rates = openRates(limits, openMetrics());
    rates.take(access('a'), 1_100);
    for (let turn = 0; turn < 100; turn++) expect(rates.take(access('a'), 1_000)).toBeGreaterThan(0);
    expect(rates.take(access('b'), 1)).toBe(0);
  });

  it('are forgotten when they use nothing', () => {
    const rates = openRates(limits, openMetrics());
    const who = access('a');
    rates.take(who, 0);
    expect(rates.buckets.size).toBe(2);
    rates.forgetIdle();
    expect(rates.buckets.size).toBe(0);
    rates.take(who, 1_200);
    expect(rates.take(who, 1)).toBeGreaterThan(0);
  });

  it('have no limit where it is 0', () => {
    const rates = openRates({ ...limits, rate: 0, rateTenant: 0 }, openMetrics());
    for (let turn = 0; turn < 100; turn++) expect(rates.take(access('a'), 1e9)).toBe(0);
  });
});

describe('callers of several processes', () => {
  let database: TestDatabase;
  beforeAll(async () => {
    database = await openDatabase();
  });
  afterAll(() => database.close());

  it('have one rate for all of them', async () => {
    const [here, there] = [openRates(limits, openMetrics()), openRates(limits, openMetrics())];
    const who = access('both', 'level');
    const level = async () => {
      await levelOnce(there, rateUseOf(database.db));
      await levelOnce(here, rateUseOf(database.db));
    };
    here.take(who, 100);
    there.take(who, 100);
    await level();
    there.take(who, 1_800);
    here.take(who, 20);
    await level();
    expect(here.take(who, 1)).toBeGreaterThan(0);
  });

  it('are not told of where they use little', async () => {
    const rates = openRates(limits, openMetrics());
    rates.take(access('little', 'quiet'), 5);
    await levelOnce(rates, rateUseOf(database.db));
    expect(await database.db.collection(RATE_USE).countDocuments({ _id: /^quiet/ as never })).toBe(0);
  });
});
