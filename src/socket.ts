import type { IncomingMessage } from 'node:http';
import { type ExecutionArgs, type FormattedExecutionResult, GraphQLError } from 'graphql';
import {
  type Context as Connection,
  handleProtocols,
  makeServer,
  type OperationResult,
  type SubscribePayload,
} from 'graphql-ws';
import type { Logger } from 'pino';
import { type WebSocket, WebSocketServer } from 'ws';
import type { Access } from './access/access.ts';
import { type Authenticate, credentialsOfConnection, type HeaderReader } from './access/authenticate.ts';
import { contextOf, type Services } from './caller.ts';
import type { Gateway, Transport } from './gateway.ts';
import { openKeepAlive } from './keep-alive.ts';
import { type Mask, withoutHttp } from './masking.ts';
import type { Metrics } from './metrics.ts';
import { atEndOfProof } from './proof-end.ts';
import { ReadyResult } from './ready-result.ts';
import { CLOSE, type CloseReason, closeSocket, type LineLimits, lineOf } from './socket-line.ts';
import { SocketTally } from './socket-tally.ts';
import { Subscribed } from './subscribing.ts';

/** What sockets may cost. */
export interface SocketLimits extends LineLimits {
  /** Largest message from a client. */
  readonly maxMessageBytes: number;
  /** Operations at once on one socket. */
  readonly maxSubscriptionsPerSocket: number;
  /** Sockets that one tenant may hold open. */
  readonly maxSocketsPerTenant: number;
  /** How long a client may take from opening to `connection_init`. */
  readonly initTimeoutMs: number;
}

export interface SocketOptions {
  readonly gateway: Gateway;
  readonly services: Services;
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
  access?: Access;
  leave?: () => void;
}

type Link = Connection<Record<string, unknown>, Extra>;

/** Speaks graphql-transport-ws on the sockets that are handed to it by their `upgrade`. */
export function openSockets(options: SocketOptions): WebSocketServer {
  const { limits, log, metrics, mask } = options;
  const { maxMessageBytes, maxSocketsPerTenant, initTimeoutMs } = limits;
  const sockets = new WebSocketServer({ noServer: true, maxPayload: maxMessageBytes, handleProtocols });
  const tally = new SocketTally(maxSocketsPerTenant);
  const protocol = makeServer<Record<string, unknown>, Extra>({
    connectionInitWaitTimeout: initTimeoutMs,
    onConnect: (link) => connect(options, tally, link),
    onSubscribe: (link, _id, payload) => prepare(options, link, payload),
    execute: (args) => engineOf(args).execute(args),
    subscribe: (args) => openResults(args),
    onNext: (_link, _id, _payload, _args, result) => payloadOf(result),
    onError: (_link, _id, _payload, errors) => errors.map((error) => withoutHttp(mask(error)).toJSON()),
  });
  const alive = openKeepAlive(limits.pingMs);
  sockets.on('connection', (socket: WebSocket, request: IncomingMessage) => {
    metrics.sockets.inc();
    alive.watch(socket);
    const extra: Extra = {
      headers: headersOf(request),
      close: (reason) => closeSocket(socket, reason, limits.closeGraceMs),
      isOpen: () => socket.readyState === socket.OPEN,
    };
    const closed = protocol.opened(
      lineOf(socket, limits, log, () => alive.heard(socket)),
      extra,
    );
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
async function connect(options: SocketOptions, tally: SocketTally, link: Link): Promise<boolean> {
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
    extra.close(CLOSE.TOO_MANY);
    return false;
  }
  const stop = atEndOfProof(access, () => extra.close([CLOSE.UNAUTHENTICATED[0], 'The token has expired.']));
  extra.access = access;
  extra.leave = () => {
    stop();
    tally.leave(access.tenantId);
  };
  return true;
}

/** Parses, validates and makes the context of one operation, all by the same engine as over HTTP. */
async function prepare(
  { gateway, services, limits, mask, metrics }: SocketOptions,
  { extra, subscriptions }: Link,
  payload: SubscribePayload,
): Promise<ExecutionArgs | readonly GraphQLError[]> {
  if (Object.keys(subscriptions).length > limits.maxSubscriptionsPerSocket) {
    extra.close(CLOSE.TOO_MANY);
    return [new GraphQLError('Too many operations at once on one socket.')];
  }
  const transport: Transport & { params: SubscribePayload } = {
    params: payload,
    transport: 'socket',
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
      rootValue: { execute, subscribe } satisfies Engine,
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

/** Results of a subscription, without what the engine would put around each of them. */
async function openResults(args: ExecutionArgs): Promise<Awaited<OperationResult>> {
  const answer: Awaited<OperationResult> | Subscribed = await engineOf(args).subscribe(args);
  // The protocol keeps the arguments for as long as the subscription runs, and what was made for them with them.
  args.contextValue = undefined;
  args.rootValue = undefined;
  return answer instanceof Subscribed ? answer.results : answer;
}

/** Undefined: as it is. */
function payloadOf(result: Result): FormattedExecutionResult | undefined {
  if (result instanceof ReadyResult) return result;
  return result.errors ? formatted(result) : undefined;
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
