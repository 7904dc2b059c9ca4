import { randomBytes } from 'node:crypto';
import { signToken } from '../../src/access/token.ts';
import type { Mongo } from '../../src/mongo/mongo.ts';
import { TENDER } from './documents.ts';
import { type Contender, closedLoop, compare, type Findings, type Plan, scaled } from './measure.ts';
import type { MemoryMessage } from './memory-process.ts';
import { bodyOf, openRequests } from './requests.ts';
import { startProcess } from './server-process.ts';

const CONCURRENCY = 32;
const QUERIES = 8_000;
const TENDERS = 200;

/** The gateway's HTTP path beside bare Yoga's: the same schema, document and resolver, which has its rows in memory. */
export async function benchInMemory(
  { uri }: Mongo,
  database: string,
  plan: Plan,
  profileDir?: string,
): Promise<Findings> {
  const secret = randomBytes(32).toString('hex');
  const claims = { sub: 'bench', tenant: 'demo', role: 'dispatcher' } as const;
  const token = await signToken({ kind: 'secret', secret }, claims, 86_400);
  const tenders = Array.from({ length: TENDERS }, (_, index) => tenderOf(index));
  const bodies = tenders.map(({ id }) => bodyOf(TENDER, { id }));
  const message = { uri, database, secret } satisfies MemoryMessage;
  const own = await startProcess('memory-process', message, profileDir);
  const bare = await startProcess('bare-process', {});
  await own.tell(tenders);
  await bare.tell({ tenders });
  const doors = [own, bare].map(({ url }) => openRequests(url, token));
  const queries = scaled(plan, QUERIES, CONCURRENCY);
  const contender = (name: string, door: number): Contender => ({
    name,
    run: () =>
      closedLoop(queries, CONCURRENCY, async (index) => {
        const answer = await doors[door]?.post(bodies[index % TENDERS] ?? Buffer.alloc(0));
        if (!answer?.includes('"status"')) throw new Error(`No tender: ${answer}`);
      }),
  });
  try {
    const name = `a query answered from memory, c${CONCURRENCY}`;
    const lines = await compare(
      contender('bare Yoga, the same schema', 1),
      [{ ...contender(name, 0), atLeast: 2.5 }],
      plan,
    );
    return { lines };
  } finally {
    for (const door of doors) door.close();
    await Promise.all([own.close(), bare.close()]);
  }
}

function tenderOf(index: number) {
  const at = new Date().toISOString();
  return {
    id: `tender_${index}`,
    status: 'OFFERED',
    reference: `LOAD-${index}`,
    fleetId: `fleet-${index % 5}`,
    updatedAt: at,
    stops: [
      { sequence: 1, kind: 'PICKUP', name: 'Austin', longitude: -97.7431, latitude: 30.2672 },
      { sequence: 2, kind: 'DELIVERY', name: 'Dallas', longitude: -96.797, latitude: 32.7767 },
    ],
    offers: ['blue', 'green', 'red'].map((carrierId) => ({
      id: `offer_${index}_${carrierId}`,
      carrierId,
      status: 'SENT',
      expiresAt: at,
    })),
  };
}
