import { once } from 'node:events';
import { connect } from 'node:net';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { startGateway, type TestGateway } from '../../gateway.ts';

let gateway: TestGateway;
beforeAll(async () => {
  gateway = await startGateway({ limits: { maxRequestBytesInHand: 65_536 } });
});
afterAll(() => gateway.close());

/** Sends bytes as they are. @returns what is answered until the gateway closes the connection */
async function answerTo(text: string): Promise<string> {
  const line = connect(Number(new URL(gateway.url).port), '127.0.0.1');
  let answer = '';
  line.on('data', (chunk) => {
    answer += String(chunk);
  });
  line.write(text);
  await once(line, 'close');
  return answer;
}

const head = (first: string, ...headers: readonly string[]): string =>
  [`${first} HTTP/1.1`, 'host: localhost', 'connection: close', ...headers, '', ''].join('\r\n');

describe('a request of somebody who has proved nothing', () => {
  it.each([
    ['of which one byte comes', ['content-length: 2000000']],
    ['of unknown length', ['transfer-encoding: chunked'], '1\r\n{\r\n'],
    ['with a bad proof', ['content-length: 2000000', 'authorization: Bearer nonsense']],
  ])('is refused without being read where it is large: %s', async (_what, headers, body = '{') => {
    const answer = await answerTo(
      `${head('POST /graphql', 'content-type: application/json', ...headers)}${body}`,
    );
    expect(answer).toMatch(/^HTTP\/1.1 401 /);
    expect(answer).toContain('UNAUTHENTICATED');
    expect(gateway.metrics.inHand.request_bytes).toBe(0);
  });

  it('is refused as well where the text is in the address', async () => {
    const query = encodeURIComponent(`{ ${'a '.repeat(600)} }`);
    expect(await answerTo(head(`GET /graphql?query=${query}`))).toMatch(/^HTTP\/1.1 401 /);
  });

  it.each(['OPTIONS *', 'GET *', 'GET http://other.example/graphql', 'POST http://[/graphql'])(
    'is told in a sentence that its target is none: %s',
    async (first) => {
      const answer = await answerTo(head(first));
      expect(answer).toMatch(/^HTTP\/1.1 400 /);
      expect(answer).not.toMatch(/ at |file:|node_modules/);
    },
  );

  it('is not sent back what it sent', async () => {
    const answer = await answerTo(
      `${head('POST /graphql', 'content-type: application/json', 'content-length: 900')}${'secret'.repeat(150)}`,
    );
    expect(answer).toMatch(/^HTTP\/1.1 400 /);
    expect(answer).not.toContain('secret');
  });
});
