import type { Access } from './access.ts';

// One rule for every lane, by this process's clock: a token is good until the moment in `exp`, not a moment longer. What began
// with it is cut at the same moment. A leeway is given at the beginning of its life only, since whoever signs may be ahead.

/** How far the clock of whoever signs tokens may be ahead of this one, in s. */
export const CLOCK_TOLERANCE_SECONDS = 5;
/** How long a token may be good for, unless the operator says otherwise, in h: 30 days. */
export const MAX_TOKEN_HOURS = 720;

/** Whether a proof is over. API keys do not end by themselves. */
export function hasExpired({ expiresAt }: Access, now: number): boolean {
  return expiresAt !== undefined && now >= expiresAt.getTime();
}

/** When a token says it was signed and when it ends, in s since 1970. */
export interface Lifetime {
  readonly exp: number;
  readonly iat?: number | undefined;
}

/**
 * What is wrong with how long a token is good for, as a sentence; undefined where nothing is. It is counted from when the token was
 * signed or, where it does not say, from now.
 */
export function lifetimeFault({ exp, iat }: Lifetime, now: number, maxHours: number): string | undefined {
  const seconds = now / 1_000;
  if (iat !== undefined && iat > seconds + CLOCK_TOLERANCE_SECONDS)
    return 'The token\'s claim "iat" lies in the future.';
  if (exp - (iat ?? seconds) > maxHours * 3_600)
    return `The token is good for longer than the ${maxHours} hours that this gateway allows.`;
  return undefined;
}
