import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach, describe, expect, it } from 'vitest';
import { z } from 'zod';
import { type GraphqlClient, graphqlClient } from '../../src/client/graphql-client.ts';

let server: Server | undefined;
afterEach(() => {
  server?.closeAllConnections();
  server?.close();
});

/** A server that gives these answers one after another, the last one for ever; `null` breaks the line. */
async function clientOf(
  answers: readonly ([status: number, body: string] | null)[],
  patienceMs = 10_000,
): Promise<{ client: GraphqlClient; asked: () => number }> {
  let asked = 0;
  server = createServer((request, response) => {
    const answer = answers[Math.min(asked, answers.length - 1)];
    asked += 1;
    request.resume().on('end', () => {
      if (answer === null || answer === undefined) response.destroy();
      else response.writeHead(answer[0]).end(answer[1]);
    });
  });
  await new Promise<void>((resolve) => server?.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  const client = graphqlClient({ url: `http://127.0.0.1:${port}/graphql`, token: 't', patienceMs });
  return { client, asked: () => asked };
}

const GOOD: [number, string] = [200, '{ "data": { "ok": true } }'];
const ask = (client: GraphqlClient) => client.execute('{ ok }', {}, z.object({ ok: z.boolean() }));
const failing = (status: number, code: string): [number, string] => [
  status,
  JSON.stringify({ errors: [{ message: 'No.', extensions: { code } }] }),
];

describe('a gateway that fails for a passing reason', () => {
  it.each([
    ['a broken line', null],
    ['429', [429, 'slow down']],
    ['503', [503, '']],
  ] as const)('is asked again after %s', async (_name, failure) => {
    const { client, asked } = await clientOf([failure && [...failure], failure && [...failure], GOOD]);
    expect(await ask(client)).toEqual({ ok: true });
    expect(asked()).toBe(3);
  });

  it('is given up when patience ends', async () => {
    const { client } = await clientOf([[503, '']], 300);
    await expect(ask(client)).rejects.toMatchObject({ code: 'UNREACHABLE' });
  });

  it('is not asked again by a probe', async () => {
    const { client, asked } = await clientOf([[503, '']]);
    await expect(client.probe()).rejects.toThrow('answers with HTTP status 503');
    expect(asked()).toBe(1);
  });
});

describe('a gateway that says no', () => {
  it('is not asked again, whatever the HTTP status', async () => {
    const { client, asked } = await clientOf([failing(401, 'UNAUTHENTICATED')]);
    await expect(ask(client)).rejects.toMatchObject({
      code: 'UNAUTHENTICATED',
      message: 'The gateway does not accept the token: No. (UNAUTHENTICATED)',
    });
    expect(asked()).toBe(1);
  });

  it('is quoted with its code', async () => {
    const { client } = await clientOf([failing(200, 'FORBIDDEN')]);
    await expect(ask(client)).rejects.toThrow('The gateway refuses the request: No. (FORBIDDEN)');
  });
});

describe('something that is no gateway', () => {
  it('is told apart, with a hint about the path', async () => {
    const { client } = await clientOf([[404, 'Not found']]);
    await expect(ask(client)).rejects.toThrow('It usually ends in /graphql.');
  });

  it('is told apart by the form of its answers', async () => {
    const { client } = await clientOf([[200, '{ "data": { "ok": 1 } }']]);
    await expect(ask(client)).rejects.toMatchObject({ code: 'BAD_ANSWER' });
  });
});
