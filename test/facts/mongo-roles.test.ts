import { execFileSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { describe, expect, it } from 'vitest';
import { collectionsOf, FIXED_COLLECTIONS, MONGO_ROLES, rolesOf } from '../../src/process/mongo-roles.ts';

const ROOT = resolve(import.meta.dirname, '../..');
/** Of another database, and of a drill that makes its own. */
const ELSEWHERE: ReadonlySet<string> = new Set(['version', 'oplog.rs', 'drill_filler']);

/** The collections that sources name, by a text or a constant. */
function namedCollections(): string[] {
  const list = ['ls-files', '--cached', '--others', '--exclude-standard', 'src/*.ts'];
  const files = execFileSync('git', list, { cwd: ROOT, encoding: 'utf8' }).trim().split('\n');
  const sources = files
    .filter((file) => existsSync(join(ROOT, file)))
    .map((file) => readFileSync(join(ROOT, file), 'utf8'));
  const constants = new Map<string, string>();
  for (const source of sources)
    for (const [, name = '', value = ''] of source.matchAll(
      /^(?:export )?const ([A-Z][A-Z_]*) = '([a-z_]+)';$/gm,
    ))
      constants.set(name, value);
  const named = sources.flatMap((source) =>
    [...source.matchAll(/\.collection(?:<[^()]*>)?\(\s*(?:'([\w.]+)'|([A-Z][A-Z_]*))/g)].map(
      ([, text, constant]) => text ?? constants.get(constant ?? '') ?? `${constant}, which is no text`,
    ),
  );
  return [...new Set(named)].filter((name) => !ELSEWHERE.has(name)).sort();
}

describe('the roles of MongoDB', () => {
  it('know every collection that a source names', () => {
    const known = new Set(FIXED_COLLECTIONS);
    expect(namedCollections().filter((name) => !known.has(name))).toEqual([]);
    expect(namedCollections().length).toBeGreaterThan(8);
  });

  it('let somebody work with each of them, and nobody change or remove what is only added to', () => {
    const roles = rolesOf('own', collectionsOf(new Map([['tenders', 3]])));
    expect(roles).toHaveLength(Object.keys(MONGO_ROLES).length);
    const may = new Map<string, Set<string>>();
    for (const { privileges } of roles)
      for (const { resource, actions } of privileges)
        if ('collection' in resource && resource.db === 'own')
          for (const action of actions)
            may.set(resource.collection, (may.get(resource.collection) ?? new Set()).add(action));
    for (const name of [...FIXED_COLLECTIONS, 'tenders', 'tenders_v53', 'tenders_building_31'])
      expect(may.get(name), name).toContain('insert');
    expect(may.has('tenders_v54')).toBe(false);
    for (const name of ['events', 'admin_actions'])
      expect([...(may.get(name) ?? [])].sort()).toEqual(
        name === 'events' ? ['changeStream', 'find', 'insert'] : ['find', 'insert'],
      );
    expect([...(may.get('') ?? [])].sort()).toEqual([
      'changeStream',
      'find',
      'listCollections',
      'listIndexes',
    ]);
  });
});
