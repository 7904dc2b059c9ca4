import type { IncomingMessage } from 'node:http';
import {
  type ExecutionArgs,
  type ExecutionResult,
  type FormattedExecutionResult,
  GraphQLError,
} from 'graphql';
import {
  CloseCode,
  type Context as Connection,
  handleProtocols,
  makeServer,
  type OperationResult,
  type SubscribePayload,
} from 'graphql-ws';
import type { Logger } from 'pino';
import { type WebSocket, WebSocketServer } from 'ws';
import type { Access } from '../../access/access.ts';
import { type Authenticate, credentialsOfConnection, type HeaderReader } from '../../access/authenticate.ts';
import type { ClientLimits, Limit } from '../../metrics/limits.ts';
import type { Metrics } from '../../metrics/metrics.ts';
import type { Gateway } from '../engine/engine.ts';
import { type Mask, withoutHttp } from '../engine/masking.ts';
import { type AdmittingServices, contextOf } from '../engine/operation-context.ts';
import { atEndOfProof } from '../engine/proof-end.ts';
import { Subscribed } from '../fan-out/subscribing.ts';
import type { Transport } from '../fan-out/transport.ts';
import { type Idler, type IdleWatch, openIdleWatch } from './idle.ts';
import { openKeepAlive } from './keep-alive.ts';
import { CLOSE, type CloseReason, closeSocket, type LineLimits, lineOf } from './line.ts';
import { Outflow, type OutflowTerms } from './outflow.ts';
import { SocketTally } from './tally.ts';

/** What sockets may cost. */
export type SocketLimits = LineLimits &
  Pick<
    ClientLimits,
    | 'maxMessageBytes'
    | 'maxSubscriptionsPerSocket'
    | 'maxSocketsPerTenant'
    | 'initTimeoutMs'
    | 'idleSocketMs'
    | 'maxSocketBufferBytes'
  >;

export interface SocketOptions {
  readonly gateway: Gateway;
  readonly services: AdmittingServices;
  readonly authenticate: Authenticate;
  readonly mask: Mask;
  readonly limits: SocketLimits;
  readonly log: Logger;
  readonly metrics: Metrics;
}

/** What is kept beside each connection. */
interface Extra {
  readonly headers: HeaderReader;
  /** Closes with a code, and cuts the line where that is not read. */
  readonly close: (reason: CloseReason) => void;
  readonly isOpen: () => boolean;
  readonly outflow: Outflow;
  access?: Access;
  /** Tells that an operation begins. */
  touch?: () => void;
  leave?: () => void;
}

type Link = Connection<Record<string, unknown>, Extra>;

