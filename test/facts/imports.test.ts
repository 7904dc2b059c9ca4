import { execFile } from 'node:child_process';
import { copyFile, mkdir, mkdtemp, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';

const ROOT = resolve(import.meta.dirname, '../..');
const CHECKER = join(ROOT, 'node_modules/dependency-cruiser/bin/dependency-cruise.mjs');

/** Runs the checker over `src` of a folder. @returns its report, as JSON */
async function violationsIn(folder: string): Promise<{ rule: string; from: string }[]> {
  const args = [CHECKER, '--config', '.dependency-cruiser.cjs', '--output-type', 'json', 'src'];
  const { stdout } = await promisify(execFile)(process.execPath, args, {
    cwd: folder,
    maxBuffer: 64 * 1024 * 1024,
  });
  const report: { summary: { violations: { rule: { name: string }; from: string }[] } } = JSON.parse(stdout);
  return report.summary.violations.map(({ rule, from }) => ({ rule: rule.name, from }));
}

describe('the sources of Waybill', () => {
  it('import only what the table of who may import whom allows', async () => {
    expect(await violationsIn(ROOT)).toEqual([]);
  });
});

/** For each rule, a file that breaks it. */
const BREACHES: readonly (readonly [rule: string, file: string, source: string])[] = [
  ['no-cycles', 'src/mongo/port.ts', "import './progress.ts';"],
  ['resolvable', 'src/mongo/gone.ts', "import './nowhere.ts';"],
  ['no-development-packages', 'src/mongo/dev.ts', "import { it } from 'vitest';\nit('', () => {});"],
  ['no-tests-in-the-product', 'src/mongo/tested.ts', "import '../../test/given.ts';"],
  ['events-know-only-their-schema', 'src/tender/events.ts', "import './state.ts';"],
  ['state-knows-only-its-events', 'src/tender/state.ts', "import '../refusal.ts';"],
  ['decide-knows-events-state-and-refusals', 'src/route/decide.ts', "import '../vehicle/events.ts';"],
  ['projection-knows-its-events-and-the-fold', 'src/route/projection.ts', "import './graphql.ts';"],
  [
    'pure-files-touch-nothing-outside',
    'src/vehicle/plate.ts',
    "import type { UUID } from 'mongodb';\nexport type X = UUID;",
  ],
  ['pure-files-touch-nothing-outside', 'src/vehicle/state.ts', "import 'graphql';"],
  ['pure-files-need-no-node', 'src/vehicle/decide.ts', "import 'node:fs';"],
  ['contexts-meet-in-dispatch', 'src/vehicle/position.ts', "import '../tender/offer.ts';"],
  ['contexts-show-each-other-by-their-rows', 'src/tender/graphql.ts', "import '../vehicle/decide.ts';"],
  [
    'graphql-never-sees-mongodb',
    'src/route/graphql.ts',
    "import type { Db } from 'mongodb';\nexport type X = Db;",
  ],
  ['dispatch-is-a-workflow', 'src/dispatch/expiry.ts', "import 'mongodb';"],
  ['dispatch-is-a-workflow', 'src/dispatch/commitment.ts', "import '../tender/graphql.ts';"],
  [
    'the-event-store-knows-no-business',
    'src/eventstore/command/append.ts',
    "import '../../tender/offer.ts';",
  ],
  ['the-event-store-knows-no-business', 'src/eventstore/log/read.ts', "import 'graphql';"],
  ['mongo-knows-only-itself', 'src/mongo/cache.ts', "import '../process/log.ts';"],
  ['access-knows-no-business', 'src/access/claims.ts', "import '../tender/offer.ts';"],
  ['the-server-knows-no-context', 'src/gateway/server.ts', "import '../tender/events.ts';"],
  ['mongodb-where-it-belongs', 'src/process/health.ts', "import 'mongodb';"],
  ['nobody-imports-the-command-line', 'src/graphql/builder.ts', "import '../cli/token.ts';"],
  ['nobody-imports-main', 'src/cli/start.ts', "import '../main.ts';"],
];

/** Files that the breaches import. */
const BYSTANDERS: readonly (readonly [file: string, source: string])[] = [
  ['src/mongo/progress.ts', "import './port.ts';"],
  ...[
    'src/refusal.ts',
    'src/process/log.ts',
    'src/main.ts',
    'src/tender/offer.ts',
    'src/cli/token.ts',
    'test/given.ts',
  ].map((file) => [file, 'export {};'] as const),
];

describe('a source that breaks a rule of the table', () => {
  let folder: string;
  let found: { rule: string; from: string }[];

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'waybill-imports-'));
    for (const file of ['.dependency-cruiser.cjs', 'tsconfig.json', 'package.json'])
      await copyFile(join(ROOT, file), join(folder, file));
    await symlink(join(ROOT, 'node_modules'), join(folder, 'node_modules'));
    for (const [file, source] of [...BYSTANDERS, ...BREACHES.map(([, ...breach]) => breach)]) {
      await mkdir(dirname(join(folder, file)), { recursive: true });
      await writeFile(join(folder, file), `${source}\n`);
    }
    found = await violationsIn(folder);
  });
  afterAll(() => rm(folder, { recursive: true }));

  it.each(BREACHES)('breaks %s in %s', (rule, from) => {
    expect(found).toContainEqual({ rule, from });
  });

  it('has a breach here for every rule there is', async () => {
    const config: { forbidden: { name: string }[] } = (await import(join(ROOT, '.dependency-cruiser.cjs')))
      .default;
    expect([...new Set(BREACHES.map(([rule]) => rule))].sort()).toEqual(
      config.forbidden.map(({ name }) => name).sort(),
    );
  });
});
