import { noteAdminAction } from '../eventstore/admin-actions.ts';
import { handle } from '../eventstore/command/handle.ts';
import type { Intent } from '../eventstore/command/intent.ts';
import type { Store } from '../eventstore/command/store.ts';
import type { Actor } from '../eventstore/event.ts';
import { present } from '../eventstore/payload.ts';
import type { Ledger } from './ledger.ts';
import type { Personal } from './personal.ts';
import { recordedOf } from './recorded.ts';
import { dataSubject, type SubjectCommand } from './subject.ts';
import { destroyKey, subjectKeysOf } from './subject-keys.ts';
import { type Swept, sweep } from './sweep.ts';

/** Where subjects are erased. */
export interface ErasureGround {
  readonly store: Store;
  readonly personal: Personal;
  readonly ledger: Ledger;
}

export interface ErasureRequest {
  readonly tenantId: string;
  /** The person as payloads name it: `personal.subjectOf` tells it. */
  readonly subject: string;
  readonly by: Actor;
  readonly reason?: string;
  /** The approval that it is done by. */
  readonly approvalId?: string;
}

/** What an erasure came to. */
export interface Erased extends Swept {
  readonly subject: string;
  /** How many texts had been recorded of the subject; those of an erasure that was begun before are not known any more. */
  readonly texts: number;
}

/**
 * Erases a data subject. In this order, so that it can be given again wherever it was cut off: the log says that it was asked
 * for; the ledger outside of the database has it; the key is destroyed, from when on nothing more is recorded of the subject;
 * the database is searched for clear text; the log says that it is done. Rows, snapshots and exports have sealed texts
 * only: with the key they are erased, too, and stay what the log says. Other processes forget the key within KEY_MEMORY_MS.
 * @returns null, and nothing is done, where nothing personal was ever recorded of such a subject: the name is mistaken
 */
export async function eraseSubject(ground: ErasureGround, request: ErasureRequest): Promise<Erased | null> {
  const { store, personal, ledger } = ground;
  const { tenantId, subject, reason, approvalId } = request;
  if ((await subjectKeysOf(store.db).findOne({ _id: subject, tenantId })) === null) return null;
  const at = new Date(store.clock.now());
  const texts = await recordedOf(store, personal, tenantId, subject);
  const requested = present({ reason, approvalId });
  await give(store, request, at, { type: 'RequestErasure', payload: requested }, 'requested');
  await ledger.add({ tenantId, subject, at: at.toISOString() });
  await destroyKey(store.db, tenantId, subject, at);
  personal.forget(subject);
  const swept = await sweep(store.client, store.db, texts);
  const { searched, left } = swept;
  await give(store, request, at, { type: 'ConfirmErasure', payload: { searched, left } }, 'erased');
  const details = { subject, searched, left, ...requested };
  await noteAdminAction(store.db, { who: request.by, what: 'subject erased', tenantId, details });
  return { ...swept, subject, texts: texts.length };
}

type Said = SubjectCommand extends infer C
  ? C extends SubjectCommand
    ? Pick<C, 'type' | 'payload'>
    : never
  : never;

/** Says in the log what is done, once, however often it is given. */
export async function give(
  store: Store,
  { tenantId, subject, by }: Pick<ErasureRequest, 'tenantId' | 'subject' | 'by'>,
  at: Date,
  said: Said,
  key: string,
): Promise<void> {
  const command: SubjectCommand = { ...said, at, occurredAt: at, by };
  const intent: Intent<unknown, SubjectCommand> = {
    tenantId,
    aggregate: dataSubject as Intent<unknown, SubjectCommand>['aggregate'],
    id: subject,
    command,
    key,
    // Whoever gives it, and whatever was found: it is the same erasure.
    input: {},
    origin: 'erasure',
  };
  const outcome = await handle(store, intent);
  if (outcome.kind === 'refused' && outcome.refusal.code !== 'IDEMPOTENCY_KEY_REUSED')
    throw new Error(`${said.type} of ${subject}: ${outcome.refusal.code}.`);
}
