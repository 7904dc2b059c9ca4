import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest';
import { apiKeyVerifier } from '../../src/access/api-key-verifier.ts';
import { hashApiKey, newApiKey } from '../../src/access/authenticate.ts';
import { startApprovals } from '../../src/approval/executor.ts';
import { protectedActions } from '../../src/model.ts';
import { eventually } from '../eventually.ts';
import { type Data, startGateway, type TestGateway } from '../gateway.ts';

let gateway: TestGateway;
beforeAll(async () => {
  gateway = await startGateway();
});
afterAll(() => gateway.close());

const admin = (sub: string, tenant = 'demo') => gateway.token({ sub, role: 'admin', tenant });
const RESULT = `__typename ... on Refusal { code message } ... on InvalidInput { field }
  ... on ApprovalPayload { repeated approval { id status hash required counts { name count } } }`;
const ASK = `mutation($input: RequestApprovalInput!) { requestApproval(input: $input) { ${RESULT} } }`;
const GLASS = `mutation($input: BreakGlassInput!) { breakGlass(input: $input) { ${RESULT} } }`;
const VOTE = `mutation($input: VoteOnApprovalInput!) { voteOnApproval(input: $input) { ${RESULT} } }`;
const CANCEL = `mutation($input: CancelApprovalInput!) { cancelApproval(input: $input) { ${RESULT} } }`;

async function send(document: string, input: object, token: string): Promise<Data> {
  return Object.values(await gateway.data(document, { input }, token))[0];
}

const keyOf = (name: string) => ({
  action: 'api-key.create',
  arguments: { name, carrierId: 'acme', keyHash: hashApiKey(`wbk_${name}`) },
  reason: 'Goes live',
});

/** Asks as ann; vote says what a person says to it. */
async function asked(name: string): Promise<{ id: string; hash: string }> {
  const { approval } = await send(ASK, keyOf(name), await admin('ann'));
  return approval;
}
const vote = async (
  { id, hash }: { id: string; hash: string },
  sub: string,
  over: object = {},
): Promise<Data> => send(VOTE, { approvalId: id, hash, vote: 'APPROVE', ...over }, await admin(sub));

function execute(): void {
  const running = startApprovals(gateway.store, { actions: protectedActions, lookMs: 20 });
  onTestFinished(() => running.stop());
}

describe('a key for a carrier', () => {
  it('is in force once two others have approved it, and the key is nowhere but with who made it', async () => {
    const key = newApiKey();
    const input = {
      ...keyOf('tms'),
      arguments: { name: 'tms', carrierId: 'acme', keyHash: hashApiKey(key) },
      idempotencyKey: 'k',
    };
    const { approval } = await send(ASK, input, await admin('ann'));
    expect(approval).toMatchObject({
      status: 'REQUESTED',
      required: 2,
      counts: [{ name: 'keys made', count: 1 }],
    });
    expect(await vote(approval, 'bob')).toMatchObject({ approval: { status: 'REQUESTED' } });
    expect(await vote(approval, 'cem')).toMatchObject({ approval: { status: 'APPROVED' } });
    expect((await apiKeyVerifier(gateway.database.db)(key)).access).toBeNull();
    execute();
    await eventually(async () => {
      const shown = await gateway.data(
        `query($id: ID!) { approval(id: $id) { status summary votes { by { id } } } }`,
        { id: approval.id },
      );
      expect(shown.approval).toMatchObject({
        status: 'SUCCEEDED',
        votes: [{ by: { id: 'bob' } }, { by: { id: 'cem' } }],
      });
    });
    expect((await apiKeyVerifier(gateway.database.db)(key)).access).toMatchObject({
      role: 'carrier',
      carrierId: 'acme',
    });
    // A repeat is answered as the first was, though the name is taken by now.
    expect(await send(ASK, input, await admin('ann'))).toMatchObject({
      repeated: true,
      approval: { id: approval.id },
    });
    for (const { name } of await gateway.database.db.listCollections().toArray())
      expect(JSON.stringify(await gateway.database.db.collection(name).find().toArray())).not.toContain(key);
  });
});

