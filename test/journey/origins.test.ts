import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { Browser, Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import WebSocket from 'ws';
import { startGateway, type TestGateway } from '../gateway.ts';
import { BROWSER, launchBrowser, ONLY_WITH_BROWSER } from './browser.ts';

const APP = 'https://app.example';
const OTHER = 'https://other.example';

let gateway: TestGateway;
let development: TestGateway;
beforeAll(async () => {
  gateway = await startGateway({ allowedOrigins: [APP, 'https://desk.example'] });
  development = await startGateway({ development: true, allowedOrigins: [APP] });
});
afterAll(() => Promise.all([gateway?.close(), development?.close()]));

const preflight = (url: string, origin: string) =>
  fetch(url, {
    method: 'OPTIONS',
    headers: {
      origin,
      'access-control-request-method': 'POST',
      'access-control-request-headers': 'authorization,content-type,traceparent,x-api-key',
    },
  });

async function ask(url: string, origin: string | undefined, accept = 'application/json') {
  return fetch(url, {
    method: 'POST',
    headers: {
      accept,
      'content-type': 'application/json',
      authorization: `Bearer ${await gateway.token()}`,
      ...(origin === undefined ? {} : { origin }),
    },
    body: JSON.stringify({ query: '{ __typename }' }),
  });
}

/** How an upgrade to a socket is answered: 101 where it is opened. */
function upgrade(url: string, headers: Record<string, string>): Promise<number | undefined> {
  const socket = new WebSocket(url.replace(/^http/, 'ws'), 'graphql-transport-ws', { headers });
  return new Promise((resolve, reject) => {
    socket.on('open', () => {
      resolve(101);
      socket.terminate();
    });
    socket.on('unexpected-response', (request, response) => {
      resolve(response.statusCode);
      request.destroy();
    });
    socket.on('error', reject);
  });
}

describe('a page of an allowed origin', () => {
  it('may send what names the caller and its trace, without cookies', async () => {
    const { status, headers } = await preflight(gateway.url, APP);
    expect(status).toBe(204);
    expect(headers.get('access-control-allow-origin')).toBe(APP);
    expect(headers.get('access-control-allow-methods')).toContain('POST');
    for (const name of ['authorization', 'content-type', 'x-api-key', 'traceparent'])
      expect(headers.get('access-control-allow-headers')).toContain(name);
    expect(headers.get('access-control-allow-credentials')).toBeNull();
    expect(headers.get('vary')?.toLowerCase()).toContain('origin');
  });

  it.each(['application/json', 'text/event-stream'])('may read answers as %s', async (accept) => {
    const answer = await ask(gateway.url, APP, accept);
    expect(answer.headers.get('content-type')).toContain(accept);
    expect(answer.headers.get('access-control-allow-origin')).toBe(APP);
    expect(await answer.text()).toContain('Query');
  });

  it('may read why it is refused', async () => {
    const refused = await fetch(gateway.url, {
      method: 'POST',
      headers: { origin: APP, 'content-type': 'application/json', authorization: 'Bearer nonsense' },
      body: JSON.stringify({ query: '{ __typename }' }),
    });
    expect(refused.status).toBe(401);
    expect(refused.headers.get('access-control-allow-origin')).toBe(APP);
    await refused.text();
  });

  it('may open a socket', async () => {
    expect(await upgrade(gateway.url, { origin: APP })).toBe(101);
    expect(await upgrade(development.url, { origin: APP })).toBe(101);
  });
});

describe('a page of another origin', () => {
  it.each([OTHER, 'https://app.example.evil.example', 'http://app.example', 'null', 'http://localhost:5173'])(
    '%s may neither ask nor open a socket',
    async (origin) => {
      for (const answer of [await preflight(gateway.url, origin), await ask(gateway.url, origin)]) {
        expect(answer.headers.get('access-control-allow-origin')).toBeNull();
        expect(answer.headers.get('vary')?.toLowerCase()).toContain('origin');
        await answer.text();
      }
      expect(await upgrade(gateway.url, { origin })).toBe(403);
    },
  );

  it('is named in the log, for whoever wonders about the setting', () => {
    const lines = gateway.logged.filter(({ msg }) => msg === 'a socket was refused');
    expect(lines.map(({ why }) => why)).toContain(`WAYBILL_ALLOWED_ORIGINS does not have ${OTHER}`);
  });
});

describe('without another origin', () => {
  it('a program, which sends none, may do both', async () => {
    expect((await ask(gateway.url, undefined)).status).toBe(200);
    expect(await upgrade(gateway.url, {})).toBe(101);
  });

  it.each([
    ['https://gw.example', 'gw.example'],
    ['https://gw.example', 'gw.example:443'],
    ['https://GW.example:8443', 'gw.example:8443'],
    ['http://[::1]:4000', '[::1]:4000'],
  ])('a page from %s may open a socket to %s', async (origin, host) => {
    expect(await upgrade(gateway.url, { origin, host })).toBe(101);
  });

  it.each([
    ['https://gw.example', 'gw.example:8443'],
    ['file://', ''],
    ['nonsense', 'nonsense'],
  ])('a page from %s may not open one to %s', async (origin, host) => {
    expect(await upgrade(gateway.url, { origin, host })).toBe(403);
  });
});

describe('in development mode', () => {
  const loopback = ['http://localhost:5173', 'http://127.0.0.1:3000', 'https://[::1]'];

  it.each(loopback)('a page of this machine may do both: %s', async (origin) => {
    const { headers } = await preflight(development.url, origin);
    expect(headers.get('access-control-allow-origin')).toBe(origin);
    expect(await upgrade(development.url, { origin })).toBe(101);
  });

  it.each([OTHER, 'http://localhost.evil.example', 'http://127.0.0.1.evil.example:3000', 'null'])(
    'a page from elsewhere may not: %s',
    async (origin) => {
      const { headers } = await preflight(development.url, origin);
      expect(headers.get('access-control-allow-origin')).toBeNull();
      expect(await upgrade(development.url, { origin })).toBe(403);
    },
  );

  it('no page of another origin reads the token out of GraphiQL', async () => {
    const page = async (headers: Record<string, string>) =>
      (await fetch(development.url, { headers: { accept: 'text/html', ...headers } })).text();
    expect(await page({})).toContain('Bearer ey');
    for (const origin of [...loopback, APP]) expect(await page({ origin })).not.toContain('Bearer ey');
  });
});

describe.skipIf(BROWSER === undefined)(`pages in a browser${ONLY_WITH_BROWSER}`, () => {
  let browser: Browser;
  let server: Server;
  let called: TestGateway;
  let page: Page;
  /** One server, two names: two origins. */
  const origin = (name: string) => `http://${name}:${(server.address() as AddressInfo).port}`;
  beforeAll(async () => {
    server = createServer((_, response) => response.setHeader('content-type', 'text/html').end('<p>page'));
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    [called, browser] = await Promise.all([
      startGateway({ allowedOrigins: [origin('localhost')] }),
      launchBrowser(),
    ]);
    page = await browser.newPage();
  });
  afterAll(async () => {
    await browser?.close();
    await called?.close();
    server?.close();
  });

  const asked = (token: string) =>
    page.evaluate(
      ([url, authorization]) =>
        fetch(url, {
          method: 'POST',
          headers: { 'content-type': 'application/json', authorization, 'x-correlation-id': 'page-1' },
          body: JSON.stringify({ query: '{ tenders { nodes { id } } }' }),
        }).then(
          (answer) => answer.json(),
          () => 'kept from the page',
        ),
      [called.url, `Bearer ${token}`] as const,
    );
  const opened = () =>
    page.evaluate<string>(`new Promise((resolve) => {
      const socket = new WebSocket('${called.url.replace(/^http/, 'ws')}', 'graphql-transport-ws');
      socket.onopen = () => resolve('open');
      socket.onerror = () => resolve('refused');
    })`);

  it('an allowed one asks and opens sockets', async () => {
    await page.goto(origin('localhost'));
    expect(await asked(await called.token())).toMatchObject({ data: { tenders: { nodes: [] } } });
    expect(await opened()).toBe('open');
  });

  it('another one does neither', async () => {
    await page.goto(origin('127.0.0.1'));
    expect(await asked(await called.token())).toBe('kept from the page');
    expect(await opened()).toBe('refused');
  });
});
