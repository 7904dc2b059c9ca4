import { execFile } from 'node:child_process';
import { cp, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { afterAll, beforeAll, beforeEach, describe, expect, it, onTestFinished } from 'vitest';

const ROOT = resolve(import.meta.dirname, '../..');
const SDL = 'schema/waybill.graphql';
const PERMISSIONS = 'schema/permitted-breaking-changes.json';
const ASSIGNED = 'schema/events/TenderAssigned.v1.json';

/** The contracts, level with the code. */
let level: string;
/** A copy of them. */
let folder: string;

beforeAll(async () => {
  level = await mkdtemp(join(tmpdir(), 'waybill-codegen-'));
  folder = level;
  for (const part of ['schema', 'test/fixtures'])
    await cp(join(ROOT, part), join(level, part), { recursive: true });
  expect(await codegen()).toEqual({ code: 0, said: [] });
});
afterAll(() => rm(level, { recursive: true, force: true }));

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'waybill-codegen-'));
  onTestFinished(() => rm(folder, { recursive: true, force: true }));
  await cp(level, folder, { recursive: true });
});

/** Runs the real thing there. @returns how it ended, and each line on stderr */
function codegen(...args: string[]): Promise<{ code: number; said: string[] }> {
  return new Promise((done) => {
    const program = join(ROOT, 'dist/codegen.js');
    execFile(process.execPath, [program, ...args], { cwd: folder }, (error, _stdout, stderr) => {
      const said = stderr.split('\n').filter((line) => line !== '');
      done({ code: error === null ? 0 : Number(error.code), said });
    });
  });
}

const read = (file: string): Promise<string> => readFile(join(folder, file), 'utf8');

/** The code cannot be changed here, so what is committed is: to the code's eyes that is as if the code had changed. */
async function commit(file: string, change: (text: string) => string): Promise<void> {
  const text = await read(file);
  const changed = change(text);
  expect(changed).not.toBe(text);
  await writeFile(join(folder, file), changed);
}

async function isRefused(sentence: string, file: string): Promise<void> {
  const text = await read(file);
  for (const args of [['--check'], []]) expect(await codegen(...args)).toEqual({ code: 1, said: [sentence] });
  expect(await read(file)).toBe(text);
}

const withField = (schema: string): string => {
  const { properties, ...rest } = JSON.parse(schema);
  return `${JSON.stringify({ ...rest, properties: { ...properties, dockDoor: { type: 'string' } } }, null, 2)}\n`;
};
const withoutOptional = (schema: string): string => {
  const { properties, ...rest } = JSON.parse(schema);
  const { previousVehicleId: _, ...required } = properties;
  return JSON.stringify({ ...rest, properties: required });
};
const withLabel = (sdl: string): string =>
  sdl.replace('type Tender implements Node {', '$&\n  label: String');
const LABEL_GONE = 'Tender.label was removed.';

describe('codegen', () => {
  it('finds nothing to do where contracts and code are level', async () => {
    expect(await codegen('--check')).toEqual({ code: 0, said: [] });
  });

  it('takes what is only added, and asks for it to be committed', async () => {
    await commit(ASSIGNED, withoutOptional);
    const stale = `${ASSIGNED} is not what the code says; run \`npm run codegen\` and commit it.`;
    expect(await codegen('--check')).toEqual({ code: 1, said: [stale] });
    expect(await codegen()).toEqual({ code: 0, said: [] });
    expect(await codegen('--check')).toEqual({ code: 0, said: [] });
  });

  it('refuses to drop a field of an event', async () => {
    await commit(ASSIGNED, withField);
    const sentence =
      'TenderAssigned v1: dockDoor was removed or renamed; put v1 back as it was, and make the change v2 with an upcaster (schema/README.md, "Changing an event").';
    await isRefused(sentence, ASSIGNED);
  });

  it('refuses to drop an event type', async () => {
    const file = 'schema/events/TenderSplit.v1.json';
    await writeFile(join(folder, file), await read(ASSIGNED));
    const sentence =
      'TenderSplit was removed or renamed, but the log keeps its events under that name: define it again as it was (schema/README.md, "Changing an event").';
    await isRefused(sentence, file);
  });

  it('refuses a breaking change of the public schema, until it is permitted', async () => {
    await commit(SDL, withLabel);
    const sentence = `Tender.label was removed (FIELD_REMOVED), which breaks clients: put it back and deprecate it instead, or permit it in ${PERMISSIONS} with { "change": "${LABEL_GONE}", "why": … }.`;
    await isRefused(sentence, SDL);

    const permission = { change: LABEL_GONE, why: 'It was never filled, as clients were told.' };
    await writeFile(join(folder, PERMISSIONS), JSON.stringify([permission]));
    const stale = `${SDL} is not what the code says; run \`npm run codegen\` and commit it.`;
    expect(await codegen('--check')).toEqual({ code: 1, said: [stale] });
    expect(await codegen()).toEqual({ code: 0, said: [] });
    expect(await read(SDL)).not.toContain('label: String');
    const day: unknown = expect.stringMatching(/^\d{4}-\d\d-\d\d$/);
    expect(JSON.parse(await read(PERMISSIONS))).toEqual([{ ...permission, on: day }]);
    expect(await codegen('--check')).toEqual({ code: 0, said: [] });

    // Once used, it permits nothing more.
    await commit(SDL, withLabel);
    await isRefused(sentence, SDL);
  });

  it('refuses a permission that nothing needs', async () => {
    await writeFile(
      join(folder, PERMISSIONS),
      JSON.stringify([{ change: LABEL_GONE, why: 'For some day to come.' }]),
    );
    await isRefused(`${PERMISSIONS} permits "${LABEL_GONE}", which does not happen: remove it.`, PERMISSIONS);
  });

  it('does not take a missing contract for a fresh start', async () => {
    await rm(join(folder, SDL));
    const sentence = `${SDL} is missing, and without it nobody can tell what breaks: restore it from git.`;
    expect(await codegen()).toEqual({ code: 1, said: [sentence] });
  });

  it('refuses a schema that is none', async () => {
    await commit(ASSIGNED, () => '{');
    const { code, said } = await codegen('--check');
    expect(code).toBe(1);
    expect(said[0]).toMatch(
      /^schema\/events\/TenderAssigned\.v1\.json cannot be read \(.*\): restore it from git\.$/,
    );
  });
});
