import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { type RequestOptions, request } from 'node:https';
import { connect as connectPlain } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Writable } from 'node:stream';
import { connect as connectTls } from 'node:tls';
import { SignJWT } from 'jose';
import { pino } from 'pino';
import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest';
import WebSocket from 'ws';
import { createClient } from '../../src/mongo/client.ts';
import { readSettings } from '../../src/process/settings.ts';
import { openWaybill, type Waybill } from '../../src/waybill.ts';
import { type Authority, account, type Certified, makeAuthority } from '../certificates.ts';
import { eventually } from '../eventually.ts';
import type { Data } from '../gateway.ts';

const SECRET = 'the-secret-of-tests-is-at-least-32-bytes-long';
const HERE = ['IP:127.0.0.1', 'DNS:localhost'];

let folder: string;
let authority: Authority;
let clients: Authority;
/** A service account's, one that none has, and one of an authority that does not count. */
let edi: Certified;
let stranger: Certified;
let forged: Certified;
let ended: Certified;
let waybill: Waybill;
let logged: Data[];
const database = `test_${randomBytes(6).toString('hex')}`;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'waybill-tls-'));
  [authority, clients] = [makeAuthority('servers'), makeAuthority('clients')];
  edi = clients.certify('edi', ['DNS:edi.acme.example', 'URI:spiffe://acme/edi']);
  stranger = clients.certify('edi', ['DNS:other.acme.example']);
  forged = makeAuthority('clients').certify('edi', ['DNS:edi.acme.example']);
  ended = clients.certify('edi', ['DNS:edi.acme.example'], -1_000);
  await put(authority.certify('one', HERE));
  await writeFile(file('ca.pem'), clients.cert);
  await accounts([account({ san_dns: 'edi.acme.example' })]);
  logged = [];
  waybill = await open();
});
afterAll(async () => {
  await waybill?.close();
  const client = createClient(inject('mongoUri'));
  await client.db(database).dropDatabase();
  await client.close();
  await rm(folder, { recursive: true });
});

const file = (name: string): string => join(folder, name);
const accounts = (list: unknown) => writeFile(file('accounts.json'), JSON.stringify(list));

/** Puts the server's certificate in place. */
async function put({ cert, key }: Certified): Promise<void> {
  await writeFile(file('key.pem'), key, { mode: 0o600 });
  await writeFile(file('cert.pem'), cert);
}

function open(variables: Record<string, string> = {}): Promise<Waybill> {
  const log = pino(
    { level: 'info' },
    new Writable({
      write(line, _encoding, done) {
        logged.push(JSON.parse(String(line)));
        done();
      },
    }),
  );
  return openWaybill(
    readSettings({
      MONGODB_URI: inject('mongoUri'),
      WAYBILL_DATABASE: database,
      WAYBILL_JWT_SECRET: SECRET,
      WAYBILL_TLS_CERTIFICATE_FILE: file('cert.pem'),
      WAYBILL_TLS_KEY_FILE: file('key.pem'),
      WAYBILL_TLS_CLIENT_CA_FILE: file('ca.pem'),
      WAYBILL_SERVICE_ACCOUNTS_FILE: file('accounts.json'),
      WAYBILL_VERIFY_HOURS: '0',
      PORT: '0',
      ...variables,
    }),
    log,
  );
}

/** Bound to a certificate where a thumbprint is given; `cnf` otherwise says how. */
function tokenOf(
  thumbprint?: string,
  cnf: object | undefined = thumbprint === undefined ? undefined : { 'x5t#S256': thumbprint },
) {
  const now = Math.floor(Date.now() / 1_000);
  return new SignJWT({
    tenant: 'demo',
    role: 'carrier',
    carrierId: 'acme',
    ...(cnf === undefined ? {} : { cnf }),
  })
    .setProtectedHeader({ alg: 'HS256' })
    .setSubject('bound')
    .setIssuedAt(now)
    .setExpirationTime(now + 600)
    .sign(new TextEncoder().encode(SECRET));
}

interface Caller {
  readonly certified?: Certified | undefined;
  readonly token?: string | undefined;
}

interface Answer {
  readonly status: number;
  readonly body: string;
}

function send(
  port: number,
  { certified, token }: Caller,
  options: RequestOptions,
  body?: string,
): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const sent = request(
      {
        host: '127.0.0.1',
        port,
        ca: authority.cert,
        agent: false,
        ...(certified === undefined ? {} : { cert: certified.cert, key: certified.key }),
        ...options,
        headers: { ...(token === undefined ? {} : { authorization: `Bearer ${token}` }), ...options.headers },
      },
      (response) => {
        let text = '';
        response.setEncoding('utf8');
        response.on('data', (chunk: string) => {
          text += chunk;
          // Of a stream its first item is enough.
          if (text.includes('data: ')) {
            resolve({ status: response.statusCode ?? 0, body: text });
            response.destroy();
          }
        });
        response.on('end', () => resolve({ status: response.statusCode ?? 0, body: text }));
        response.on('error', reject);
      },
    );
    sent.on('error', reject);
    sent.end(body);
  });
}

