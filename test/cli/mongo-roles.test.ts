import { MongoClient, type MongoServerError } from 'mongodb';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { signToken } from '../../src/access/token.ts';
import type { Role } from '../../src/eventstore/event.ts';
import { projections } from '../../src/model.ts';
import { FIXED_COLLECTIONS, MONGO_ROLES, type MongoRole } from '../../src/process/mongo-roles.ts';
import { startMongod, type TestMongod } from '../database.ts';
import { eventually } from '../eventually.ts';
import { type Data, post } from '../gateway.ts';
import { LOAD, REGISTER_VEHICLE, tenderMutation } from '../journey/documents.ts';
import { expectSentence, type GatewayProcess, startGateway, waybill } from './command.ts';

const SECRET = 'the-secret-of-tests-is-at-least-32-bytes-long';
const DATABASE = 'waybill';
const NAMES = Object.keys(MONGO_ROLES) as MongoRole[];

let mongod: TestMongod;
let started: GatewayProcess[] = [];
beforeAll(async () => {
  mongod = await startMongod({ asksPassword: true });
  const made = await waybill(['roles'], { MONGODB_URI: mongod.uri });
  expect(made).toMatchObject({ code: 0, stdout: NAMES.map((name) => `waybill_${name}\n`).join('') });
  const admin = new MongoClient(mongod.uri);
  for (const name of NAMES)
    await admin.db('admin').command({ createUser: name, pwd: `pw-${name}`, roles: [`waybill_${name}`] });
  await admin.close();
});
afterEach(async () => {
  for (const { child, ended } of started.reverse()) {
    child.kill('SIGTERM');
    await ended;
  }
  started = [];
});
afterAll(() => mongod.stop());

const uriOf = (role: MongoRole): string =>
  `mongodb://${role}:pw-${role}@127.0.0.1:${mongod.port}/?replicaSet=test&authSource=admin`;

function start(role: 'gateway' | 'projector'): GatewayProcess {
  const variables = { MONGODB_URI: uriOf(role), WAYBILL_JWT_SECRET: SECRET, WAYBILL_DRAIN_SECONDS: '1' };
  const process = startGateway(variables, ['--role', role]);
  started.push(process);
  return process;
}

async function ask(url: string, document: string, input?: object, role: Role = 'dispatcher'): Promise<Data> {
  const token = await signToken({ kind: 'secret', secret: SECRET }, { sub: 'me', tenant: 'demo', role }, 600);
  const { data, errors } = await post(`${url}/graphql`, document, input, token);
  if (errors !== undefined) throw new Error(JSON.stringify(errors));
  return data;
}

/** As one of the roles, by the driver. */
async function as<T>(role: MongoRole, work: (client: MongoClient) => Promise<T>): Promise<T> {
  const client = new MongoClient(uriOf(role));
  try {
    return await work(client);
  } finally {
    await client.close();
  }
}

