import { createHash, randomUUID } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { gunzipSync } from 'node:zlib';
import { BSON, type Db } from 'mongodb';
import { expect } from 'vitest';
import type { StoredEvent } from '../../src/eventstore/event.ts';
import { projections } from '../../src/model.ts';
import type { TestDatabase } from '../database.ts';
import { driftOf, expectNoHoles, streamsOf } from '../log-oracle.ts';
import type { Ended, Variables } from './command.ts';

/** What a process under test needs to work on a database; `appName` lets failpoints tell it from others. */
export function variablesOf({ uri, db }: Pick<TestDatabase, 'uri' | 'db'>, appName?: string): Variables {
  const named = appName === undefined ? uri : `${uri}${uri.includes('?') ? '&' : '?'}appName=${appName}`;
  return { MONGODB_URI: named, WAYBILL_DATABASE: db.databaseName };
}

/** Lets commands of one process fail, so many times. */
export async function failCommands(
  { client }: Pick<TestDatabase, 'client'>,
  appName: string,
  mode: { readonly times: number },
  data: {
    readonly failCommands: readonly string[];
    readonly errorCode?: number;
    readonly closeConnection?: true;
  },
): Promise<void> {
  await client.db('admin').command({ configureFailPoint: 'failCommand', mode, data: { ...data, appName } });
}

/** The lines of a file, unpacked. */
export async function linesOf(path: string): Promise<string[]> {
  const bytes = await readFile(path);
  const text = (path.endsWith('.gz') ? gunzipSync(bytes) : bytes).toString();
  expect(text.at(-1)).toBe('\n');
  return text.slice(0, -1).split('\n');
}

/** Lines as a file with a right first and last line. */
export function fileOf(lines: readonly string[]): string {
  const text = ['{"waybill":"events","format":1}', ...lines, ''].join('\n');
  const sha256 = createHash('sha256').update(text).digest('hex');
  return `${text}${JSON.stringify({ waybill: 'end', events: lines.length, streams: 1, sha256 })}\n`;
}

/** Lines of vehicles that were registered and then sent fixes, stream by stream; others for each call. */
export function fleetLines(vehicles: number, fixes: number): string[] {
  return Array.from({ length: vehicles }, (_, vehicle) => streamLines(vehicle, fixes)).flat();
}

function streamLines(vehicle: number, fixes: number): string[] {
  const aggregateId = randomUUID();
  const at = (second: number) => new Date(Date.parse('2026-01-05T08:00:00Z') + second * 1_000).toISOString();
  return Array.from({ length: fixes + 1 }, (_, index) =>
    JSON.stringify({
      eventId: randomUUID(),
      tenantId: 'demo',
      aggregateType: 'Vehicle',
      aggregateId,
      sequence: index + 1,
      type: index === 0 ? 'VehicleRegistered' : 'LocationTracked',
      version: 1,
      payload: index === 0 ? { licensePlate: `F ${vehicle}` } : { longitude: index / 1_000, latitude: 30.5 },
      actor: { id: 'importer', role: 'system' },
      occurredAt: at(index),
      recordedAt: at(index + 1),
      metadata: { origin: 'legacy', producerId: 'p', correlationId: 'c', commandHash: 'h' },
    }),
  );
}

/** What a log is, byte for byte, by the ids of its events. */
export async function contentOf(db: Db): Promise<Map<string, string>> {
  const content = new Map<string, string>();
  for await (const event of db.collection<StoredEvent>('events').find().sort({ _id: 1 })) {
    // When a database took it says nothing of the event, and is of that database alone.
    const { loggedAt: _, ...told } = event;
    content.set(event._id.toString(), Buffer.from(BSON.serialize(told)).toString('base64'));
  }
  return content;
}

/** The log has no hole, and every row of every read model is the fold of its stream. */
export async function expectLevel(db: Db): Promise<void> {
  const streams = await streamsOf(db);
  expectNoHoles(streams);
  expect(await driftOf(db, streams, projections)).toEqual([]);
}

/** The counts of a report. */
export function countsOf({ stdout }: Ended): Record<string, number> {
  const counts = [...stdout.matchAll(/^ {2}(recorded|to record|repeated|refused) +([\d,]+)$/gm)];
  return Object.fromEntries(
    counts.map(([, name = '', count = '']) => [name, Number(count.replaceAll(',', ''))]),
  );
}
