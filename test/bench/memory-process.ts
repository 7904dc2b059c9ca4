import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { MongoClient } from 'mongodb';
import { authenticateBy, refused } from '../../src/access/authenticate.ts';
import { ProofHolders } from '../../src/access/proof-watch.ts';
import { tokenVerifier } from '../../src/access/token.ts';
import { openFeed } from '../../src/eventstore/feed/feed.ts';
import { openStore } from '../../src/eventstore/open-store.ts';
import { openCosts } from '../../src/gateway/cost/costs.ts';
import { openRates } from '../../src/gateway/cost/rates.ts';
import { Connections } from '../../src/gateway/engine/connections.ts';
import { createEngine } from '../../src/gateway/engine/engine.ts';
import { openAdmission, openGuards } from '../../src/gateway/engine/guards.ts';
import { errorMask } from '../../src/gateway/engine/masking.ts';
import { openHttp } from '../../src/gateway/http/requests.ts';
import { SERVER_LIMITS } from '../../src/gateway/server.ts';
import { measureRequest } from '../../src/metrics/http.ts';
import { openMetrics } from '../../src/metrics/metrics.ts';
import { openPersonal } from '../../src/personal/personal.ts';
import { openLog } from '../../src/process/log.ts';
import { testKeyService } from '../personal-keys.ts';
import { bareSchema } from './bare-schema.ts';
import { type Served, serveParent } from './server-process.ts';

/** Where its store is, which no resolver uses, and what its callers prove themselves by. */
export interface MemoryMessage {
  readonly uri: string;
  readonly database: string;
  readonly secret: string;
}

serveParent((message) => serve(message as MemoryMessage));

/** The gateway's way from HTTP to a resolver and back, tokens and metrics included, with the resolvers of bare Yoga. */
async function serve({ uri, database, secret }: MemoryMessage): Promise<Served> {
  const tenders = new Map<string, object>();
  const log = openLog({ level: 'warn', pretty: false });
  const metrics = openMetrics();
  const mask = errorMask(log, metrics);
  const client = await MongoClient.connect(uri);
  const db = client.db(database);
  const store = await openStore({ client, db, log, definitions: [], projections: [], workflows: [] });
  const feed = openFeed(store, {});
  const schema = bareSchema(tenders);
  const origins = { allowed: [], loopback: false };
  const guards = openGuards(
    false,
    openCosts(schema, SERVER_LIMITS, openRates(SERVER_LIMITS, metrics), metrics),
    metrics,
  );
  const engine = createEngine({
    schema,
    guards,
    development: false,
    maxBodyBytes: SERVER_LIMITS.maxBodyBytes,
    maxSharedBytes: SERVER_LIMITS.maxSharedBytes,
    maxDocumentTokens: 5_000,
    origins,
    mask,
    log,
    metrics,
  });
  const http = openHttp({
    development: false,
    engine,
    schema,
    guards,
    origins,
    mask,
    metrics,
    services: {
      store,
      feed,
      personal: await openPersonal(store.db, testKeyService),
      projections: async () => [],
      admission: openAdmission(SERVER_LIMITS, metrics),
    },
    authenticate: authenticateBy({
      verifyToken: tokenVerifier({ kind: 'secret', secret }),
      verifyApiKey: async () => refused('invalid', 'There are none.'),
    }),
    proofs: new ProofHolders(),
    connections: new Connections(SERVER_LIMITS, metrics),
    limits: SERVER_LIMITS,
  });
  const server = createServer((request, response) => {
    measureRequest(metrics, request, response);
    http.answer(request, response);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  return {
    url: `http://127.0.0.1:${port}/graphql`,
    tell(message) {
      for (const tender of message as readonly { id: string }[]) tenders.set(tender.id, tender);
    },
    close: async () => {
      server.closeAllConnections();
      feed.close();
      await client.close();
    },
  };
}