/** Speaks graphql-transport-ws on the sockets that are handed to it by their `upgrade`. */
export function openSockets(options: SocketOptions): WebSocketServer {
  const { services, limits, log, metrics, mask } = options;
  const { maxMessageBytes, maxSocketsPerTenant, initTimeoutMs } = limits;
  const sockets = new WebSocketServer({ noServer: true, maxPayload: maxMessageBytes, handleProtocols });
  const tally = new SocketTally(maxSocketsPerTenant);
  const idle = openIdleWatch(limits.idleSocketMs);
  const protocol = makeServer<Record<string, unknown>, Extra>({
    connectionInitWaitTimeout: initTimeoutMs,
    onConnect: (link) => connect(options, tally, idle, link),
    onSubscribe: (link, id, payload) => prepare(options, link, id, payload),
    execute: (args) => begin(services, args, ({ execute }) => execute(args)),
    subscribe: (args) => openResults(services, args),
    onNext: (_link, _id, _payload, _args, result) => (result.errors ? formatted(result) : undefined),
    onError: (_link, _id, _payload, errors) => errors.map((error) => withoutHttp(mask(error)).toJSON()),
  });
  const alive = openKeepAlive(limits.pingMs);
  const met = (limit: Limit): void => metrics.limits.inc({ limit });
  const terms: OutflowTerms = {
    maxSocketBufferBytes: limits.maxSocketBufferBytes,
    onFlow: (socket) => alive.heard(socket),
    onFull: (socket) => {
      met('socket_buffer_bytes');
      closeSocket(socket, CLOSE.SLOW_CONSUMER, limits.closeGraceMs);
    },
  };
  sockets.on('connection', (socket: WebSocket, request: IncomingMessage) => {
    metrics.sockets.inc();
    alive.watch(socket);
    const outflow = new Outflow(socket, request.socket, terms);
    const extra: Extra = {
      outflow,
      headers: headersOf(request),
      close: (reason) => closeSocket(socket, reason, limits.closeGraceMs),
      isOpen: () => socket.readyState === socket.OPEN,
    };
    const line = lineOf(socket, outflow, limits, log);
    const closed = protocol.opened(
      {
        ...line,
        close(code, reason) {
          if (code === CloseCode.ConnectionInitialisationTimeout) met('init_timeout');
          return line.close(code, reason);
        },
      },
      extra,
    );
    socket.on('error', (error) => {
      if ('code' in error && error.code === 'WS_ERR_UNSUPPORTED_MESSAGE_LENGTH') met('message_bytes');
    });
    socket.once('close', (code, reason) => {
      metrics.sockets.dec();
      metrics.socketCloses.inc({ code });
      extra.leave?.();
      closed(code, String(reason)).catch((error: unknown) => mask(error));
    });
  });
  return sockets;
}

/** `connection_init`: who is calling? A proof that is none closes the socket with 4401. */
async function connect(
  options: SocketOptions,
  tally: SocketTally,
  idle: IdleWatch,
  link: Link,
): Promise<boolean> {
  const { authenticate, metrics, mask } = options;
  const { extra } = link;
  const refuse = (reason: string, close: CloseReason): false => {
    metrics.unauthenticated.inc({ reason });
    extra.close(close);
    return false;
  };
  const credentials = credentialsOfConnection(link.connectionParams, extra.headers);
  // It would be kept for as long as the socket is open.
  Reflect.deleteProperty(link, 'connectionParams');
  const proof = await authenticate(credentials).catch(mask);
  if (proof instanceof GraphQLError) return refuse('unavailable', CLOSE.TRY_LATER);
  if (proof.access === null) return refuse(proof.reason, [CLOSE.UNAUTHENTICATED[0], proof.message]);
  if (!extra.isOpen()) return false;
  const { access } = proof;
  if (!tally.enter(access.tenantId)) {
    metrics.limits.inc({ limit: 'sockets_per_tenant' });
    extra.close(CLOSE.TOO_MANY);
    return false;
  }
  const stop = atEndOfProof(access, () => {
    metrics.limits.inc({ limit: 'token_lifetime' });
    extra.close([CLOSE.UNAUTHENTICATED[0], 'The token has expired.']);
  });
  const idler: Idler = {
    isBusy: () => Object.keys(link.subscriptions).length > 0,
    onIdle: () => {
      metrics.limits.inc({ limit: 'idle_time' });
      extra.close(CLOSE.IDLE);
    },
  };
  idle.watch(idler);
  extra.access = access;
  extra.touch = () => idle.touch(idler);
  extra.leave = () => {
    stop();
    idle.forget(idler);
    tally.leave(access.tenantId);
  };
  return true;
}

