import { z } from 'zod';
import { backoffMs, type GraphqlClient, pauseFor, RequestError } from '../../client/graphql-client.ts';
import { isRepeatable } from '../../client/repeatable.ts';
import type { FileFix } from './positions/fix.ts';

const TRACK = /* GraphQL */ `
  mutation TrackLocations($input: TrackLocationsInput!) {
    trackLocations(input: $input) {
      recorded repeated refused { index code message } warnings { index field code }
    }
  }
`;

const answer = z.object({
  trackLocations: z.object({
    recorded: z.number(),
    repeated: z.number(),
    refused: z.array(z.object({ index: z.number(), code: z.string(), message: z.string() })),
    warnings: z.array(z.object({ index: z.number(), field: z.string(), code: z.string() })),
  }),
});

/** What became of a batch; `refused` names fixes by their place in the batch. */
export interface BatchOutcome {
  readonly recorded: number;
  readonly repeated: number;
  readonly refused: readonly { readonly index: number; readonly code: string }[];
  /** Readings that the gateway left out. */
  readonly warnings: readonly { readonly index: number; readonly field: string; readonly code: string }[];
}

/**
 * Sends fixes, and sends those again whose outcome is unknown, for as long as `patienceMs`: a fix is identified by
 * its vehicle, device and time, so it is never recorded twice.
 * @throws RequestError
 */
export async function sendFixes(
  client: GraphqlClient,
  fixes: readonly FileFix[],
  limits: { readonly patienceMs: number; readonly signal?: AbortSignal },
): Promise<BatchOutcome> {
  const deadline = Date.now() + limits.patienceMs;
  let [recorded, repeated] = [0, 0];
  const refused: BatchOutcome['refused'][number][] = [];
  const warnings: BatchOutcome['warnings'][number][] = [];
  let rest = fixes.map((fix, index) => ({ fix, index }));
  for (let attempt = 0; rest.length > 0; attempt += 1) {
    const input = { fixes: rest.map(({ fix }) => fix) };
    const { trackLocations } = await client.execute(TRACK, { input }, answer);
    recorded += trackLocations.recorded;
    repeated += trackLocations.repeated;
    const pause = backoffMs(attempt);
    const inTime = Date.now() + pause < deadline;
    for (const { index, ...warning } of trackLocations.warnings)
      warnings.push({ ...warning, index: rest[index]?.index ?? 0 });
    const again: typeof rest = [];
    for (const { index, code } of trackLocations.refused) {
      const entry = rest[index];
      if (entry === undefined)
        throw new RequestError('BAD_ANSWER', 'The gateway refused a fix that was not sent.');
      if (inTime && isRepeatable(code)) again.push(entry);
      else refused.push({ index: entry.index, code });
    }
    rest = again;
    if (rest.length > 0) await pauseFor(pause, limits.signal);
  }
  return { recorded, repeated, refused, warnings };
}
