/**
 * HTTP: requests come in, answers and event streams go out.
 *
 * 1. `openHttp` takes a request on (`engine/guards.ts`), and keeps it among those under way until its answer is sent.
 * 2. `fast-path.ts` answers plain POSTs, by `execution.ts`, and leaves the rest to Yoga.
 * 3. Either calls `openContext` for the caller's access, store and feed, once an operation.
 * 4. An answer that turns out to be a stream is ended when its caller's proof is.
 * It also knows the connections without a request, for the server's stop.
 */
import type { IncomingMessage, Server, ServerResponse } from 'node:http';
import type { Socket } from 'node:net';
import { GraphQLError, type GraphQLSchema } from 'graphql';
import { LRUCache } from 'lru-cache';
import type { Access } from '../../access/access.ts';
import { type Authenticate, credentialsOfHeaders } from '../../access/authenticate.ts';
import { certificateOf } from '../../access/client-certificate.ts';
import { endMessage, type ProofWatch } from '../../access/proof-watch.ts';
import type { Context } from '../../graphql/context.ts';
import { unauthenticated } from '../../graphql/errors.ts';
import type { ClientLimits } from '../../metrics/limits.ts';
import type { Metrics } from '../../metrics/metrics.ts';
import { NOT_CACHED } from '../engine/caching.ts';
import type { Connections } from '../engine/connections.ts';
import type { Engine } from '../engine/engine.ts';
import type { Guards } from '../engine/guards.ts';
import { type Mask, withoutHttp } from '../engine/masking.ts';
import { type AdmittingServices, contextOf } from '../engine/operation-context.ts';
import { isAllowedOrigin, type OriginRules } from '../engine/origins.ts';
import type { Held } from '../fan-out/held.ts';
import type { EndableStream } from '../fan-out/transport.ts';
import { answerTypeFor, openFastPath } from './fast-path.ts';

export interface HttpLimits extends Pick<ClientLimits, 'maxBodyBytes'> {
  /** How long a response that is to end may take to drain before it is cut. */
  readonly closeGraceMs: number;
}

export interface HttpOptions {
  /** Anyone may read the schema, for which a request takes more than is read of strangers otherwise. */
  readonly development: boolean;
  readonly engine: Engine;
  readonly schema: GraphQLSchema;
  readonly guards: Guards;
  readonly origins: OriginRules;
  readonly services: AdmittingServices;
  readonly authenticate: Authenticate;
  readonly proofs: ProofWatch;
  readonly connections: Connections;
  readonly mask: Mask;
  readonly limits: HttpLimits;
  readonly metrics: Metrics;
}

/** The HTTP side of the gateway. */
export interface Http {
  /** Answers any request; it never throws. */
  answer(request: IncomingMessage, response: ServerResponse): void;
  /**
   * From now on each answer is the last on its connection, and no event stream begins.
   * @returns how to cut each of those that there are, so that their clients come back elsewhere
   */
  stop(): readonly (() => void)[];
}

/** What came of looking at what a caller shows. */
type Proof = Awaited<ReturnType<Authenticate>>;

/** A request under way, and its answer. */
interface Exchange {
  readonly request: IncomingMessage;
  readonly response: ServerResponse;
  /** To be called when the request is answered, or its answer turns out to be a stream. */
  readonly answered: () => void;
  /** What came of the caller's proof, where that was looked at before the request was read. */
  readonly proof: Promise<Proof> | undefined;
  /** The caller's, once they are known. */
  access: Access | null;
  /** True once the answer has turned out to be a stream. */
  isStream: boolean;
}

