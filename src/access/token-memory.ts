import { LRUCache } from 'lru-cache';
import type { Access } from './access.ts';
import type { Authentication } from './authenticate.ts';

/** How many proved tokens a process remembers. */
const REMEMBERED_TOKENS = 10_000;
/**
 * How long a proof is remembered, in ms: a key that was removed from a key set is accepted no longer than this.
 * Whether a token has expired is looked at each time.
 */
export const TOKEN_MEMORY_MS = 60_000;

/**
 * Proves a token once instead of with every request: the platform checks signatures on another thread, and the way there and
 * back costs more than the rest of a small query. Only proofs are remembered, no refusals.
 * @param isOver whether an access has expired at a moment
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