describe('processes that run as users with their roles alone', () => {
  it('serve, fold, rebuild, verify, make keys and export, also from an empty database on', async () => {
    const [gateway, projector] = [start('gateway'), start('projector')];
    const [url] = await Promise.all([gateway.listening, projector.listening]);
    const { result: created } = await ask(url, tenderMutation('createTender'), { input: LOAD });
    expect(created).toMatchObject({ tender: { status: 'OPEN' } });
    await ask(url, REGISTER_VEHICLE, { input: { licensePlate: 'ROLE-1' } });
    const shown = async () => {
      const answer = await ask(
        url,
        '{ tenders { nodes { id } } vehicles { edges { node { licensePlate } } } }',
      );
      expect(answer).toMatchObject({
        tenders: { nodes: [{ id: created.tender.id }] },
        vehicles: { edges: [{ node: { licensePlate: 'ROLE-1' } }] },
      });
    };
    await eventually(shown);

    const operator = { MONGODB_URI: uriOf('operator') };
    for (const { name } of projections)
      expect(await waybill(['rebuild', name], operator)).toMatchObject({ code: 0 });
    expect(await waybill(['verify', '--repair'], operator)).toMatchObject({ code: 0 });
    await eventually(shown);
    await ask(url, tenderMutation('createTender'), { input: LOAD });
    const key = ['api-key', 'create', '--tenant', 'demo', '--carrier-id', 'acme', '--name', 'one'];
    expect(await waybill(key, operator)).toMatchObject({ code: 0 });
    const revoke = ['api-key', 'revoke', '--tenant', 'demo', '--name', 'one'];
    expect(await waybill(revoke, operator)).toMatchObject({ code: 0 });

    const exported = await waybill(['export-events'], { MONGODB_URI: uriOf('archiver') });
    expect(exported.code).toBe(0);
    expect(exported.stdout).toContain('"TenderCreated"');
    expect([gateway.output(), projector.output()].join('')).not.toMatch(/not authorized/);

    // What came into being meanwhile is in the roles.
    const admin = new MongoClient(mongod.uri);
    const there = await admin.db(DATABASE).listCollections({}, { nameOnly: true }).toArray();
    await admin.close();
    const rows = new RegExp(`^(${projections.map(({ name }) => name).join('|')})(_v\\d+|_building_\\d+)?$`);
    expect(
      there.map(({ name }) => name).filter((name) => !rows.test(name) && !FIXED_COLLECTIONS.includes(name)),
    ).toEqual([]);
  });

  it('start on a server that has just started, which does not tell its time yet', async () => {
    for (let times = 0; times < 3; times++) {
      await mongod.restart();
      await start('gateway').listening;
    }
  });

  it('go on by the same rights when the roles are made again', async () => {
    await expect(waybill(['roles'], { MONGODB_URI: mongod.uri })).resolves.toMatchObject({ code: 0 });
    await start('gateway').listening;
  });
});

describe.each(NAMES)('the role %s', (role) => {
  const forbidden: [string, (client: MongoClient) => Promise<unknown>][] = [
    'events',
    'admin_actions',
  ].flatMap((name): [string, (client: MongoClient) => Promise<unknown>][] => {
    const of = (client: MongoClient) => client.db(DATABASE).collection(name);
    return [
      [`updateOne ${name}`, (client) => of(client).updateOne({}, { $set: { payload: {} } })],
      [`updateMany ${name}`, (client) => of(client).updateMany({}, [{ $unset: 'payload' }])],
      [`replaceOne ${name}`, (client) => of(client).replaceOne({}, { forged: true })],
      [`findOneAndUpdate ${name}`, (client) => of(client).findOneAndUpdate({}, { $set: { forged: 1 } })],
      [`deleteOne ${name}`, (client) => of(client).deleteOne({})],
      [`deleteMany ${name}`, (client) => of(client).deleteMany({})],
      [`findOneAndDelete ${name}`, (client) => of(client).findOneAndDelete({})],
      [`drop ${name}`, (client) => of(client).drop()],
      [`rename ${name}`, (client) => client.db(DATABASE).renameCollection(name, `${name}_away`)],
      [
        `rename onto ${name}`,
        (client) => client.db(DATABASE).renameCollection('snapshots', name, { dropTarget: true }),
      ],
      [
        `$out to ${name}`,
        (client) =>
          of(client)
            .aggregate([{ $out: name }])
            .toArray(),
      ],
      [
        `$merge into ${name}`,
        (client) =>
          of(client)
            .aggregate([{ $merge: { into: name, whenMatched: 'replace' } }])
            .toArray(),
      ],
      [`expire ${name}`, (client) => of(client).createIndex({ recordedAt: 1 }, { expireAfterSeconds: 1 })],
      [`dropIndexes ${name}`, (client) => of(client).dropIndexes()],
      [
        `collMod ${name}`,
        (client) => client.db(DATABASE).command({ collMod: name, validator: { $expr: false } }),
      ],
      [
        `convertToCapped ${name}`,
        (client) => client.db(DATABASE).command({ convertToCapped: name, size: 4_096 }),
      ],
    ];
  });
  const everywhere: typeof forbidden = [
    ['dropDatabase', (client) => client.db(DATABASE).dropDatabase()],
    ['createUser', (client) => client.db('admin').command({ createUser: 'x', pwd: 'x', roles: ['root'] })],
    ['grantRolesToUser', (client) => client.db('admin').command({ grantRolesToUser: role, roles: ['root'] })],
    [
      'updateRole',
      (client) => client.db('admin').command({ updateRole: `waybill_${role}`, roles: ['root'] }),
    ],
    [
      'applyOps',
      (client) => client.db('admin').command({ applyOps: [{ op: 'd', ns: `${DATABASE}.events`, o: {} }] }),
    ],
    ['the oplog', (client) => client.db('local').collection('oplog.rs').findOne({})],
    ['other databases', (client) => client.db('other').collection('some').findOne({})],
  ];
  const own: Partial<Record<MongoRole, typeof forbidden>> = {
    gateway: [
      ['make keys', (client) => client.db(DATABASE).collection('api_keys').insertOne({ forged: true })],
      [
        'revive keys',
        (client) =>
          client
            .db(DATABASE)
            .collection('api_keys')
            .updateMany({}, { $set: { revokedAt: null } }),
      ],
      ['take leases', (client) => client.db(DATABASE).collection('projection_leases').deleteMany({})],
      ['drop rows', (client) => client.db(DATABASE).collection('tenders').drop()],
    ],
    projector: [
      [
        'revive keys',
        (client) =>
          client
            .db(DATABASE)
            .collection('api_keys')
            .updateMany({}, { $set: { revokedAt: null } }),
      ],
    ],
    archiver: [
      ['add events', (client) => client.db(DATABASE).collection('events').insertOne({ forged: true })],
      ['read keys', (client) => client.db(DATABASE).collection('api_keys').findOne({})],
      ['read rows', (client) => client.db(DATABASE).collection('tenders').findOne({})],
    ],
    consumer: [
      ['add events', (client) => client.db(DATABASE).collection('events').insertOne({ forged: true })],
      ['change rows', (client) => client.db(DATABASE).collection('tenders').deleteMany({})],
      ['read keys', (client) => client.db(DATABASE).collection('api_keys').findOne({})],
    ],
    shredder: [
      ['make keys', (client) => client.db(DATABASE).collection('api_keys').insertOne({ forged: true })],
    ],
  };

  it('may not do to the log, to admin actions or to other databases what would unmake them', async () => {
    const done = await as(role, async (client) => {
      const outcomes: Record<string, unknown> = {};
      for (const [what, attempt] of [...forbidden, ...everywhere, ...(own[role] ?? [])])
        outcomes[what] = await attempt(client).then(
          () => 'done',
          ({ code }: MongoServerError) => code,
        );
      return outcomes;
    });
    expect(done).toEqual(Object.fromEntries(Object.keys(done).map((what) => [what, 13])));
  });
});

