import { createPrivateKey } from 'node:crypto';
import { chmod, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Writable } from 'node:stream';
import { pino } from 'pino';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { openMetrics } from '../../src/metrics/metrics.ts';
import { openServiceAccounts } from '../../src/process/service-accounts.ts';
import { readSettings } from '../../src/process/settings.ts';
import { openTls } from '../../src/process/tls.ts';
import { account, makeAuthority } from '../certificates.ts';

const authority = makeAuthority('servers');
const own = authority.certify('own', ['DNS:localhost']);
const other = authority.certify('other');
let folder: string;
let logged: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'waybill-tls-'));
  logged = '';
  await writeFile(file('cert.pem'), own.cert);
  await writeFile(file('key.pem'), own.key, { mode: 0o600 });
  await writeFile(file('ca.pem'), authority.cert);
  await writeFile(file('accounts.json'), JSON.stringify([account({ san_dns: 'a.example' })]));
});
afterAll(() => rm(folder, { recursive: true }));

const file = (name: string): string => join(folder, name);

/** Opens what the settings name, and closes it again; or why that cannot be. */
async function outcomeOf(variables: Record<string, string>): Promise<string> {
  const closers: (() => Promise<void>)[] = [];
  const log = pino(
    new Writable({
      write(line, _encoding, done) {
        logged += String(line);
        done();
      },
    }),
  );
  const surroundings = {
    log,
    metrics: openMetrics(),
    onClose: (close: () => Promise<void>) => void closers.push(close),
  };
  try {
    const settings = readSettings({
      WAYBILL_TLS_CERTIFICATE_FILE: file('cert.pem'),
      WAYBILL_TLS_KEY_FILE: file('key.pem'),
      WAYBILL_TLS_CLIENT_CA_FILE: file('ca.pem'),
      WAYBILL_SERVICE_ACCOUNTS_FILE: file('accounts.json'),
      ...variables,
    });
    openTls(settings, surroundings);
    openServiceAccounts(settings.serviceAccounts ?? '', surroundings);
    return 'opened';
  } catch (error) {
    return String(error);
  } finally {
    for (const close of closers) await close();
  }
}

describe('files of TLS that cannot be used', () => {
  it.each([
    [
      'no such file',
      { WAYBILL_TLS_CERTIFICATE_FILE: '/nowhere.pem' },
      /names \/nowhere.pem, but there is no such file/,
    ],
    ['a file of nonsense', { WAYBILL_TLS_CERTIFICATE_FILE: 'accounts.json' }, /holds no certificate in PEM/],
    ['a key that is none', { WAYBILL_TLS_KEY_FILE: 'accounts.json' }, /holds no private key in PEM/],
    ['the key of another', { WAYBILL_TLS_KEY_FILE: 'other.pem' }, /is not that of the certificate in/],
    ['a folder', { WAYBILL_TLS_KEY_FILE: '.' }, /cannot be read \(EISDIR\)/],
    [
      'authorities that are none',
      { WAYBILL_TLS_CLIENT_CA_FILE: 'key.pem' },
      /CLIENT_CA_FILE names .* no certificate/,
    ],
    ['accounts that are none', { WAYBILL_SERVICE_ACCOUNTS_FILE: 'key.pem' }, /cannot be used: it is no JSON/],
    [
      'an account without a carrier',
      { WAYBILL_SERVICE_ACCOUNTS_FILE: 'bad.json' },
      /0.carrierId: goes with the role/,
    ],
    ['two for one', { WAYBILL_SERVICE_ACCOUNTS_FILE: 'two.json' }, /DNS:a.example stands for two accounts/],
  ])('%s', async (_what, named, sentence) => {
    await writeFile(file('other.pem'), other.key);
    await writeFile(
      file('bad.json'),
      JSON.stringify([{ ...account({ san_dns: 'a.example' }), carrierId: undefined }]),
    );
    await writeFile(
      file('two.json'),
      JSON.stringify([account({ san_dns: 'a.example' }), account({ san_dns: 'a.example' })]),
    );
    const variables = Object.fromEntries(
      Object.entries(named).map(([name, path]) => [name, path.startsWith('/') ? path : file(path)]),
    );
    const said = await outcomeOf(variables);
    expect(said).toMatch(/^StartupError: /);
    expect(said).toMatch(sentence);
  });

  it('a key that everyone may read is used, and warned of', async () => {
    await chmod(file('key.pem'), 0o644);
    expect(await outcomeOf({})).toBe('opened');
    expect(logged).toContain('every user of this machine may read the TLS key');
  });

  it('a certificate that ends soon, or has ended, is used and warned of', async () => {
    for (const [validMs, warning] of [
      [86_400_000, 'the TLS certificate expires soon'],
      [-1_000, 'the TLS certificate has expired'],
    ] as const) {
      const { cert, key } = authority.certify('own', [], validMs);
      await writeFile(file('short.pem'), cert);
      await writeFile(file('short-key.pem'), key, { mode: 0o600 });
      const named = {
        WAYBILL_TLS_CERTIFICATE_FILE: file('short.pem'),
        WAYBILL_TLS_KEY_FILE: file('short-key.pem'),
      };
      expect(await outcomeOf(named)).toBe('opened');
      expect(logged).toContain(warning);
    }
  });

  it('an encrypted key needs its passphrase, which may stand in a file', async () => {
    const cipher = {
      type: 'pkcs8',
      format: 'pem',
      cipher: 'aes-256-cbc',
      passphrase: 'open sesame',
    } as const;
    await writeFile(file('locked.pem'), createPrivateKey(own.key).export(cipher), { mode: 0o600 });
    await writeFile(file('passphrase'), 'open sesame\n');
    const locked = { WAYBILL_TLS_KEY_FILE: file('locked.pem') };
    expect(await outcomeOf(locked)).toMatch(/is encrypted: set WAYBILL_TLS_KEY_PASSPHRASE/);
    expect(await outcomeOf({ ...locked, WAYBILL_TLS_KEY_PASSPHRASE: 'wrong' })).toMatch(
      /PASSPHRASE does not open/,
    );
    expect(await outcomeOf({ ...locked, WAYBILL_TLS_KEY_PASSPHRASE_FILE: file('passphrase') })).toBe(
      'opened',
    );
  });
});

describe('settings of TLS that do not go together', () => {
  it.each([
    [{ WAYBILL_TLS_CERTIFICATE_FILE: 'a' }, /go together: set both, or none/],
    [{ WAYBILL_TLS_KEY_FILE: 'a' }, /go together: set both, or none/],
    [{ WAYBILL_TLS_CLIENT_CA_FILE: 'a' }, /which needs TLS/],
    [{ WAYBILL_TLS_CLIENT_CERTIFICATE: 'required' }, /needs WAYBILL_TLS_CLIENT_CA_FILE/],
    [
      { WAYBILL_SERVICE_ACCOUNTS_FILE: 'a' },
      /WAYBILL_SERVICE_ACCOUNTS_FILE needs WAYBILL_TLS_CLIENT_CA_FILE/,
    ],
  ])('%j', (variables, sentence) => {
    expect(() => readSettings(variables)).toThrow(sentence);
  });
});
