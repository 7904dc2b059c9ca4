import { setTimeout as pause } from 'node:timers/promises';
import { z } from 'zod';
import { type GraphqlClient, graphqlClient } from '../../client/graphql-client.ts';
import { openSideBySide } from '../../client/side-by-side.ts';
import { newId } from '../../eventstore/ids.ts';
import type { GatewayProcess } from '../process/gateway.ts';

/** Big tenders that are changed all the time, through the public API. */
export interface ChangingTenders {
  /** Changes that were acknowledged so far. */
  readonly changed: number;
  /** Makes so many changes a second until the signal comes; a gateway that is behind gets fewer. */
  change(perSecond: number, until: AbortSignal): Promise<void>;
}

const TENDERS = 10;
/** With the longest names, which `ALL_FIELDS` asks for five times, some 60 KB a change: a socket's buffers in the kernel are soon full. */
const STOPS = 50;
const NAME_LENGTH = 200;
const PATIENCE_MS = 30_000;
/** Changes on their way at once. */
const UNDER_WAY = 16;
/** Changes of one tender may overtake each other. */
const NO_KEYS: ReadonlySet<string> = new Set();

const CREATE = `mutation ($input: CreateTenderInput!) {
  createTender(input: $input) { ... on TenderPayload { tender { id } } ... on Refusal { code } }
}`;
const created = z.object({ createTender: z.object({ tender: z.object({ id: z.string() }) }) });
const AMEND = `mutation ($input: AmendTenderInput!) {
  amendTender(input: $input) { ... on TenderPayload { repeated } ... on Refusal { code } }
}`;
const amended = z.object({ amendTender: z.object({ repeated: z.boolean() }) });

/** A subscription to all of each tender, several times over. */
export const ALL_FIELDS = `subscription { tenderChanges { __typename
  ... on TendersSnapshot { complete tenders { id } }
  ... on TenderUpdated { event { aggregateId sequence } tender {
    reference a: stops { ...S } b: stops { ...S } c: stops { ...S } d: stops { ...S } e: stops { ...S }
  } } } }
fragment S on Stop { name longitude latitude }`;
/** A subscription to what changes. */
export const FEW_FIELDS = `subscription { tenderChanges { __typename
  ... on TendersSnapshot { complete tenders { id } }
  ... on TenderUpdated { event { aggregateId sequence } tender { reference } } } }`;

/** When a change was sent, by the clock of `performance.now()`: it travels as the tender's reference. */
export function sentAtOf(reference: string): number {
  return Number(reference);
}

/** Creates them. */
export async function makeChangingTenders(
  { url, token }: GatewayProcess,
  signal: AbortSignal,
): Promise<ChangingTenders> {
  const client = graphqlClient({ url, token, patienceMs: PATIENCE_MS, signal });
  const ids: string[] = [];
  for (let index = 0; index < TENDERS; index++) ids.push(await create(client));
  let [sent, changed] = [0, 0];

  const amend = async (): Promise<void> => {
    const tenderId = ids[sent % ids.length];
    sent += 1;
    const input = { tenderId, idempotencyKey: newId(), reference: String(performance.now()) };
    await client.execute(AMEND, { input }, amended);
    changed += 1;
  };
  return {
    get changed() {
      return changed;
    },
    async change(perSecond, until) {
      const changes = openSideBySide(UNDER_WAY);
      const goesOn = (): boolean => !until.aborted && changes.failure() === undefined;
      for (let dueAt = performance.now(); goesOn(); dueAt += 1_000 / perSecond) {
        await pause(Math.max(0, dueAt - performance.now()));
        await changes.start(NO_KEYS, amend);
      }
      await changes.settled();
      if (changes.failure() !== undefined) throw changes.failure();
    },
  };
}

async function create(client: GraphqlClient): Promise<string> {
  const stops = Array.from({ length: STOPS }, (_, n) => ({
    kind: n === 0 ? 'PICKUP' : 'DELIVERY',
    name: `Stop ${n} `.repeat(NAME_LENGTH).slice(0, NAME_LENGTH),
    longitude: -97.7 + n / 1_000,
    latitude: 30.2,
  }));
  const input = { idempotencyKey: newId(), stops };
  return (await client.execute(CREATE, { input }, created)).createTender.tender.id;
}
