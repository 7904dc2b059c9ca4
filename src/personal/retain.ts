import { repeat } from '../eventstore/backoff.ts';
import type { Actor } from '../eventstore/event.ts';
import { acquireLease, whileHeld } from '../eventstore/lease.ts';
import { type ErasureGround, eraseSubject } from './erase.ts';
import { subjectKeysOf } from './subject-keys.ts';

const DAY_MS = 86_400_000;

/** Retention of what is personal. */
export interface RetentionPolicy {
  /** How many days after something was last recorded of a person all of it is erased. */
  readonly days: number;
  /** Of this tenant alone. */
  readonly tenantId?: string;
}

/** How many subjects a policy would erase now. */
export function countExpired(
  { store }: Pick<ErasureGround, 'store'>,
  policy: RetentionPolicy,
): Promise<number> {
  return subjectKeysOf(store.db).countDocuments(expired(policy, store.clock.now()));
}

/** Erases those of whom nothing was recorded for longer than the policy says. @returns how many */
export async function eraseExpired(
  ground: ErasureGround,
  policy: RetentionPolicy,
  by: Actor,
  signal?: AbortSignal,
): Promise<number> {
  const subjects = subjectKeysOf(ground.store.db).find(expired(policy, ground.store.clock.now()));
  let erased = 0;
  for await (const { _id: subject, tenantId } of subjects) {
    if (signal?.aborted) break;
    const reason = `Kept for ${policy.days} days.`;
    if ((await eraseSubject(ground, { tenantId, subject, by, reason })) !== null) erased += 1;
  }
  return erased;
}

function expired({ days, tenantId }: RetentionPolicy, now: number) {
  return {
    ...(tenantId === undefined ? {} : { tenantId }),
    usedOn: { $lt: new Date(now - days * DAY_MS) },
  };
}

/** How often it is looked for subjects whose time is over, in ms. */
const LOOK_MS = 3_600_000;
const LEASE_MS = 30_000;
const RETAINER: Actor = { id: 'retention', role: 'system' };

/** Erases by policy all the time, in one process of all. Ends with `stop`; whatever fails is logged and tried again. */
export function startRetaining(ground: ErasureGround, policy: RetentionPolicy): { stop(): Promise<void> } {
  const { db, log, producerId } = ground.store;
  const stopping = new AbortController();
  const look = async (): Promise<void> => {
    const lease = await acquireLease(db, 'personal-retention', producerId, LEASE_MS);
    if (lease === null) return;
    const work = (lost: AbortSignal) =>
      eraseExpired(ground, policy, RETAINER, AbortSignal.any([lost, stopping.signal]));
    try {
      await whileHeld(lease, work, (err) => log.warn({ err }, 'lease could not be renewed; trying again'));
    } finally {
      await lease.release();
    }
  };
  const running = repeat(look, LOOK_MS, stopping.signal, (err) =>
    log.warn({ err }, 'personal data could not be erased by policy; trying again'),
  );
  return {
    async stop() {
      stopping.abort();
      await running;
    },
  };
}
