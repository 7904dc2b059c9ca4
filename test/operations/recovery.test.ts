import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { newId } from '../../src/eventstore/ids.ts';
import { tendersRead } from '../../src/tender/projection.ts';
import { eventually } from '../eventually.ts';
import { post } from '../gateway.ts';
import { openWhole, type Whole } from './whole.ts';

let whole: Whole;
beforeAll(async () => {
  whole = await openWhole();
});
afterAll(() => whole.close());

const ready = async () => {
  const response = await fetch(`${whole.origin}/health/ready`);
  return { code: response.status, ...((await response.json()) as { readonly reasons: readonly string[] }) };
};
const rows = () => whole.database.db.collection('tenders_read');

async function createTenders(number: number): Promise<void> {
  const stop = (kind: string) => ({ kind, name: 'Mill Road 7', longitude: 8, latitude: 50 });
  const document = `mutation ($input: CreateTenderInput!) { createTender(input: $input) { ... on TenderPayload { tender { status } } } }`;
  const input = { fleetId: 'north', stops: [stop('PICKUP'), stop('DELIVERY')] };
  for (let made = 0; made < number; made++) {
    const answer = await post(
      whole.url,
      document,
      { input: { ...input, idempotencyKey: newId() } },
      await whole.token(),
    );
    expect(answer).toMatchObject({ data: { createTender: { tender: { status: 'OPEN' } } } });
  }
}

describe('a gateway whose board of tenders is dropped', () => {
  it('is not ready, with a sentence, until all of it is there again, with its indexes', async () => {
    await createTenders(12);
    await eventually(async () => expect(await ready()).toMatchObject({ code: 200, reasons: [] }));
    const indexes = (await rows().indexes()).length;
    expect(indexes).toBe(tendersRead.indexes.length + 1);
    await rows().drop();
    const at = await ready();
    expect(at.code).toBe(503);
    expect(at.reasons.join()).toMatch(
      /^tenders_read is being compared with the log: its collection was dropped/,
    );
    await createTenders(1);
    await eventually(async () => expect(await ready()).toMatchObject({ code: 200, reasons: [] }));
    expect(await rows().countDocuments()).toBe(13);
    expect(await rows().indexes()).toHaveLength(indexes);
  });
});
