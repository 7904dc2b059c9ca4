import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Command } from 'commander';
import { type Mongo, openMongo } from '../../../src/mongo/mongo.ts';
import { openLog } from '../../../src/process/log.ts';
import { AMEND_TENDER, CREATE_TENDER, TENDER_CHANGES } from '../documents.ts';
import { type Listeners, openListeners } from '../listeners.ts';
import {
  type Contender,
  closedLoop,
  type Findings,
  interleave,
  type Line,
  lineOf,
  type Plan,
  ratios,
  scaled,
  spread,
} from '../measure.ts';
import { heading, report } from '../report.ts';
import { bodyOf, openRequests, type Requests } from '../requests.ts';
import { startProcess } from '../server-process.ts';
import { gatewaySettings } from '../stage.ts';
import { type ParseProcess, startParse } from './parse-process.ts';

/** What Waybill is to be, times Parse Server. */
const AT_LEAST = 5;
const CREATES = 3_000;
const READS = 3_000;
const CONCURRENCY = 64;
const SUBSCRIBERS = 1_000;
const EVENTS = 400;
/** Tenders that change at the same time. */
const CHANGING = 16;

const STOPS = [
  { kind: 'PICKUP', name: 'Austin', longitude: -97.7431, latitude: 30.2672 },
  { kind: 'DELIVERY', name: 'Dallas', longitude: -96.797, latitude: 32.7767 },
];
const READ_TENDER = `query($id: ID!) {
  tender(id: $id) { id status reference fleetId stops { kind name longitude latitude } }
}`;
const PARSE_CREATE = `mutation($input: CreateTenderInput!) { createTender(input: $input) { tender { id } } }`;
const PARSE_READ = `query($id: ID!) {
  tender(id: $id) { id status reference fleetId stops { ... on Element { value } } }
}`;
const PARSE_UPDATE = `mutation($input: UpdateTenderInput!) { updateTender(input: $input) { tender { id } } }`;

/** One of the two, in the words of this comparison. */
interface Side {
  readonly name: string;
  create(n: number): Promise<string>;
  read(id: string): Promise<string>;
  change(id: string, weightKg: number): Promise<string>;
  subscribe(): Promise<Listeners>;
  close(): Promise<void>;
}

async function openWaybill(mongo: Mongo): Promise<Side> {
  const { settings, token } = await gatewaySettings(mongo, 'beside_waybill');
  const gateway = await startProcess('gateway-process', settings);
  const requests: Requests = openRequests(gateway.url, token);
  const post = (query: string, variables: object) => requests.post(bodyOf(query, variables));
  return {
    name: 'Waybill',
    create: (n) => post(CREATE_TENDER, { input: { reference: `LOAD-${n}`, fleetId: 'north', stops: STOPS } }),
    read: (id) => post(READ_TENDER, { id }),
    change: (tenderId, weightKg) => post(AMEND_TENDER, { input: { tenderId, weightKg } }),
    subscribe: () =>
      openListeners(gateway.url, SUBSCRIBERS, '"TenderUpdated"', { query: TENDER_CHANGES, token }),
    async close() {
      requests.close();
      await gateway.close();
    },
  };
}

async function openParse(mongo: Mongo): Promise<Side> {
  const uri = new URL(mongo.uri);
  uri.pathname = '/beside_parse';
  const parse: ParseProcess = await startParse(uri.href);
  const post = (query: string, variables: object) => parse.requests.post(bodyOf(query, variables));
  return {
    name: 'Parse Server',
    create(n) {
      const fields = { reference: `LOAD-${n}`, fleetId: 'north', status: 'OPEN', stops: STOPS };
      return post(PARSE_CREATE, { input: { fields } });
    },
    read: (id) => post(PARSE_READ, { id }),
    change: (id, weightKg) => post(PARSE_UPDATE, { input: { id, fields: { weightKg } } }),
    subscribe: () => openListeners(parse.liveQuery, SUBSCRIBERS, '"op":"update"', parse.subscribe),
    close: parse.close,
  };
}

