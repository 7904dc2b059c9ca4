import type { IncomingMessage } from 'node:http';

/** The media types of a GraphQL answer that is no stream. */
export type AnswerType = 'application/json' | 'application/graphql-response+json';

/** The parameters of a GraphQL request, all of them well formed. */
export interface PlainParams {
  readonly query: string;
  readonly variables?: Record<string, unknown> | null | undefined;
  readonly operationName?: string | null | undefined;
  readonly extensions?: Record<string, unknown> | null | undefined;
}

const JSON_TYPE = /^application\/json(?:; ?charset=utf-8)?$/i;

/**
 * True for a POST to `/graphql` of JSON whose length is known and within the limit, from no page of another origin.
 * Node sees to it that the body has just that length.
 */
export function isPlainPost({ method, url, headers }: IncomingMessage, maxBodyBytes: number): boolean {
  const length = headers['content-length'];
  return (
    method === 'POST' &&
    url === '/graphql' &&
    JSON_TYPE.test(headers['content-type'] ?? '') &&
    length !== undefined &&
    Number(length) <= maxBodyBytes &&
    headers['content-encoding'] === undefined &&
    headers.origin === undefined
  );
}

/**
 * The type to answer with: the first one in the `Accept` header that an answer can have. As in Yoga, the order counts and
 * `q` does not. Undefined where none fits.
 */
export function answerTypeFor(accept: string | undefined): AnswerType | undefined {
  if (accept === undefined || accept === '') return 'application/json';
  for (const listed of accept.replace(/\s/g, '').toLowerCase().split(',')) {
    const [type = '', ...params] = listed.split(';');
    const charset = params.find((param) => param.includes('charset='));
    if (charset !== undefined && charset !== 'charset=utf-8') continue;
    if (type === '*/*' || type === 'application/*' || type === '*/json') return 'application/json';
    if (type === 'application/json' || type === 'application/graphql-response+json') return type;
    if (type.includes('*')) return undefined;
  }
  return undefined;
}

/** Reads a request's body; undefined where the client has gone before its end. */
export function readBody(request: IncomingMessage): Promise<Buffer | undefined> {
  return new Promise((resolve) => {
    const chunks: Buffer[] = [];
    request.on('data', (chunk: Buffer) => chunks.push(chunk));
    request.once('end', () => resolve(chunks.length === 1 ? chunks[0] : Buffer.concat(chunks)));
    request.once('error', () => resolve(undefined));
    request.once('close', () => resolve(undefined));
  });
}

/** Reads the parameters from a body; undefined unless every one is well formed and none is unknown. */
export function plainParams(body: Buffer): PlainParams | undefined {
  let params: unknown;
  try {
    params = JSON.parse(body.toString('utf8'));
  } catch {
    return undefined;
  }
  if (!isObject(params)) return undefined;
  const { query, variables, operationName, extensions, ...unknown } = params;
  for (const _ in unknown) return undefined;
  if (typeof query !== 'string' || !isObjectOrAbsent(variables) || !isObjectOrAbsent(extensions))
    return undefined;
  if (operationName !== undefined && operationName !== null && typeof operationName !== 'string')
    return undefined;
  return { query, variables, operationName, extensions };
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function isObjectOrAbsent(value: unknown): value is Record<string, unknown> | null | undefined {
  return value === undefined || value === null || isObject(value);
}
