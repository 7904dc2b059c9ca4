import { z } from 'zod';
import { type KeyService, KeyServiceError } from './key-service.ts';

/** How long the vault may take to answer, in ms. */
const TIMEOUT_MS = 5_000;

export interface VaultOptions {
  /** The key in the transit engine: `https://vault.example/v1/transit/keys/waybill` */
  readonly url: URL;
  readonly token: string;
}

const encrypted = z.object({ data: z.object({ ciphertext: z.string().min(1) }) });
const decrypted = z.object({ data: z.object({ plaintext: z.base64() }) });

/**
 * A key service by the HTTP API of HashiCorp Vault's transit engine (and of OpenBao): the outermost key never leaves it, and
 * it is rotated there. What a wrapped key is for goes along as associated data.
 */
export function vaultKeyService({ url, token }: VaultOptions): KeyService {
  const [, base = '', name = ''] = /^(.*)\/keys\/([^/]+)$/.exec(url.pathname) ?? [];
  const ask = async <T>(verb: string, body: object, answer: z.ZodType<T>): Promise<T> => {
    const response = await fetch(new URL(`${base}/${verb}/${name}`, url), {
      method: 'POST',
      headers: { 'content-type': 'application/json', 'x-vault-token': token },
      body: JSON.stringify(body),
      signal: AbortSignal.timeout(TIMEOUT_MS),
      redirect: 'error',
    }).catch((error: unknown) => {
      throw new KeyServiceError(`The vault at ${url.host} does not answer (${String(error)}).`);
    });
    if (!response.ok)
      throw new KeyServiceError(`The vault at ${url.host} answered ${response.status} to ${verb}.`);
    const read = answer.safeParse(await response.json());
    if (!read.success)
      throw new KeyServiceError(`The vault at ${url.host} answered ${verb} otherwise than agreed.`);
    return read.data;
  };
  const aad = (purpose: string): string => Buffer.from(purpose).toString('base64');
  return {
    async wrap(purpose, key) {
      const body = { plaintext: key.toString('base64'), associated_data: aad(purpose) };
      return (await ask('encrypt', body, encrypted)).data.ciphertext;
    },
    async unwrap(purpose, ciphertext) {
      const body = { ciphertext, associated_data: aad(purpose) };
      return Buffer.from((await ask('decrypt', body, decrypted)).data.plaintext, 'base64');
    },
  };
}
