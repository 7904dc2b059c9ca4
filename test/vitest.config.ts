import { availableParallelism } from 'node:os';
import { fileURLToPath } from 'node:url';
import { defineConfig } from 'vitest/config';
import { BaseSequencer, type TestSpecification } from 'vitest/node';
import { findTestKinds, type TestKinds, withProperties } from './kinds.ts';

/** Set by `npm run fuzz`: how long properties are tried, all of them together. Nothing else is tested then. */
const FUZZ_MINUTES = Number(process.env.WAYBILL_FUZZ_MINUTES ?? 0);
const isFuzzing = FUZZ_MINUTES > 0;
const kinds = isFuzzing ? withProperties(findTestKinds()) : findTestKinds();
/** What hangs is ended by it. No test takes a minute, but on a machine that is busy with other things it may. */
const LIMIT_MS = 300_000;
/** Tests that talk to a mongod wait more than they work. */
const WAITING_WORKERS = 2 * availableParallelism();
/** Trying properties is all work. */
const workers = (kind: keyof TestKinds): number =>
  kind === 'unit' || isFuzzing ? availableParallelism() : WAITING_WORKERS;
/** Of the unit tests so many files at once; then of all others. */
const FILES_IN_A_ROW =
  Math.ceil(kinds.unit.length / workers('unit')) +
  Math.ceil((kinds.integration.length + kinds.journey.length) / workers('integration'));
const FUZZ_MS_PER_FILE = isFuzzing ? (FUZZ_MINUTES * 60_000) / FILES_IN_A_ROW : 0;

/** Journeys first: they take longest, and whoever begins last must not keep all others waiting. */
class JourneysFirst extends BaseSequencer {
  override async sort(files: TestSpecification[]): Promise<TestSpecification[]> {
    const sorted = await super.sort(files);
    const isJourney = ({ project }: TestSpecification): boolean => project.name === 'journey';
    return [...sorted.filter(isJourney), ...sorted.filter((file) => !isJourney(file))];
  }
}

export default defineConfig({
  resolve: {
    // graphql 16 has two builds, and refuses to work with types of the other one: tests take the one that Node takes.
    alias: [{ find: /^graphql$/, replacement: fileURLToPath(import.meta.resolve('graphql')) }],
  },
  test: {
    testTimeout: LIMIT_MS + FUZZ_MS_PER_FILE,
    hookTimeout: LIMIT_MS,
    sequence: { sequencer: JourneysFirst },
    tags: [{ name: 'property', description: 'A rule that holds for random values.' }],
    provide: { fuzzMsPerFile: FUZZ_MS_PER_FILE },
    projects: [
      {
        extends: true,
        test: {
          name: 'unit',
          include: [...kinds.unit],
          pool: 'threads',
          isolate: false,
          maxWorkers: workers('unit'),
          sequence: { groupOrder: 1 },
        },
      },
      ...(['integration', 'journey'] as const).map((name) => ({
        extends: true as const,
        test: {
          name,
          include: [...kinds[name]],
          pool: 'forks' as const,
          isolate: false,
          globalSetup: ['test/mongo.ts'],
          maxWorkers: workers(name),
          sequence: { groupOrder: 2 },
        },
      })),
    ],
  },
});
