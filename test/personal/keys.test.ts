import { mkdtemp, readFile, rm, stat } from 'node:fs/promises';
import { createServer } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { seal, unseal } from '../../src/personal/cipher.ts';
import { localKeyService } from '../../src/personal/key-service.ts';
import { openPersonal } from '../../src/personal/personal.ts';
import { rotateKeys } from '../../src/personal/rotate.ts';
import { subjectKeysOf } from '../../src/personal/subject-keys.ts';
import { vaultKeyService } from '../../src/personal/vault-key-service.ts';
import { keyServiceOf } from '../../src/process/personal.ts';
import { openDatabase, type TestDatabase } from '../database.ts';

const KEY = Buffer.alloc(32, 1);
const PLACE = { tenantId: 'demo', event: 'TenderAssigned', stream: 'a', field: 'driver.name', subject: 's' };

describe('a sealed text', () => {
  it('is opened where it belongs alone, and by its key alone', () => {
    const sealed = seal(KEY, PLACE, 'Ann');
    expect(unseal(KEY, PLACE, sealed)).toBe('Ann');
    for (const [field, value] of Object.entries({ ...PLACE }))
      expect(() => unseal(KEY, { ...PLACE, [field]: `${value}!` }, sealed), field).toThrow();
    expect(() => unseal(Buffer.alloc(32, 2), PLACE, sealed)).toThrow();
    expect(() => unseal(KEY, PLACE, `${sealed.slice(0, -2)}AA`)).toThrow();
  });

  it('is the same for the same text in the same place, and another one anywhere else', () => {
    const texts = [
      seal(KEY, PLACE, 'Ann'),
      seal(KEY, { ...PLACE, stream: 'b' }, 'Ann'),
      seal(KEY, PLACE, 'Bea'),
    ];
    expect(seal(KEY, PLACE, 'Ann')).toBe(texts[0]);
    expect(new Set(texts).size).toBe(3);
  });
});

describe('keys of tenants and people', () => {
  let database: TestDatabase;
  let folder: string;
  beforeAll(async () => {
    database = await openDatabase();
    folder = await mkdtemp(join(tmpdir(), 'keys-'));
  });
  afterAll(async () => {
    await database.close();
    await rm(folder, { recursive: true });
  });
  const place = { event: 'E', stream: 'a', path: 'driver' };

  it('are wrapped anew without touching what was sealed, and the old outermost key is needed no more', async () => {
    const { db } = database;
    const [old, fresh] = [Buffer.alloc(32, 3), Buffer.alloc(32, 4)] as const;
    const before = await openPersonal(db, localKeyService([old]));
    const sealed = await before.seal('rotated', 'D-1', place, { name: 'Ann' });
    if (sealed === null) throw new Error('erased');
    const by = (await subjectKeysOf(db).findOne({ _id: sealed.subject }))?.by;
    expect(await rotateKeys(db, localKeyService([fresh, old]), 'rotated')).toBe(1);
    expect((await subjectKeysOf(db).findOne({ _id: sealed.subject }))?.by).not.toBe(by);
    const after = await openPersonal(db, localKeyService([fresh]));
    expect(await after.reveal('rotated', place, sealed)).toEqual({ kind: 'clear', texts: { name: 'Ann' } });
    expect(await after.seal('rotated', 'D-1', place, { name: 'Ann' })).toEqual(sealed);
    await expect(
      openPersonal(db, localKeyService([old])).then((lost) => lost.reveal('rotated', place, sealed)),
    ).rejects.toThrow(/WAYBILL_PERSONAL_KEY/);
    expect(await rotateKeys(db, localKeyService([fresh]), 'nobody')).toBeNull();
  });

  it('are made once by processes that seal the same person at the same moment', async () => {
    const { db } = database;
    const service = localKeyService([KEY]);
    const both = await Promise.all([openPersonal(db, service), openPersonal(db, service)]);
    const sealed = await Promise.all(both.map((one) => one.seal('busy', 'D-1', place, { name: 'Ann' })));
    expect(sealed[0]).toEqual(sealed[1]);
  });

  it('are wrapped by a file of the owner alone, which is never replaced by a new one', async () => {
    const settings = {
      dataDir: folder,
      personalKey: undefined,
      personalKeyPrevious: undefined,
      vaultKeyUrl: undefined,
      vaultToken: undefined,
      erasureLedger: undefined,
    };
    const service = keyServiceOf(settings);
    await expect(service.unwrap('p', 'x.y')).rejects.toThrow(/put it back/);
    const wrapped = await service.wrap('p', KEY);
    const path = join(folder, 'personal-key');
    expect((await stat(path)).mode & 0o777).toBe(0o600);
    expect(await keyServiceOf(settings).unwrap('p', wrapped)).toEqual(KEY);
    const text = await readFile(path, 'utf8');
    expect(await keyServiceOf({ ...settings, personalKey: text }).unwrap('p', wrapped)).toEqual(KEY);
    expect(() => keyServiceOf({ ...settings, personalKey: 'short' })).toThrow(/32 random bytes/);
  });

  it('are wrapped by a vault over HTTP, bound to what they are for', async () => {
    const asked: { readonly url: string | undefined; readonly token: unknown }[] = [];
    const vault = createServer(async (request, response) => {
      asked.push({ url: request.url, token: request.headers['x-vault-token'] });
      let body = '';
      for await (const chunk of request) body += String(chunk);
      const { plaintext, ciphertext, associated_data } = JSON.parse(body);
      const isOpen = request.url?.includes('/decrypt/') === true;
      const [, text, aad] = isOpen ? String(ciphertext).split('|') : [];
      if (isOpen && aad !== associated_data) response.statusCode = 400;
      const data = isOpen ? { plaintext: text } : { ciphertext: `vault:v1|${plaintext}|${associated_data}` };
      response.end(JSON.stringify({ data }));
    });
    await new Promise<void>((resolve) => vault.listen(0, '127.0.0.1', resolve));
    const address = vault.address();
    if (typeof address !== 'object' || address === null) throw new Error('no address');
    const url = new URL(`http://127.0.0.1:${address.port}/v1/transit/keys/waybill`);
    const service = vaultKeyService({ url, token: 'root' });
    const wrapped = await service.wrap('p', KEY);
    expect(await service.unwrap('p', wrapped)).toEqual(KEY);
    await expect(service.unwrap('q', wrapped)).rejects.toThrow(/answered 400/);
    expect(asked[0]).toEqual({ url: '/v1/transit/encrypt/waybill', token: 'root' });
    vault.closeAllConnections();
    await new Promise((resolve) => vault.close(resolve));
    await expect(service.unwrap('p', wrapped)).rejects.toThrow(/does not answer/);
  });
});
