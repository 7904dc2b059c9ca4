import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import { appendFile, copyFile, cp, mkdir, mkdtemp, readFile, rm, symlink } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';

const ROOT = resolve(import.meta.dirname, '../..');
const PROGRAM = join(ROOT, 'dist/test/context/main.js');
const COPIED = ['ls-files', '--cached', '--others', '--exclude-standard', '-z'];

interface Ended {
  readonly code: number | string;
  /** All that it printed. */
  readonly text: string;
}

/** Runs a command to its end, whatever its end is. */
function run(cwd: string, command: string, ...args: string[]): Promise<Ended> {
  // Without what the test runner says to its own workers: here it runs another one.
  const env = Object.fromEntries(Object.entries(process.env).filter(([name]) => !name.startsWith('VITEST')));
  return new Promise((done) => {
    execFile(command, args, { cwd, env, maxBuffer: 64 * 1024 * 1024 }, (error, stdout, stderr) => {
      done({ code: error === null ? 0 : (error.code ?? 'killed'), text: stdout + stderr });
    });
  });
}

/** A copy of what is committed or about to be, and of what is built, as a repository of its own. */
async function copyTree(): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'waybill-context-'));
  const { text } = await run(ROOT, 'git', ...COPIED);
  for (const file of text.split('\0')) {
    if (file === '' || !existsSync(join(ROOT, file)) || file === 'node_modules') continue;
    await mkdir(dirname(join(folder, file)), { recursive: true });
    await copyFile(join(ROOT, file), join(folder, file));
  }
  await run(folder, 'git', 'init', '--quiet');
  await appendFile(join(folder, '.git/info/exclude'), 'node_modules\n');
  await run(folder, 'git', 'add', '--all');
  const who = ['-c', 'user.name=test', '-c', 'user.email=test@example.com', '-c', 'commit.gpgsign=false'];
  expect(await run(folder, 'git', ...who, 'commit', '--quiet', '-m', 'A copy')).toMatchObject({ code: 0 });
  await symlink(join(ROOT, 'node_modules'), join(folder, 'node_modules'));
  // What is built is built on: the compiler then looks at what the new context has changed.
  await cp(join(ROOT, 'dist'), join(folder, 'dist'), { recursive: true });
  return folder;
}

let folder: string;
beforeAll(async () => {
  folder = await copyTree();
});
afterAll(() => rm(folder, { recursive: true }));

const context = (...names: string[]): Promise<Ended> => run(folder, process.execPath, PROGRAM, ...names);

/** Runs what must be green. */
async function expectGreen(command: string, ...args: string[]): Promise<void> {
  const { code, text } = await run(folder, command, ...args);
  expect(code, `${command} ${args.join(' ')}: ${text.slice(-8_000)}`).toBe(0);
}

describe('npm run context', () => {
  it.each([
    ['no name', [], 'Give the name of the context'],
    ['two words', ['dock-door'], 'one English noun in lower-case letters'],
    ['a capital', ['Trailer'], 'one English noun in lower-case letters'],
    ['a plural', ['trailers'], 'give the singular'],
    ['a context that is there', ['route'], 'src/route is there already'],
    ['a room that is no context', ['audit'], 'src/audit is there already'],
    ['a word of the schema', ['event'], 'the schema has Event already'],
    ['a list of the schema', ['fleet'], 'the schema has'],
    ['a word of the code', ['command'], 'means something else'],
    ['a word of the language', ['class'], 'means something else'],
  ])('says in one sentence what is wrong with %s, and writes nothing', async (_, names, sentence) => {
    const { code, text } = await context(...names);
    expect(code).toBe(1);
    expect(text).toContain(sentence);
    expect(text.trim().split('\n')).toHaveLength(1);
    expect((await run(folder, 'git', 'status', '--porcelain')).text).toBe('');
  });

  it('lays out a context with which everything is green, without a hand’s work', async () => {
    expect(await context('trailer')).toMatchObject({ code: 0 });
    // The build checks the types of everything.
    await expectGreen('npm', 'run', '--silent', 'build:all');
    await expectGreen(process.execPath, 'dist/codegen.js');
    await expectGreen('npm', 'run', '--silent', 'lint');
    // Among the facts are the import rules.
    const tests = ['trailer', 'golden', 'facts', 'operations/documents'].map((name) => `test/${name}`);
    await expectGreen('npx', 'vitest', 'run', '--config', 'test/vitest.config.ts', ...tests);

    const laidOut = (await run(folder, 'git', 'ls-files', '--others', '--exclude-standard')).text;
    const files = laidOut.split('\n').filter((file) => /^(src|test)\//.test(file));
    expect(files).toContain('src/trailer/trailer.ts');
    for (const file of files) {
      const text = await readFile(join(folder, file), 'utf8');
      expect(text, file).not.toMatch(/specimen|<<\w+>>|\bTODO\b|\bany\b/i);
    }
    expect(await context('trailer')).toMatchObject({ code: 1 });
  });
});
