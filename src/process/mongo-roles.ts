import { RATE_USE } from '../access/rate-use.ts';
import { REVOKED_SUBJECTS } from '../access/subjects.ts';
import { LEASES } from '../eventstore/lease.ts';
import { ANNOUNCED, PROOF_KEYS } from '../eventstore/log/announced.ts';
import { CHECKPOINTS } from '../eventstore/projection/checkpoint.ts';
import {
  BUILDING_NAMES,
  buildingCollection,
  generationCollection,
  POINTERS,
} from '../eventstore/projection/generation/pointer.ts';
import { SEGMENTS } from '../eventstore/proof/segment.ts';
import { SEAL_STATUS } from '../eventstore/proof/status.ts';
import { REBUILDS } from '../eventstore/rebuild/progress.ts';
import { SNAPSHOTS } from '../eventstore/time/snapshots.ts';
import { TIMELINES } from '../eventstore/timeline.ts';
import { SUBJECT_KEYS } from '../personal/subject-keys.ts';
import { TENANT_KEYS } from '../personal/tenant-keys.ts';

// What each process may do in MongoDB, where the operator gives each a user of its own. MongoDB gives rights by the names of
// collections and takes none away again, so that what nobody may do is what no line here says: to change or remove an event or an
// admin action, or to put an index on the log (one that expires would remove events), to drop or rename either.

/** The processes, and the works of operators, that have rights of their own. */
export const MONGO_ROLES = {
  gateway: 'answers GraphQL (--role gateway)',
  projector:
    'folds read models, rebuilds them, runs timers (--role projector; --role all is this and the gateway)',
  consumer: 'reads events and rows as they change, for what goes on elsewhere',
  archiver: 'reads the log: waybill export-events',
  shredder: 'scrubs what is erased out of rows and snapshots',
  operator: 'the other commands: api-key, subject, import-events, rebuild, verify',
} as const;

export type MongoRole = keyof typeof MONGO_ROLES;

/** What a role may do with some collections. */
interface Grant {
  readonly on: readonly string[];
  readonly may: readonly string[];
}

const READ = ['find'];
const ADD = ['find', 'insert'];
const WRITE = ['find', 'insert', 'update', 'remove'];
const MAKE = ['createCollection', 'createIndex'];

const LOG = 'events';
const ACTIONS = 'admin_actions';
const API_KEYS = 'api_keys';
/** The proofs of callers, which operators make and revoke. */
const PROOFS: readonly string[] = [API_KEYS, REVOKED_SUBJECTS];
/** Of personal data: whoever seals makes them, and destroying one is erasing. */
const KEYS: readonly string[] = [SUBJECT_KEYS, TENANT_KEYS];
/** Only ever added to, by whoever. */
export const APPEND_ONLY: readonly string[] = [LOG, ACTIONS];
/** What the log is sealed with: only ever added to, and by nobody but whoever seals. */
export const SEALS: readonly string[] = [SEGMENTS, PROOF_KEYS];
/** What projectors and rebuilds know of their own work. */
const WORK: readonly string[] = [CHECKPOINTS, LEASES, REBUILDS, 'projection_verifications'];

/** How many generations of a read model, after those that there were, rights are given for in advance. */
export const GENERATIONS_AHEAD = 50;

/** The collections that a database has or may get. */
export interface Collections {
  /** All generations of all read models. */
  readonly rows: readonly string[];
  /** Where generations are built. */
  readonly building: readonly string[];
}

/** @param newest the newest generation of each read model that there is */
export function collectionsOf(newest: ReadonlyMap<string, number>): Collections {
  const upTo = (count: number): number[] => Array.from({ length: count }, (_, index) => index);
  return {
    rows: [...newest].flatMap(([name, generation]) =>
      upTo(generation + GENERATIONS_AHEAD).map((index) => generationCollection(name, index + 1)),
    ),
    building: [...newest.keys()].flatMap((name) =>
      upTo(BUILDING_NAMES).map((index) => buildingCollection(name, index)),
    ),
  };
}

/** Every collection that has a fixed name: each is in one of the grants below. */
export const FIXED_COLLECTIONS: readonly string[] = [
  ...APPEND_ONLY,
  ...PROOFS,
  POINTERS,
  SNAPSHOTS,
  TIMELINES,
  RATE_USE,
  ...WORK,
  ...SEALS,
  ANNOUNCED,
  SEAL_STATUS,
  ...KEYS,
];

