import { readdirSync, readFileSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';

const TESTS = import.meta.dirname;
/** Tests of the whole, most of them over several processes. */
const JOURNEYS = /^(journey|drill|clients)\//;
/** They are programs of their own. */
const BENCHES = /^bench\//;
/** What starts a mongod or asks for the one of the run, and what is there only once the program is built. */
const NEEDS = /mongo\/launch\.ts'|inject\('mongoUri'\)|\bdist\//;
/** What makes tests of properties, which `npm run fuzz` tries for longer. */
const PROPERTIES = /from '(\.\.?\/)+fuzz\.ts'/;
const IMPORTED = /\bfrom '(\.\.?\/[^']+\.ts)'/g;

/** The files of tests by what they need; each test is of one kind. */
export interface TestKinds {
  /** Nothing but the sources: neither a mongod nor a build. */
  readonly unit: readonly string[];
  readonly integration: readonly string[];
  readonly journey: readonly string[];
}

/**
 * A test is a journey by its folder. Any other is a unit test unless it, or what it imports from test/, names what starts a
 * mongod or what is built.
 */
export function findTestKinds(): TestKinds {
  const known = new Map<string, boolean>();
  const needsMore = (file: string): boolean => {
    const before = known.get(file);
    if (before !== undefined) return before;
    // Two that import each other are looked through once.
    known.set(file, false);
    const text = readFileSync(file, 'utf8');
    const imported = [...text.matchAll(IMPORTED)].map(([, path = '']) => resolve(dirname(file), path));
    const needs = NEEDS.test(text) || imported.filter((path) => path.startsWith(TESTS)).some(needsMore);
    known.set(file, needs);
    return needs;
  };
  const kinds: Record<keyof TestKinds, string[]> = { unit: [], integration: [], journey: [] };
  for (const path of readdirSync(TESTS, { recursive: true, encoding: 'utf8' }).sort()) {
    if (!path.endsWith('.test.ts') || BENCHES.test(path)) continue;
    const isJourney = JOURNEYS.test(path);
    const kind = isJourney ? 'journey' : needsMore(join(TESTS, path)) ? 'integration' : 'unit';
    kinds[kind].push(`test/${path}`);
  }
  return kinds;
}

/** Those of them that have properties to try. */
export function withProperties(kinds: TestKinds): TestKinds {
  const having = (files: readonly string[]) =>
    files.filter((file) => PROPERTIES.test(readFileSync(join(TESTS, '..', file), 'utf8')));
  return { unit: having(kinds.unit), integration: having(kinds.integration), journey: having(kinds.journey) };
}
