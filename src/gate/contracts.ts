import { readdir, readFile } from 'node:fs/promises';
import { basename, join } from 'node:path';
import type { EventSchemas } from './event-schemas.ts';
import { asSchema } from './keywords.ts';
import { PERMISSIONS, type Permission, readPermissions } from './permissions.ts';
import { Unreadable } from './unreadable.ts';

export const SDL = join('schema', 'waybill.graphql');
export const EVENTS = join('schema', 'events');
/** The settled core of the public schema, as clients were given it. */
export const CONTRACT = join('test', 'fixtures', 'contract.graphql');

/** What is committed, read from the working folder. */
export interface Committed {
  readonly sdl: string;
  readonly contract: string;
  readonly events: EventSchemas;
  readonly permissions: readonly Permission[];
}

/** @throws Unreadable where a file is missing or is not what it should be */
export async function readCommitted(): Promise<Committed> {
  return {
    sdl: await readPresent(SDL),
    contract: await readPresent(CONTRACT),
    events: await readEvents(),
    permissions: readPermissions(await readPresent(PERMISSIONS)),
  };
}

async function readEvents(): Promise<EventSchemas> {
  const names = (await readdir(EVENTS).catch(() => [])).filter((name) => name.endsWith('.json'));
  const schemas = await Promise.all(
    names.map(async (name) => {
      const file = join(EVENTS, name);
      try {
        return [basename(name, '.json'), asSchema(JSON.parse(await readFile(file, 'utf8')))] as const;
      } catch (error) {
        throw new Unreadable(`${file} cannot be read (${String(error)}): restore it from git.`);
      }
    }),
  );
  return new Map(schemas);
}

/** Changes are judged against this file, so that its absence must not pass for a fresh start. */
async function readPresent(file: string): Promise<string> {
  try {
    return await readFile(file, 'utf8');
  } catch {
    throw new Unreadable(
      `${file} is missing, and without it nobody can tell what breaks: restore it from git.`,
    );
  }
}