const ASK = '{ tenders { nodes { id } } }';
const WATCH = 'subscription { tenderChanges { __typename } }';
const JSON_TYPE = { 'content-type': 'application/json' };

/** Every lane: whether the caller was let in, or what it was told. */
const LANES: Readonly<Record<string, (caller: Caller, port?: number) => Promise<string>>> = {
  'the fast path': async (caller, port = waybill.port) => {
    const options = { path: '/graphql', method: 'POST', headers: JSON_TYPE };
    return outcomeOf(
      await send(
        port,
        caller,
        { ...options, headers: { ...JSON_TYPE, 'content-length': JSON.stringify({ query: ASK }).length } },
        JSON.stringify({ query: ASK }),
      ),
    );
  },
  Yoga: async (caller, port = waybill.port) =>
    outcomeOf(await send(port, caller, { path: `/graphql?query=${encodeURIComponent(ASK)}` })),
  'an event stream': async (caller, port = waybill.port) => {
    const headers = { ...JSON_TYPE, accept: 'text/event-stream' };
    return outcomeOf(
      await send(
        port,
        caller,
        { path: '/graphql', method: 'POST', headers },
        JSON.stringify({ query: WATCH }),
      ),
    );
  },
  'a socket': async ({ certified, token }, port = waybill.port) => {
    const socket = new WebSocket(`wss://127.0.0.1:${port}/graphql`, 'graphql-transport-ws', {
      ca: authority.cert,
      ...(certified === undefined ? {} : { cert: certified.cert, key: certified.key }),
    });
    const payload = token === undefined ? {} : { authorization: `Bearer ${token}` };
    socket.on('open', () => socket.send(JSON.stringify({ type: 'connection_init', payload })));
    return new Promise((resolve, reject) => {
      socket.on('error', reject);
      socket.on('close', (code, reason) =>
        code === 1006 ? reject(new Error('cut')) : resolve(String(reason)),
      );
      socket.on('message', () => {
        resolve('in');
        socket.close();
      });
    });
  },
};

function outcomeOf({ body }: Answer): string {
  return /"message":"([^"]+)"/.exec(body)?.[1] ?? 'in';
}

const metrics = async (): Promise<string> => (await send(waybill.port, {}, { path: '/metrics' })).body;

describe('a gateway with a certificate', () => {
  it('is called by https and wss, and says so', () => {
    expect(waybill.url).toBe(`https://127.0.0.1:${waybill.port}/graphql`);
  });

  it('answers nobody who speaks plainly, or an old TLS', async () => {
    await expect(fetch(waybill.url.replace('https', 'http'))).rejects.toThrow();
    const old = connectTls({
      port: waybill.port,
      ca: authority.cert,
      minVersion: 'TLSv1.1',
      maxVersion: 'TLSv1.1',
    });
    await expect(once(old, 'secureConnect')).rejects.toThrow();
  });

  it('says in its metrics when the certificate ends', async () => {
    const [, end] = /^waybill_tls_certificate_end_timestamp_seconds (\S+)/m.exec(await metrics()) ?? [];
    expect(Number(end) * 1_000).toBeGreaterThan(Date.now() + 300 * 86_400_000);
  });
});

describe.each(Object.entries(LANES))('%s', (_lane, ask) => {
  it('takes a certificate for the service account that it stands for', async () => {
    expect(await ask({ certified: edi })).toBe('in');
  });

  it('takes no certificate that stands for none, and no missing one', async () => {
    expect(await ask({ certified: stranger })).toMatch(/stands for no service account/);
    expect(await ask({})).not.toBe('in');
  });

  it('is cut for who shows a certificate of another authority, or one that has ended, whatever else it shows', async () => {
    for (const certified of [forged, ended])
      for (const token of [undefined, await tokenOf(), await tokenOf(certified.thumbprint)])
        await expect(ask({ certified, token })).rejects.toThrow();
    await eventually(() =>
      expect(
        logged.filter(({ msg }) => msg === 'a client certificate was refused').map(({ why }) => why),
      ).toEqual(expect.arrayContaining(['CERT_SIGNATURE_FAILURE', 'CERT_HAS_EXPIRED'])),
    );
  });

  it('takes a token, with whatever certificate, unless it is bound to another', async () => {
    for (const certified of [undefined, stranger, edi])
      expect(await ask({ certified, token: await tokenOf() })).toBe('in');
    const token = await tokenOf(stranger.thumbprint);
    expect(await ask({ certified: stranger, token })).toBe('in');
    for (const certified of [undefined, edi])
      expect(await ask({ certified, token })).toMatch(/bound to a client certificate/);
    // Once more: a token that was found good is remembered, and so is what it is bound to.
    expect(await ask({ certified: stranger, token })).toBe('in');
    expect(await ask({ certified: edi, token })).toMatch(/bound to a client certificate/);
  });

  it('takes no token that is bound by a method that it does not know', async () => {
    for (const cnf of [{ jkt: 'x' }, {}])
      expect(await ask({ certified: edi, token: await tokenOf(undefined, cnf) })).toMatch(
        /bound by a method/,
      );
    expect(await ask({ certified: edi, token: await tokenOf(undefined, { 'x5t#S256': 7 }) })).not.toBe('in');
  });
});

