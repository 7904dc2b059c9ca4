import { randomUUID } from 'node:crypto';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { StartupError } from '../../src/mongo/startup-error.ts';
import { isDevelopment } from '../../src/process/proof.ts';
import { secretOf } from '../../src/process/secret.ts';
import type { Setting } from '../../src/process/setting.ts';
import { readSettings, SETTINGS } from '../../src/process/settings.ts';

const SECRET = 'x'.repeat(32);

describe('an environment that says nothing', () => {
  it('gives the defaults, in development mode', () => {
    const settings = readSettings({});
    expect(settings).toMatchObject({
      port: 4000,
      host: '127.0.0.1',
      dataDir: '.waybill',
      database: 'waybill',
      logLevel: 'info',
      jwtAlgorithms: ['RS256', 'ES256'],
    });
    expect(settings.mongodbUri).toBeUndefined();
    expect(isDevelopment(settings)).toBe(true);
  });

  it('is the same as one with empty variables', () => {
    const empty = Object.fromEntries(Object.values(SETTINGS).map(({ name }) => [name, '']));
    expect(readSettings(empty)).toEqual(readSettings({}));
  });
});

describe('a secret that stands in a file', () => {
  let folder: string;
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'waybill-secrets-'));
  });
  afterAll(() => rm(folder, { recursive: true }));
  const fileOf = async (content: string): Promise<string> => {
    const path = join(folder, randomUUID());
    await writeFile(path, content);
    return path;
  };
  const secrets = Object.values<Setting<unknown>>(SETTINGS).filter(({ isSecret }) => isSecret);

  it('is every setting that is one, and no other', () => {
    const names = secrets.map(({ name }) => name);
    expect(names).toEqual(expect.arrayContaining(['MONGODB_URI', 'WAYBILL_JWT_SECRET']));
    for (const { name } of Object.values(SETTINGS))
      if (/SECRET|PASSWORD|TOKEN$/.test(name)) expect(names).toContain(name);
  });

  it('is read without what ends its last line, and with its other blanks', async () => {
    const variables = {
      WAYBILL_JWT_SECRET_FILE: await fileOf(` ${SECRET} \r\n`),
      MONGODB_URI_FILE: await fileOf('mongodb://me:pw@db.example/\n'),
    };
    expect(readSettings(variables)).toMatchObject({
      jwtSecret: ` ${SECRET} `,
      mongodbUri: 'mongodb://me:pw@db.example/',
    });
    expect(secretOf('WAYBILL_TOKEN', { WAYBILL_TOKEN_FILE: await fileOf('abc\n') })).toBe('abc');
  });

  it.each(secrets)('$name is refused where it is given both ways', async ({ name }) => {
    const both = { [name]: 'one', [`${name}_FILE`]: await fileOf('two') };
    expect(() => readSettings(both)).toThrow(new StartupError(`Set ${name} or ${name}_FILE, not both.`));
  });

  it('is refused with a sentence where the file is missing, a folder or empty', async () => {
    const read = (path: string) => () => readSettings({ WAYBILL_JWT_SECRET_FILE: path });
    expect(read('/nowhere/secret')).toThrow('names /nowhere/secret, which cannot be read (ENOENT).');
    expect(read(folder)).toThrow('which cannot be read (EISDIR).');
    expect(read(await fileOf('\n'))).toThrow('which is empty.');
  });

  it('is repeated by no message', async () => {
    const path = await fileOf('hunter2');
    for (const { name } of secrets)
      try {
        readSettings({ [`${name}_FILE`]: path });
      } catch (error) {
        expect(String(error)).not.toContain('hunter2');
      }
  });
});

describe('origins', () => {
  it('are read as browsers name them', () => {
    const text =
      'https://App.example:443/, http://localhost:5173,capacitor://localhost, https://bücher.example';
    expect(readSettings({ WAYBILL_ALLOWED_ORIGINS: text }).allowedOrigins).toEqual([
      'https://app.example',
      'http://localhost:5173',
      'capacitor://localhost',
      'https://xn--bcher-kva.example',
    ]);
  });
});

describe('a setting that is wrong', () => {
  it.each([
    [{ PORT: 'abc' }, 'PORT must be a whole number from 0 to 65535, not "abc".'],
    [{ PORT: '70000' }, 'PORT must be a whole number from 0 to 65535, not "70000".'],
    [{ PORT: ' ' }, 'PORT must be a whole number from 0 to 65535, not " ".'],
    [{ PORT: '40.5' }, 'PORT must be a whole number'],
    [{ LOG_LEVEL: 'loud' }, 'LOG_LEVEL must be one of fatal, error'],
    [{ MONGODB_URI: 'localhost:27017' }, 'MONGODB_URI must begin with mongodb://'],
    [{ WAYBILL_DATABASE: 'a b' }, 'WAYBILL_DATABASE must be'],
    [{ WAYBILL_JWKS_URL: 'ftp://id.example' }, 'WAYBILL_JWKS_URL must be a URL that begins with https://'],
    [{ WAYBILL_JWKS_URL: 'nonsense' }, 'WAYBILL_JWKS_URL must be a URL'],
    [{ WAYBILL_JWT_ALGORITHMS: 'RS256,none' }, 'WAYBILL_JWT_ALGORITHMS must name some of'],
    [{ WAYBILL_JWT_ALGORITHMS: 'HS256' }, 'WAYBILL_JWT_ALGORITHMS must name some of'],
    [{ WAYBILL_JWT_SECRET: 'short' }, 'WAYBILL_JWT_SECRET must be at least 32 bytes long'],
    [{ WAYBILL_JWT_SECRET: SECRET, WAYBILL_JWKS_URL: 'https://id.example' }, 'not both'],
    [{ WAYBILL_DRAIN_SECONDS: '-1' }, 'WAYBILL_DRAIN_SECONDS must be'],
    [{ WAYBILL_ALLOWED_ORIGINS: '*' }, 'WAYBILL_ALLOWED_ORIGINS must name origins like https://app.example'],
    [{ WAYBILL_ALLOWED_ORIGINS: 'https://a.example,b.example' }, 'WAYBILL_ALLOWED_ORIGINS must name origins'],
    [{ WAYBILL_ALLOWED_ORIGINS: 'https://a.example/app' }, 'WAYBILL_ALLOWED_ORIGINS must name origins'],
    [{ WAYBILL_ALLOWED_ORIGINS: 'https://*.example' }, 'WAYBILL_ALLOWED_ORIGINS must name origins'],
    [{ WAYBILL_ALLOWED_ORIGINS: 'null' }, 'WAYBILL_ALLOWED_ORIGINS must name origins'],
  ])('%o is told in one sentence', (variables, sentence) => {
    const read = () => readSettings(variables);
    expect(read).toThrow(StartupError);
    expect(read).toThrow(sentence);
    expect(read).not.toThrow(/\n/);
  });

  it('never shows a secret', () => {
    expect(() => readSettings({ WAYBILL_JWT_SECRET: 'hush' })).not.toThrow(/hush/);
    expect(() => readSettings({ MONGODB_URI: 'http://me:hush@db' })).not.toThrow(/hush/);
  });
});
