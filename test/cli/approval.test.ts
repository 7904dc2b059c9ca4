import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { startGateway, type TestGateway } from '../gateway.ts';
import { expectSentence, waybill } from './command.ts';

let gateway: TestGateway;
beforeAll(async () => {
  gateway = await startGateway();
});
afterAll(() => gateway.close());

async function as(sub: string, ...args: string[]) {
  const WAYBILL_TOKEN = await gateway.token({ sub, role: 'admin' });
  return waybill(['approval', ...args, '--url', gateway.url], { WAYBILL_TOKEN });
}

describe('waybill approval', () => {
  it('asks, shows, lists, approves and refuses as the person of the token', async () => {
    const rule = ['approval.rule', '--arguments', '{"required":3}', '--reason', 'More of us'];
    const asked = await as('ann', 'ask', ...rule);
    expect(asked.stdout).toMatch(/^approval_[\w-]+: REQUESTED\n/);
    const id = asked.stdout.split(':')[0] ?? '';
    expect((await as('bob', 'show', id)).stdout).toContain('{"required":3}');
    expectSentence(await as('ann', 'approve', id), /Who asks never approves.*APPROVAL_OWN_REQUEST/);
    expectSentence(await as('bob', 'approve', id, '--hash', '0'.repeat(64)), /APPROVAL_HASH_MISMATCH/);
    expect((await as('bob', 'approve', id)).stdout).toMatch(/\tREQUESTED\t.*by 1 of 2 \(bob\)/);
    expect((await as('cem', 'reject', id, '--reason', 'No')).stdout).toContain('\tREJECTED\t');
    expect((await as('ann', 'list')).stdout).toContain(id);
    expect((await as('ann', 'list', '--open')).stdout).not.toContain(id);
    const again = (await as('ann', 'ask', ...rule)).stdout.split(':')[0] ?? '';
    expect((await as('ann', 'cancel', again)).stdout).toContain('\tCANCELLED\t');
    expectSentence(await as('ann', 'break-glass', ...rule), /FORBIDDEN/);
    expect((await as('ann', 'actions')).stdout).toMatch(/^approval\.rule\t/);
    expectSentence(await as('ann', 'show', 'nothing'), /There is no approval nothing/);
  });

  it('makes a key, of which only the hash leaves the terminal', async () => {
    const { stdout, code } = await as(
      'ann',
      'ask-key',
      '--carrier-id',
      'acme',
      '--name',
      'tms',
      '--reason',
      'New',
    );
    expect(code).toBe(0);
    expect(stdout).toMatch(/^wbk_[\w-]{43}\n$/);
    const rows = await gateway.database.db.collection('events').find({ aggregateType: 'Approval' }).toArray();
    expect(JSON.stringify(rows)).not.toContain(stdout.trim());
  });

  it('does nothing for nobody in particular', async () => {
    expectSentence(await waybill(['approval', 'list'], {}), /Say who you are/);
  });
});

describe('waybill admin-log', () => {
  it('shows who did what, refused attempts included, the latest first', async () => {
    const { database } = gateway;
    const variables = { MONGODB_URI: database.uri, WAYBILL_DATABASE: database.db.databaseName };
    await waybill(
      ['api-key', 'create', '--tenant', 'demo', '--carrier-id', 'acme', '--name', 'other'],
      variables,
    );
    await waybill(['export-events', '--out', '-'], variables);
    const { stdout } = await waybill(['admin-log', '--limit', '50'], variables);
    const lines = stdout.split('\n');
    expect(lines[0]).toMatch(/\tcli:.*\texport-events\t-\t/);
    expect(lines[1]).toMatch(/\tapi-key created\tdemo\t.*"after":\{.*"name":"other"/);
    expect(stdout).toMatch(/\tann\tapproval: VoteForApproval\tdemo\t.*APPROVAL_OWN_REQUEST/);
    const some = await waybill(['admin-log', '--what', 'api-key created', '--tenant', 'none'], variables);
    expect(some.stdout).toBe('');
  });
});
