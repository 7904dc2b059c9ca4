import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { resolve } from 'node:path';
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest';
import { approval } from '../../src/approval/approval.ts';
import { hashSeen } from '../../src/approval/canonical.ts';
import type { ApprovalCommand } from '../../src/approval/commands.ts';
import type { ExecutorOptions } from '../../src/approval/executing.ts';
import { startApprovals } from '../../src/approval/executor.ts';
import { approvalsRead } from '../../src/approval/projection.ts';
import { handle } from '../../src/eventstore/command/handle.ts';
import type { Store } from '../../src/eventstore/command/store.ts';
import { newId } from '../../src/eventstore/ids.ts';
import { readStream } from '../../src/eventstore/log/read.ts';
import { rowsOf } from '../../src/eventstore/projection/rows.ts';
import { openDatabase, type TestDatabase } from '../database.ts';
import { openWholeStore, TENANT } from '../dispatch/stage.ts';
import { eventually } from '../eventually.ts';
import { ARGUMENTS, ask, SEEN, vote } from './people.ts';
import { slowAction } from './slow-action.ts';

const HASH = hashSeen('test.slow', ARGUMENTS, SEEN);
const CHILD = resolve(import.meta.dirname, '../../dist/test/approval/executor-process.js');
let database: TestDatabase;
let store: Store;

beforeAll(async () => {
  database = await openDatabase();
  store = await openWholeStore(database);
});
afterAll(() => database.close());

/** Asked for, and approved by two, `ageMs` ago. */
async function approved(ageMs = 0, breakGlass = false): Promise<string> {
  const id = newId();
  const at = new Date(Date.now() - ageMs);
  const times = { at, occurredAt: at };
  const seen = { hash: HASH, freshHash: HASH };
  const request = { ...ask('ann'), ...times, action: 'test.slow', hash: HASH };
  const commands: ApprovalCommand[] = breakGlass
    ? [{ ...request, breakGlass: { allowed: true } }]
    : [request, { ...vote('bob'), ...times, ...seen }, { ...vote('cem'), ...times, ...seen }];
  for (const command of commands) {
    const outcome = await handle(store, {
      tenantId: TENANT,
      aggregate: approval,
      id,
      command,
      input: null,
      origin: 'test',
    });
    expect(outcome.kind).toBe('recorded');
  }
  return id;
}

const row = (id: string) => rowsOf(store, TENANT, approvalsRead).byId(id);
const runs = (approvalId: string) => database.db.collection('runs').find({ approvalId }).toArray();
async function typesOf(id: string): Promise<string[]> {
  const types: string[] = [];
  for await (const { type } of readStream(store, {
    tenantId: TENANT,
    aggregateType: 'Approval',
    aggregateId: id,
  }))
    types.push(type);
  return types;
}

function start(options: Partial<ExecutorOptions> = {}, process: Store = store): void {
  const actions = [slowAction(async () => undefined)];
  const running = startApprovals(process, { actions, lookMs: 20, setAsideMs: 50, ...options });
  onTestFinished(() => running.stop());
}

describe('what is approved', () => {
  it('is done once, by however many processes', async () => {
    const other = await openWholeStore(database);
    const ids = await Promise.all([1, 2, 3].map(() => approved()));
    start();
    start();
    start({}, other);
    for (const id of ids) {
      await eventually(async () => expect((await row(id))?.status).toBe('SUCCEEDED'));
      expect(await runs(id)).toHaveLength(1);
      expect((await typesOf(id)).slice(-2)).toEqual(['ApprovalExecutionStarted', 'ApprovalSucceeded']);
      expect(await row(id)).toMatchObject({ summary: 'It is done.', endedBy: { id: 'approvals' } });
    }
  });

  it('is brought to its end by another process where the first was killed while EXECUTING, and its effect comes once', async () => {
    const id = await approved();
    const child: ChildProcess = spawn(process.execPath, [CHILD, database.uri, database.db.databaseName], {
      stdio: 'ignore',
    });
    onTestFinished(() => void child.kill('SIGKILL'));
    await eventually(async () => expect(await runs(id)).toHaveLength(1));
    expect((await row(id))?.status).toBe('EXECUTING');
    child.kill('SIGKILL');
    await once(child, 'exit');
    start();
    await eventually(async () => expect((await row(id))?.status).toBe('SUCCEEDED'));
    expect(await runs(id)).toMatchObject([{ first: true }, { first: false }]);
    expect((await typesOf(id)).filter((type) => /Started|Succeeded/.test(type))).toEqual([
      'ApprovalExecutionStarted',
      'ApprovalSucceeded',
    ]);
  });

  it('is tried again after a failure that passes', async () => {
    const id = await approved();
    let failures = 2;
    const flaky = slowAction(async () => {
      failures -= 1;
      if (failures >= 0) throw new Error('not now');
    });
    start({ actions: [flaky] });
    await eventually(async () => expect((await row(id))?.status).toBe('SUCCEEDED'));
    expect(await runs(id)).toHaveLength(3);
  });

  it('expires where nobody did it within 4 hours, and was not done then', async () => {
    const id = await approved(4 * 3_600_000);
    start();
    await eventually(async () => expect((await row(id))?.status).toBe('EXPIRED'));
    expect(await runs(id)).toEqual([]);
  });

  it('is asked for anew where it would touch over 10 % more by now', async () => {
    const id = await approved();
    start({
      actions: [
        slowAction(
          async () => undefined,
          () => 111,
        ),
      ],
    });
    await eventually(async () => expect((await row(id))?.status).toBe('REQUESTED'));
    expect(await row(id)).toMatchObject({
      startedAnew: 1,
      votes: [],
      counts: [{ name: 'rows', count: 111 }],
    });
    expect(await runs(id)).toEqual([]);
  });

  it('is called off where the role may not vote any more, or a proof was revoked', async () => {
    const [one, other] = [await approved(), await approved()];
    const action = slowAction(async () => undefined);
    const revokedOf: ExecutorOptions['revokedOf'] = async (_tenant, people) =>
      people.slice(-1).map(({ id }) => id);
    start({ revokedOf });
    await eventually(async () => expect((await row(one))?.status).toBe('CANCELLED'));
    await eventually(async () => expect((await row(other))?.status).toBe('CANCELLED'));
    expect((await row(one))?.summary).toMatch(/Only 1 of those who approved/);
    expect(await runs(one)).toEqual([]);
    const third = await approved();
    start({ actions: [{ ...action, mayVote: ['dispatcher'] }] });
    await eventually(async () => expect((await row(third))?.status).toBe('CANCELLED'));
  });

  it('is told aloud where one person broke the glass, and noted in the admin log', async () => {
    const id = await approved(0, true);
    const told: string[] = [];
    start({ onEvent: (type) => told.push(type) });
    await eventually(async () => expect((await row(id))?.status).toBe('SUCCEEDED'));
    expect(told).toContain('ApprovalGlassBroken');
    const noted = database.db.collection('admin_actions').find({ 'details.approvalId': id });
    await eventually(async () =>
      expect(await noted.clone().toArray()).toMatchObject([
        { what: 'approval: ApprovalExecutionStarted', before: { status: 'APPROVED' } },
        { what: 'approval: ApprovalSucceeded', before: { status: 'EXECUTING' } },
      ]),
    );
  });
});
