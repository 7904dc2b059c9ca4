import { describe, expect, it } from 'vitest';
import {
  authenticateBy,
  credentialsOfConnection,
  credentialsOfHeaders,
} from '../../src/access/authenticate.ts';

const KEY = `wbk_${'k'.repeat(43)}`;
const headers = (entries: Record<string, string>) => new Headers(entries);

describe('the credentials of a request', () => {
  it('are the bearer token, whatever the case of the word', () => {
    expect(credentialsOfHeaders(headers({ authorization: 'Bearer abc' }))).toEqual({ token: 'abc' });
    expect(credentialsOfHeaders(headers({ Authorization: 'bearer  abc ' }))).toEqual({ token: 'abc' });
  });

  it('are the API key, in its own header or as a bearer', () => {
    expect(credentialsOfHeaders(headers({ 'x-api-key': KEY }))).toEqual({ apiKey: KEY });
    expect(credentialsOfHeaders(headers({ authorization: `Bearer ${KEY}` }))).toEqual({ apiKey: KEY });
  });

  it('are none where nothing is shown', () => {
    expect(credentialsOfHeaders(headers({}))).toEqual({});
    expect(credentialsOfHeaders(headers({ authorization: 'Bearer ', 'x-api-key': ' ' }))).toEqual({});
  });
});

describe('the credentials of a socket', () => {
  it('are in its connection_init, under the names of the headers or as apiKey', () => {
    expect(credentialsOfConnection({ authorization: 'Bearer abc' })).toEqual({ token: 'abc' });
    expect(credentialsOfConnection({ Authorization: 'abc' })).toEqual({ token: 'abc' });
    expect(credentialsOfConnection({ apiKey: KEY })).toEqual({ apiKey: KEY });
    expect(credentialsOfConnection({ 'X-API-Key': KEY })).toEqual({ apiKey: KEY });
    expect(credentialsOfConnection({ authorization: `Bearer ${KEY}` })).toEqual({ apiKey: KEY });
  });

  it('are those of the upgrade request where connection_init has none', () => {
    const upgrade = headers({ authorization: 'Bearer abc' });
    expect(credentialsOfConnection(undefined, upgrade)).toEqual({ token: 'abc' });
    expect(credentialsOfConnection({ authorization: 'Bearer own' }, upgrade)).toEqual({ token: 'own' });
  });

  it('are none where connection_init holds something else', () => {
    expect(credentialsOfConnection(null)).toEqual({});
    expect(credentialsOfConnection({ authorization: 7, apiKey: { $ne: 1 } })).toEqual({});
  });
});

describe('a caller that shows both a token and a key', () => {
  it('is proved by the key alone', async () => {
    const authenticate = authenticateBy({
      verifyToken: async () => ({ access: { tenantId: 'demo', sub: 'token', role: 'admin' } }),
      verifyApiKey: async () => ({ access: null, reason: 'invalid', message: 'no' }),
    });
    expect(await authenticate({ token: 'abc', apiKey: KEY })).toMatchObject({ access: null });
    expect(await authenticate({ token: 'abc' })).toMatchObject({ access: { sub: 'token' } });
    expect(await authenticate({})).toMatchObject({ access: null, reason: 'missing' });
  });
});
