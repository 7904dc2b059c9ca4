import { TENDER } from './documents.ts';
import { type Contender, closedLoop, compare, type Findings, type Plan, scaled } from './measure.ts';
import { bodyOf } from './requests.ts';
import { createTenders, type Door, type Stage } from './stage.ts';

const CONCURRENCY = 64;
const QUERIES = 4_000;
const TENDERS = 200;

/** Reading one tender beside a resolver that has it in memory. */
export async function benchTender(stage: Stage, plan: Plan): Promise<Findings> {
  const ids = await createTenders(stage, TENDERS);
  const bodies = ids.map((id) => bodyOf(TENDER, { id }));
  const tenders = await Promise.all(
    bodies.map(async (body) => JSON.parse(await stage.gateway.requests.post(body)).data.tender),
  );
  await stage.bare.tell({ tenders });
  const queries = scaled(plan, QUERIES, CONCURRENCY);
  const contender = (name: string, { requests }: Door): Contender => ({
    name,
    run: () =>
      closedLoop(queries, CONCURRENCY, async (index) => {
        const answer = await requests.post(bodies[index % TENDERS] ?? Buffer.alloc(0));
        if (!answer.includes('"status"')) throw new Error(`No tender: ${answer}`);
      }),
  });
  const lines = await compare(
    contender('bare Yoga, resolver in memory', stage.bare),
    [{ ...contender(`\`tender(id)\`, c${CONCURRENCY}`, stage.gateway), atLeast: 1.5 }],
    plan,
  );
  return { lines };
}
