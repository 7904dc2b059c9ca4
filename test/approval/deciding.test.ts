import { describe, expect, it } from 'vitest';
import { approval } from '../../src/approval/approval.ts';
import { canonicalJson } from '../../src/approval/canonical.ts';
import { approvalsRead } from '../../src/approval/projection.ts';
import { given, minute } from '../given.ts';
import { ask, by, HASH, SEEN, start, veto, vote } from './people.ts';

const HOUR = 60;
const grown = { counts: [{ name: 'rows', count: 111 }], freshHash: 'f'.repeat(64) };

describe('a protected action that is asked for', () => {
  it('is approved once as many people as are required have seen just this', () => {
    const story = given(approval, ask(), vote('bob'));
    expect(story.state.asked?.status).toBe('REQUESTED');
    story
      .when(vote('cem'))
      .records(
        { type: 'ApprovalVoted', payload: { hash: HASH } },
        { type: 'ApprovalGranted', payload: { expiresAt: minute(1 + 4 * HOUR) } },
      );
  });

  it('cannot be approved or vetoed by who asked', () => {
    given(approval, ask()).when(vote('ann')).refuses('APPROVAL_OWN_REQUEST');
    given(approval, ask()).when(veto('ann')).refuses('APPROVAL_OWN_REQUEST');
  });

  it('cannot be approved twice by one person', () => {
    given(approval, ask(), vote('bob')).when(vote('bob')).refuses('APPROVAL_ALREADY_VOTED');
  });

  it('is asked for and approved by people only, in a role that may', () => {
    given(approval)
      .when(ask('key_1', { person: false }))
      .refuses('APPROVAL_PEOPLE_ONLY');
    given(approval, ask())
      .when(vote('svc', { person: false }))
      .refuses('APPROVAL_PEOPLE_ONLY');
    given(approval, ask())
      .when(veto('svc', { person: false }))
      .refuses('APPROVAL_PEOPLE_ONLY');
    given(approval)
      .when(ask('dan', by('dan', 0, 'dispatcher')))
      .refuses('FORBIDDEN');
    given(approval, ask())
      .when(vote('dan', by('dan', 1, 'dispatcher')))
      .refuses('FORBIDDEN');
    given(approval, ask())
      .when(veto('dan', by('dan', 1, 'dispatcher')))
      .refuses('FORBIDDEN');
  });

  it('is approved only by who has seen what is asked for', () => {
    given(approval, ask())
      .when(vote('bob', { hash: '0'.repeat(64) }))
      .refuses('APPROVAL_HASH_MISMATCH', 'hash');
  });

  it('ends with one veto, also of one who had approved', () => {
    const story = given(approval, ask(), vote('bob'), veto('bob'));
    expect(story.state.asked?.status).toBe('REJECTED');
    story.when(vote('cem')).refuses('INVALID_TRANSITION');
    expect(story.row(approvalsRead)).toMatchObject({
      status: 'REJECTED',
      endedBy: { id: 'bob' },
      summary: 'No',
    });
  });

  it('expires after 24 hours: no vote counts then, nor before does it expire', () => {
    const late = by('bob', 24 * HOUR);
    given(approval, ask()).when(vote('bob', late)).refuses('APPROVAL_EXPIRED');
    given(approval, ask())
      .when({ type: 'ExpireApproval', ...by('approvals', 24 * HOUR - 1, 'system') })
      .refuses('INVALID_TRANSITION');
    const story = given(approval, ask(), { type: 'ExpireApproval', ...by('approvals', 24 * HOUR, 'system') });
    expect(story.row(approvalsRead)).toMatchObject({ status: 'EXPIRED' });
    expect(story.row(approvalsRead)).not.toHaveProperty('dueAt');
  });

  it('is called off by who asked or who may vote, and by nobody else, until it is begun', () => {
    const cancel = (id: string, role: 'admin' | 'driver' = 'admin') =>
      ({ type: 'CancelApproval', ...by(id, 2, role), person: true, roles: ['admin'] }) as const;
    given(approval, ask()).when(cancel('dan', 'driver')).refuses('FORBIDDEN');
    given(approval, ask()).when(cancel('ann', 'driver')).records({ type: 'ApprovalCancelled', payload: {} });
    const approved = given(approval, ask(), vote('bob'), vote('cem'));
    approved.when(cancel('dora')).records({ type: 'ApprovalCancelled', payload: {} });
    approved.and(start()).when(cancel('ann')).refuses('INVALID_TRANSITION');
  });

  it('is asked for anew when it would touch over 10 % more than was seen; what was seen before is approved no more', () => {
    const story = given(approval, ask(), vote('bob')).tried(vote('cem', grown));
    expect(story.state.asked).toMatchObject({
      status: 'REQUESTED',
      approvedBy: [],
      ...{ hash: grown.freshHash },
    });
    story.when(vote('dora', { ...grown, hash: HASH })).refuses('APPROVAL_HASH_MISMATCH');
    given(approval, ask())
      .when(vote('bob', { counts: [{ name: 'rows', count: 110 }] }))
      .records({ type: 'ApprovalVoted', payload: { hash: HASH } });
    given(approval, ask()).when(vote('bob', grown)).refusesAndRecords('APPROVAL_STARTED_ANEW', {
      type: 'ApprovalStartedAnew',
    });
  });
});

