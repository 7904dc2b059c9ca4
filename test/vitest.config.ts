import { availableParallelism } from 'node:os';
import { fileURLToPath } from 'node:url';
import { defineConfig } from 'vitest/config';
import { BaseSequencer, type TestSpecification } from 'vitest/node';
import { findTestKinds } from './kinds.ts';

const kinds = findTestKinds();
/** What hangs is ended by it. No test takes a minute, but on a machine that is busy with other things it may. */
const LIMIT_MS = 300_000;
/** Tests that talk to a mongod wait more than they work. */
const WAITING_WORKERS = 2 * availableParallelism();

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
    testTimeout: LIMIT_MS,
    hookTimeout: LIMIT_MS,
    sequence: { sequencer: JourneysFirst },
    projects: [
      {
        extends: true,
        test: {
          name: 'unit',
          include: [...kinds.unit],
          pool: 'threads',
          isolate: false,
          maxWorkers: availableParallelism(),
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
          maxWorkers: WAITING_WORKERS,
          sequence: { groupOrder: 2 },
        },
      })),
    ],
  },
});
