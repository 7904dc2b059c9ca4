import type { Collection, Db, MongoClient } from 'mongodb';
import type { Actor } from '../eventstore/event.ts';

/** A subject whose tokens were revoked: none that was signed until then is a proof any more. */
export interface RevokedSubject {
  /** Tenant and subject, as `subjectId` puts them. */
  readonly _id: string;
  readonly tenantId: string;
  readonly sub: string;
  /** By the database's clock. */
  readonly revokedAt: Date;
  readonly revokedBy: Actor;
}

/** What an administrator did, recorded apart from the business log (D-11). */
export interface SubjectAction {
  readonly action: 'SubjectRevoked';
  readonly tenantId: string;
  readonly actor: Actor;
  readonly at: Date;
  readonly sub: string;
}

/** Names a subject among those of all tenants: no tenant's id has a colon. */
export function subjectId({ tenantId, sub }: { readonly tenantId: string; readonly sub: string }): string {
  return `${tenantId}:${sub}`;
}

/** Where the revoked subjects of all tenants are kept. */
export const REVOKED_SUBJECTS = 'revoked_subjects';

/** Opens that, to read and write what a majority has. */
export const revokedSubjectsOf = (db: Db): Collection<RevokedSubject> =>
  db.collection<RevokedSubject>(REVOKED_SUBJECTS, {
    readConcern: { level: 'majority' },
    writeConcern: { w: 'majority', journal: true },
  });

/** The subjects of tokens, for whoever revokes them. */
export interface Subjects {
  /** Revokes every token of the subject that was signed until now. Gateways refuse them, and end what began with them, within seconds. */
  revoke(wanted: {
    readonly tenantId: string;
    readonly sub: string;
    readonly by: Actor;
  }): Promise<RevokedSubject>;
  /** A tenant's revoked subjects, the latest first. */
  list(tenantId: string): Promise<RevokedSubject[]>;
}

/** Opens the subjects for administration. */
export async function openSubjects(client: MongoClient, db: Db): Promise<Subjects> {
  const subjects = revokedSubjectsOf(db);
  const actions = db.collection<SubjectAction>('admin_actions');
  // By it gateways find what was revoked since they looked last; it makes the collection, too.
  await subjects.createIndex({ revokedAt: 1 });
  return {
    revoke: ({ tenantId, sub, by }) =>
      client.withSession((session) =>
        session.withTransaction(async () => {
          const revoked = await subjects.findOneAndUpdate(
            { _id: subjectId({ tenantId, sub }) },
            // Not by this machine's clock: gateways look for what is newer than what they know.
            [
              {
                $set: {
                  tenantId: { $literal: tenantId },
                  sub: { $literal: sub },
                  revokedAt: '$$NOW',
                  revokedBy: { $literal: by },
                },
              },
            ],
            { session, upsert: true, returnDocument: 'after' },
          );
          if (revoked === null) throw new Error('An upsert has come to nothing.');
          const action: SubjectAction = {
            action: 'SubjectRevoked',
            tenantId,
            actor: by,
            at: revoked.revokedAt,
            sub,
          };
          await actions.insertOne(action, { session });
          return revoked;
        }),
      ),
    list: (tenantId) => subjects.find({ tenantId }).sort({ revokedAt: -1 }).toArray(),
  };
}
