import { type ChildProcessByStdio, spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import type { Readable } from 'node:stream';
import { fileURLToPath } from 'node:url';
import WebSocket from 'ws';
import { hear } from '../listeners.ts';
import { openRequests, type Requests } from '../requests.ts';

/** A Parse Server in a process of its own, with one class. */
export interface ParseProcess {
  readonly requests: Requests;
  /** Where LiveQuery listens. */
  readonly liveQuery: string;
  /** Opens a socket that subscribes to all tenders; resolves when it is told so. */
  subscribe(url: string): Promise<WebSocket>;
  close(): Promise<void>;
}

const SERVER = fileURLToPath(new URL('../../../../test/bench/parse-server/server.mjs', import.meta.url));
const APP_ID = 'bench';
const FIELDS = {
  reference: { type: 'String' },
  fleetId: { type: 'String' },
  status: { type: 'String' },
  weightKg: { type: 'Number' },
  stops: { type: 'Array' },
};

/** @throws Error where it does not start, with the reason: most often that nobody has installed it */
export async function startParse(databaseURI: string): Promise<ParseProcess> {
  const masterKey = randomBytes(16).toString('hex');
  const settings = JSON.stringify({ databaseURI, appId: APP_ID, masterKey });
  const child = spawn(process.execPath, [SERVER, settings], {
    stdio: ['ignore', 'pipe', 'inherit'],
    // Before it reads its settings, it opens files to log to, unless this says that there are none.
    env: { ...process.env, PARSE_SERVER_LOGS_FOLDER: 'null' },
  });
  const exited = once(child, 'exit');
  const origin = await listening(child);
  const application = { 'x-parse-application-id': APP_ID };
  const made = await fetch(`${origin}/parse/schemas/Tender`, {
    method: 'POST',
    headers: { ...application, 'x-parse-master-key': masterKey, 'content-type': 'application/json' },
    body: JSON.stringify({ className: 'Tender', fields: FIELDS }),
  });
  if (!made.ok) throw new Error(`The class could not be made: ${await made.text()}`);
  const requests = openRequests(`${origin}/graphql`, '', application);
  return {
    requests,
    liveQuery: origin,
    subscribe,
    async close() {
      requests.close();
      child.kill();
      await exited;
    },
  };
}

/** Resolves with where it listens; it says other things, too. */
async function listening(child: ChildProcessByStdio<null, Readable, null>): Promise<string> {
  for await (const line of createInterface(child.stdout)) {
    if (line.startsWith('http://')) return line;
  }
  throw new Error('Parse Server did not start. Has `npm install` been run in its folder?');
}

async function subscribe(url: string): Promise<WebSocket> {
  const socket = new WebSocket(url.replace(/^http/, 'ws'), { perMessageDeflate: false });
  await once(socket, 'open');
  const answered = async (op: string, sent: object): Promise<void> => {
    const answer = hear(socket, `"op":"${op}"`);
    socket.send(JSON.stringify(sent));
    await answer;
  };
  await answered('connected', { op: 'connect', applicationId: APP_ID });
  await answered('subscribed', { op: 'subscribe', requestId: 1, query: { className: 'Tender', where: {} } });
  return socket;
}