describe('waybill roles', () => {
  it('says in a sentence that its user may not make any', async () => {
    const ended = await waybill(['roles'], { MONGODB_URI: uriOf('operator') });
    expectSentence(ended, /may not make roles: it needs userAdmin/);
  });

  it('prints a script that does the same, without a database', async () => {
    const { code, stdout } = await waybill(['roles', '--print'], {
      MONGODB_URI: 'mongodb://nowhere.example/',
      WAYBILL_DATABASE: 'own',
    });
    expect(code).toBe(0);
    const made: Data[] = [];
    const created: string[] = [];
    const indexed: Data[] = [];
    const log = {
      getCollectionNames: () => ['admin_actions'],
      createCollection: (name: string) => created.push(name),
      events: { createIndex: (...index: Data[]) => indexed.push(index) },
    };
    const admin = {
      getRole: (name: string) => (name === 'own_gateway' ? {} : null),
      createRole: (role: Data) => made.push(role.role),
      updateRole: (name: string) => made.push(`${name} again`),
    };
    const db = { getSiblingDB: (name: string) => (name === 'admin' ? admin : log) };
    new Function('db', stdout)(db);
    expect(created).toEqual(['events']);
    expect(indexed).toHaveLength(4);
    expect(made).toEqual(NAMES.map((name) => `own_${name}${name === 'gateway' ? ' again' : ''}`));
  });
});

describe('a gateway whose user may not make the indexes that the log lacks', () => {
  it('says so in a sentence, with what to do', async () => {
    const variables = { MONGODB_URI: uriOf('gateway'), WAYBILL_JWT_SECRET: SECRET };
    const admin = new MongoClient(mongod.uri);
    await admin.db(DATABASE).collection('events').dropIndexes();
    const process = startGateway(variables, ['--role', 'gateway']);
    expectSentence(await process.ended, /events lacks the index .*tenantId_1.* Run `waybill roles`/);
    await waybill(['roles'], { MONGODB_URI: mongod.uri });
    await admin.close();
  });
});
