import type { Command } from 'commander';
import { type Db, MongoServerError } from 'mongodb';
import { createIndexes, EVENT_INDEXES } from '../eventstore/indexes.ts';
import { pointersOf } from '../eventstore/projection/generation/pointer.ts';
import { projections } from '../model.ts';
import { StartupError } from '../mongo/startup-error.ts';
import {
  APPEND_ONLY,
  type Collections,
  collectionsOf,
  MONGO_ROLES,
  type RoleDocument,
  rolesOf,
} from '../process/mongo-roles.ts';
import { readSettings } from '../process/settings.ts';
import { withDatabase } from './command-store.ts';
import type { CliContext } from './context.ts';

const UNAUTHORIZED = 13;
const NAMESPACE_EXISTS = 48;

const EPILOG = `
MONGODB_URI has to be that of a user who may make roles, collections and indexes (userAdmin and dbAdmin, or root); all
other processes then run as users of their own, each with its role from the database admin:

  db.getSiblingDB('admin').createUser({ user: 'waybill-gateway', pwd: passwordPrompt(), roles: ['waybill_gateway'] })

${Object.entries(MONGO_ROLES)
  .map(([role, what]) => `  <database>_${role.padEnd(10)} ${what}`)
  .join('\n')}

None of them may change or remove an event or an admin action. Call it again with each new version of Waybill, before
that starts: it makes the indexes of the log, which no other role may, and gives rights for new collections.`;

/** Adds `waybill roles`. */
export function addRolesCommand(program: Command, context: CliContext): void {
  program
    .command('roles')
    .description('make or renew the roles of MongoDB for each process, and the log that they only add to')
    .option('--print', 'print a script for mongosh instead, which does the same')
    .addHelpText('after', EPILOG)
    .action(async ({ print = false }: { readonly print?: boolean }) => {
      if (print) {
        const { database } = readSettings(context.variables);
        context.console.log(scriptOf(database, rolesOf(database, firstCollections())));
        return;
      }
      await withDatabase(context, async ({ db }) => {
        for (const role of await makeRoles(db).catch(explain)) context.console.log(role);
      });
    });
}

/** As in a database that has no read model yet. */
function firstCollections(): Collections {
  return collectionsOf(new Map(projections.map(({ name }) => [name, 1])));
}

/**
 * Makes the log with its indexes, and the roles, or gives those that there are the rights of now.
 * @returns the names of the roles
 */
export async function makeRoles(db: Db): Promise<string[]> {
  for (const collection of APPEND_ONLY) await db.createCollection(collection).catch(unlessItExists);
  await createIndexes(db.collection('events'), EVENT_INDEXES);
  const pointers = await pointersOf(db).find().toArray();
  const newest = new Map(projections.map(({ name }) => [name, 1]));
  for (const { _id, generation } of pointers) newest.set(_id, generation);
  const admin = db.client.db('admin');
  const roles = rolesOf(db.databaseName, collectionsOf(newest));
  for (const { role, ...rights } of roles) {
    const { roles: known } = await admin.command({ rolesInfo: { role, db: 'admin' } });
    await admin.command({
      ...(known.length === 0 ? { createRole: role } : { updateRole: role }),
      ...rights,
      writeConcern: { w: 'majority' },
    });
  }
  return roles.map(({ role }) => role);
}

/** The same as `makeRoles`, for a shell that runs where Waybill does not. */
function scriptOf(database: string, roles: readonly RoleDocument[]): string {
  const indexes = EVENT_INDEXES.map(({ keys, unique, partialFilterExpression }) => [
    keys,
    {
      ...(unique === undefined ? {} : { unique }),
      ...(partialFilterExpression && { partialFilterExpression }),
    },
  ]);
  return [
    `const log = db.getSiblingDB(${JSON.stringify(database)});`,
    `for (const name of ${JSON.stringify(APPEND_ONLY)})`,
    '  if (!log.getCollectionNames().includes(name)) log.createCollection(name);',
    `for (const [keys, options] of ${JSON.stringify(indexes)}) log.events.createIndex(keys, options);`,
    "const admin = db.getSiblingDB('admin');",
    `for (const { role, ...rights } of ${JSON.stringify(roles)})`,
    '  if (admin.getRole(role) === null) admin.createRole({ role, ...rights });',
    '  else admin.updateRole(role, rights);',
  ].join('\n');
}

function unlessItExists(error: unknown): void {
  if (!(error instanceof MongoServerError && error.code === NAMESPACE_EXISTS)) throw error;
}

function explain(error: unknown): never {
  if (!(error instanceof MongoServerError && error.code === UNAUTHORIZED)) throw error;
  throw new StartupError(
    `The user of MONGODB_URI may not make roles: it needs userAdmin on admin, and dbAdmin on the database. (${error.message.slice(0, 120)})`,
  );
}
