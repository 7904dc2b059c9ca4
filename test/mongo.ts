import type { TestProject } from 'vitest/node';
import { startMongod, type TestMongod } from './database.ts';

declare module 'vitest' {
  export interface ProvidedContext {
    /** Of the replica set that all test files share, each with databases of its own. */
    mongoUri: string;
  }
}

let mongod: TestMongod | undefined;

/** Starts one real replica set for the whole test run. */
export async function setup(project: TestProject): Promise<void> {
  mongod = await startMongod();
  project.provide('mongoUri', mongod.uri);
}

export async function teardown(): Promise<void> {
  await mongod?.stop();
}