/** The id of what was created. */
function idIn(answer: string): string {
  const [, id] = /"id":"([^"]+)"/.exec(answer) ?? [];
  if (id === undefined) throw new Error(`Nothing was created: ${answer}`);
  return id;
}

async function measure(waybill: Side, parse: Side, plan: Plan): Promise<Findings> {
  const lines: Line[] = [];
  const notes: string[] = [];
  const beside = async (what: string, work: (side: Side) => Promise<Contender['run']>): Promise<void> => {
    const contenders: Contender[] = [];
    for (const side of [parse, waybill]) contenders.push({ name: side.name, run: await work(side) });
    const [parseRates = [], waybillRates = []] = await interleave(contenders, plan);
    lines.push(lineOf(`${waybill.name}: ${what}`, parse.name, ratios(waybillRates, parseRates), AT_LEAST));
    const median = (rates: readonly number[]): string =>
      Math.round(spread(rates).median).toLocaleString('en');
    notes.push(`${what}: ${waybill.name} ${median(waybillRates)}, ${parse.name} ${median(parseRates)}`);
  };
  // First: who subscribes to Waybill is told all tenders that there are, which Parse Server tells nobody.
  const audiences: Listeners[] = [];
  await beside(`deliveries/s to ${SUBSCRIBERS} subscribers`, async (side) => {
    const ids: string[] = [];
    while (ids.length < CHANGING) ids.push(idIn(await side.create(ids.length)));
    const listeners = await side.subscribe();
    audiences.push(listeners);
    const events = scaled(plan, EVENTS, CHANGING);
    let weightKg = 0;
    return async () => {
      const heard = listeners.heard(events * SUBSCRIBERS);
      await closedLoop(events, CHANGING, (n) => side.change(ids[n % CHANGING] ?? '', ++weightKg));
      await heard;
      return events * SUBSCRIBERS;
    };
  });
  for (const listeners of audiences) listeners.close();
  await beside(
    'creates/s',
    async (side) => () =>
      closedLoop(scaled(plan, CREATES, CONCURRENCY), CONCURRENCY, async (n) => idIn(await side.create(n))),
  );
  await beside('reads/s', async (side) => {
    const id = idIn(await side.create(0));
    return () => closedLoop(scaled(plan, READS, CONCURRENCY), CONCURRENCY, () => side.read(id));
  });
  return { lines, notes };
}

/** Runs both on one mongod in a temporary folder, and prints what they did. */
async function besideParse(plan: Plan): Promise<void> {
  const dataDir = await mkdtemp(join(tmpdir(), 'waybill-beside-'));
  const log = openLog({ level: 'warn', pretty: false });
  const mongo = await openMongo(
    { mongodPath: process.env.WAYBILL_MONGOD, dataDir, databaseName: 'beside' },
    log,
  );
  const sides: Side[] = [];
  const tidy = async (): Promise<void> => {
    for (const side of sides) await side.close();
    await mongo.close();
    await rm(dataDir, { recursive: true, force: true });
  };
  process.once('SIGINT', () => void tidy().finally(() => process.exit(130)));
  try {
    const parse = await openParse(mongo);
    sides.push(parse);
    const waybill = await openWaybill(mongo);
    sides.push(waybill);
    const found = await measure(waybill, parse, plan);
    console.log(`${await heading(mongo.db, plan)} Parse Server as in its package.json.\n`);
    console.log(report([found]));
    process.exitCode = found.lines.every(({ ok }) => ok === true) ? 0 : 1;
  } finally {
    await tidy();
  }
}

const options = new Command('beside')
  .description('Waybill beside Parse Server 9 on one mongod: creates, reads and fan-out')
  .option('--repetitions <number>', 'after one to warm up', Number, 5)
  .option('--scale <number>', 'of the full size', Number, 1)
  .parse()
  .opts<Plan>();
try {
  await besideParse(options);
} catch (error) {
  console.error(error instanceof Error ? error.message : error);
  process.exitCode = 1;
}
// Sockets that are still closing keep nobody.
process.exit();
