import { randomUUID } from 'node:crypto';
import { z } from 'zod';
import type { GraphqlClient } from '../client/graphql-client.ts';

/** The mutations of a tender that the simulator sends, and the type of their input. */
const INPUT_TYPES = {
  createTender: 'CreateTenderInput',
  offerTender: 'OfferTenderInput',
  acceptTender: 'AcceptTenderInput',
  declineTender: 'DeclineTenderInput',
  counterTender: 'CounterTenderInput',
  answerCounter: 'AnswerCounterInput',
  assignTender: 'AssignTenderInput',
  reportArrival: 'ReportStopInput',
  reportDeparture: 'ReportStopInput',
  raiseException: 'RaiseExceptionInput',
  completeTender: 'CompleteTenderInput',
  cancelTender: 'CancelTenderInput',
} as const;
export type TenderMutation = keyof typeof INPUT_TYPES;

const SEEN = 'id status offers { id carrierId status }';

const seenTender = z.object({
  id: z.string(),
  status: z.string(),
  offers: z.array(z.object({ id: z.string(), carrierId: z.string(), status: z.string() })),
});
/** What the simulator looks at of a tender. */
export type SeenTender = z.infer<typeof seenTender>;

const result = z.object({
  result: z.object({
    tender: seenTender.optional(),
    code: z.string().optional(),
    message: z.string().optional(),
  }),
});

/** The gateway said no. */
export class RefusedError extends Error {
  readonly code: string;

  constructor(code: string, message: string) {
    super(message);
    this.code = code;
  }
}

/** Commands a tender, each as an intent of its own that is safe to send again. */
export interface DispatchCommands {
  /** @throws RefusedError, RequestError */
  send(mutation: TenderMutation, input: Record<string, unknown>): Promise<SeenTender>;
  see(tenderId: string): Promise<SeenTender>;
}

export function dispatchCommands(client: GraphqlClient): DispatchCommands {
  return {
    async send(mutation, input) {
      const document = `mutation ($input: ${INPUT_TYPES[mutation]}!) {
        result: ${mutation}(input: $input) {
          ... on TenderPayload { tender { ${SEEN} } }
          ... on Refusal { code message }
        }
      }`;
      const variables = { input: { ...input, idempotencyKey: `simulate:${randomUUID()}` } };
      const answer = await client.execute(document, variables, result);
      const { tender, code = 'UNKNOWN', message = '' } = answer.result;
      if (tender === undefined) throw new RefusedError(code, message);
      return tender;
    },
    async see(tenderId) {
      const document = `query ($id: ID!) { tender(id: $id) { ${SEEN} } }`;
      const answer = await client.execute(
        document,
        { id: tenderId },
        z.object({ tender: seenTender.nullable() }),
      );
      if (answer.tender === null) throw new RefusedError('NOT_FOUND', 'The tender is gone.');
      return answer.tender;
    },
  };
}
