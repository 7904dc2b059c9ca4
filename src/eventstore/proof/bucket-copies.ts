import { createHash } from 'node:crypto';
import aws4 from 'aws4';
import { type CheckpointStore, nameOfCopy, OtherCopy, pathOfCopy } from './copies.ts';

/** Object storage that speaks S3, and how long it is to keep what it gets. */
export interface Bucket {
  /** The bucket with what goes before every name in it: `https://s3.example/bucket/waybill`. */
  readonly url: URL;
  readonly region: string;
  readonly keyId: string;
  readonly secret: string;
  /** Nobody may change or remove an object for so long, whoever it is (COMPLIANCE); 0: the bucket's own default. */
  readonly lockDays: number;
}

const DAY_MS = 86_400_000;
const TIMEOUT_MS = 30_000;

/** Checkpoints in a bucket with object lock. */
export function bucketCopies(bucket: Bucket): CheckpointStore {
  const { url } = bucket;
  const [, name = '', ...rest] = url.pathname.replace(/\/+$/, '').split('/');
  const prefix = rest.map((part) => `${part}/`).join('');
  const pathOf = (key: string): string => `/${name}/${prefix}${key}`;

  const get = async (key: string): Promise<string> => {
    const response = await send(bucket, 'GET', pathOf(key));
    return accepted(response, key);
  };

  /** Everything whose name begins so, page by page; `delimiter` gives folders instead of what is in them. */
  const list = async (under: string, delimiter: boolean): Promise<string[]> => {
    const found: string[] = [];
    for (let token: string | undefined, more = true; more; ) {
      const query = new URLSearchParams({
        ...(token === undefined ? {} : { 'continuation-token': token }),
        ...(delimiter ? { delimiter: '/' } : {}),
        'list-type': '2',
        prefix: `${prefix}${under}`,
      });
      const xml = await accepted(await send(bucket, 'GET', `/${name}?${query}`), under);
      const tag = delimiter ? 'Prefix' : 'Key';
      const within = delimiter
        ? [...xml.matchAll(/<CommonPrefixes>(.*?)<\/CommonPrefixes>/gs)]
        : [[xml, xml]];
      for (const [, part = ''] of within)
        for (const [, key = ''] of part.matchAll(new RegExp(`<${tag}>([^<]*)</${tag}>`, 'g')))
          found.push(key.slice(prefix.length));
      token = /<NextContinuationToken>([^<]*)</.exec(xml)?.[1];
      more = token !== undefined;
    }
    return found;
  };

  return {
    where: url.href,
    async put(checkpoint, text) {
      const key = pathOfCopy(checkpoint);
      const response = await send(bucket, 'PUT', pathOf(key), text);
      // It is there already: what is kept under a name is never written over.
      if (response.status === 412 || response.status === 409) {
        await response.body?.cancel();
        if ((await get(key)) !== text) throw new OtherCopy(`${url.href} holds another checkpoint as ${key}`);
      } else await accepted(response, key);
    },
    get: (checkpoint) => get(pathOfCopy(checkpoint)),
    names: async (tenantId) =>
      (await list(`${tenantId}/`, false)).map(nameOfCopy).filter((copy) => copy !== undefined),
    tenants: async () => (await list('', true)).map((folder) => folder.replace(/\/$/, '')),
  };
}

/** A bucket answered that it does not take, or give, a checkpoint. */
export class BucketRefused extends Error {
  override readonly name = 'BucketRefused';
}

async function accepted(response: Response, key: string): Promise<string> {
  const text = await response.text();
  if (response.ok) return text;
  const code = /<Code>([^<]*)</.exec(text)?.[1] ?? '';
  throw new BucketRefused(`The bucket answered ${response.status} ${code} to ${key}.`);
}

/** Signs a request by AWS Signature Version 4, and sends it. */
function send(bucket: Bucket, method: 'GET' | 'PUT', path: string, body?: string): Promise<Response> {
  const { url, region, keyId, secret } = bucket;
  const signed = aws4.sign(
    {
      service: 's3',
      region,
      host: url.host,
      method,
      path,
      headers: body === undefined ? {} : putHeaders(bucket, body),
      ...(body === undefined ? {} : { body }),
    },
    { accessKeyId: keyId, secretAccessKey: secret },
  );
  const headers = Object.entries(signed.headers ?? {})
    .filter(([name]) => !/^(host|content-length)$/i.test(name))
    .map(([name, value]): [string, string] => [name, String(value)]);
  const signal = AbortSignal.timeout(TIMEOUT_MS);
  return fetch(`${url.origin}${path}`, { method, headers, signal, ...(body === undefined ? {} : { body }) });
}

/** What object lock asks for: a digest of the body, and until when. */
function putHeaders({ lockDays }: Bucket, body: string): Record<string, string> {
  const lock = {
    'x-amz-object-lock-mode': 'COMPLIANCE',
    'x-amz-object-lock-retain-until-date': new Date(Date.now() + lockDays * DAY_MS).toISOString(),
  };
  return {
    'content-type': 'text/plain; charset=utf-8',
    'content-md5': createHash('md5').update(body).digest('base64'),
    'if-none-match': '*',
    ...(lockDays === 0 ? {} : lock),
  };
}
