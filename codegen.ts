import { mkdir, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { lexicographicSortSchema, printSchema } from 'graphql';
import { jsonSchema } from './src/eventstore/registry.ts';
import { eventDefinitions } from './src/model.ts';
import { schema } from './src/schema.ts';

const SDL = join('schema', 'waybill.graphql');
const EVENTS = join('schema', 'events');

/** The committed contracts as the code has them now: file name to text. */
function generate(): Map<string, string> {
  const files = new Map([[SDL, `${printSchema(lexicographicSortSchema(schema))}\n`]]);
  for (const definition of eventDefinitions) {
    const name = join(EVENTS, `${definition.type}.v${definition.version}.json`);
    files.set(name, `${JSON.stringify(jsonSchema(definition), null, 2)}\n`);
  }
  return files;
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

const files = generate();
const stale = await findStale(files);
if (process.argv.includes('--check')) {
  for (const name of stale)
    console.error(`${name} is not what the code says; run \`npm run codegen\` and commit it.`);
  process.exitCode = stale.length === 0 ? 0 : 1;
} else {
  await mkdir(EVENTS, { recursive: true });
  for (const name of stale) {
    const text = files.get(name);
    if (text === undefined) await rm(name);
    else await writeFile(name, text);
    console.log(`${text === undefined ? 'removed' : 'wrote'} ${name}`);
  }
}
