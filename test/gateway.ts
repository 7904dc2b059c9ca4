import { Writable } from 'node:stream';
import { type Client, createClient } from 'graphql-ws';
import { type Logger, pino } from 'pino';
import WebSocket from 'ws';
import { apiKeyVerifier } from '../src/access/api-key-verifier.ts';
import { authenticateBy } from '../src/access/authenticate.ts';
import { MAX_TOKEN_HOURS } from '../src/access/lifetime.ts';
import { Revocations } from '../src/access/revocations.ts';
import { signToken, tokenVerifier } from '../src/access/token.ts';
import type { Clock } from '../src/eventstore/clock.ts';
import type { Store } from '../src/eventstore/command/store.ts';
import type { Role } from '../src/eventstore/event.ts';
import { type Feed, openFeed } from '../src/eventstore/feed/feed.ts';
import type { FeedLimits } from '../src/eventstore/feed/limits.ts';
import { openStore } from '../src/eventstore/open-store.ts';
import { startProjector } from '../src/eventstore/projection/projector.ts';
import { projectionStatus } from '../src/eventstore/projection/status.ts';
import { watchProofs } from '../src/gateway/engine/revocation-watch.ts';
import { type ServerLimits, startServer } from '../src/gateway/server.ts';
import { type Metrics, openMetrics } from '../src/metrics/metrics.ts';
import { model, projections } from '../src/model.ts';
import { openPersonal, type Personal } from '../src/personal/personal.ts';
import { openDatabase, type TestDatabase } from './database.ts';
import { testKeyService } from './personal-keys.ts';

const POLICY = { kind: 'secret', secret: 'the-secret-of-tests-is-at-least-32-bytes-long' } as const;

/** Who a test's request comes from. */
export interface Who {
  readonly tenant?: string;
  readonly role?: Role;
  readonly carrierId?: string;
  readonly sub?: string;
  readonly expiresInSeconds?: number;
}

/** An answer as JSON has it; `data` is whatever the document asked for. */
// biome-ignore lint/suspicious/noExplicitAny: a test knows what it asked for, and fails where it is not there
export type Data = any;

export interface Answer {
  readonly status: number;
  readonly data: Data;
  readonly errors?: { message: string; path?: (string | number)[]; extensions: Record<string, unknown> }[];
}

/** A gateway in this process, on a database of its own. */
export interface TestGateway {
  readonly url: string;
  readonly database: TestDatabase;
  readonly store: Store;
  readonly feed: Feed;
  readonly personal: Personal;
  readonly metrics: Metrics;
  /** Everything that was logged, one object per line. */
  readonly logged: Record<string, unknown>[];
  token(who?: Who): Promise<string>;
  /** Posts one operation; without a token where `token` is null. */
  graphql(query: string, variables?: object, token?: string | null): Promise<Answer>;
  /** As `graphql`, and fails the test where there are errors. */
  data(query: string, variables?: object, token?: string): Promise<Data>;
  /** A graphql-ws client; it doesn't come back by itself unless `retryAttempts` says so. */
  socket(token: string | null, retryAttempts?: number): Client;
  /** @param drainMs how long what has been begun may take; it is over as soon as all of that is answered */
  close(drainMs?: number): Promise<void>;
}

export interface TestGatewayOptions {
  readonly development?: boolean;
  readonly allowedOrigins?: readonly string[];
  readonly limits?: Partial<ServerLimits>;
  readonly feedLimits?: Partial<FeedLimits>;
  /** Of another gateway, which closes it; its own unless given. */
  readonly database?: TestDatabase;
  /** By which it dates what it records; the database's unless given. */
  readonly clock?: Clock;
}

/** Starts a whole gateway (store, feed, projector, server) against a fresh database on a free port. */
export async function startGateway(options: TestGatewayOptions = {}): Promise<TestGateway> {
  const database = options.database ?? (await openDatabase());
  const logged: Record<string, unknown>[] = [];
  const log = capture(logged);
  const { client, db } = database;
  const store = await openStore({
    client,
    db,
    log,
    ...model,
    ...(options.clock === undefined ? {} : { clock: options.clock }),
  });
  const personal = await openPersonal(db, testKeyService);
  const metrics = openMetrics();
  const feed = openFeed(store, { limits: options.feedLimits ?? {} });
  const projector = await startProjector(store, projections);
  const proofs = await watchProofs(new Revocations(db, MAX_TOKEN_HOURS), {
    onFailure: (error) => log.warn({ err: error }, 'revocations cannot be read'),
  });
  const server = await startServer({
    host: '127.0.0.1',
    port: 0,
    development: options.development ?? false,
    allowedOrigins: options.allowedOrigins ?? [],
    services: {
      store,
      feed,
      personal,
      projections: () => projectionStatus(store),
    },
    authenticate: authenticateBy({
      verifyToken: tokenVerifier(POLICY),
      verifyApiKey: apiKeyVerifier(db),
    }),
    proofs,
    log,
    metrics,
    developmentToken: () => token({}),
    limits: options.limits ?? {},
  });
  const clients = new Set<Client>();
  let dispatcher: Promise<string> | undefined;

  const graphql: TestGateway['graphql'] = async (query, variables, bearer) => {
    dispatcher ??= token({});
    const shown = bearer === undefined ? await dispatcher : bearer;
    return post(server.url, query, variables, shown);
  };
  return {
    url: server.url,
    database,
    store,
    feed,
    personal,
    metrics,
    logged,
    token: (who = {}) => token(who),
    graphql,
    data: async (query, variables, bearer) => {
      const answer = await graphql(query, variables, bearer);
      if (answer.errors !== undefined) throw new Error(JSON.stringify(answer.errors));
      return answer.data;
    },
    socket: (bearer, retryAttempts = 0) => {
      const socket = createSocket(server.url, bearer, retryAttempts);
      clients.add(socket);
      return socket;
    },
    close: async (drainMs = 2_000) => {
      await Promise.all([...clients].map((socket) => socket.dispose()));
      await server.close(drainMs);
      await proofs.close();
      feed.close();
      await projector.stop();
      if (options.database === undefined) await database.close();
    },
  };
}

function capture(lines: Record<string, unknown>[]): Logger {
  return pino(
    { level: 'debug' },
    new Writable({
      write(line, _encoding, done) {
        lines.push(JSON.parse(String(line)));
        done();
      },
    }),
  );
}

function token({ tenant = 'demo', role = 'dispatcher', carrierId, sub, expiresInSeconds = 600 }: Who) {
  const claims = { sub: sub ?? `a-${role}`, tenant, role, ...(carrierId === undefined ? {} : { carrierId }) };
  return signToken(POLICY, claims, expiresInSeconds);
}

/** Posts one operation to any gateway. */
export async function post(
  url: string,
  query: string,
  variables: object | undefined,
  bearer: string | null,
): Promise<Answer> {
  const response = await fetch(url, {
    method: 'POST',
    headers: {
      'content-type': 'application/json',
      accept: 'application/graphql-response+json',
      ...(bearer === null ? {} : { authorization: `Bearer ${bearer}` }),
    },
    body: JSON.stringify({ query, variables }),
  });
  return { status: response.status, ...((await response.json()) as Omit<Answer, 'status'>) };
}

/** A graphql-ws client of any gateway. */
export function createSocket(url: string, bearer: string | null, retryAttempts = 0): Client {
  return createClient({
    url: url.replace(/^http/, 'ws'),
    webSocketImpl: WebSocket,
    retryAttempts,
    lazy: true,
    ...(bearer === null ? {} : { connectionParams: { authorization: `Bearer ${bearer}` } }),
  });
}
