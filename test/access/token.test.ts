import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import {
  CompactSign,
  type CryptoKey,
  exportJWK,
  generateKeyPair,
  type JWK,
  SignJWT,
  UnsecuredJWT,
} from 'jose';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Authentication, ProofUnavailableError } from '../../src/access/authenticate.ts';
import { signToken, tokenVerifier } from '../../src/access/token.ts';

const SECRET = 'a secret of more than thirty-two bytes, for tests';
const secretKey = new TextEncoder().encode(SECRET);
const CLAIMS = { sub: 'ann', tenant: 'demo', role: 'dispatcher' };
const bySecret = tokenVerifier({ kind: 'secret', secret: SECRET });

const inSeconds = (seconds: number): number => Math.floor(Date.now() / 1000) + seconds;

/** A token signed by the secret, with whatever claims; it is good for a minute unless they say otherwise. */
function signed(
  claims: Record<string, unknown>,
  key: Uint8Array = secretKey,
  alg = 'HS256',
): Promise<string> {
  return new SignJWT({ exp: inSeconds(60), ...claims }).setProtectedHeader({ alg }).sign(key);
}

function reasonOf(answer: Authentication): string {
  return answer.access === null ? answer.reason : 'access';
}

describe('a token signed with the shared secret', () => {
  it('says who is calling', async () => {
    const exp = inSeconds(60);
    expect(await bySecret(await signed({ ...CLAIMS, exp }))).toEqual({
      access: { tenantId: 'demo', sub: 'ann', role: 'dispatcher', expiresAt: new Date(exp * 1000) },
    });
  });

  it('carries the carrier that a carrier answers for', async () => {
    const answer = await bySecret(await signed({ ...CLAIMS, role: 'carrier', carrierId: 'acme' }));
    expect(answer.access).toMatchObject({ role: 'carrier', carrierId: 'acme' });
  });

  it('is what signToken makes, with the issuer and audience that are asked for', async () => {
    const policy = { kind: 'secret', secret: SECRET, issuer: 'us', audience: 'waybill' } as const;
    const token = await signToken(policy, { sub: 'ann', tenant: 'demo', role: 'admin' }, 60);
    expect(reasonOf(await tokenVerifier(policy)(token))).toBe('access');
    expect(reasonOf(await tokenVerifier({ ...policy, issuer: 'others' })(token))).toBe('invalid');
    expect(reasonOf(await tokenVerifier({ ...policy, audience: 'others' })(token))).toBe('invalid');
    expect(reasonOf(await tokenVerifier({ ...policy, issuer: 'us' })(await signed(CLAIMS)))).toBe('invalid');
  });

  it.each([
    ['no tenant', { tenant: undefined }],
    ['a tenant outside the alphabet', { tenant: 'a/b' }],
    ['a tenant of 65 characters', { tenant: 'a'.repeat(65) }],
    ['a tenant that is no text', { tenant: { $ne: '' } }],
    ['no subject', { sub: undefined }],
    ['an empty subject', { sub: '' }],
    ['half a character in the subject', { sub: 'ann \ud83d' }],
    ['an unknown role', { role: 'root' }],
    ['no role', { role: undefined }],
    ['a carrier without its id', { role: 'carrier' }],
    ['a carrier with an empty id', { role: 'carrier', carrierId: '' }],
    ['a carrier whose id is no text', { role: 'carrier', carrierId: ['acme'] }],
  ])('is invalid with %s', async (_, changes) => {
    expect(reasonOf(await bySecret(await signed({ ...CLAIMS, ...changes })))).toBe('invalid');
  });

  it('is good until the moment that it names, and no moment longer', async () => {
    expect(reasonOf(await bySecret(await signed({ ...CLAIMS, exp: inSeconds(2) })))).toBe('access');
    for (const exp of [inSeconds(0), inSeconds(-2), inSeconds(-60), Date.now() / 1000, 0, -1])
      expect(reasonOf(await bySecret(await signed({ ...CLAIMS, exp }))), String(exp)).toBe('expired');
  });

  it('may be signed by a clock that is a little ahead, but not by more', async () => {
    for (const claim of ['nbf', 'iat']) {
      expect(reasonOf(await bySecret(await signed({ ...CLAIMS, [claim]: inSeconds(3) })))).toBe('access');
      expect(reasonOf(await bySecret(await signed({ ...CLAIMS, [claim]: inSeconds(30) })))).toBe('invalid');
    }
  });

  it.each([
    ['no end', { exp: undefined }],
    ['an end that no date can hold', { exp: 1e18 }],
    ['an end that is no number', { exp: String(inSeconds(60)) }],
    ['an end that is null', { exp: null }],
    ['a beginning that is no number', { nbf: 'now' }],
    ['a signing that is no number', { iat: 'now' }],
    ['a signing that no date can hold', { iat: 1e18 }],
    ['a signing before 1970', { iat: -1 }],
  ])('is invalid with %s', async (_, times) => {
    expect(reasonOf(await bySecret(await signed({ ...CLAIMS, ...times })))).toBe('invalid');
  });

  it('is invalid where numbers in it are none', async () => {
    for (const exp of ['1e999', 'NaN', '-1e999']) {
      const payload = JSON.stringify({ ...CLAIMS, exp: 0 }).replace('"exp":0', `"exp":${exp}`);
      const token = await new CompactSign(Buffer.from(payload))
        .setProtectedHeader({ alg: 'HS256' })
        .sign(secretKey);
      expect(['invalid', 'expired'], exp).toContain(reasonOf(await bySecret(token)));
    }
  });

  it('may be good for no longer than the policy says, from when it was signed', async () => {
    const verify = tokenVerifier({ kind: 'secret', secret: SECRET, maxHours: 1 });
    expect(reasonOf(await verify(await signed({ ...CLAIMS, exp: inSeconds(3_599) })))).toBe('access');
    expect(reasonOf(await verify(await signed({ ...CLAIMS, exp: inSeconds(3_700) })))).toBe('invalid');
    const [iat, exp] = [inSeconds(-3_000), inSeconds(700)];
    expect(reasonOf(await verify(await signed({ ...CLAIMS, iat, exp })))).toBe('invalid');
    expect(reasonOf(await verify(await signed({ ...CLAIMS, iat, exp: exp - 200 })))).toBe('access');
  });

  it('is invalid when anything but HS256 with this secret signed it', async () => {
    const other = new TextEncoder().encode('another secret of more than thirty-two bytes');
    const longer = new TextEncoder().encode(SECRET.repeat(2));
    const { privateKey } = await generateKeyPair('ES256');
    const tokens = [
      await signed(CLAIMS, other),
      await signed(CLAIMS, longer, 'HS512'),
      await new SignJWT(CLAIMS).setProtectedHeader({ alg: 'ES256' }).sign(privateKey),
      new UnsecuredJWT(CLAIMS).encode(),
    ];
    for (const token of tokens) expect(reasonOf(await bySecret(token))).toBe('invalid');
  });

  it('is invalid when it is no token at all, and the answer never repeats it', async () => {
    for (const token of ['', 'x', 'a.b.c', '..', `${'e'.repeat(9_000)}.e.e`, 'Basic dXNlcg==', '💥.💥.💥']) {
      const answer = await bySecret(token);
      expect(reasonOf(answer)).toBe('invalid');
      if (token.length > 5) expect(JSON.stringify(answer)).not.toContain(token);
    }
  });
});

