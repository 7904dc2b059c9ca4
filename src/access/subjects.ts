import type { Collection, Db, MongoClient } from 'mongodb';
import { noteAdminAction, openAdminActions } from '../eventstore/admin-actions.ts';
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
  // By it gateways find what was revoked since they looked last; it makes the collection, too.
  await subjects.createIndex({ revokedAt: 1 });
  await openAdminActions(db);
  return {
    revoke: ({ tenantId, sub, by }) =>
      client.withSession((session) =>
        session.withTransaction(async () => {
          const _id = subjectId({ tenantId, sub });
          const before = await subjects.findOne({ _id }, { session });
          const revoked = await subjects.findOneAndUpdate(
            { _id },
            // Not by this machine's clock: gateways look for what is newer than what they know.
            [{ $set: { ...literal({ tenantId, sub, revokedBy: by }), revokedAt: '$$NOW' } }],
            { session, upsert: true, returnDocument: 'after' },
          );
          if (revoked === null) throw new Error('An upsert has come to nothing.');
          const action = {
            who: by,
            what: 'subject revoked',
            tenantId,
            ...(before === null ? {} : { before: { ...before } }),
            after: { ...revoked },
          };
          await noteAdminAction(db, action, session);
          return revoked;
        }),
      ),
    list: (tenantId) => subjects.find({ tenantId }).sort({ revokedAt: -1 }).toArray(),
  };
}

/** Values for a pipeline, where a text that begins with a dollar would be taken for a field. */
function literal(values: Readonly<Record<string, unknown>>): Record<string, { readonly $literal: unknown }> {
  return Object.fromEntries(Object.entries(values).map(([name, value]) => [name, { $literal: value }]));
}

/**
 * Whose tokens were revoked since they did something.
 * @param people who, and when
 */
export async function revokedSince(
  db: Db,
  tenantId: string,
  people: readonly { readonly id: string; readonly at: Date }[],
): Promise<string[]> {
  const revoked = await revokedSubjectsOf(db)
    .find({ _id: { $in: people.map(({ id: sub }) => subjectId({ tenantId, sub })) } })
    .toArray();
  const until = new Map(revoked.map(({ sub, revokedAt }) => [sub, revokedAt]));
  return people.filter(({ id, at }) => (until.get(id) ?? at) > at).map(({ id }) => id);
}
