import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { createYoga } from 'graphql-yoga';
import { WebSocket, WebSocketServer } from 'ws';
import { bareSchema } from './bare-schema.ts';
import { type Served, serveParent } from './server-process.ts';

/** What this server is told: the tenders that it answers from, the text that it sends to all sockets. */
export interface Told {
  readonly tenders?: readonly { readonly id: string }[];
  readonly text?: string;
}

serveParent(serve);

/** Yoga with nothing behind it, and at `/broadcast` a plain `ws.send` to everyone: what there is to compare with. */
async function serve(): Promise<Served> {
  const tenders = new Map<string, object>();
  let text = '';
  const yoga = createYoga({
    schema: bareSchema(tenders),
    // As the gateway has them.
    multipart: false,
    batching: false,
    cors: false,
    landingPage: false,
    graphiql: false,
    logging: false,
  });
  const sockets = new WebSocketServer({ noServer: true });
  const server = createServer((request, response) => {
    if (request.url !== '/broadcast') return void yoga(request, response);
    for (const socket of sockets.clients) if (socket.readyState === WebSocket.OPEN) socket.send(text);
    response.writeHead(200, { 'content-length': 2 }).end('{}');
  });
  server.on('upgrade', (request, socket, head) => {
    sockets.handleUpgrade(request, socket, head, (opened) => sockets.emit('connection', opened, request));
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  return {
    url: `http://127.0.0.1:${port}/graphql`,
    tell(message) {
      const told = message as Told;
      for (const tender of told.tenders ?? []) tenders.set(tender.id, tender);
      text = told.text ?? text;
    },
    close: async () => server.closeAllConnections(),
  };
}
