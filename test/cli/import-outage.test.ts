import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { importPositions } from '../../src/cli/transfer/position-import.ts';
import { exitCodeOfPositions } from '../../src/cli/transfer/position-import-report.ts';
import { sendFixes } from '../../src/cli/transfer/position-sender.ts';
import type { FileFix } from '../../src/cli/transfer/positions/fix.ts';
import { type GraphqlClient, graphqlClient } from '../../src/client/graphql-client.ts';
import { startGateway, type TestGateway } from '../gateway.ts';

let folder = '';
let path = '';
let gateway: TestGateway;
const ROWS = 1_000;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'waybill-outage-'));
  path = join(folder, 'fixes.csv');
  const rows = Array.from({ length: ROWS }, (_, row) => {
    const at = new Date(Date.parse('2026-01-05T08:00:00Z') + row * 1_000).toISOString();
    return `OUT ${row % 5},${at},${30 + row / 10_000},-97`;
  });
  await writeFile(path, ['plate,time,lat,lon', ...rows, ''].join('\n'));
  gateway = await startGateway();
});
afterAll(async () => {
  await gateway.close();
  await rm(folder, { recursive: true, force: true });
});

type Fate = 'answer' | 'lose the reply' | 'unavailable' | 'gone';

/** Stands before the gateway; `fateOf` says what becomes of the n-th request, from 0. */
async function openDoor(fateOf: (n: number) => Fate): Promise<{ url: string; server: Server }> {
  let seen = 0;
  const server = createServer(async (request, response) => {
    const fate = fateOf(seen);
    seen += 1;
    if (fate === 'gone') return void response.destroy();
    if (fate === 'unavailable') return void response.writeHead(503, { 'retry-after': '0' }).end();
    const chunks: Buffer[] = [];
    for await (const chunk of request) chunks.push(chunk);
    const { authorization = '', accept = '' } = request.headers;
    const headers = { authorization, accept, 'content-type': 'application/json' };
    const answer = await fetch(gateway.url, { method: 'POST', headers, body: Buffer.concat(chunks) });
    const text = await answer.text();
    if (fate === 'lose the reply') response.destroy();
    else response.writeHead(answer.status, { 'content-type': 'application/json' }).end(text);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/graphql`, server };
}

async function importThrough(tenant: string, patienceMs: number, fateOf: (n: number) => Fate) {
  const { url, server } = await openDoor(fateOf);
  try {
    const client = graphqlClient({ url, token: await gateway.token({ tenant }), patienceMs });
    const options = { columns: {}, delimiter: ',', batchSize: 50, concurrency: 4, patienceMs };
    return await importPositions(client, path, options);
  } finally {
    server.closeAllConnections();
    server.close();
  }
}

const recordedBy = (tenantId: string) =>
  gateway.store.events.countDocuments({ tenantId, type: 'LocationTracked' });

describe('a line that loses replies and a proxy that says 503', () => {
  it('keep no fix from being recorded, and record none twice', async () => {
    const fates: Fate[] = ['answer', 'lose the reply', 'unavailable', 'answer', 'gone'];
    const report = await importThrough(
      'losses',
      30_000,
      (n) => (n < 20 && fates[n % fates.length]) || 'answer',
    );
    expect(report).toMatchObject({ rows: ROWS, unsent: 0, vehicles: 5, registered: 5 });
    expect(report.recorded + report.repeated).toBe(ROWS);
    expect(exitCodeOfPositions(report)).toBe(0);
    expect(await recordedBy('losses')).toBe(ROWS);
  });
});

describe('a gateway that goes away for good in the middle', () => {
  it('ends the import with what was sent, and a second run brings the rest', async () => {
    const report = await importThrough('cut', 500, (n) => (n < 12 ? 'answer' : 'gone'));
    expect(report.stopped).toContain('cannot be reached');
    expect(report.recorded).toBe(await recordedBy('cut'));
    expect(report.recorded).toBeLessThan(ROWS);
    expect(exitCodeOfPositions(report)).toBe(1);
    const second = await importThrough('cut', 30_000, () => 'answer');
    expect(second).toMatchObject({ recorded: ROWS - report.recorded, repeated: report.recorded });
  });
});

describe('fixes whose outcome the gateway does not know', () => {
  const fix = (second: number): FileFix => ({
    licensePlate: 'A',
    occurredAt: `2026-01-05T08:00:0${second}Z`,
    longitude: 1,
    latitude: 1,
  });

  it('are sent again, those alone, and keep their places in the report', async () => {
    const sent: unknown[] = [];
    const answers = [
      { recorded: 1, repeated: 0, refused: [refusal(1, 'OUTCOME_UNKNOWN'), refusal(2, 'CONFLICT')] },
      { recorded: 0, repeated: 1, refused: [refusal(1, 'NULL_ISLAND')] },
    ];
    const client: GraphqlClient = {
      execute: async (_document, { input }, schema) => {
        sent.push(input);
        return schema.parse({ answer: { warnings: [], ...answers[sent.length - 1] } });
      },
      probe: async () => undefined,
    };
    const outcome = await sendFixes(client, [fix(0), fix(1), fix(2)], { patienceMs: 10_000 });
    expect(sent).toEqual([{ fixes: [fix(0), fix(1), fix(2)] }, { fixes: [fix(1), fix(2)] }]);
    const refused = [{ index: 2, code: 'NULL_ISLAND' }];
    expect(outcome).toEqual({ recorded: 1, repeated: 1, refused, warnings: [] });
  });

  function refusal(index: number, code: string) {
    return { index, code, message: '' };
  }
});
