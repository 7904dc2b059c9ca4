import { noteAdminAction } from '../eventstore/admin-actions.ts';
import type { Caller } from '../eventstore/aggregate.ts';
import { repeat } from '../eventstore/backoff.ts';
import { handle } from '../eventstore/command/handle.ts';
import type { Store } from '../eventstore/command/store.ts';
import { newId } from '../eventstore/ids.ts';
import { acquireLease, whileHeld } from '../eventstore/lease.ts';
import { dueRows } from '../eventstore/projection/due-rows.ts';
import { rowsOf } from '../eventstore/projection/rows.ts';
import { approval } from './approval.ts';
import { carryOut } from './carry-out.ts';
import type { ApprovalCommand } from './commands.ts';
import type { Executing, ExecutorOptions } from './executing.ts';
import { type ApprovalRow, approvalsRead } from './projection.ts';

/** Who expires approvals, begins what is approved, and says what came of it. */
const EXECUTOR: Caller = { id: 'approvals', role: 'system' };

/** How often it looks, in ms: what is approved is begun by then. */
const LOOK_MS = 1_000;
/** How many approvals one look takes on. */
const MAX_AT_ONCE = 50;
/** How long a process that died while it did something keeps others from doing it, in ms. */
const LEASE_MS = 10_000;
/** How long one that could not be done just now is left alone, in ms. */
const SET_ASIDE_MS = 10_000;

/**
 * Expires what nobody approved in time, and does what is approved, over and over. Any number of processes may run it: each kind of
 * action is done by one at a time, under a lease, and what a process began that was killed the next one brings to its end. What
 * fails for a passing reason is logged and tried again.
 */
export function startApprovals(store: Store, options: ExecutorOptions): { stop(): Promise<void> } {
  const { log } = store;
  const stop = new AbortController();
  const executing: Executing = { ...options, store, stopping: stop.signal, give: giver(store, options) };
  const holder = `${store.producerId}/${newId()}`;
  const setAside = new Map<string, number>();
  const running = repeat(
    () => look(executing, holder, setAside),
    options.lookMs ?? LOOK_MS,
    stop.signal,
    (error) => log.warn({ err: error }, 'could not look for approvals that are due; trying again'),
  );
  return {
    async stop() {
      stop.abort();
      await running;
    },
  };
}

/** One look: each approval that is due, those due longest first. What fails is set aside, so that it holds up no other. */
async function look(executing: Executing, holder: string, setAside: Map<string, number>): Promise<void> {
  const { store, stopping, setAsideMs = SET_ASIDE_MS } = executing;
  const now = new Date(store.clock.now());
  for (const [name, until] of setAside) if (until <= now.getTime()) setAside.delete(name);
  const due = await dueRows(store, approvalsRead, 'dueAt', now, MAX_AT_ONCE + setAside.size);
  for (const row of due) {
    if (stopping.aborted) return;
    if (setAside.has(row._id)) continue;
    try {
      if (row.status !== 'EXECUTING' && row.expiresAt <= now)
        await executing.give(row, { type: 'ExpireApproval' });
      else await underLease(executing, holder, row);
    } catch (error) {
      if (stopping.aborted) return;
      setAside.set(row._id, now.getTime() + setAsideMs);
      const { tenantId, id, action } = row;
      store.log.error(
        { err: error, tenantId, id, action },
        'an approved action could not be done; trying again',
      );
    }
  }
}

async function underLease(
  executing: Executing,
  holder: string,
  { action, tenantId, id }: ApprovalRow,
): Promise<void> {
  const { store, leaseMs = LEASE_MS } = executing;
  const lease = await acquireLease(store.db, `approval:${action}`, holder, leaseMs);
  if (lease === null) return;
  try {
    await whileHeld(
      lease,
      async (lost) => {
        // As it is now: another process may have gone on with it since.
        const row = await rowsOf(store, tenantId, approvalsRead).byId(id);
        if (row !== null) await carryOut(executing, row, AbortSignal.any([lost, executing.stopping]));
      },
      (error) =>
        store.log.warn({ err: error, action }, 'the lease of an approved action could not be renewed'),
    );
  } finally {
    await lease.release();
  }
}

/** The key follows from where the approval stands, so that of several processes one records the step. */
function giver(store: Store, { onEvent }: ExecutorOptions): Executing['give'] {
  return async ({ tenantId, id, action, status, lastSequence }, bare) => {
    const at = new Date(store.clock.now());
    const command = { ...bare, at, occurredAt: at, by: EXECUTOR } as ApprovalCommand;
    const key = `${bare.type}:${lastSequence}`;
    const input = { lastSequence };
    const intent = { tenantId, aggregate: approval, id, command, key, input, origin: 'timer' };
    const outcome = await handle(store, intent);
    if (outcome.kind === 'refused' && outcome.events.length === 0) {
      // Somebody else was first, or a newer version goes on with it.
      store.log.debug({ tenantId, id, code: outcome.refusal.code }, 'a step of an approval was not taken');
      return [];
    }
    const types = outcome.events.map(({ type }) => type);
    if (outcome.kind === 'recorded' && outcome.repeated) return types;
    for (const type of types) onEvent?.(type);
    await noteAdminAction(store.db, {
      who: { id: EXECUTOR.id, role: EXECUTOR.role },
      what: `approval: ${types.join(', ')}`,
      tenantId,
      before: { status },
      details: { approvalId: id, action },
    });
    return types;
  };
}
