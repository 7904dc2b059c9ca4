import { availableParallelism } from 'node:os';
import { fileURLToPath } from 'node:url';
import { defineConfig } from 'vitest/config';
import { findTestKinds } from './kinds.ts';

const kinds = findTestKinds();
const LIMIT_MS = 120_000;
/** Tests that talk to a mongod wait more than they work. */
const WAITING_WORKERS = 2 * availableParallelism();

export default defineConfig({
  resolve: {
    // graphql 16 has two builds, and refuses to work with types of the other one: tests take the one that Node takes.
    alias: [{ find: /^graphql$/, replacement: fileURLToPath(import.meta.resolve('graphql')) }],
  },
  test: {
    testTimeout: LIMIT_MS,
    hookTimeout: LIMIT_MS,
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
