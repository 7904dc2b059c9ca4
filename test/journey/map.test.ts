import { existsSync, readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { rebuildProjection } from '../../src/eventstore/rebuild/rebuild.ts';
import { tendersRead } from '../../src/tender/projection.ts';
import { type Data, startGateway, type TestGateway } from '../gateway.ts';
import { collect, type Items } from '../items.ts';
import { type FilesRun, openFilesRun } from './files-run.ts';

const SRC = resolve(import.meta.dirname, '../../src');
const MAP = readFileSync(resolve(SRC, 'README.md'), 'utf8');

/** The text of a section of the map. */
function section(title: string): string {
  const text = MAP.split(/^## /m).find((part) => part.startsWith(`${title}\n`));
  if (text === undefined) throw new Error(`The map has no section "${title}".`);
  return text;
}

/** The files that a text names with their folders; what it mentions by the bare name is not on the way. */
function filesIn(text: string): string[] {
  return [...text.matchAll(/`([\w/-]+\.ts)`/g)]
    .map(([, file = '']) => file)
    .filter((file) => existsSync(resolve(SRC, file)));
}

const STOPS = ['PICKUP', 'DELIVERY'].map((kind, at) => ({ kind, name: kind, longitude: at, latitude: 1 }));
const CHANGES = `subscription ($after: String) { tenderChanges(after: $after) {
  __typename ... on TendersSnapshot { cursor complete } ... on TenderUpdated { cursor event { type } tender { id } } } }`;

let gateway: TestGateway;
let files: FilesRun;

beforeAll(async () => {
  gateway = await startGateway();
  files = await openFilesRun();
});
afterAll(async () => {
  await files.close();
  await gateway.close();
});

/** A tender that a carrier can answer. @returns its id */
async function offered(): Promise<string> {
  const create =
    'mutation ($input: CreateTenderInput!) { createTender(input: $input) { ... on TenderPayload { tender { id } } } }';
  const { createTender } = await gateway.data(create, { input: { stops: STOPS } });
  const tenderId: string = createTender.tender.id;
  const offer = 'mutation ($input: OfferTenderInput!) { offerTender(input: $input) { __typename } }';
  const expiresAt = new Date(Date.now() + 3_600_000).toISOString();
  await gateway.data(offer, { input: { tenderId, carrierId: 'acme', expiresAt } });
  return tenderId;
}

function accept(tenderId: string): Promise<Data> {
  const mutation = 'mutation ($input: AcceptTenderInput!) { acceptTender(input: $input) { __typename } }';
  return gateway.data(mutation, { input: { tenderId } });
}

async function watch(after?: string): Promise<Items> {
  const socket = gateway.socket(await gateway.token());
  return collect(socket.iterate({ query: CHANGES, variables: { after } }), 'tenderChanges');
}

const isAcceptance = (id: string) => (item: Data) =>
  item.event?.type === 'TenderAccepted' && item.tender.id === id;

describe('the map for newcomers', () => {
  it('names files that are there', () => {
    const named = [...MAP.matchAll(/`([\w-]+(?:\/[\w-]+)+\.ts)`/g)].map(([, file = '']) => file);
    expect(named.length).toBeGreaterThan(40);
    const gone = named.filter(
      (file) =>
        ![SRC, resolve(SRC, 'eventstore'), resolve(SRC, '..')].some((root) =>
          existsSync(resolve(root, file)),
        ),
    );
    expect(gone).toEqual([]);
  });

  it('leads a command through files that run', async () => {
    const tenderId = await offered();
    const ran = await files.during(() => accept(tenderId));
    const way = filesIn(section('The way of a command'));
    expect(way.length).toBeGreaterThan(12);
    expect(way.filter((file) => !ran.has(file))).toEqual([]);
  });

  it('leads a change through files that run, and a vehicle by the projector', async () => {
    const items = await watch();
    await items.until((item) => item.complete === true);
    const tenderId = await offered();
    const ran = await files.during(async () => {
      await accept(tenderId);
      await items.until(isAcceptance(tenderId));
      const register =
        'mutation ($input: RegisterVehicleInput!) { registerVehicle(input: $input) { __typename } }';
      await gateway.data(register, { input: { licensePlate: 'MAP 1' } });
    });
    items.stop();
    const way = filesIn(section('The way of a change'));
    expect(way.length).toBeGreaterThan(12);
    expect(way.filter((file) => !ran.has(file))).toEqual([]);
  });

  it('leads a rebuild through files that run', async () => {
    const ran = await files.during(() => rebuildProjection(gateway.store, tendersRead, {}));
    const way = filesIn(section('The way of a rebuild'));
    expect(way.length).toBeGreaterThan(6);
    expect(way.filter((file) => !ran.has(file))).toEqual([]);
  });

  it('leads a resume through files that run', async () => {
    const first = await watch();
    const { cursor } = await first.until((item) => item.complete === true);
    const tenderId = await offered();
    await accept(tenderId);
    await first.until(isAcceptance(tenderId));
    first.stop();
    let again: Items | undefined;
    const ran = await files.during(async () => {
      again = await watch(cursor);
      await again.until(isAcceptance(tenderId));
    });
    again?.stop();
    const way = filesIn(section('The way of a resume'));
    expect(way.length).toBeGreaterThan(9);
    expect(way.filter((file) => !ran.has(file))).toEqual([]);
  });
});
