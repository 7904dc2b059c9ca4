import type { Db } from 'mongodb';
import { fingerprint, type MongodKey, OWNER, ownerPassword } from './key.ts';

const ROLE = 'waybill_owner';

/**
 * Everything: who has the folder has the data files, and could do as much without a password. And the cluster's time, which a
 * mongod that has just started tells to nobody else until it has found the keys that sign it.
 */
async function keepRole(admin: Db): Promise<void> {
  const { roles } = await admin.command({ rolesInfo: { role: ROLE, db: 'admin' } });
  await admin.command({
    ...(roles.length === 0 ? { createRole: ROLE } : { updateRole: ROLE }),
    privileges: [{ resource: { cluster: true }, actions: ['advanceClusterTime'] }],
    roles: [{ role: 'root', db: 'admin' }],
    writeConcern: { w: 'majority' },
  });
}

/**
 * Makes the user that Waybill works as on its own mongod, or gives it the password that follows from this key, where the data
 * knew another one (a restored copy, a key that was lost). Called on a primary, as mongod's internal user.
 */
export async function keepOwner(admin: Db, key: MongodKey): Promise<void> {
  const mark = fingerprint(key);
  const { users } = await admin.command({ usersInfo: { user: OWNER, db: 'admin' } });
  const known: unknown = users[0];
  if (Object(Object(known).customData).key === mark) return;
  await keepRole(admin);
  await admin.command({
    ...(known === undefined ? { createUser: OWNER } : { updateUser: OWNER }),
    pwd: ownerPassword(key),
    roles: [{ role: ROLE, db: 'admin' }],
    customData: { key: mark },
    mechanisms: ['SCRAM-SHA-256'],
    writeConcern: { w: 'majority' },
  });
}
