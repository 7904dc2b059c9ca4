import { execFileSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { mkdir, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { findFault, type Noun, nounOf } from './noun.ts';
import { listed } from './register.ts';
import { type ContextFile, fill } from './template.ts';
import { ownValues } from './values.ts';
import { findClash, findInSchema } from './words-in-use.ts';

// `npm run context trailer`: lays out a context that is small and whole, and lists it where all contexts are listed.
// Run at the top of the repository, which it changes only once nothing is found against the name.
// noun → words-in-use → template → values → register

const ROOT = process.cwd();
const TEMPLATES = join(ROOT, 'test/context/template');

/** What is wrong with a name, or with its noun among those that are there; in one sentence. */
function findFaults(name: string | undefined): string | undefined {
  const fault = findFault(name);
  if (fault !== undefined || name === undefined) return fault;
  const taken = [`src/${name}`, `src/${name}.ts`, `test/${name}`].find((path) =>
    existsSync(join(ROOT, path)),
  );
  if (taken !== undefined) return `"${name}" cannot be its name, since ${taken} is there already.`;
  return findInSchema(ROOT, nounOf(name)) ?? findClash(nounOf(name), filesOf);
}

function filesOf(noun: Noun): ContextFile[] {
  return fill(TEMPLATES, noun, ownValues(noun.one, new Date()));
}

/** @returns what is wrong, in which case nothing is written */
async function layOut(name: string | undefined): Promise<string | undefined> {
  const fault = findFaults(name);
  if (fault !== undefined || name === undefined) return fault;
  const files = filesOf(nounOf(name));
  const taken = files.find(({ path }) => existsSync(join(ROOT, path)));
  if (taken !== undefined) return `Nothing is written, since ${taken.path} is there already.`;
  const lists = listed(ROOT, name);
  for (const { path, text } of [...files, ...lists]) {
    await mkdir(dirname(join(ROOT, path)), { recursive: true });
    await writeFile(join(ROOT, path), text);
  }
  format([...files, ...lists]);
  for (const { path } of files) console.log(`wrote ${path}`);
  for (const { path } of lists) console.log(`listed in ${path}`);
  console.log(nextSteps(name));
  return undefined;
}

/** Where lines break and how imports are sorted depends on the noun. */
function format(files: readonly ContextFile[]): void {
  const paths = files.map(({ path }) => path).filter((path) => /\.(c?[jt]s|graphql)$/.test(path));
  execFileSync(join(ROOT, 'node_modules/.bin/biome'), ['check', '--write', ...paths], {
    cwd: ROOT,
    stdio: ['ignore', 'ignore', 'inherit'],
  });
}

function nextSteps(name: string): string {
  return [
    '',
    'Next: `npm run codegen` writes its part of the contracts. Its golden events may be changed until they are committed.',
    `Tests that know every context by name want a word about ${name}: test/journey/isolation.test.ts (something of tenant B),`,
    'test/journey/tender.test.ts (the read models) and test/eventstore/verify/job.test.ts (the kinds that are verified).',
    'Reasons that partners are to know have their place in docs/reasons.md, which test/operations/readme.ts makes.',
  ].join('\n');
}

const fault = await layOut(process.argv[2]);
if (fault !== undefined) {
  console.error(fault);
  process.exitCode = 1;
}
