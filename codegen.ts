import { mkdir, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { lexicographicSortSchema, printSchema } from 'graphql';
import { jsonSchema } from './src/eventstore/json-schema.ts';
import { nameOf, openRegistry } from './src/eventstore/registry.ts';
import { EVENTS, readCommitted, SDL } from './src/gate/contracts.ts';
import { findBreaches } from './src/gate/event-schemas.ts';
import { judge, PERMISSIONS, type Permission } from './src/gate/permissions.ts';
import { findSdlBreaches, findSdlSurprises } from './src/gate/sdl.ts';
import { Unreadable } from './src/gate/unreadable.ts';
import { eventDefinitions } from './src/model.ts';
import { schema } from './src/schema.ts';

// Keeps the committed contracts, which are the SDL and the schemas of events, level with the code. Without an argument
// it writes them, with --check it says what is stale. Either way it refuses what would break clients or the log.

const codeEvents = new Map(
  openRegistry(eventDefinitions).all.map((definition) => [nameOf(definition), jsonSchema(definition)]),
);
const isCheck = process.argv.includes('--check');

/** The committed contracts as the code has them now: file name to text. */
function generate(permissions: readonly Permission[]): Map<string, string> {
  const files = new Map([[SDL, `${printSchema(lexicographicSortSchema(schema))}\n`]]);
  for (const [name, event] of codeEvents) files.set(join(EVENTS, `${name}.json`), asText(event));
  if (!isCheck) files.set(PERMISSIONS, asText(permissions));
  return files;
}

function asText(json: unknown): string {
  return `${JSON.stringify(json, null, 2)}\n`;
}

/** The committed files whose text differs, that are missing, or that nothing makes any more. */
async function findStale(files: ReadonlyMap<string, string>): Promise<string[]> {
  const stale: string[] = [];
  for (const [name, text] of files) {
    const committed = await readFile(name, 'utf8').catch(() => undefined);
    if (committed !== text) stale.push(name);
  }
  const present = await readdir(EVENTS).catch(() => []);
  return [...stale, ...present.map((name) => join(EVENTS, name)).filter((name) => !files.has(name))];
}

async function write(files: ReadonlyMap<string, string>, stale: readonly string[]): Promise<void> {
  await mkdir(EVENTS, { recursive: true });
  for (const name of stale) {
    const text = files.get(name);
    if (text === undefined) await rm(name);
    else await writeFile(name, text);
    console.log(`${text === undefined ? 'removed' : 'wrote'} ${name}`);
  }
}

async function main(): Promise<void> {
  const committed = await readCommitted();
  const breaches = findSdlBreaches(committed.sdl, committed.contract, schema);
  const today = new Date().toISOString().slice(0, 'YYYY-MM-DD'.length);
  const { findings, permissions } = judge(breaches, committed.permissions, today);
  const all = [...findBreaches(committed.events, codeEvents), ...findings];
  for (const finding of all) console.error(finding);
  if (all.length > 0) process.exitCode = 1;
  const files = generate(permissions);
  const stale = await findStale(files);
  if (isCheck) {
    for (const name of stale) {
      // What breaks is said above, with what to do; to write it would only be refused.
      if (all.length > 0) break;
      console.error(`${name} is not what the code says; run \`npm run codegen\` and commit it.`);
      process.exitCode = 1;
    }
  } else if (all.length === 0) {
    for (const { change } of findSdlSurprises(committed.sdl, schema))
      console.log(`for clients to know: ${change}`);
    await write(files, stale);
  }
}

await main().catch((error) => {
  console.error(error instanceof Unreadable ? error.message : error);
  process.exitCode = 1;
});