/** Parses, validates and makes the context of one operation, all by the same engine as over HTTP. */
async function prepare(
  { gateway, services, limits, mask, metrics }: SocketOptions,
  { extra, subscriptions }: Link,
  id: string,
  payload: SubscribePayload,
): Promise<ExecutionArgs | readonly GraphQLError[]> {
  extra.touch?.();
  if (Object.keys(subscriptions).length > limits.maxSubscriptionsPerSocket) {
    metrics.limits.inc({ limit: 'subscriptions_per_socket' });
    extra.close(CLOSE.TOO_MANY);
    return [new GraphQLError('Too many operations at once on one socket.')];
  }
  const transport: Transport & { params: SubscribePayload } = {
    params: payload,
    transport: 'socket',
    sink: extra.outflow.ofOperation(id),
    open: async () =>
      contextOf(services, {
        access: extra.access ?? null,
        header: (name) => extra.headers.get(name) ?? undefined,
        onOverflow: () => extra.close(CLOSE.SLOW_CONSUMER),
      }),
  };
  const { schema, execute, subscribe, contextFactory, parse, validate } = gateway.getEnveloped(transport);
  try {
    const document = parse(payload.query);
    const errors: readonly GraphQLError[] = validate(schema, document);
    if (errors.length > 0) return errors;
    return {
      schema,
      document,
      operationName: payload.operationName ?? null,
      variableValues: payload.variables ?? null,
      contextValue: await contextFactory(),
      rootValue: { execute, subscribe, bytes: bytesOf(payload) } satisfies Engine,
    };
  } catch (error) {
    metrics.operations.inc({ operation: 'invalid', transport: 'socket' });
    return [mask(error)];
  }
}

interface Result {
  readonly data?: Record<string, unknown> | null | undefined;
  readonly errors?: readonly GraphQLError[] | undefined;
  readonly extensions?: Record<string, unknown> | undefined;
}

/** About as many bytes as the message had. */
function bytesOf({ query, variables }: SubscribePayload): number {
  return query.length + (variables ? JSON.stringify(variables).length : 0);
}

/** Begins an operation, unless there is too much in hand: that is its result, then. */
async function begin<T>(
  { admission }: AdmittingServices,
  args: ExecutionArgs,
  work: (engine: Engine) => T | Promise<T>,
): Promise<T | ExecutionResult> {
  const engine = engineOf(args);
  let answered: () => void;
  try {
    answered = admission.request(engine.bytes);
  } catch (error) {
    if (error instanceof GraphQLError) return { errors: [error] };
    throw error;
  }
  try {
    return await work(engine);
  } finally {
    answered();
  }
}

/** Results of a subscription, without what the engine would put around each of them. */
async function openResults(
  services: AdmittingServices,
  args: ExecutionArgs,
): Promise<Awaited<OperationResult>> {
  const answer = await begin<Awaited<OperationResult> | Subscribed>(services, args, ({ subscribe }) =>
    subscribe(args),
  );
  // The protocol keeps the arguments for as long as the subscription runs, and what was made for them with them.
  args.contextValue = undefined;
  args.rootValue = undefined;
  return answer instanceof Subscribed ? answer.results : answer;
}

/** A result with errors, as a socket carries it. */
function formatted({ data, errors = [], extensions }: Result): FormattedExecutionResult {
  return {
    errors: errors.map((error) => withoutHttp(error).toJSON()),
    ...(data === undefined ? {} : { data }),
    ...(extensions === undefined ? {} : { extensions }),
  };
}

/** The enveloped functions travel from `prepare` to `execute` as the root value, which our schema does not use. */
interface Engine {
  readonly execute: (args: ExecutionArgs) => OperationResult;
  readonly subscribe: (args: ExecutionArgs) => OperationResult;
  /** About how large the message was. */
  readonly bytes: number;
}

function engineOf(args: ExecutionArgs): Engine {
  return args.rootValue as Engine;
}

/** The headers that somebody asks for. A request is not kept: it is many times as large. */
const HEADERS = ['authorization', 'x-api-key', 'traceparent', 'x-correlation-id'];

function headersOf({ headers }: IncomingMessage): HeaderReader {
  const given = HEADERS.flatMap((name): [string, string][] => {
    const value = [headers[name]].flat()[0];
    return value === undefined ? [] : [[name, value]];
  });
  return given.length === 0 ? NO_HEADERS : new Map(given);
}

const NO_HEADERS: HeaderReader = new Map<string, string>();
