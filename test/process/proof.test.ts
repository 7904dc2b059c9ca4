import { describe, expect, it } from 'vitest';
import { isLoopback, tokenPolicyOf } from '../../src/process/proof.ts';
import { readSettings } from '../../src/process/settings.ts';

const SECRET = 'x'.repeat(32);
const noSecret = () => Promise.reject(new Error('not asked for'));

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
      maxHours: 720,
    });
    const settings = readSettings({ WAYBILL_JWT_SECRET: SECRET, WAYBILL_JWT_ISSUER: 'us' });
    expect(await tokenPolicyOf(settings, noSecret)).toEqual({
      kind: 'secret',
      secret: SECRET,
      issuer: 'us',
      maxHours: 720,
    });
    const jwks = readSettings({
      WAYBILL_JWKS_URL: 'https://id.example/keys',
      WAYBILL_JWT_AUDIENCE: 'waybill',
    });
    expect(await tokenPolicyOf(jwks, noSecret)).toMatchObject({ kind: 'jwks', audience: 'waybill' });
  });
});
