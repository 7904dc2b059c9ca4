import { parse, validate } from 'graphql';
import type { Browser, BrowserContext, Page } from 'playwright-core';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { FIRST_DOCUMENT } from '../../src/gateway/engine/graphiql.ts';
import { schema } from '../../src/schema.ts';
import { eventually } from '../eventually.ts';
import { startGateway, type TestGateway } from '../gateway.ts';
import { BROWSER, launchBrowser, ONLY_WITH_BROWSER } from './browser.ts';
import { LOAD, tenderMutation } from './documents.ts';
import { done, offered } from './tour.ts';

describe('the document that GraphiQL begins with', () => {
  it('is one that the gateway answers, in lines that its editor shows whole', () => {
    expect(validate(schema, parse(FIRST_DOCUMENT))).toEqual([]);
    expect(FIRST_DOCUMENT.split('\n').filter((line) => line.length > 52)).toEqual([]);
  });
});

describe('the page of GraphiQL, which holds a token', () => {
  let gateway: TestGateway;
  beforeAll(async () => {
    gateway = await startGateway({ development: true });
  });
  afterAll(() => gateway.close());
  const ask = () => fetch(gateway.url, { headers: { accept: 'text/html' } });

  it('may run its own scripts only, be framed by nobody, be kept nowhere and tell nobody its address', async () => {
    const { headers } = await ask();
    const policy = headers.get('content-security-policy') ?? '';
    for (const rule of [
      "default-src 'none'",
      "connect-src 'self'",
      "frame-ancestors 'none'",
      "base-uri 'none'",
    ])
      expect(policy.split('; ')).toContain(rule);
    expect(policy).toMatch(/script-src 'nonce-[\w+/]{24}'/);
    expect(Object.fromEntries(headers)).toMatchObject({
      'cache-control': 'no-store',
      'referrer-policy': 'no-referrer',
      'x-content-type-options': 'nosniff',
      'x-frame-options': 'DENY',
    });
  });

  it('names its scripts anew each time', async () => {
    const pages = await Promise.all([ask(), ask()]);
    const named = pages.map(
      ({ headers }) => /nonce-([^']+)/.exec(headers.get('content-security-policy') ?? '')?.[1],
    );
    expect(new Set(named).size).toBe(2);
    for (const [index, page] of pages.entries())
      expect((await page.text()).split(`<script nonce="${named[index]}">`)).toHaveLength(3);
  });

  it('puts these heads on no answer but the page', async () => {
    const { headers } = await fetch(`${gateway.url}?query={__typename}`, {
      headers: { accept: 'application/json' },
    });
    expect(headers.get('content-security-policy')).toBeNull();
  });
});

describe.skipIf(BROWSER === undefined)(`GraphiQL in a browser${ONLY_WITH_BROWSER}`, () => {
  let gateway: TestGateway;
  let browser: Browser;
  let context: BrowserContext;
  /** What pages asked for from elsewhere, and what went wrong in them. */
  let strangers: string[];
  let mishaps: string[];
  beforeAll(async () => {
    [gateway, browser] = await Promise.all([startGateway({ development: true }), launchBrowser()]);
  });
  afterAll(async () => {
    await browser?.close();
    await gateway?.close();
  });
  beforeEach(async () => {
    strangers = [];
    mishaps = [];
    context = await browser.newContext({ viewport: { width: 1_400, height: 1_400 } });
    context.on('request', (request) => {
      const { origin, protocol } = new URL(request.url());
      if (protocol !== 'data:' && origin !== new URL(gateway.url).origin) strangers.push(request.url());
    });
    context.on('weberror', (error) => mishaps.push(String(error.error())));
    context.on('console', (message) => {
      if (message.type() === 'error') mishaps.push(message.text());
    });
  });
  afterEach(async () => {
    await context.close();
    expect(strangers).toEqual([]);
  });

  async function open(): Promise<Page> {
    const page = await context.newPage();
    await page.goto(gateway.url);
    await page.locator('.graphiql-editor .view-line').first().waitFor();
    return page;
  }

  /** Chooses one of the operations in the editor. */
  async function run(page: Page, name: string): Promise<void> {
    const button = page.getByRole('button', { name: 'Execute query' });
    // It has a menu as soon as the page has understood the document.
    await button.and(page.locator('[aria-haspopup="menu"]')).click();
    await page.getByRole('menuitem', { name, exact: true }).click();
  }

  /** Runs the operation of a document that has no other. */
  async function runOnly(page: Page, name: string): Promise<void> {
    await page.locator('.graphiql-tab-active', { hasText: name }).waitFor();
    const button = page.getByRole('button', { name: 'Execute query' });
    await button.and(page.locator(':not([aria-haspopup])')).click();
  }

  /** Waits until the pane of answers shows all these words. */
  async function shows(page: Page, ...words: string[]): Promise<string> {
    const pane = page.locator('.result-window .view-lines');
    return eventually(async () => {
      // The editor shows spaces as ones that don't break.
      const text = (await pane.innerText({ timeout: 1_000 })).replaceAll('\u00a0', ' ');
      for (const word of words) expect(text).toContain(word);
      return text;
    });
  }

  /** Puts other headers below the document. */
  async function putHeaders(page: Page, headers: object): Promise<void> {
    await page.getByRole('button', { name: 'Headers', exact: true }).click();
    await page.locator('.graphiql-editor:not(.hidden) .view-lines').last().click();
    await page.keyboard.press('Control+A');
    await page.keyboard.press('Delete');
    await page.keyboard.insertText(JSON.stringify(headers));
  }

  it('asks, does and watches, as the page is opened', async () => {
    const { tenderId } = await offered(gateway, 'carrier-7');
    const page = await open();
    await run(page, 'Board');
    await shows(page, tenderId, '"carrier-7"', '"SENT"');
    // What it remembers of the document is in its address; what it calls with is not.
    expect(decodeURIComponent(page.url())).not.toMatch(/bearer|eyJ/i);

    await run(page, 'Create');
    const created = await shows(page, '"TenderPayload"', '"OPEN"');
    const ownId = /tender_[0-9a-f-]{36}/.exec(created)?.[0] ?? 'no id is shown';
    const { tender } = await gateway.data('query($id: ID!) { tender(id: $id) { status } }', { id: ownId });
    expect(tender.status).toBe('OPEN');

    await run(page, 'Live');
    await shows(page, '"TendersSnapshot"', tenderId, ownId);
    const outside = await done(gateway, tenderMutation('createTender'), LOAD);
    await shows(page, '"TenderUpdated"', '"TenderCreated"', outside.tender.id);
    const other = await open();
    await run(other, 'Create');
    const shown = await shows(other, '"TenderPayload"');
    await shows(page, '"TenderUpdated"', /tender_[0-9a-f-]{36}/.exec(shown)?.[0] ?? 'no id is shown');
    expect(mishaps).toEqual([]);
  });

  it('goes on after the page is loaded again, and in another tab', async () => {
    const page = await open();
    await run(page, 'Board');
    await shows(page, '"nodes"');
    await page.reload();
    await run(page, 'Board');
    await shows(page, '"nodes"');
    await page.getByRole('button', { name: 'New tab' }).click();
    await page.locator('.graphiql-query-editor .view-lines').click();
    await page.keyboard.insertText('query Own { fleets { fleetId } }');
    await runOnly(page, 'Own');
    await shows(page, '"fleets"');
    await eventually(async () =>
      expect(await page.evaluate('localStorage.getItem("graphiql:tabState")')).toContain('query Own'),
    );
    await page.reload();
    await runOnly(page, 'Own');
    await shows(page, '"fleets"');
    expect(await page.locator('.graphiql-tab').allInnerTexts()).toEqual(['Board', 'Own']);
    await page.getByRole('button', { name: 'Board', exact: true }).click();
    await run(page, 'Board');
    await shows(page, '"nodes"');
    expect(mishaps).toEqual([]);
  });

  it.each(['Authorization', 'authorization'])(
    'is who the header %s says, in subscriptions too',
    async (name) => {
      const { tenderId } = await offered(gateway, 'carrier-8');
      const other = await offered(gateway, 'carrier-9');
      const page = await open();
      const token = await gateway.token({ role: 'carrier', carrierId: 'carrier-8' });
      await putHeaders(page, { [name]: `Bearer ${token}` });
      await run(page, 'Board');
      expect(await shows(page, tenderId)).not.toContain(other.tenderId);
      await run(page, 'Live');
      expect(await shows(page, '"TendersSnapshot"', tenderId)).not.toContain(other.tenderId);
    },
  );
});
