import { type Db, UUID } from 'mongodb';
import type { Actor } from './event.ts';
import { newId } from './ids.ts';

/** What an operator did to the log or the read models themselves, past all commands (D-11). Never changed, only added. */
export interface AdminAction {
  readonly _id: UUID;
  readonly at: Date;
  readonly who: Actor;
  /** `import-events`, … */
  readonly what: string;
  readonly details: Readonly<Record<string, unknown>>;
}

/** Notes an admin action, durably. @throws what MongoDB throws */
export async function noteAdminAction(
  db: Db,
  action: Pick<AdminAction, 'who' | 'what' | 'details'>,
): Promise<void> {
  const actions = db.collection<AdminAction>('admin_actions', {
    writeConcern: { w: 'majority', journal: true },
  });
  await actions.insertOne({ _id: new UUID(newId()), at: new Date(), ...action });
}
