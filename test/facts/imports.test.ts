import { execFile } from 'node:child_process';
import { readdirSync } from 'node:fs';
import { copyFile, mkdir, mkdtemp, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join, relative, resolve } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';

const ROOT = resolve(import.meta.dirname, '../..');
interface Rule {
  readonly name: string;
  readonly from: { readonly path?: string };
}

const CONFIG: { readonly forbidden: readonly Rule[] } = (await import(join(ROOT, '.dependency-cruiser.cjs')))
  .default;
const DIRECTION = 'one-direction: ';
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

  it('stand each in a room of the order', () => {
    const rooms = CONFIG.forbidden
      .filter(({ name }) => name.startsWith(DIRECTION))
      .map(({ from }) => new RegExp(from.path ?? ''));
    const files = readdirSync(join(ROOT, 'src'), { recursive: true, encoding: 'utf8' })
      .filter((file) => file.endsWith('.ts'))
      .map((file) => `src/${file}`);
    expect(files.filter((file) => !rooms.some((room) => room.test(file)))).toEqual([]);
  });

  it('fill no folder with more than 25', () => {
    const folders = readdirSync(join(ROOT, 'src'), { recursive: true, withFileTypes: true })
      .filter((entry) => entry.isFile())
      .map(({ parentPath }) => relative(ROOT, parentPath));
    const full = [...new Set(folders)].filter(
      (folder) => folders.filter((one) => one === folder).length > 25,
    );
    expect(full).toEqual([]);
  });
});

/** For each rule, a file that breaks it. */
const BREACHES: readonly (readonly [rule: string, file: string, source: string])[] = [
  ['no-cycles', 'src/mongo/port.ts', "import './state.ts';"],
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
  ['mongo-knows-only-itself', 'src/mongo/program/cache.ts', "import '../../process/log.ts';"],
  ['access-knows-no-business', 'src/access/claims.ts', "import '../tender/offer.ts';"],
  ['the-server-knows-no-context', 'src/gateway/server.ts', "import '../tender/events.ts';"],
  ['mongodb-where-it-belongs', 'src/process/health.ts', "import 'mongodb';"],
];

/** The rules of the order of rooms, and of each room a file that reaches up to the top, or the top to what is in no room. */
const RISES: readonly (readonly [rule: string, file: string, source: string])[] = CONFIG.forbidden
  .map(({ name }) => name)
  .filter((name) => name.startsWith(DIRECTION))
  .map((name) => {
    const room = name.slice(DIRECTION.length);
    if (room === 'main.ts') return [name, 'src/main.ts', "import './attic/old.ts';"];
    const file = room.endsWith('/')
      ? `${room}rise.ts`
      : room.replace(/\(\?!.*?\)/, '').replace('[^/]+', 'rise');
    const first = file.replace(/\((\w+)\|.*?\)/, '$1');
    return [name, `src/${first}`, `import '${'../'.repeat(first.split('/').length - 1) || './'}main.ts';`];
  });

/** Files that the breaches import. */
const BYSTANDERS: readonly (readonly [file: string, source: string])[] = [
  ['src/mongo/state.ts', "import './port.ts';"],
  ...[
    'src/refusal.ts',
    'src/process/log.ts',
    'src/attic/old.ts',
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
    for (const [file, source] of [...BYSTANDERS, ...[...BREACHES, ...RISES].map(([, ...breach]) => breach)]) {
      await mkdir(dirname(join(folder, file)), { recursive: true });
      await writeFile(join(folder, file), `${source}\n`);
    }
    found = await violationsIn(folder);
  });
  afterAll(() => rm(folder, { recursive: true }));

  it.each([...BREACHES, ...RISES])('breaks %s in %s', (rule, from) => {
    expect(found).toContainEqual({ rule, from });
  });

  it('has a breach here for every rule there is', async () => {
    expect([...new Set([...BREACHES, ...RISES].map(([rule]) => rule))].sort()).toEqual(
      CONFIG.forbidden.map(({ name }) => name).sort(),
    );
  });
});