describe('a gateway that wants certificates', () => {
  it('lets nobody in without one', async () => {
    const strict = await open({ WAYBILL_TLS_CLIENT_CERTIFICATE: 'required' });
    try {
      for (const ask of Object.values(LANES)) {
        await expect(ask({ token: await tokenOf() }, strict.port)).rejects.toThrow();
        await expect(ask({ certified: forged }, strict.port)).rejects.toThrow();
        expect(await ask({ certified: edi }, strict.port)).toBe('in');
      }
    } finally {
      await strict.close();
    }
  });
});

describe('files that change', () => {
  const served = async (): Promise<string> => {
    const line = connectTls({ port: waybill.port, host: '127.0.0.1', ca: authority.cert });
    await once(line, 'secureConnect');
    const { CN } = line.getPeerCertificate().subject;
    line.destroy();
    return String(CN);
  };

  it('are taken up without a restart, and connections go on', async () => {
    const line = connectTls({ port: waybill.port, host: '127.0.0.1', ca: authority.cert });
    await once(line, 'secureConnect');
    await put(authority.certify('two', HERE));
    await eventually(async () => expect(await served()).toBe('two'));
    line.write('GET /health/live HTTP/1.1\r\nhost: localhost\r\n\r\n');
    expect(String(await once(line, 'data'))).toMatch(/^HTTP\/1.1 200/);
    line.destroy();
  });

  it('that cannot be used leave those of before, and the log and the metrics say so', async () => {
    await writeFile(file('cert.pem'), 'nonsense');
    await eventually(async () =>
      expect(await metrics()).toMatch(/waybill_tls_reloads_total\{outcome="refused"\} [1-9]/),
    );
    expect(logged.some(({ err }) => /holds no certificate in PEM/.test(err?.message))).toBe(true);
    expect(await served()).toBe('two');
    await put(authority.certify('three', HERE));
    await eventually(async () => expect(await served()).toBe('three'));
  });

  it('of service accounts count from the next request on', async () => {
    const ask = LANES['the fast path'];
    await accounts([account({ 'x5t#S256': stranger.thumbprint })]);
    await eventually(async () => expect(await ask?.({ certified: stranger })).toBe('in'));
    expect(await ask?.({ certified: edi })).toMatch(/stands for no service account/);
    await accounts('nonsense');
    await eventually(() =>
      expect(logged.some(({ msg }) => /changed service accounts cannot be used/.test(msg))).toBe(true),
    );
    expect(await ask?.({ certified: stranger })).toBe('in');
    const colons = Buffer.from(edi.thumbprint, 'base64url')
      .toString('hex')
      .toUpperCase()
      .match(/../g)
      ?.join(':');
    await accounts([account({ 'x5t#S256': colons }), account({ san_uri: 'spiffe://other' })]);
    await eventually(async () => expect(await ask?.({ certified: edi })).toBe('in'));
  });

  it('of service accounts end what is open of a certificate that stands for none any more', async () => {
    await accounts([account({ 'x5t#S256': edi.thumbprint })]);
    await eventually(async () => expect(await LANES['the fast path']?.({ certified: edi })).toBe('in'));
    const line = { ca: authority.cert, cert: edi.cert, key: edi.key };
    const url = `wss://127.0.0.1:${waybill.port}/graphql`;
    const socket = new WebSocket(url, 'graphql-transport-ws', line);
    socket.on('open', () => socket.send(JSON.stringify({ type: 'connection_init' })));
    const closed = new Promise((resolve) => {
      socket.once('close', (code, reason) => resolve([code, String(reason)]));
    });
    await new Promise((resolve) => socket.once('message', resolve));
    await accounts([]);
    expect(await closed).toEqual([4401, 'The certificate stands for this account no more.']);
  });
});

describe('a stop', () => {
  it('waits for nobody who has not agreed on TLS', async () => {
    const other = await open();
    const silent = connectPlain(other.port, '127.0.0.1');
    await once(silent, 'connect');
    const closed = once(silent, 'close');
    await other.close();
    await closed;
  });
});
