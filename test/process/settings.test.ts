import { describe, expect, it } from 'vitest';
import { StartupError } from '../../src/mongo/startup-error.ts';
import {
  isDevelopment,
  isLoopback,
  readSettings,
  SETTINGS,
  settingsHelp,
  settingsTable,
  tokenPolicyOf,
} from '../../src/process/settings.ts';

const SECRET = 'x'.repeat(32);
const noSecret = () => Promise.reject(new Error('not asked for'));

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

describe('development mode', () => {
  it.each(['0.0.0.0', '::', '192.168.1.5', 'waybill.example', '1', '::ffff:1.2.3.4'])(
    'refuses to listen on %s',
    (HOST) => {
      expect(() => readSettings({ HOST })).toThrow(/can be reached by others/);
      expect(readSettings({ HOST, WAYBILL_JWT_SECRET: SECRET }).host).toBe(HOST);
    },
  );

  it.each(['127.0.0.1', '127.1.2.3', '::1', 'localhost', 'LOCALHOST', '0:0:0:0:0:0:0:1'])(
    'listens on %s',
    (HOST) => {
      expect(isLoopback(HOST)).toBe(true);
      expect(readSettings({ HOST }).host).toBe(HOST);
    },
  );

  it('asks for a secret of its own only where none is configured', async () => {
    expect(await tokenPolicyOf(readSettings({}), async () => SECRET)).toEqual({
      kind: 'secret',
      secret: SECRET,
    });
    const settings = readSettings({ WAYBILL_JWT_SECRET: SECRET, WAYBILL_JWT_ISSUER: 'us' });
    expect(await tokenPolicyOf(settings, noSecret)).toEqual({ kind: 'secret', secret: SECRET, issuer: 'us' });
    const jwks = readSettings({
      WAYBILL_JWKS_URL: 'https://id.example/keys',
      WAYBILL_JWT_AUDIENCE: 'waybill',
    });
    expect(await tokenPolicyOf(jwks, noSecret)).toMatchObject({ kind: 'jwks', audience: 'waybill' });
  });
});

describe('the table of settings', () => {
  it('has every setting, in the README and in the help alike', () => {
    const [table, help] = [settingsTable(), settingsHelp()];
    for (const { name, doc } of Object.values(SETTINGS)) {
      expect(table).toContain(`| \`${name}\` |`);
      expect(help).toContain(`  ${name}`);
      expect(help).toContain(doc);
    }
  });
});