describe("a token signed by an identity provider's key", () => {
  let server: Server;
  let url: URL;
  let keys: JWK[] = [];
  let rsa: CryptoKey;
  let ec: CryptoKey;

  const published = async (key: CryptoKey, kid: string, alg: string): Promise<JWK> => ({
    ...(await exportJWK(key)),
    kid,
    alg,
    use: 'sig',
  });
  const by = (key: CryptoKey, alg: string, kid?: string, claims: Record<string, unknown> = CLAIMS) =>
    new SignJWT({ exp: inSeconds(60), ...claims })
      .setProtectedHeader({ alg, ...(kid === undefined ? {} : { kid }) })
      .setIssuer('https://id.example')
      .setAudience('waybill')
      .sign(key);

  beforeAll(async () => {
    const [rsaPair, ecPair, spare] = await Promise.all([
      generateKeyPair('RS256'),
      generateKeyPair('ES256'),
      generateKeyPair('RS256'),
    ]);
    rsa = rsaPair.privateKey;
    ec = ecPair.privateKey;
    keys = [
      await published(spare.publicKey, 'spare', 'RS256'),
      await published(rsaPair.publicKey, 'rsa', 'RS256'),
      await published(ecPair.publicKey, 'ec', 'ES256'),
    ];
    server = createServer((_, response) => {
      response.setHeader('content-type', 'application/json');
      response.end(JSON.stringify({ keys }));
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    url = new URL(`http://127.0.0.1:${(server.address() as AddressInfo).port}/jwks`);
  });
  afterAll(() => new Promise((resolve) => server.close(resolve)));

  const verifier = (changes: { issuer?: string; audience?: string; algorithms?: string[] } = {}) =>
    tokenVerifier({ kind: 'jwks', url, algorithms: ['RS256', 'ES256'], ...changes });

  it('says who is calling, by RSA or by elliptic curve', async () => {
    const verify = verifier({ issuer: 'https://id.example', audience: 'waybill' });
    expect(reasonOf(await verify(await by(rsa, 'RS256', 'rsa')))).toBe('access');
    expect(reasonOf(await verify(await by(ec, 'ES256', 'ec')))).toBe('access');
  });

  it('is tried with every key that fits when it names none', async () => {
    expect(reasonOf(await verifier()(await by(rsa, 'RS256')))).toBe('access');
    const stranger = await generateKeyPair('RS256');
    expect(reasonOf(await verifier()(await by(stranger.privateKey, 'RS256')))).toBe('invalid');
  });

  it('is invalid with another issuer, another audience, or an algorithm that is not on the list', async () => {
    const token = await by(rsa, 'RS256', 'rsa');
    expect(reasonOf(await verifier({ issuer: 'https://else.example' })(token))).toBe('invalid');
    expect(reasonOf(await verifier({ audience: 'else' })(token))).toBe('invalid');
    expect(reasonOf(await verifier({ algorithms: ['ES256'] })(token))).toBe('invalid');
  });

  it('is never proved by a symmetric algorithm or by none, not even with the public key as the secret', async () => {
    const publicText = new TextEncoder().encode(JSON.stringify(keys[1]).padEnd(64));
    const tokens = [
      await new SignJWT(CLAIMS).setProtectedHeader({ alg: 'HS256', kid: 'rsa' }).sign(publicText),
      await signed(CLAIMS),
      new UnsecuredJWT(CLAIMS).encode(),
    ];
    for (const token of tokens) expect(reasonOf(await verifier()(token))).toBe('invalid');
  });

  it('is invalid with a key id that nobody published', async () => {
    expect(reasonOf(await verifier()(await by(rsa, 'RS256', 'gone')))).toBe('invalid');
  });

  it('expires', async () => {
    const exp = Math.floor(Date.now() / 1000) - 60;
    expect(reasonOf(await verifier()(await by(rsa, 'RS256', 'rsa', { ...CLAIMS, exp })))).toBe('expired');
  });

  it('is neither good nor bad while the keys cannot be read', async () => {
    const token = await by(rsa, 'RS256', 'rsa');
    const away = tokenVerifier({
      kind: 'jwks',
      url: new URL('http://127.0.0.1:1/jwks'),
      algorithms: ['RS256'],
    });
    await expect(away(token)).rejects.toBeInstanceOf(ProofUnavailableError);
  });
});