describe('a vote that is wrong', () => {
  it('is refused: of who asked, a second one, with another hash, in another role, of a machine, after a veto', async () => {
    const it = await asked('wrong');
    expect(await vote(it, 'ann')).toMatchObject({ code: 'APPROVAL_OWN_REQUEST' });
    expect(await vote(it, 'bob', { hash: '0'.repeat(64) })).toMatchObject({ code: 'APPROVAL_HASH_MISMATCH' });
    expect(await vote(it, 'bob')).toMatchObject({ approval: { status: 'REQUESTED' } });
    expect(await vote(it, 'bob')).toMatchObject({ code: 'APPROVAL_ALREADY_VOTED' });
    const input = { approvalId: it.id, hash: it.hash, vote: 'APPROVE' };
    for (const role of ['dispatcher', 'driver', 'showroom'] as const)
      expect(await send(VOTE, input, await gateway.token({ role }))).toMatchObject({ code: 'FORBIDDEN' });
    expect(await send(VOTE, input, await gateway.token({ role: 'system' }))).toMatchObject({
      code: 'APPROVAL_PEOPLE_ONLY',
    });
    expect(await send(VOTE, input, await admin('eve', 'other'))).toMatchObject({ code: 'NOT_FOUND' });
    expect(await vote(it, 'cem', { vote: 'VETO' })).toMatchObject({ code: 'INVALID_INPUT', field: 'reason' });
    expect(await vote(it, 'cem', { vote: 'VETO', reason: 'No' })).toMatchObject({
      approval: { status: 'REJECTED' },
    });
    expect(await vote(it, 'dora')).toMatchObject({ code: 'INVALID_TRANSITION' });
    expect(await send(CANCEL, { approvalId: it.id }, await admin('ann'))).toMatchObject({
      code: 'INVALID_TRANSITION',
    });
  });
});

describe('who asks', () => {
  it('must be a person in a role that may, for an action that is known, with its arguments', async () => {
    const system = await gateway.token({ role: 'system' });
    expect(await send(ASK, keyOf('a'), system)).toMatchObject({ code: 'APPROVAL_PEOPLE_ONLY' });
    expect(await send(ASK, keyOf('a'), await gateway.token())).toMatchObject({ code: 'FORBIDDEN' });
    const ann = await admin('ann');
    expect(await send(ASK, { ...keyOf('a'), action: 'x' }, ann)).toMatchObject({
      code: 'INVALID_INPUT',
      field: 'action',
    });
    for (const wrong of [
      [],
      'x',
      {},
      { ...keyOf('a').arguments, more: 1 },
      { ...keyOf('a').arguments, keyHash: 'x' },
    ])
      expect(await send(ASK, { ...keyOf('a'), arguments: wrong }, ann)).toMatchObject({
        __typename: 'InvalidInput',
      });
    expect(await send(ASK, { ...keyOf('a'), reason: ' ' }, ann)).toMatchObject({ code: 'INVALID_INPUT' });
  });

  it('may call it off', async () => {
    const it = await asked('off');
    expect(await send(CANCEL, { approvalId: it.id, reason: 'Oh' }, await admin('ann'))).toMatchObject({
      approval: { status: 'CANCELLED' },
    });
  });
});

describe('the rule', () => {
  it('is changed by as many as it demands, never by one who breaks the glass, and holds from then on', async () => {
    const rule = { action: 'approval.rule', arguments: { required: 3 }, reason: 'More of us' };
    const glass = await send(GLASS, rule, await admin('ann', 'ruled'));
    expect(glass).toMatchObject({ code: 'FORBIDDEN' });
    const { approval } = await send(ASK, rule, await admin('ann', 'ruled'));
    const input = { approvalId: approval.id, hash: approval.hash, vote: 'APPROVE' };
    for (const sub of ['bob', 'cem']) await send(VOTE, input, await admin(sub, 'ruled'));
    execute();
    await eventually(async () => {
      const next = await send(ASK, { ...rule, arguments: { required: 1 } }, await admin('ann', 'ruled'));
      expect(next.approval.required).toBe(3);
    });
    expect((await send(ASK, rule, await admin('ann'))).approval.required).toBe(2);
  });
});

