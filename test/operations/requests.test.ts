import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Data, post } from '../gateway.ts';
import { type HttpRequest, readHttpFile, requestFiles } from './http-file.ts';
import { openWhole, type Whole } from './whole.ts';

let whole: Whole;
let requests: HttpRequest[];
beforeAll(async () => {
  whole = await openWhole();
  const given = { url: whole.origin, token: await whole.token() };
  requests = requestFiles().flatMap((text) => readHttpFile(text, given));
});
afterAll(() => whole.close());

/** Sends a request; of an endless answer (Server-Sent Events) it reads the first item, then leaves. */
async function send({ method, url, headers, body }: HttpRequest): Promise<{ status: number; text: string }> {
  const options = { method, headers, ...(body === undefined ? {} : { body }) };
  const response = await fetch(url, options);
  if (!response.headers.get('content-type')?.startsWith('text/event-stream')) {
    return { status: response.status, text: await response.text() };
  }
  let seen = '';
  for await (const chunk of response.body ?? []) {
    seen += Buffer.from(chunk).toString();
    const [, item] = /^event: next\ndata: (.+)$/m.exec(seen) ?? [];
    if (item === undefined) continue;
    return { status: response.status, text: item };
  }
  throw new Error(`The stream ended: ${seen}`);
}

/** Sends all of them in order. @returns the answers of mutations */
async function sendAll(): Promise<Data[]> {
  const results: Data[] = [];
  for (const request of requests) {
    // The log is silent until something happens; a heartbeat would come in the end, but nobody waits so long.
    const heard = new AbortController();
    const stirring = request.body?.includes('eventsAppended') ? stir(heard.signal) : undefined;
    const { status, text } = await send(request).finally(() => heard.abort());
    await stirring;
    expect([request.title, status]).toEqual([request.title, 200]);
    if (request.body === undefined) continue;
    const { errors, data } = JSON.parse(text);
    expect([request.title, errors]).toEqual([request.title, undefined]);
    const isMutation = JSON.parse(request.body).query.startsWith('mutation');
    if (isMutation) results.push({ title: request.title, ...Object.values(data as object)[0] });
  }
  return results;
}

/** Makes something happen, again and again until the listener has heard of it. */
async function stir(heard: AbortSignal): Promise<void> {
  const stops = [
    { kind: 'PICKUP', name: 'A', longitude: 1, latitude: 1 },
    { kind: 'DELIVERY', name: 'B', longitude: 2, latitude: 2 },
  ];
  const query = 'mutation ($input: CreateTenderInput!) { createTender(input: $input) { __typename } }';
  const token = await whole.token();
  while (!heard.aborted) await post(whole.url, query, { input: { stops } }, token);
}

describe('the ready-made requests, sent from top to bottom', () => {
  it('are all answered without an error or a refusal', async () => {
    const results = await sendAll();
    expect(results.filter(({ code }) => code !== undefined)).toEqual([]);
  });

  it('sent again, are the same intents: nothing happens twice', async () => {
    const results = await sendAll();
    expect(results.filter(({ repeated }) => repeated === false || repeated === 0)).toEqual([]);
  });
});
