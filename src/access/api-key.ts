import { createHash, randomBytes } from 'node:crypto';

/** Distinguishes an API key from a token, and lets scanners for leaked secrets find it. */
const PREFIX = 'wbk_';
/** 256 bits cannot be guessed, so that a plain hash is enough to store a key. */
const KEY_BYTES = 32;
/** How many hex digits of the hash name a key in lists and logs; the key cannot be found from them. */
const NAME_DIGITS = 12;

/** Whether the text looks like an API key; it need not be a good one. */
export function isApiKey(text: string): boolean {
  return text.startsWith(PREFIX);
}

/** Makes a new key: `wbk_` and 43 characters of base64url. It is shown once and never stored. */
export function newApiKey(): string {
  return PREFIX + randomBytes(KEY_BYTES).toString('base64url');
}

/** What is stored of a key: its SHA-256, 64 hex digits. */
export function hashApiKey(apiKey: string): string {
  return createHash('sha256').update(apiKey).digest('hex');
}

/** The name of a key in lists, logs and as an actor: `key_` and the first digits of its hash. */
export function apiKeyId(hash: string): string {
  return `key_${hash.slice(0, NAME_DIGITS)}`;
}