describe('whoever breaks the glass', () => {
  it('has it done alone, and it stands in the log', async () => {
    const { approval } = await send(GLASS, keyOf('night'), await admin('ann'));
    expect(approval).toMatchObject({ status: 'APPROVED', required: 0 });
    execute();
    const shown = () =>
      gateway.data(
        `query($id: ID!) { approval(id: $id) { status brokeGlass history { edges { node { type } } } } }`,
        { id: approval.id },
      );
    await eventually(async () =>
      expect((await shown()).approval).toMatchObject({ status: 'SUCCEEDED', brokeGlass: true }),
    );
    const types = (await shown()).approval.history.edges.map(({ node }: Data) => node.type);
    expect(types).toContain('ApprovalGlassBroken');
  });
});

describe('approvals and the admin log', () => {
  it('are listed page by page, for those who may read the log, of their own tenant', async () => {
    const ids: string[] = [];
    for (const name of ['p1', 'p2', 'p3']) {
      const input = { ...keyOf(name) };
      ids.unshift((await send(ASK, input, await admin('ann', 'paged'))).approval.id);
    }
    const page = `query($after: String) { approvals(first: 2, after: $after, filter: { status: [REQUESTED], action: ["api-key.create"], askedBy: ["ann"] }) { edges { node { id } } pageInfo { endCursor hasNextPage } } }`;
    const token = await admin('bob', 'paged');
    const first = (await gateway.data(page, {}, token)).approvals;
    const second = (await gateway.data(page, { after: first.pageInfo.endCursor }, token)).approvals;
    expect([...first.edges, ...second.edges].map(({ node }: Data) => node.id)).toEqual(ids);
    expect((await gateway.data(page, {}, await admin('eve', 'other'))).approvals.edges).toEqual([]);
    const driver = await gateway.token({ role: 'driver', tenant: 'paged' });
    expect((await gateway.graphql(page, {}, driver)).errors?.[0]?.extensions.code).toBe('FORBIDDEN');
    const byNode = await gateway.data(`query($id: ID!) { node(id: $id) { id } }`, { id: ids[0] }, driver);
    expect(byNode.node).toBeNull();
  });

  it('say who tried what, with before and after, to administrators of the tenant alone', async () => {
    const input = keyOf('noted');
    const { approval } = await send(ASK, input, await admin('ann', 'noted'));
    const ballot = { approvalId: approval.id, hash: approval.hash, vote: 'APPROVE' };
    await send(VOTE, ballot, await admin('ann', 'noted'));
    await send(VOTE, ballot, await admin('bob', 'noted'));
    const log = `query($after: String) { adminActions(first: 2, after: $after) { edges { node { who { id role } what before after details } } pageInfo { endCursor hasNextPage } } }`;
    const token = await admin('bob', 'noted');
    const first = (await gateway.data(log, {}, token)).adminActions;
    const second = (await gateway.data(log, { after: first.pageInfo.endCursor }, token)).adminActions;
    expect([...first.edges, ...second.edges].map(({ node }: Data) => node)).toMatchObject([
      {
        who: { id: 'bob', role: 'admin' },
        what: 'approval: VoteForApproval',
        before: { status: 'REQUESTED' },
        after: { status: 'REQUESTED' },
      },
      {
        who: { id: 'ann' },
        what: 'approval: VoteForApproval',
        after: null,
        details: { refused: 'APPROVAL_OWN_REQUEST' },
      },
      { who: { id: 'ann' }, what: 'approval: RequestApproval', before: null, after: { status: 'REQUESTED' } },
    ]);
    for (const other of [
      await gateway.token({ tenant: 'noted' }),
      await gateway.token({ tenant: 'noted', role: 'system' }),
    ])
      expect((await gateway.graphql(log, {}, other)).errors?.[0]?.extensions.code).toBe('FORBIDDEN');
    expect((await gateway.data(log, {}, await admin('eve', 'nobody'))).adminActions.edges).toEqual([]);
  });
});
