import { createCipheriv, createDecipheriv, createHmac, randomBytes } from 'node:crypto';

const CIPHER = 'aes-256-gcm';
/** What a sealed text begins with: `eventstore/payload.ts` has the same. */
const PREFIX = 'sealed:1:';
const NONCE_BYTES = 12;
const TAG_BYTES = 16;
export const KEY_BYTES = 32;

/** Where a sealed text belongs: opened anywhere else, it is refused. */
export interface SealedPlace {
  readonly tenantId: string;
  /** The type of the event that it was recorded in. */
  readonly event: string;
  /** The stream of that event: an aggregate's id, a UUID in text form. */
  readonly stream: string;
  /** Dotted path within the payload. */
  readonly field: string;
  /** Whom it is about, as payloads name them. */
  readonly subject: string;
}

/**
 * Encrypts a text under a data subject's key, bound to its place. The nonce is made of the text and the place by a keyed
 * hash, so that the same command, given again, comes to the same event; two different texts never share one.
 */
export function seal(key: Buffer, place: SealedPlace, text: string): string {
  const aad = aadOf(place);
  const nonce = keyedHash(key, 'nonce', aad, text).subarray(0, NONCE_BYTES);
  const cipher = createCipheriv(CIPHER, key, nonce).setAAD(aad);
  const encrypted = Buffer.concat([cipher.update(text, 'utf8'), cipher.final()]);
  return PREFIX + Buffer.concat([nonce, cipher.getAuthTag(), encrypted]).toString('base64url');
}

/** @throws where it was sealed under another key or for another place, or was changed */
export function unseal(key: Buffer, place: SealedPlace, sealed: string): string {
  if (!sealed.startsWith(PREFIX)) throw new Error(`${place.event}.${place.field} is not sealed.`);
  return decrypted(key, Buffer.from(sealed.slice(PREFIX.length), 'base64url'), aadOf(place)).toString('utf8');
}

/** A key as it is kept: encrypted by another one, and bound to what it is for. */
export function wrapKey(by: Buffer, purpose: string, key: Buffer): string {
  const nonce = randomBytes(NONCE_BYTES);
  const cipher = createCipheriv(CIPHER, by, nonce).setAAD(Buffer.from(purpose));
  const encrypted = Buffer.concat([cipher.update(key), cipher.final()]);
  return Buffer.concat([nonce, cipher.getAuthTag(), encrypted]).toString('base64url');
}

/** @throws where another key wrapped it, or it is for something else */
export function unwrapKey(by: Buffer, purpose: string, wrapped: string): Buffer {
  return decrypted(by, Buffer.from(wrapped, 'base64url'), Buffer.from(purpose));
}

/** SHA-256 under a key, of parts that cannot run into each other. */
export function keyedHash(key: Buffer, purpose: string, ...parts: readonly (string | Buffer)[]): Buffer {
  const hash = createHmac('sha256', key);
  for (const part of [purpose, ...parts]) {
    const bytes = typeof part === 'string' ? Buffer.from(part) : part;
    hash.update(`${bytes.length}:`).update(bytes);
  }
  return hash.digest();
}

function decrypted(key: Buffer, sealed: Buffer, aad: Buffer): Buffer {
  const tag = sealed.subarray(NONCE_BYTES, NONCE_BYTES + TAG_BYTES);
  const decipher = createDecipheriv(CIPHER, key, sealed.subarray(0, NONCE_BYTES), {
    authTagLength: TAG_BYTES,
  });
  decipher.setAAD(aad).setAuthTag(tag);
  return Buffer.concat([decipher.update(sealed.subarray(NONCE_BYTES + TAG_BYTES)), decipher.final()]);
}

function aadOf({ tenantId, event, stream, field, subject }: SealedPlace): Buffer {
  return Buffer.from(JSON.stringify([tenantId, event, stream, field, subject]));
}
