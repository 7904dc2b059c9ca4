import { type Line, openLine } from './http-line.ts';

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

/** Our servers close a connection that nobody has used for 5 s: an older one is not used again, in ms. */
const LINE_TRUST_MS = 3_000;

interface Idle {
  readonly line: Line;
  readonly since: number;
}

/** A client that costs little enough to leave the server the machine. `more` are headers for other servers. */
export function openRequests(
  url: string,
  token: string,
  more: Readonly<Record<string, string>> = {},
): Requests {
  const { hostname, port, pathname, host } = new URL(url);
  const headers = {
    host,
    'content-type': 'application/json',
    accept: 'application/json',
    authorization: `Bearer ${token}`,
    ...more,
  };
  const fields = Object.entries(headers).map(([name, value]) => `${name}: ${value}\r\n`);
  const head = `POST ${pathname} HTTP/1.1\r\n${fields.join('')}content-length: `;
  const lines = new Set<Line>();
  let idle: Idle[] = [];

  const take = (): Line => {
    const youngest = idle.pop();
    const isFresh = youngest !== undefined && performance.now() - youngest.since < LINE_TRUST_MS;
    if (isFresh && youngest.line.isOpen()) return youngest.line;
    // The others are older.
    for (const { line } of youngest === undefined || isFresh ? [] : [youngest, ...idle]) drop(line);
    if (!isFresh) idle = [];
    const line = openLine(hostname, Number(port));
    lines.add(line);
    return line;
  };
  const drop = (line: Line): void => {
    line.close();
    lines.delete(line);
  };

  return {
    async post(body) {
      const line = take();
      const request = Buffer.concat([Buffer.from(`${head}${body.byteLength}\r\n\r\n`), body]);
      const { status, text } = await line.ask(request).catch((error: unknown) => {
        drop(line);
        throw error;
      });
      idle.push({ line, since: performance.now() });
      if (status === 200 && !text.includes('"errors"')) return text;
      throw new Error(`${status}: ${text.slice(0, 500)}`);
    },
    close() {
      for (const line of lines) line.close();
    },
  };
}