/** Answers requests, and knows which answers are under way. */
export function openHttp(options: HttpOptions): Http {
  const underWay = new Set<Exchange>();
  let stopping = false;
  const answer = openFastPath({ ...options, maxBodyBytes: options.limits.maxBodyBytes });
  const begin = (request: IncomingMessage, response: ServerResponse, proof?: Promise<Proof>): void => {
    const answered = takeOn(options, request, response);
    if (answered === undefined) return;
    const exchange: Exchange = { request, response, answered, proof, access: null, isStream: false };
    underWay.add(exchange);
    response.once('close', () => {
      underWay.delete(exchange);
      answered();
      if (response.statusCode === 413) options.metrics.limits.inc({ limit: 'body_bytes' });
    });
    void answer(request, response, {
      transport: 'http',
      open: () => openContext(options, exchange),
      hold: (held) => holdStream(options.connections, exchange, held),
      onStream: (stream) => {
        beginStream(options, exchange, stream);
        if (stopping) response.destroy();
      },
    });
  };
  return {
    answer(request, response) {
      if (!isHost(request.headers.host)) {
        // Of what it cannot make a URL of, the engine would show the stack.
        response.writeHead(400, { connection: 'close' }).end();
        return;
      }
      if (stopping) response.setHeader('connection', 'close');
      if (options.development || isSmall(request)) {
        begin(request, response);
        return;
      }
      const proof = prove(options, request);
      proof.then(
        (proven) => {
          if (response.destroyed) return;
          if (proven.access !== null) begin(request, response, proof);
          else refuseUnread(options, request, response, proven);
        },
        (error: unknown) => refuse(options, request, response, options.mask(error)),
      );
    },
    stop() {
      stopping = true;
      const exchanges = [...underWay];
      for (const { response } of exchanges)
        if (!response.headersSent) response.setHeader('connection', 'close');
      const streams = exchanges.filter(({ isStream }) => isStream);
      return streams.map(({ response }) => () => {
        response.destroy();
      });
    },
  };
}

/** Clients use few names for this host, so that nearly none needs to be parsed. */
const knownHosts = new LRUCache<string, boolean>({ max: 100 });

/** True for what a URL can be made with. */
function isHost(host = 'localhost'): boolean {
  const known = knownHosts.get(host) ?? URL.canParse(`http://${host}`);
  knownHosts.set(host, known);
  return known;
}

/**
 * Takes a request on before any of its body is read.
 * @returns to be called once it is answered; undefined where there is too much in hand, and OVERLOADED has been answered
 */
function takeOn(
  options: HttpOptions,
  request: IncomingMessage,
  response: ServerResponse,
): (() => void) | undefined {
  const {
    services,
    limits: { maxBodyBytes },
  } = options;
  const { 'content-length': length, 'transfer-encoding': encoding } = request.headers;
  // A body of unknown length counts as the largest there may be; one beyond the limit counts nothing, since it is never read.
  const bytes = encoding === undefined ? Number(length ?? 0) : maxBodyBytes;
  try {
    return services.admission.request(bytes > maxBodyBytes ? 0 : bytes);
  } catch (error) {
    if (!(error instanceof GraphQLError)) throw error;
    refuse(options, request, response, error);
    return undefined;
  }
}

/** An event stream is a connection of its caller, as a socket is, with one subscription. */
function holdStream(connections: Connections, { access, response }: Exchange, held: Held): () => void {
  if (access === null) return () => undefined;
  const connection = connections.enter(access);
  try {
    connection.hold(held);
  } catch (error) {
    connection.leave();
    throw error;
  }
  const leave = (): void => connection.leave();
  response.once('close', leave);
  return leave;
}

/** Answers with one error, and reads nothing of the request. */
function refuse(
  { origins }: Pick<HttpOptions, 'origins'>,
  { headers: { accept, origin } }: IncomingMessage,
  response: ServerResponse,
  error: GraphQLError,
): void {
  const type = answerTypeFor(accept) ?? 'application/json';
  if (origin !== undefined && isAllowedOrigin(origins, origin))
    response.setHeader('access-control-allow-origin', origin);
  const { status, headers } = httpOf(error);
  response.writeHead(status, {
    'content-type': `${type}; charset=utf-8`,
    'cache-control': NOT_CACHED,
    vary: 'origin',
    ...headers,
  });
  response.end(JSON.stringify({ errors: [withoutHttp(error).toJSON()] }));
}

interface ErrorHttp {
  readonly status: number;
  readonly headers?: Readonly<Record<string, string>>;
}

function httpOf({ extensions }: GraphQLError): ErrorHttp {
  return (extensions.http as ErrorHttp | undefined) ?? { status: 500 };
}

/** How much is read of a caller who has not proved who they are, in bytes: enough to ask whether anybody is there. */
const UNPROVED_BYTES = 1_024;

/** Whether a request is read before its caller is known. */
function isSmall({ method, url = '', headers }: IncomingMessage): boolean {
  const length = headers['content-length'] ?? '0';
  const isShort = headers['transfer-encoding'] === undefined && Number(length) <= UNPROVED_BYTES;
  return method === 'OPTIONS' || (isShort && url.length <= UNPROVED_BYTES);
}

