import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { setTimeout as pause } from 'node:timers/promises';
import { useServer } from 'graphql-ws/use/ws';
import { createPubSub, createSchema, createYoga } from 'graphql-yoga';
import { WebSocketServer } from 'ws';
import { type Served, serveParent } from './server-process.ts';

/** Told at first: how many subscribers to wait for. Then each time: the event that they are told. */
export type StockOrder = { readonly subscribers: number } | { readonly event: object };

serveParent(serve);

const TYPES = `
  scalar DateTime
  type Event { id: ID! type: String! sequence: Int! }
  type Offer { id: ID! status: String! }
  type Tender { id: ID! status: String! updatedAt: DateTime! offers: [Offer!]! }
  type TendersSnapshot { complete: Boolean! }
  type TenderUpdated { event: Event! tender: Tender! }
  union TenderChange = TendersSnapshot | TenderUpdated
  type Query { ok: Boolean! }
  type Subscription { tenderChanges: TenderChange! }
`;

/** Yoga and graphql-ws as Yoga's documentation puts them together, with its publisher. */
async function serve(): Promise<Served> {
  const publisher = createPubSub<{ changes: [change: object] }>();
  let subscribers = 0;
  const yoga = createYoga({
    schema: createSchema({
      typeDefs: TYPES,
      resolvers: {
        TenderChange: { __resolveType: () => 'TenderUpdated' },
        Subscription: {
          tenderChanges: {
            subscribe: () => {
              subscribers += 1;
              return publisher.subscribe('changes');
            },
            resolve: (change: object) => change,
          },
        },
      },
    }),
    logging: false,
  });
  type Engine = Pick<ReturnType<typeof yoga.getEnveloped>, 'execute' | 'subscribe'>;
  const server = createServer(yoga);
  useServer(
    {
      execute: (args) => (args.rootValue as Engine).execute(args),
      subscribe: (args) => (args.rootValue as Engine).subscribe(args),
      onSubscribe: async (context, _id, params) => {
        const { schema, execute, subscribe, contextFactory, parse, validate } = yoga.getEnveloped({
          ...context,
          req: context.extra.request,
          socket: context.extra.socket,
          params,
        });
        const args = {
          schema,
          operationName: params.operationName,
          document: parse(params.query),
          variableValues: params.variables,
          contextValue: await contextFactory(),
          rootValue: { execute, subscribe },
        };
        const errors = validate(args.schema, args.document);
        return errors.length > 0 ? errors : args;
      },
    },
    new WebSocketServer({ server, path: '/graphql' }),
  );
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  return {
    url: `http://127.0.0.1:${port}/graphql`,
    async tell(message) {
      const order = message as StockOrder;
      if ('event' in order) return publisher.publish('changes', order.event);
      while (subscribers < order.subscribers) await pause(20);
      // Before it is asked for the first one, a subscription hears nothing.
      await pause(200);
      return undefined;
    },
    close: async () => server.closeAllConnections(),
  };
}