describe('what is approved', () => {
  const approved = given(approval, ask(), vote('bob'), vote('cem'));

  it('is begun once, and then ends as done or failed', () => {
    approved.when(start()).records({ type: 'ApprovalExecutionStarted', payload: { counts: [...SEEN] } });
    const executing = approved.and(start());
    executing.when(start()).refuses('INVALID_TRANSITION');
    const finish = { type: 'FinishExecution', ...by('approvals', 3, 'system'), summary: 'Done.' } as const;
    const succeeded = executing.and({ ...finish, succeeded: true });
    expect(succeeded.state.asked?.status).toBe('SUCCEEDED');
    expect(executing.and({ ...finish, succeeded: false }).state.asked?.status).toBe('FAILED');
    succeeded.when({ ...finish, succeeded: false }).refuses('INVALID_TRANSITION');
  });

  it('expires after 4 hours', () => {
    approved.when(start(by('approvals', 1 + 4 * HOUR, 'system'))).refuses('APPROVAL_EXPIRED');
    approved
      .when({ type: 'ExpireApproval', ...by('approvals', 1 + 4 * HOUR, 'system') })
      .records({ type: 'ApprovalExpired', payload: {} });
  });

  it('is called off where a role, a proof or the rule has changed since, so that too few stand behind it', () => {
    for (const change of [
      { mayVote: [] },
      { mayAsk: [] },
      { revoked: ['cem'] },
      { revoked: ['ann'] },
      { required: 3 },
    ])
      expect(approved.when(start(change)).decision.events).toMatchObject([{ type: 'ApprovalCancelled' }]);
    expect(approved.when(start({ required: 1 })).decision.events).toMatchObject([
      { type: 'ApprovalExecutionStarted' },
    ]);
  });

  it('is asked for anew where it has grown since', () => {
    approved.when(start(grown)).refusesAndRecords('APPROVAL_STARTED_ANEW', { type: 'ApprovalStartedAnew' });
  });
});

describe('whoever breaks the glass', () => {
  const broken = ask('ann', { breakGlass: { allowed: true } });

  it('goes ahead alone, for one hour, and it is told apart for ever', () => {
    const story = given(approval, broken);
    expect(story.row(approvalsRead)).toMatchObject({
      status: 'APPROVED',
      brokeGlass: true,
      required: 0,
      expiresAt: minute(HOUR),
    });
    story.when(start(by('approvals', HOUR, 'system'))).refuses('APPROVAL_EXPIRED');
    story.when(start(grown)).records({ type: 'ApprovalExecutionStarted', payload: { counts: grown.counts } });
  });

  it('cannot where the action forbids it, nor in another role, nor as a machine', () => {
    given(approval)
      .when(ask('ann', { breakGlass: { allowed: false } }))
      .refuses('FORBIDDEN', 'action');
    given(approval)
      .when({ ...broken, person: false })
      .refuses('APPROVAL_PEOPLE_ONLY');
    given(approval)
      .when({ ...broken, ...by('dan', 0, 'dispatcher') })
      .refuses('FORBIDDEN');
  });
});

describe('the canonical form of arguments', () => {
  it('is the same whatever the order of fields', () => {
    expect(canonicalJson({ b: [1, { d: null, c: 'x' }], a: 1.5 })).toBe(
      '{"a":1.5,"b":[1,{"c":"x","d":null}]}',
    );
    expect(canonicalJson({ a: 1.5, b: [1, { c: 'x', d: null }] })).toBe(
      canonicalJson({ b: [1, { d: null, c: 'x' }], a: 1.5 }),
    );
  });
});
