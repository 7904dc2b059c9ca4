import { existsSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { decodeJwt } from 'jose';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { developmentSecret } from '../../src/access/development-secret.ts';
import { tokenVerifier } from '../../src/access/token.ts';
import { type Ended, expectSentence, waybill, waybillProcess } from './command.ts';

const SECRET = 's'.repeat(40);
let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'waybill-token-'));
});
afterAll(() => rm(folder, { recursive: true }));

const lastLine = ({ stdout }: Ended): string => stdout.trimEnd().split('\n').at(-1) ?? '';
const ask = (args: string, variables: Record<string, string> = {}, run = waybill) =>
  run(['token', ...args.split(' ')], { WAYBILL_DATA: join(folder, 'data'), ...variables });

describe('waybill token, in a folder where no gateway ran', () => {
  it.each(['token --role dispatcher', 'simulate'])(
    '%s says so, and makes no secret there',
    async (command) => {
      const variables = { WAYBILL_DATA: join(folder, 'elsewhere') };
      const ended = await waybill([...command.split(' '), '--tenant', 'demo'], variables);
      expectSentence(
        ended,
        /elsewhere is no data folder of a gateway.*Start the gateway first.*WAYBILL_DATA/,
      );
      expect(existsSync(variables.WAYBILL_DATA)).toBe(false);
    },
  );
});

describe('waybill token, where a gateway ran in development mode', () => {
  beforeAll(() => developmentSecret(join(folder, 'data')));

  it('prints a token as its last line that the gateway will accept', async () => {
    const ended = await ask('--tenant demo --role dispatcher', {}, waybillProcess);
    expect(ended.code).toBe(0);
    const verify = tokenVerifier({ kind: 'secret', secret: await developmentSecret(join(folder, 'data')) });
    expect((await verify(lastLine(ended))).access).toMatchObject({ tenantId: 'demo', role: 'dispatcher' });
  });

  it('says who and for how long', async () => {
    const token = lastLine(
      await ask('--tenant demo --role carrier --sub ann --carrier-id acme --expires-in 15m'),
    );
    const { iat = 0, exp = 0, ...claims } = decodeJwt(token);
    expect(claims).toEqual({ sub: 'ann', tenant: 'demo', role: 'carrier', carrierId: 'acme' });
    expect(exp - iat).toBe(900);
  });
});

describe('waybill token, where a secret is configured', () => {
  it('signs with it, for the issuer and audience that are asked for', async () => {
    const ended = await ask('--tenant demo --role driver', {
      WAYBILL_JWT_SECRET: SECRET,
      WAYBILL_JWT_ISSUER: 'us',
      WAYBILL_JWT_AUDIENCE: 'waybill',
    });
    const policy = { kind: 'secret', secret: SECRET, issuer: 'us', audience: 'waybill' } as const;
    expect((await tokenVerifier(policy)(lastLine(ended))).access).toMatchObject({ role: 'driver' });
  });
});

describe('waybill token, asked for what cannot be', () => {
  it.each([
    ['--tenant demo --role carrier', /--carrier-id/],
    ['--tenant a/b --role admin', /It must be 1 to 64 letters/],
    ['--tenant demo --role king', /Allowed choices are dispatcher, carrier/],
    ['--tenant demo', /--role/],
    ['--role admin', /--tenant/],
    ['--tenant demo --role admin --expires-in soon', /duration such as/],
    ['--tenant demo --role admin --expires-in 0s', /duration such as/],
    ['--tenant demo --role admin --expires-in 99999d', /ten years at most/],
  ])('%s', async (args, sentence) => {
    const ended = await ask(args);
    expect(ended.stderr).toMatch(sentence);
    expect(ended.stderr).not.toMatch(/\n\s+at /);
    expect([ended.code, ended.stdout]).toEqual([1, '']);
  });

  it('says that an identity provider signs the tokens where one is configured', async () => {
    const ended = await ask('--tenant demo --role admin', { WAYBILL_JWKS_URL: 'https://id.example/keys' });
    expectSentence(ended, /identity provider signs them/);
  });
});
