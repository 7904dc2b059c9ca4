import { afterAll, beforeAll, describe, expect, it, onTestFinished, vi } from 'vitest';
import { API_KEY_CACHE_MS, apiKeyVerifier } from '../../src/access/api-key-verifier.ts';
import { type ApiKeys, openApiKeys } from '../../src/access/api-keys.ts';
import { apiKeyId, hashApiKey, ProofUnavailableError } from '../../src/access/authenticate.ts';
import { openDatabase } from '../database.ts';
import { eventually } from '../eventually.ts';

const by = { id: 'cli:ann', role: 'admin' } as const;
let database: Awaited<ReturnType<typeof openDatabase>>;
let keys: ApiKeys;

beforeAll(async () => {
  database = await openDatabase();
  keys = await openApiKeys(database.client, database.db);
});
afterAll(() => database.close());

const make = (name: string, tenantId = 'demo', carrierId = 'acme') =>
  keys.create({ tenantId, carrierId, name, by });

describe('an API key that is in force', () => {
  it('says which carrier of which tenant is calling', async () => {
    const { apiKey } = await make('tms');
    expect(await apiKeyVerifier(database.db)(apiKey)).toEqual({
      access: {
        tenantId: 'demo',
        sub: apiKeyId(hashApiKey(apiKey)),
        role: 'carrier',
        carrierId: 'acme',
        keyHash: hashApiKey(apiKey),
        service: true,
      },
    });
  });

  it('is 256 random bits, and nothing in the database gives it away', async () => {
    const { apiKey } = await make('secretive');
    expect(apiKey).toMatch(/^wbk_[A-Za-z0-9_-]{43}$/);
    for (const { name } of await database.db.listCollections().toArray()) {
      const documents = await database.db.collection(name).find().toArray();
      expect(JSON.stringify(documents)).not.toContain(apiKey.slice(4));
    }
  });

  it('shares its name with no other of its tenant', async () => {
    await make('one');
    await expect(make('one')).rejects.toThrow(/"one" already/);
    await expect(make('one', 'other')).resolves.toBeDefined();
  });

  it('is made once, however many ask for the name at once', async () => {
    const tries = await Promise.allSettled(Array.from({ length: 8 }, () => make('race')));
    expect(tries.filter(({ status }) => status === 'fulfilled')).toHaveLength(1);
    expect((await keys.list('demo')).filter(({ name }) => name === 'race')).toHaveLength(1);
  });

  it('is listed for its own tenant alone', async () => {
    await make('mine', 'tenant-a', 'acme');
    await make('yours', 'tenant-b', 'acme');
    expect((await keys.list('tenant-a')).map(({ name }) => name)).toEqual(['mine']);
    expect(await keys.list('tenant-a', 'another')).toEqual([]);
  });
});

describe('an API key that is revoked', () => {
  it('proves nothing, and its name is free again', async () => {
    const { apiKey } = await make('old');
    await keys.revoke({ tenantId: 'demo', name: 'old', by });
    expect(await apiKeyVerifier(database.db)(apiKey)).toMatchObject({ access: null, reason: 'invalid' });
    const again = await make('old');
    expect(again.apiKey).not.toBe(apiKey);
  });

  it('is refused by a gateway that knew it as good as soon as its memory of it ends', async () => {
    // The clock of the memory alone: the database's own goes on.
    vi.useFakeTimers({ toFake: ['performance'] });
    onTestFinished(() => void vi.useRealTimers());
    const { apiKey } = await make('remembered');
    const verify = apiKeyVerifier(database.db);
    expect((await verify(apiKey)).access).not.toBeNull();
    await keys.revoke({ tenantId: 'demo', name: 'remembered', by });
    expect((await verify(apiKey)).access).not.toBeNull();
    vi.advanceTimersByTime(API_KEY_CACHE_MS + 1);
    // The memory looks at its clock once a millisecond at most.
    await eventually(async () => expect((await verify(apiKey)).access).toBeNull());
  });

  it('cannot be revoked twice, nor by another tenant', async () => {
    await make('once');
    await expect(keys.revoke({ tenantId: 'other', name: 'once', by })).rejects.toThrow(/no key named "once"/);
    await keys.revoke({ tenantId: 'demo', name: 'once', by });
    await expect(keys.revoke({ tenantId: 'demo', name: 'once', by })).rejects.toThrow(/no key named "once"/);
  });
});

describe('what an administrator does with keys (D-11)', () => {
  it('is recorded apart from the log of the business', async () => {
    const { document } = await make('audited', 'audit');
    await keys.revoke({ tenantId: 'audit', name: 'audited', by });
    const actions = await database.db
      .collection('admin_actions')
      .find({ tenantId: 'audit' })
      .sort({ at: 1 })
      .toArray();
    const key = { keyId: apiKeyId(document._id), name: 'audited', carrierId: 'acme' };
    expect(actions).toMatchObject([
      { what: 'api-key created', who: by, after: { ...key, revokedAt: null } },
      {
        what: 'api-key revoked',
        who: by,
        before: { ...key, revokedAt: null },
        after: { ...key, revokedAt: expect.any(Date) },
      },
    ]);
  });
});

describe('an API key that somebody else made', () => {
  const wanted = { tenantId: 'taken', carrierId: 'acme', name: 'theirs', by, details: { approvalId: 'x' } };
  const keyHash = hashApiKey('wbk_theirs');

  it('is taken on once, however often and by however many at once, and then proves who calls', async () => {
    const tries = await Promise.all([1, 2, 3].map(() => keys.takeOn({ ...wanted, keyHash })));
    expect(tries.filter((made) => made)).toHaveLength(1);
    expect(await keys.takeOn({ ...wanted, keyHash })).toBe(false);
    expect(await keys.list('taken')).toHaveLength(1);
    expect((await apiKeyVerifier(database.db)('wbk_theirs')).access).toMatchObject({ carrierId: 'acme' });
    const noted = database.db.collection('admin_actions').find({ tenantId: 'taken' });
    expect(await noted.toArray()).toMatchObject([{ what: 'api-key created', details: { approvalId: 'x' } }]);
  });

  it('is not taken on under a name that another key has', async () => {
    await make('occupied', 'taken');
    const other = { ...wanted, name: 'occupied', keyHash: hashApiKey('wbk_other') };
    await expect(keys.takeOn(other)).rejects.toThrow(/"occupied" already/);
  });
});

describe('an API key that nobody made', () => {
  it('proves nothing', async () => {
    const verify = apiKeyVerifier(database.db);
    for (const key of ['wbk_', `wbk_${'A'.repeat(43)}`, 'wbk_$ne', `wbk_${'x'.repeat(100_000)}`])
      expect(await verify(key)).toMatchObject({ access: null, reason: 'invalid' });
  });

  it('is neither good nor bad while the database is away', async () => {
    const other = await openDatabase();
    const verify = apiKeyVerifier(other.db);
    await other.close();
    await expect(verify(`wbk_${'A'.repeat(43)}`)).rejects.toBeInstanceOf(ProofUnavailableError);
  });
});
