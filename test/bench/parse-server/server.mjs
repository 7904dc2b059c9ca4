// Parse Server as its guide sets it up: REST, GraphQL and LiveQuery in one process, in memory between the two.
// Started by `beside.ts` with what it is to know; prints where it listens.
import { createServer } from 'node:http';
import express from 'express';
import { ParseGraphQLServer, ParseServer } from 'parse-server';

const { databaseURI, appId, masterKey } = JSON.parse(process.argv[2] ?? '{}');
const app = express();
const server = createServer(app);
await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve));
const origin = `http://127.0.0.1:${server.address().port}`;
const serverURL = `${origin}/parse`;

const parseServer = new ParseServer({
  ...{ databaseURI, appId, masterKey, serverURL, publicServerURL: serverURL },
  liveQuery: { classNames: ['Tender'] },
  logLevel: 'error',
  silent: true,
});
await parseServer.start();
app.use('/parse', parseServer.app);
new ParseGraphQLServer(parseServer, { graphQLPath: '/graphql' }).applyGraphQL(app);
await ParseServer.createLiveQueryServer(server, { appId, masterKey, serverURL, logLevel: 'error' });
console.log(origin);
