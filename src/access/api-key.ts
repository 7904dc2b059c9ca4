import { createHash, randomBytes } from 'node:crypto';

/** Tells an API key from a token at sight, and lets scanners for leaked secrets find it. */
const PREFIX = 'wbk_';
/** 256 bits: beyond guessing, so that one plain hash is enough to keep it by. */
const KEY_BYTES = 32;
/** Hex digits of the hash that name a key in lists and logs; they tell nothing of the key. */
const NAME_DIGITS = 12;

/** Whether the text claims to be an API key (which says nothing about its being a good one). */
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
