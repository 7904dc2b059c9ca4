import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { startGateway, type TestGateway } from '../gateway.ts';
import { TENDER_CHANGES } from './documents.ts';
import { offered } from './tour.ts';

let gateway: TestGateway;
let tenderId: string;
beforeAll(async () => {
  gateway = await startGateway();
  ({ tenderId } = await offered(gateway, 'carrier-1'));
});
afterAll(() => gateway.close());

/** Breaks the row as no event would, so that showing it fails. */
async function breakRow(change: object): Promise<void> {
  await gateway.store.db.collection('tenders_read').updateOne({ tenantId: 'demo' }, { $set: change });
}

function lineOf(errorId: unknown) {
  return gateway.logged.find((line) => line.errorId === errorId);
}

interface Shown {
  readonly message: string;
  readonly extensions: Record<string, unknown>;
}

function expectMasked(error: Shown | undefined, secret: string): void {
  expect(error?.extensions).toMatchObject({ code: 'INTERNAL_SERVER_ERROR', errorId: expect.any(String) });
  expect(JSON.stringify(error)).not.toContain(secret);
  const line = lineOf(error?.extensions.errorId);
  expect(line, 'the log has it under the same id').toBeDefined();
  expect(JSON.stringify(line)).toContain(secret);
  expect(line).toMatchObject({ level: 50, err: { stack: expect.any(String) } });
}

const QUERY = 'query($id: ID!) { tender(id: $id) { status } }';

describe('G-07 a bug', () => {
  it('is masked with an id that the log has, whether thrown or found in a value', async () => {
    await breakRow({ status: 'SECRETLY_BROKEN' });
    const answer = await gateway.graphql(QUERY, { id: tenderId });
    expect(answer.data).toEqual({ tender: null });
    expectMasked(answer.errors?.[0], 'SECRETLY_BROKEN');
    expect(answer.errors?.[0]).toMatchObject({ path: ['tender', 'status'] });
    await breakRow({ status: 'OFFERED' });
  });

  it('is masked on a socket too, in an answer and in a stream', async () => {
    await breakRow({ status: 'SECRETLY_BROKEN' });
    const socket = gateway.socket(await gateway.token());
    for (const payload of [{ query: QUERY, variables: { id: tenderId } }, { query: TENDER_CHANGES }]) {
      for await (const { errors } of socket.iterate(payload)) {
        expectMasked(errors?.[0] as Shown, 'SECRETLY_BROKEN');
        expect(errors?.[0]?.extensions).not.toHaveProperty('http');
        break;
      }
    }
    await breakRow({ status: 'OFFERED' });
  });

  it('is masked where it keeps a subscription from beginning', async () => {
    const broken = vi.spyOn(gateway.feed, 'ordered').mockImplementation(() => {
      throw new TypeError('secretly broken');
    });
    const answer = await gateway.graphql(TENDER_CHANGES);
    expectMasked(answer.errors?.[0], 'secretly broken');
    const socket = gateway.socket(await gateway.token());
    const { value } = await socket.iterate({ query: TENDER_CHANGES }).next();
    expectMasked(value?.errors?.[0] as Shown, 'secretly broken');
    broken.mockRestore();
  });

  it('shows what is meant for the client as it is', async () => {
    const cases: [string, string | undefined, number][] = [
      ['{ tenders(first: -1) { nodes { id } } }', 'INVALID_INPUT', 400],
      ['{ tenders(first: 1, last: 1) { nodes { id } } }', 'INVALID_INPUT', 400],
      ['{ tenders(after: "nonsense") { nodes { id } } }', 'INVALID_INPUT', 400],
      ['{ events(after: "bm9uc2Vuc2U") { nodes { id } } }', 'INVALID_INPUT', 400],
      ['{ events(filter: { recordedFrom: "2026-02-30T00:00:00Z" }) { nodes { id } } }', undefined, 400],
      ['{ nonsense }', 'GRAPHQL_VALIDATION_FAILED', 400],
      ['{', 'GRAPHQL_PARSE_FAILED', 400],
    ];
    for (const [document, code, status] of cases) {
      const answer = await gateway.graphql(document);
      expect(answer.errors?.[0]?.extensions?.errorId, document).toBeUndefined();
      if (code !== undefined) expect(answer.errors?.[0]?.extensions.code, document).toBe(code);
      expect(answer.status, document).toBe(status);
    }
  });

  it('leaves the rest of an answer as it is, and its status 200', async () => {
    await breakRow({ status: 'SECRETLY_BROKEN' });
    const answer = await gateway.graphql(
      'query($id: ID!) { tender(id: $id) { status } tenders(filter: { ids: [] }) { nodes { id } } }',
      { id: tenderId },
    );
    expect(answer).toMatchObject({ status: 200, data: { tender: null, tenders: { nodes: [] } } });
    expectMasked(answer.errors?.[0], 'SECRETLY_BROKEN');
    await breakRow({ status: 'OFFERED' });
  });
});