/** Nothing more is read on this connection: what comes yet is the rest of the request. */
function refuseUnread(
  options: HttpOptions,
  request: IncomingMessage,
  response: ServerResponse,
  { reason, message }: Extract<Proof, { readonly access: null }>,
): void {
  options.metrics.unauthenticated.inc({ reason });
  response.setHeader('connection', 'close');
  refuse(options, request, response, unauthenticated(message));
}

/** Looks at what a request shows. */
function prove({ authenticate }: HttpOptions, request: IncomingMessage): Promise<Proof> {
  const certificate = certificateOf(request.socket);
  const shown = credentialsOfHeaders({ get: (name) => headerOf(request, name) });
  return authenticate(certificate === undefined ? shown : { ...shown, certificate });
}

function headerOf({ headers }: IncomingMessage, name: string): string | undefined {
  const value = headers[name];
  return Array.isArray(value) ? value[0] : value;
}

/**
 * A stream could outlive the proof that it began with: from here on it is ended when that is. Its reader is told why, and that it is
 * complete, so that nobody takes it for cut and comes back with the same proof.
 */
function beginStream(
  { proofs, metrics, limits: { closeGraceMs } }: HttpOptions,
  exchange: Exchange,
  stream: EndableStream,
): void {
  const { access, response, answered } = exchange;
  exchange.isStream = true;
  answered();
  if (access === null) return;
  const stop = proofs.watch(access, (why) => {
    if (why === 'expired') metrics.limits.inc({ limit: 'token_lifetime' });
    else metrics.unauthenticated.inc({ reason: why });
    stream.endWith({ errors: [withoutHttp(unauthenticated(endMessage(access, why)))] });
    cutSlowly(response, closeGraceMs);
  });
  response.once('close', stop);
}

async function openContext(options: HttpOptions, exchange: Exchange): Promise<Context> {
  const { services, limits, metrics } = options;
  const { request, response } = exchange;
  const header = (name: string) => headerOf(request, name);
  const proof = await (exchange.proof ?? prove(options, request));
  exchange.access = proof.access;
  if (proof.access === null) {
    metrics.unauthenticated.inc({ reason: proof.reason });
    // Without any proof it depends on the operation: anyone may ask for __typename. A proof that is shown must be good.
    if (proof.reason !== 'missing') throw unauthenticated(proof.message);
  }
  return contextOf(services, {
    access: proof.access,
    header,
    onOverflow: () => cutSlowly(response, limits.closeGraceMs),
    lastEventId: header('last-event-id') || undefined,
    hasLeft: () => response.closed || request.socket.destroyed,
  });
}

/** Leaves a slow reader some time to get the end of its stream, then cuts the connection. */
function cutSlowly(response: ServerResponse, graceMs: number): void {
  const cut = setTimeout(() => response.destroy(), graceMs).unref();
  response.once('close', () => clearTimeout(cut));
}

/**
 * Knows which connections of a server are without a request. Node's `closeIdleConnections` leaves out those that have never
 * sent one; clients open such in advance, and each would make a stop wait until its deadline. So would those, over TLS, that have
 * not agreed on it yet.
 * @returns closes them all
 */
export function trackIdleLines(server: Server, secured: boolean): () => void {
  const idle = new Set<Socket>();
  const handshakes = secured ? trackHandshakes(server) : undefined;
  server.on(secured ? 'secureConnection' : 'connection', (line: Socket) => {
    idle.add(line);
    line.once('close', () => idle.delete(line));
  });
  server.on('request', (request, response) => {
    // A request whose body was given up has no socket any more when its response closes.
    const { socket } = request;
    idle.delete(socket);
    response.once('close', () => {
      if (!socket.destroyed) idle.add(socket);
    });
  });
  // From here on it is a WebSocket, and closed as such.
  server.on('upgrade', (request) => idle.delete(request.socket));
  return () => {
    for (const line of [...idle, ...(handshakes?.values() ?? [])]) line.destroy();
  };
}

/** The connections that have not agreed on TLS yet, each by its peer: it is told of by another object when it has. */
function trackHandshakes(server: Server): ReadonlyMap<string, Socket> {
  const handshakes = new Map<string, Socket>();
  const peerOf = ({ remoteAddress, remotePort }: Socket): string => `${remoteAddress}/${remotePort}`;
  server.on('connection', (line: Socket) => {
    const peer = peerOf(line);
    handshakes.set(peer, line);
    line.once('close', () => {
      if (handshakes.get(peer) === line) handshakes.delete(peer);
    });
  });
  server.on('secureConnection', (line: Socket) => handshakes.delete(peerOf(line)));
  return handshakes;
}
