import type { Keywords } from './keywords.ts';
import { findNarrowings } from './narrowing.ts';

/** The JSON Schemas of event types, by `TenderCreated.v1`. */
export type EventSchemas = ReadonlyMap<string, Keywords>;

const GUIDE = 'schema/README.md, "Changing an event"';

/**
 * What the code would break that is committed: the log keeps every event for ever, so what was once in a schema can
 * only be added to. A new version with an upcaster is something new, and passes.
 * @returns one sentence per finding, each saying what to do
 */
export function findBreaches(committed: EventSchemas, code: EventSchemas): string[] {
  return [...committed].flatMap(([name, before]) => {
    const { type, version } = parseName(name);
    const after = code.get(name);
    if (after !== undefined) return breachesOf(type, version, before, after, nextVersion(type, committed));
    if ([...code.keys()].some((each) => parseName(each).type === type))
      return [
        `${type} v${version} was removed, but the log keeps its events: define it again, as the \`previous\` of the version after it (${GUIDE}).`,
      ];
    return [
      `${type} was removed or renamed, but the log keeps its events under that name: define it again as it was (${GUIDE}).`,
    ];
  });
}

function breachesOf(
  type: string,
  version: number,
  before: Keywords,
  after: Keywords,
  next: number,
): string[] {
  const remedy = `put v${version} back as it was, and make the change v${next} with an upcaster (${GUIDE})`;
  const narrowed = findNarrowings(before, after).map(
    (clause) => `${type} v${version}: ${clause}; ${remedy}.`,
  );
  const [had, has] = [before['x-aggregateType'], after['x-aggregateType']];
  const moved =
    had === has
      ? []
      : [
          `${type} v${version} went from the aggregate ${had} to ${has}, but the log has it in streams of ${had}: put that back, and define a new type for ${has} (${GUIDE}).`,
        ];
  const [did, does] = [before['x-effect'], after['x-effect']];
  const retimed =
    did === undefined || did === does
      ? []
      : [
          `${type} v${version} went from ${did} to ${does}, but the past was answered as if its events were ${did}s: put that back, and define a new type (${GUIDE}).`,
        ];
  const reasons = reasonsOf(after);
  const unreasoned = reasonsOf(before)
    .filter((reason) => !reasons.includes(reason))
    .map((reason) => `${type} v${version}: the reason ${reason} was removed or renamed; ${remedy}.`);
  return [...moved, ...retimed, ...narrowed, ...unreasoned];
}

function reasonsOf(schema: Keywords): readonly string[] {
  const reasons = schema['x-reasonCodes'];
  return Array.isArray(reasons) ? reasons.map(String) : [];
}

function nextVersion(type: string, schemas: EventSchemas): number {
  const versions = [...schemas.keys()].map(parseName).filter((each) => each.type === type);
  return Math.max(...versions.map(({ version }) => version)) + 1;
}

/** @throws for a name that no event type in a version has */
export function parseName(name: string): { readonly type: string; readonly version: number } {
  const [, type, version] = /^(\w+)\.v(\d+)$/.exec(name) ?? [];
  if (type === undefined) throw new Error(`${name} is not named like TenderCreated.v1.`);
  return { type, version: Number(version) };
}
