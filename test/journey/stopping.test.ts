import { beforeEach, describe, expect, it } from 'vitest';
import { eventStream } from '../event-stream.ts';
import { eventually, LONG_MS } from '../eventually.ts';
import { startGateway, type TestGateway } from '../gateway.ts';
import { collect } from '../items.ts';
import { LOAD, TENDER_CHANGES, tenderMutation } from './documents.ts';

let gateway: TestGateway;
beforeEach(async () => {
  gateway = await startGateway();
});

async function subscriptions(): Promise<number> {
  const metric = await gateway.metrics.subscriptions.get();
  return metric.values.reduce((sum, { value }) => sum + value, 0);
}

async function operations(): Promise<number> {
  const { values } = await gateway.metrics.operations.get();
  return values.find(({ labels }) => labels.operation === 'mutation')?.value ?? 0;
}

async function tendersStream(signal: AbortSignal): Promise<Response> {
  return eventStream(gateway.url, TENDER_CHANGES, { token: await gateway.token(), signal });
}

describe('G-05 a gateway that stops', () => {
  it('answers what it has begun, tells sockets to come back, and cuts event streams', async () => {
    const socket = gateway.socket(await gateway.token());
    const closed = new Promise<{ code: number }>((resolve) => {
      socket.on('closed', (event) => resolve(event as { code: number }));
    });
    const items = collect(socket.iterate({ query: TENDER_CHANGES }), 'tenderChanges');
    await items.until((item) => item.complete);
    const stream = await tendersStream(new AbortController().signal);
    const text = stream.text();
    text.catch(() => undefined);

    const mutations = Array.from({ length: 20 }, () =>
      gateway.graphql(tenderMutation('createTender'), { input: LOAD }),
    );
    // What has arrived is answered; what is still on its way has no promise.
    await eventually(async () => expect(await operations()).toBe(mutations.length), { lookMs: 1 });
    await gateway.close(LONG_MS);

    for (const { data } of await Promise.all(mutations)) expect(data.result.tender.status).toBe('OPEN');
    expect((await closed).code).toBe(1012);
    await expect(text).rejects.toThrow();
    await expect(fetch(gateway.url)).rejects.toThrow();
  });
});

describe('a subscriber that leaves', () => {
  it('leaves nothing behind: over a socket, with a socket that is cut, and over SSE', async () => {
    const first = gateway.socket(await gateway.token());
    const one = collect(first.iterate({ query: TENDER_CHANGES }), 'tenderChanges');
    const two = collect(first.iterate({ query: TENDER_CHANGES }), 'tenderChanges');
    const abort = new AbortController();
    const stream = await tendersStream(abort.signal);
    await Promise.all([one, two].map((items) => items.until((item) => item.complete)));
    await stream.body?.getReader().read();
    await eventually(async () => expect(await subscriptions()).toBe(3));
    one.stop();
    await eventually(async () => expect(await subscriptions()).toBe(2));
    first.terminate();
    await eventually(async () => expect(await subscriptions()).toBe(1));
    abort.abort();
    await eventually(async () => expect(await subscriptions()).toBe(0));
    await gateway.close();
  });
});
