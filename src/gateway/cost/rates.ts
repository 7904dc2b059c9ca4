import type { Access } from '../../access/access.ts';
import { subjectId } from '../../access/subjects.ts';
import type { ClientLimits, Limit } from '../../metrics/limits.ts';
import type { Metrics } from '../../metrics/metrics.ts';
import { Bucket } from './bucket.ts';
import { kindOf, type LimitByKind } from './caller-kind.ts';

export type RateLimits = Pick<ClientLimits, 'rate' | 'rateCarrier' | 'rateDevice' | 'rateTenant'>;

/** How many points callers use: each subject of tokens, each API key, each tenant. */
export interface Rates {
  /** Takes points for an operation. @returns 0, or how many seconds to wait, and nothing is taken */
  take(access: Access, points: number): number;
  /** What was taken from, for `level.ts`. */
  readonly buckets: ReadonlyMap<string, Bucket>;
  /** Forgets the buckets that nobody uses. */
  forgetIdle(): void;
}

/** What one caller takes from, with the limit's name in the metrics; undefined where there is no limit. */
interface Purse {
  readonly own: Bucket | undefined;
  readonly ownLabel: Limit;
  readonly ofTenant: Bucket | undefined;
}

const now = (): number => performance.now() / 1_000;

export function openRates(
  { rate, rateCarrier, rateDevice, rateTenant }: RateLimits,
  metrics: Pick<Metrics, 'limits'>,
): Rates {
  const rateOf: LimitByKind = {
    staff: [rate, 'rate'],
    carrier: [rateCarrier, 'rate_carrier'],
    device: [rateDevice, 'rate_device'],
  };
  const buckets = new Map<string, Bucket>();
  /** Whoever proves itself by the same token is the same object for as long as that is remembered. */
  const purses = new WeakMap<Access, Purse>();

  const bucketOf = (key: string, perSecond: number): Bucket | undefined => {
    if (perSecond === 0) return undefined;
    const bucket = buckets.get(key) ?? new Bucket(key, perSecond, now());
    buckets.set(key, bucket);
    return bucket;
  };
  const open = (access: Access): Purse => {
    const [perSecond, ownLabel] = rateOf[kindOf(access)];
    const own = bucketOf(subjectId(access), perSecond);
    const purse = { own, ownLabel, ofTenant: bucketOf(access.tenantId, rateTenant) };
    purses.set(access, purse);
    return purse;
  };

  return {
    take(access, points) {
      let purse = purses.get(access);
      if (purse === undefined || purse.own?.isKept === false || purse.ofTenant?.isKept === false)
        purse = open(access);
      const { own, ownLabel, ofTenant } = purse;
      if (own === undefined && ofTenant === undefined) return 0;
      const at = now();
      const ownWait = own?.wait(at) ?? 0;
      const tenantWait = ofTenant?.wait(at) ?? 0;
      if (ownWait > 0 || tenantWait > 0) {
        metrics.limits.inc({ limit: ownWait > 0 ? ownLabel : 'rate_tenant' });
        return Math.max(ownWait, tenantWait);
      }
      own?.take(points);
      ofTenant?.take(points);
      return 0;
    },
    buckets,
    forgetIdle() {
      const at = now();
      for (const [key, bucket] of buckets) {
        if (!bucket.isIdle(at)) continue;
        bucket.isKept = false;
        buckets.delete(key);
      }
    },
  };
}
