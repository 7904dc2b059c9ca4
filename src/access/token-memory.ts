import { LRUCache } from 'lru-cache';
import type { Access } from './access.ts';
import type { Authentication } from './authenticate.ts';

/** Proved tokens that a process remembers. */
const REMEMBERED_TOKENS = 10_000;
/**
 * How long a proof is good without looking again, in ms: a key taken out of a key set proves no longer than this.
 * A token's own end is looked at each time.
 */
export const TOKEN_MEMORY_MS = 60_000;

/**
 * Spares a caller's every request the proof of the same token, whose signature the platform checks on another thread:
 * a hop there and back costs more than the rest of a small query. Only proofs are remembered, no refusals.
 * @param isOver whether an access has come to its end at a moment
 */
export function rememberingTokens(
  verify: (token: string) => Promise<Authentication>,
  isOver: (access: Access, now: number) => boolean,
): (token: string) => Promise<Authentication> {
  const proved = new LRUCache<string, Access>({ max: REMEMBERED_TOKENS, ttl: TOKEN_MEMORY_MS });
  return async (token) => {
    const known = proved.get(token);
    if (known !== undefined && !isOver(known, Date.now())) return { access: known };
    const authentication = await verify(token);
    if (authentication.access !== null) proved.set(token, authentication.access);
    return authentication;
  };
}
