import { readdirSync, readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { BSON } from 'mongodb';
import type { StoredEvent } from '../../src/eventstore/event.ts';

/** Where they are. */
export const FOLDER = resolve(import.meta.dirname, 'events');

/** A stored event as some Waybill once wrote it. */
export interface GoldenEvent {
  /** `TenderCreated.v1.json`, or `TenderCreated.v1.priority.json` for one with a field that came later. */
  readonly file: string;
  /** `TenderCreated.v1` */
  readonly name: string;
  readonly event: StoredEvent;
}

/** All of them, in the order of their streams. */
export function goldenEvents(): GoldenEvent[] {
  return readdirSync(FOLDER)
    .map((file) => {
      const [, name] = /^(\w+\.v\d+)(?:\.\w+)?\.json$/.exec(file) ?? [];
      if (name === undefined) throw new Error(`${file} is not named like TenderCreated.v1.json.`);
      const event: StoredEvent = BSON.EJSON.parse(readFileSync(resolve(FOLDER, file), 'utf8'));
      return { file, name, event };
    })
    .sort((a, b) => a.event.sequence - b.event.sequence || a.event.version - b.event.version);
}
