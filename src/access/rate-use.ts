import type { Db } from 'mongodb';

/** Where processes tell each other what callers used of their rates. */
export const RATE_USE = 'rate_use';

/** What one caller used on all processes together, since it was first counted. */
interface UseDocument {
  /** The tenant, or tenant and subject. */
  readonly _id: string;
  readonly points: number;
  readonly at: Date;
}

/** What nobody added to for so long is removed. */
const KEPT_HOURS = 1;

/** What callers used, as all processes know it. */
export interface RateUse {
  /** Adds what callers used here, by their keys. @returns what they used everywhere, that included */
  add(used: ReadonlyMap<string, number>): Promise<Map<string, number>>;
  /** Removes what nobody added to for long. */
  tidy(): Promise<void>;
}

/** What is lost of it in a failover lets somebody use a little more: no write waits for other members, and each is read at once. */
export function rateUseOf(db: Db): RateUse {
  const uses = db.collection<UseDocument>(RATE_USE, {
    writeConcern: { w: 1 },
    readConcern: { level: 'local' },
  });
  return {
    async add(used) {
      await uses.bulkWrite(
        Array.from(used, ([_id, points]) => ({
          updateOne: {
            filter: { _id },
            update: { $inc: { points }, $currentDate: { at: true } },
            upsert: true,
          },
        })),
        { ordered: false },
      );
      const found = await uses.find({ _id: { $in: [...used.keys()] } }).toArray();
      return new Map(found.map(({ _id, points }) => [_id, points]));
    },
    async tidy() {
      const ago = { $dateSubtract: { startDate: '$$NOW', unit: 'hour', amount: KEPT_HOURS } };
      await uses.deleteMany({ $expr: { $lt: ['$at', ago] } });
    },
  };
}