/** What whoever opens the store does: it looks whether all is in place, and gives a sign of life. */
function opening({ rows }: Collections): Grant[] {
  return [
    { on: [SNAPSHOTS], may: [...ADD, ...MAKE] },
    { on: KEYS, may: [...ADD, 'update', ...MAKE] },
    { on: [POINTERS, TIMELINES], may: [...ADD, 'update', ...MAKE] },
    // A writer that meets the seal of a switch that was given up takes it off: collMod.
    { on: rows, may: [...WRITE, ...MAKE, 'collMod'] },
  ];
}

function folding({ rows, building }: Collections): Grant[] {
  return [
    { on: WORK, may: [...WRITE, ...MAKE] },
    { on: rows, may: ['dropCollection'] },
    { on: building, may: [...WRITE, ...MAKE, 'collMod', 'dropCollection'] },
  ];
}

function grantsOf(role: MongoRole, collections: Collections): Grant[] {
  const { rows } = collections;
  switch (role) {
    case 'gateway':
      return [
        ...opening(collections),
        { on: APPEND_ONLY, may: ADD },
        { on: [RATE_USE], may: [...WRITE, 'createCollection'] },
      ];
    case 'projector':
      return [
        ...opening(collections),
        ...folding(collections),
        { on: APPEND_ONLY, may: ADD },
        // It does what several people have approved: keys are made so.
        { on: [API_KEYS], may: [...ADD, ...MAKE] },
        { on: SEALS, may: [...ADD, ...MAKE] },
        { on: [ANNOUNCED, SEAL_STATUS], may: [...WRITE, ...MAKE] },
      ];
    case 'operator':
      return [
        ...opening(collections),
        ...folding(collections),
        { on: APPEND_ONLY, may: ADD },
        { on: PROOFS, may: [...ADD, 'update', ...MAKE] },
        { on: [ANNOUNCED], may: [...ADD, ...MAKE] },
      ];
    case 'shredder':
      return [...opening(collections), { on: [SNAPSHOTS], may: WRITE }, { on: APPEND_ONLY, may: ADD }];
    case 'archiver':
      return [
        { on: [LOG], may: READ },
        { on: [ACTIONS], may: ADD },
      ];
    case 'consumer':
      return [
        { on: [LOG, POINTERS, ...rows], may: [...READ, 'changeStream'] },
        { on: [LEASES], may: [...ADD, 'update'] },
      ];
  }
}

/** Reading all of the database, and following it: what serves, folds or repairs looks at most of it. */
const READS_ALL: ReadonlySet<MongoRole> = new Set(['gateway', 'projector', 'operator', 'shredder']);

/** What may be done where, as MongoDB writes it; `''` stands for every collection of a database. */
interface Privilege {
  readonly resource: { readonly db: string; readonly collection: string } | { readonly cluster: true };
  readonly actions: readonly string[];
}

/** A role as `createRole` takes it. */
export interface RoleDocument {
  readonly role: string;
  readonly privileges: readonly Privilege[];
  readonly roles: readonly [];
}

/** The roles of a database, each by the name `<database>_<process>`; they are kept in `admin`. */
export function rolesOf(database: string, collections: Collections): RoleDocument[] {
  return (Object.keys(MONGO_ROLES) as MongoRole[]).map((role) => ({
    role: `${database}_${role}`,
    privileges: [
      {
        resource: { db: database, collection: '' },
        actions: READS_ALL.has(role)
          ? ['find', 'changeStream', 'listCollections', 'listIndexes']
          : ['listCollections'],
      },
      // Of which cluster this is, and how long a transaction may take.
      { resource: { cluster: true }, actions: ['replSetGetConfig', 'getParameter'] },
      { resource: { db: 'config', collection: 'version' }, actions: ['find'] },
      ...merged(grantsOf(role, collections)).map(([collection, actions]) => ({
        resource: { db: database, collection },
        actions,
      })),
    ],
    roles: [],
  }));
}

/** One entry a collection, with all that its grants say. */
function merged(grants: readonly Grant[]): [string, string[]][] {
  const may = new Map<string, Set<string>>();
  for (const { on, may: actions } of grants)
    for (const collection of on) {
      const known = may.get(collection) ?? new Set();
      for (const action of actions) known.add(action);
      may.set(collection, known);
    }
  return [...may].map(([collection, actions]) => [collection, [...actions]]);
}
