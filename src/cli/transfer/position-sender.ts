import { z } from 'zod';
import { backoffMs, type GraphqlClient, pauseFor, RequestError } from '../../client/graphql-client.ts';
import { isRepeatable } from '../../client/repeatable.ts';
import type { CorrectionReason } from '../../vehicle/reasons.ts';
import type { FileFix } from './positions/fix.ts';

const COUNTS = 'recorded repeated refused { index code message } warnings { index field code }';

const TRACK = /* GraphQL */ `
  mutation TrackLocations($input: TrackLocationsInput!) { answer: trackLocations(input: $input) { ${COUNTS} } }
`;
const CORRECT = /* GraphQL */ `
  mutation CorrectLocations($input: CorrectLocationsInput!) { answer: correctLocations(input: $input) { ${COUNTS} } }
`;

const answer = z.object({
  answer: z.object({
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

export interface SendingLimits {
  readonly patienceMs: number;
  readonly signal?: AbortSignal;
}

/**
 * Sends fixes, and sends those again whose outcome is unknown, for as long as `patienceMs`: a fix is identified by
 * its vehicle, device and time, so it is never recorded twice.
 * @throws RequestError
 */
export function sendFixes(
  client: GraphqlClient,
  fixes: readonly FileFix[],
  limits: SendingLimits,
): Promise<BatchOutcome> {
  return sendAll(client, fixes, limits, (rest) => ({ document: TRACK, input: { fixes: rest } }));
}

/** As `sendFixes`, for fixes that are recorded and say something else. What says so already counts as repeated. */
export function sendCorrections(
  client: GraphqlClient,
  fixes: readonly FileFix[],
  reasonCode: CorrectionReason,
  limits: SendingLimits,
): Promise<BatchOutcome> {
  return sendAll(client, fixes, limits, (rest) => ({
    document: CORRECT,
    input: { corrections: rest, reasonCode },
  }));
}

async function sendAll(
  client: GraphqlClient,
  fixes: readonly FileFix[],
  limits: SendingLimits,
  requestOf: (fixes: readonly FileFix[]) => { readonly document: string; readonly input: object },
): Promise<BatchOutcome> {
  const deadline = Date.now() + limits.patienceMs;
  let [recorded, repeated] = [0, 0];
  const refused: BatchOutcome['refused'][number][] = [];
  const warnings: BatchOutcome['warnings'][number][] = [];
  let rest = fixes.map((fix, index) => ({ fix, index }));
  for (let attempt = 0; rest.length > 0; attempt += 1) {
    const { document, input } = requestOf(rest.map(({ fix }) => fix));
    const { answer: counts } = await client.execute(document, { input }, answer);
    recorded += counts.recorded;
    repeated += counts.repeated;
    const pause = backoffMs(attempt);
    const inTime = Date.now() + pause < deadline;
    for (const { index, ...warning } of counts.warnings)
      warnings.push({ ...warning, index: rest[index]?.index ?? 0 });
    const again: typeof rest = [];
    for (const { index, code } of counts.refused) {
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
