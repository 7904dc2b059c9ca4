import {
  type ExecutionArgs,
  type ExecutionResult,
  type FormattedExecutionResult,
  GraphQLError,
} from 'graphql';
import type { OperationResult, SubscribePayload } from 'graphql-ws';
import type { ProofWatch } from '../../access/proof-watch.ts';
import { unauthenticated } from '../../graphql/errors.ts';
import type { ClientLimits } from '../../metrics/limits.ts';
import type { Metrics } from '../../metrics/metrics.ts';
import type { Engine } from '../engine/engine.ts';
import { type Mask, withoutHttp } from '../engine/masking.ts';
import { type AdmittingServices, contextOf } from '../engine/operation-context.ts';
import { deepVariables } from '../engine/text-limits.ts';
import { RunningSubscription } from '../fan-out/subscribing.ts';
import type { Transport } from '../fan-out/transport.ts';
import { CLOSE } from './close.ts';
import type { SocketContext } from './connect.ts';

export interface OperationOptions {
  readonly engine: Engine;
  readonly services: AdmittingServices;
  readonly mask: Mask;
  readonly proofs: ProofWatch;
  readonly limits: Pick<ClientLimits, 'maxSubscriptionsPerSocket'>;
  readonly metrics: Pick<Metrics, 'limits' | 'operations'>;
}

/** Ids are kept for as long as the operation runs. */
const MAX_ID_LENGTH = 256;

/**
 * Parses, validates and makes the context of one operation, all by the same engine as over HTTP.
 * @returns what to execute, or the errors to answer with; one operation too many closes the socket with 4429
 */
export async function prepare(
  options: OperationOptions,
  { extra, subscriptions }: SocketContext,
  id: string,
  payload: SubscribePayload,
): Promise<ExecutionArgs | readonly GraphQLError[]> {
  const { engine, services, limits, mask, metrics } = options;
  // Until the client has answered the close, its messages still come.
  if (!extra.isOpen() || hasEnded(options, extra)) return [unauthenticated()];
  if (id.length > MAX_ID_LENGTH) {
    extra.close(CLOSE.BAD_REQUEST);
    return [new GraphQLError('The id of an operation is too long.')];
  }
  extra.touch?.();
  if (Object.keys(subscriptions).length > limits.maxSubscriptionsPerSocket) {
    metrics.limits.inc({ limit: 'subscriptions_per_socket' });
    extra.close(CLOSE.TOO_MANY);
    return [new GraphQLError('Too many operations at once on one socket.')];
  }
  const { connection } = extra;
  const transport: Transport & { params: SubscribePayload } = {
    params: payload,
    transport: 'socket',
    sink: extra.outflow.ofOperation(id),
    ...(connection === undefined ? {} : { hold: (held) => connection.hold(held) }),
    open: async () =>
      contextOf(services, {
        access: extra.access ?? null,
        header: (name) => extra.headers.get(name) ?? undefined,
        onOverflow: () => extra.close(CLOSE.SLOW_CONSUMER),
        hasLeft: () => !extra.isOpen() || !(id in subscriptions),
      }),
  };
  const { schema, execute, subscribe, contextFactory, parse, validate } = engine.getEnveloped(transport);
  try {
    const tooDeep = deepVariables(payload.variables);
    if (tooDeep !== undefined) return [tooDeep];
    const document = parse(payload.query);
    const errors: readonly GraphQLError[] = validate(schema, document);
    if (errors.length > 0) return errors;
    return {
      schema,
      document,
      operationName: payload.operationName ?? null,
      variableValues: payload.variables ?? null,
      contextValue: await contextFactory(),
      rootValue: { execute, subscribe, bytes: bytesOf(payload) } satisfies Enveloped,
    };
  } catch (error) {
    metrics.operations.inc({ operation: 'invalid', transport: 'socket' });
    return [mask(error)];
  }
}

/** Whether the caller's proof is over: its watch may come late where the process is busy. */
function hasEnded({ proofs }: OperationOptions, { access }: SocketContext['extra']): boolean {
  return access !== undefined && proofs.endOf(access) !== undefined;
}

/** What travels from `prepare` to the execution as the root value, which our schema does not use. */
interface Enveloped {
  readonly execute: (args: ExecutionArgs) => OperationResult;
  readonly subscribe: (args: ExecutionArgs) => OperationResult;
  /** About how large the message was. */
  readonly bytes: number;
}

function envelopedOf(args: ExecutionArgs): Enveloped {
  return args.rootValue as Enveloped;
}

/** About as many bytes as the message had. */
function bytesOf({ query, variables }: SubscribePayload): number {
  return query.length + (variables ? JSON.stringify(variables).length : 0);
}

/** Executes a query or mutation that was prepared; the answer is OVERLOADED where there is too much in hand. */
export function executePrepared(services: AdmittingServices, args: ExecutionArgs) {
  return admitted(services, args, ({ execute }) => execute(args));
}

/** Begins a subscription that was prepared. @returns its results, without what the engine would put around each of them */
export async function subscribePrepared(
  services: AdmittingServices,
  args: ExecutionArgs,
): Promise<Awaited<OperationResult>> {
  const answer = await admitted<Awaited<OperationResult> | RunningSubscription>(
    services,
    args,
    ({ subscribe }) => subscribe(args),
  );
  // The protocol keeps the arguments for as long as the subscription runs, and what was made for them with them.
  args.contextValue = undefined;
  args.rootValue = undefined;
  return answer instanceof RunningSubscription ? answer.results : answer;
}

/** Takes the message on until its operation has begun, unless there is too much in hand: then that is the result. */
async function admitted<T>(
  { admission }: AdmittingServices,
  args: ExecutionArgs,
  work: (enveloped: Enveloped) => T | Promise<T>,
): Promise<T | ExecutionResult> {
  const enveloped = envelopedOf(args);
  let answered: () => void;
  try {
    answered = admission.request(enveloped.bytes);
  } catch (error) {
    if (error instanceof GraphQLError) return { errors: [error] };
    throw error;
  }
  try {
    return await work(enveloped);
  } finally {
    answered();
  }
}

interface Result {
  readonly data?: Record<string, unknown> | null | undefined;
  readonly errors?: readonly GraphQLError[] | undefined;
  readonly extensions?: Record<string, unknown> | undefined;
}

/** A result with errors, as a socket carries it. */
export function formatted({ data, errors = [], extensions }: Result): FormattedExecutionResult {
  return {
    errors: errors.map((error) => withoutHttp(error).toJSON()),
    ...(data === undefined ? {} : { data }),
    ...(extensions === undefined ? {} : { extensions }),
  };
}
