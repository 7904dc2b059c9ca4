import { describe, expect, it } from 'vitest';
import { StartupError } from '../../src/mongo/startup-error.ts';
import { isDevelopment } from '../../src/process/proof.ts';
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
