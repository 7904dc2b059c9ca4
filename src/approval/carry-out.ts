import { rowsOf } from '../eventstore/projection/rows.ts';
import type { ActionOutcome, Count, ProtectedAction } from '../protected/action.ts';
import { hashSeen } from './canonical.ts';
import type { Executing } from './executing.ts';
import { type ApprovalRow, approvalsRead } from './projection.ts';
import { requiredNow } from './rule.ts';

/** The longest sentence of an action that is kept, in characters. */
const MAX_SUMMARY = 2_000;

/** Begins what is approved, and does what is begun; nothing where the approval has gone on meanwhile. */
export async function carryOut(executing: Executing, row: ApprovalRow, signal: AbortSignal): Promise<void> {
  const action = executing.actions.find(({ name }) => name === row.action);
  if (action === undefined) {
    // Of a newer version, which does it, or of an older one that knew it: then it expires.
    executing.store.log.warn({ action: row.action, id: row.id }, 'an approved action is not known here');
    return;
  }
  if (row.status === 'APPROVED') {
    const begun = await begin(executing, row, action);
    if (!begun) return;
    const { tenantId, id } = row;
    const now = await rowsOf(executing.store, tenantId, approvalsRead).byId(id);
    if (now?.status === 'EXECUTING') await execute(executing, now, action, signal);
  } else if (row.status === 'EXECUTING') await execute(executing, row, action, signal);
}

/** All that was checked at the votes is checked again. @returns whether it is begun */
async function begin(executing: Executing, row: ApprovalRow, action: ProtectedAction): Promise<boolean> {
  const { store, give, revokedOf, onEvent } = executing;
  const { tenantId, id } = row;
  const people = [
    { id: row.askedBy.id, at: row.askedAt },
    ...row.votes.map(({ by, at }) => ({ id: by.id, at })),
  ];
  const tried = await action.dryRun({ store, tenantId }, JSON.parse(row.arguments));
  // What cannot be done as things are is begun all the same, and fails with its reason: it touches nothing more than was seen.
  const counts: readonly Count[] = 'code' in tried ? row.counts : tried;
  const types = await give(row, {
    type: 'StartExecution',
    counts,
    freshHash: hashSeen(row.action, row.arguments, counts),
    mayAsk: action.mayAsk,
    mayVote: action.mayVote,
    required: await requiredNow(rowsOf(store, tenantId, approvalsRead)),
    revoked: (await revokedOf?.(tenantId, people)) ?? [],
  });
  if (!types.includes('ApprovalExecutionStarted')) return false;
  if (row.brokeGlass) {
    onEvent?.('ApprovalGlassBroken');
    const { askedBy, reason } = row;
    store.log.error(
      { tenantId, id, action: row.action, askedBy: askedBy.id, reason },
      'the glass was broken: one person alone does what several have to agree to',
    );
  }
  return true;
}

async function execute(
  executing: Executing,
  row: ApprovalRow,
  action: ProtectedAction,
  signal: AbortSignal,
): Promise<void> {
  const { store, give } = executing;
  const { tenantId, id: approvalId, askedBy, votes } = row;
  const approvedBy = votes.map(({ by }) => by);
  const outcome: ActionOutcome = await action.execute(
    { store, tenantId, approvalId, askedBy, approvedBy, signal },
    JSON.parse(row.arguments),
  );
  // It may have given up because its time here was over: whoever has the lease then brings it to its end.
  if (signal.aborted && outcome.kind === 'failed') return;
  const summary = outcome.summary.slice(0, MAX_SUMMARY);
  await give(row, { type: 'FinishExecution', succeeded: outcome.kind === 'done', summary });
}
