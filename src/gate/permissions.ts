import { z } from 'zod';
import type { SdlBreach } from './sdl.ts';
import { Unreadable } from './unreadable.ts';

/** Where permissions are recorded. */
export const PERMISSIONS = 'schema/permitted-breaking-changes.json';

const permission = z.strictObject({
  /** The change, word for word as the check names it. */
  change: z.string().min(1),
  /** Why clients may be broken, and what they were told to do instead. */
  why: z.string().trim().min(10),
  /** The day it was used; put in by codegen, which never uses it again after. */
  on: z.iso.date().optional(),
});

/** A breaking change of the public schema that was allowed; the list of them is kept for ever. */
export type Permission = z.infer<typeof permission>;

/** @throws Unreadable for a file that is no list of permissions */
export function readPermissions(text: string): Permission[] {
  try {
    return z.array(permission).parse(JSON.parse(text));
  } catch (error) {
    const issue = error instanceof z.ZodError ? error.issues[0] : undefined;
    const what = issue === undefined ? String(error) : `${issue.path.join('.')}: ${issue.message}`;
    throw new Unreadable(`${PERMISSIONS} is not a list of { change, why } (${what}); put it right.`);
  }
}

export interface Judgement {
  /** One sentence per breach without a permission, and per permission without a breach. */
  readonly findings: readonly string[];
  /** The permissions once the change is made: those that were used now carry the day. */
  readonly permissions: readonly Permission[];
}

/**
 * Sets breaches against permissions. A permission is for one change, once: what was used stays in the list as the
 * record, and what is not needed must go, lest it permit something later.
 * @param today `2026-03-01`
 */
export function judge(
  breaches: readonly SdlBreach[],
  permissions: readonly Permission[],
  today: string,
): Judgement {
  const changes = new Set(breaches.map(({ change }) => change));
  const used = new Set(permissions.filter(({ on }) => on !== undefined).map(({ change }) => change));
  const pending = new Set(permissions.filter(({ on }) => on === undefined).map(({ change }) => change));
  const forbidden = breaches
    .filter(({ change, lasting }) => !pending.has(change) && !(lasting && used.has(change)))
    .map(({ change, kind }) => {
      const entry = `{ "change": ${JSON.stringify(change)}, "why": … }`;
      return `${asClause(change)} (${kind}), which breaks clients: put it back and deprecate it instead, or permit it in ${PERMISSIONS} with ${entry}.`;
    });
  const idle = [...pending]
    .filter((change) => !changes.has(change))
    .map((change) => `${PERMISSIONS} permits ${JSON.stringify(change)}, which does not happen: remove it.`);
  return {
    findings: [...forbidden, ...idle],
    permissions: permissions.map((each) => ({ ...each, on: each.on ?? today })),
  };
}

function asClause(sentence: string): string {
  return sentence.replace(/\.$/, '');
}
