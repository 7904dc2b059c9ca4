import { Agent, request } from 'node:http';

/** A GraphQL client over connections that are kept. */
export interface Requests {
  /** Posts a body as `bodyOf` makes it; resolves with the answer's text. @throws for anything but a 200 */
  post(body: Buffer): Promise<string>;
  close(): void;
}

/** A request's body, made before the clock runs. */
export function bodyOf(query: string, variables: object): Buffer {
  return Buffer.from(JSON.stringify({ query, variables }));
}

/** Node's own HTTP client: cheap enough to leave the server the machine. `more` are headers for other servers. */
export function openRequests(
  url: string,
  token: string,
  more: Readonly<Record<string, string>> = {},
): Requests {
  const agent = new Agent({ keepAlive: true, scheduling: 'lifo' });
  const { hostname, port, pathname } = new URL(url);
  const target = { agent, method: 'POST', hostname, port, path: pathname };
  const headers = {
    'content-type': 'application/json',
    accept: 'application/json',
    authorization: `Bearer ${token}`,
    ...more,
  };
  return {
    post: (body) =>
      new Promise((resolve, reject) => {
        const sent = request(
          { ...target, headers: { ...headers, 'content-length': body.byteLength } },
          (response) => {
            let text = '';
            response.setEncoding('utf8').on('data', (chunk: string) => {
              text += chunk;
            });
            response.on('error', reject).on('end', () => {
              if (response.statusCode === 200 && !text.includes('"errors"')) resolve(text);
              else reject(new Error(`${response.statusCode}: ${text.slice(0, 500)}`));
            });
          },
        );
        sent.on('error', reject).end(body);
      }),
    close: () => agent.destroy(),
  };
}
