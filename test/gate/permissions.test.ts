import { describe, expect, it } from 'vitest';
import { judge, type Permission, readPermissions } from '../../src/gate/permissions.ts';
import type { SdlBreach } from '../../src/gate/sdl.ts';

const change = 'Tender.weightKg was removed.';
const breach: SdlBreach = { change, kind: 'FIELD_REMOVED', lasting: false };
const permission: Permission = { change, why: 'Nobody has asked for it since January.' };
const used: Permission = { ...permission, on: '2026-02-01' };
const TODAY = '2026-03-01';

describe('a breaking change of the public schema', () => {
  it('is refused with what to do', () => {
    expect(judge([breach], [], TODAY).findings).toEqual([
      'Tender.weightKg was removed (FIELD_REMOVED), which breaks clients: put it back and deprecate it instead, or permit it in schema/permitted-breaking-changes.json with { "change": "Tender.weightKg was removed.", "why": … }.',
    ]);
  });

  it('is let through by a permission, which then has the day', () => {
    expect(judge([breach], [permission], TODAY)).toEqual({
      findings: [],
      permissions: [{ ...permission, on: TODAY }],
    });
  });

  it('is not let through by a permission that was used before', () => {
    expect(judge([breach], [used], TODAY).findings).toHaveLength(1);
    expect(judge([breach], [used, permission], TODAY).permissions).toEqual([
      used,
      { ...permission, on: TODAY },
    ]);
  });

  it('of the settled core stays permitted', () => {
    const lasting = { ...breach, lasting: true };
    expect(judge([lasting], [used], TODAY)).toEqual({ findings: [], permissions: [used] });
    expect(judge([lasting], [], TODAY).findings).toHaveLength(1);
  });
});

describe('a permission', () => {
  it('that nothing needs is refused', () => {
    expect(judge([], [permission], TODAY).findings).toEqual([
      'schema/permitted-breaking-changes.json permits "Tender.weightKg was removed.", which does not happen: remove it.',
    ]);
  });

  it('that was used stays as the record', () => {
    expect(judge([], [used], TODAY)).toEqual({ findings: [], permissions: [used] });
  });

  it.each([
    ['no JSON', '['],
    ['no list', '{}'],
    ['without a reason', JSON.stringify([{ change }])],
    ['with an empty reason', JSON.stringify([{ change, why: '            ' }])],
    ['with a day that is none', JSON.stringify([{ ...permission, on: 'today' }])],
    ['with what nobody knows', JSON.stringify([{ ...permission, until: '2027-01-01' }])],
  ])('%s is told so', (_what, text) => {
    expect(() => readPermissions(text)).toThrow(/^schema\/permitted-breaking-changes\.json is not a list of/);
  });

  it('is read as it stands', () => {
    expect(readPermissions(JSON.stringify([used, permission]))).toEqual([used, permission]);
  });
});
