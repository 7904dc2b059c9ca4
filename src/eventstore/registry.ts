import { type Refusal, refusal } from '../refusal.ts';
import type { EventDefinition, NewEvent, StoredEvent } from './event.ts';
import { NewerVersion } from './newer.ts';
import { complaintOf } from './payload.ts';
import { openUpcaster, type Upcaster } from './projection.ts';
import type { Timing } from './time-order.ts';

/** The event types of a kind of stream that tell what somebody saw. */
export interface ObservationTypes {
  readonly all: readonly string[];
  /** True where only the newest of some of them count. */
  readonly hasReadings: boolean;
}

/** All event types that Waybill knows. */
export interface Registry {
  /** The newest version of a type: the one that is written. Throws for an unknown type, which is a bug. */
  latest(type: string): EventDefinition;
  /** Every type in every version, by type, then version. */
  readonly all: readonly EventDefinition[];
  /**
   * A stored event in the newest version of its type: what a fold must see. Whoever reads events to fold them calls
   * this; whoever shows the log does not.
   * @throws NewerVersion for a type or version that this code does not know
   */
  readonly upcast: Upcaster;
  /** True where `upcast` would give the very same event back, as it does for most. */
  isNewest(event: Pick<StoredEvent, 'type' | 'version'>): boolean;
  /** Every type and version of an aggregate, by name (`TenderCreated.v1`): what this code can fold of it. */
  kindsOf(aggregateType: string): readonly string[];
  /** What says when an event takes effect. A type that is not known here is taken for a decision. */
  timing(event: Pick<StoredEvent, 'type' | 'sequence'>): Timing;
  /** Which types tell what somebody saw, of a kind of stream. */
  observations(aggregateType: string): ObservationTypes;
}

/**
 * Collects the contexts' event types; earlier versions come with the newest.
 * @throws when a type and version is defined twice, when one is missing, when one lacks its upcaster, or when two
 *   versions belong to different aggregates.
 * @param onNewer told of every event that only a newer version understands
 */
export function openRegistry(
  definitions: readonly EventDefinition[],
  onNewer: (error: NewerVersion) => void = () => undefined,
): Registry {
  const types = new Map<string, Map<number, EventDefinition>>();
  for (const definition of definitions.flatMap(withEarlier)) {
    const versions = types.get(definition.type) ?? new Map<number, EventDefinition>();
    types.set(definition.type, versions);
    const known = versions.get(definition.version);
    if (known !== undefined && known !== definition)
      throw new Error(`Event type ${nameOf(definition)} is defined twice.`);
    versions.set(definition.version, definition);
  }
  const chains = [...types]
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([, versions]) => chainOf([...versions.values()].sort((a, b) => a.version - b.version)));
  const newest = chains.flatMap((chain) => chain.slice(-1));
  const latest = new Map(newest.map((definition) => [definition.type, definition]));
  const kinds = new Map<string, string[]>();
  for (const definition of chains.flat()) {
    const theirs = kinds.get(definition.aggregateType) ?? [];
    kinds.set(definition.aggregateType, [...theirs, nameOf(definition)]);
  }
  const timings = new Map(newest.map((definition) => [definition.type, timingOf(definition)]));
  const observations = new Map(
    newest.map(({ aggregateType }) => [
      aggregateType,
      observationsAmong(newest.filter((other) => other.aggregateType === aggregateType)),
    ]),
  );
  return {
    latest(type) {
      const definition = latest.get(type);
      if (definition === undefined) throw new Error(`Event type ${type} is in no registry.`);
      return definition;
    },
    all: chains.flat(),
    upcast: telling(openUpcaster(newest), onNewer),
    isNewest: ({ type, version }) => latest.get(type)?.version === version,
    kindsOf: (aggregateType) => kinds.get(aggregateType) ?? [],
    timing: ({ type, sequence }) => (sequence === 1 ? 'first' : (timings.get(type) ?? 'decision')),
    observations: (aggregateType) => observations.get(aggregateType) ?? NO_OBSERVATIONS,
  };
}

function telling(upcast: Upcaster, onNewer: (error: NewerVersion) => void): Upcaster {
  return (event) => {
    try {
      return upcast(event);
    } catch (error) {
      if (error instanceof NewerVersion) onNewer(error);
      throw error;
    }
  };
}

function timingOf({ effect, onlyNewestCounts }: EventDefinition): Timing {
  return onlyNewestCounts === true ? 'reading' : effect;
}

const NO_OBSERVATIONS: ObservationTypes = { all: [], hasReadings: false };

function observationsAmong(definitions: readonly EventDefinition[]): ObservationTypes {
  const all = definitions.filter(({ effect }) => effect === 'observation').map(({ type }) => type);
  return { all, hasReadings: definitions.some((definition) => timingOf(definition) === 'reading') };
}

/** `TenderCreated.v1`: what a version's files are named by. */
export function nameOf({ type, version }: Pick<EventDefinition, 'type' | 'version'>): string {
  return `${type}.v${version}`;
}

function withEarlier(definition: EventDefinition): EventDefinition[] {
  const { previous } = definition;
  return previous === undefined ? [definition] : [...withEarlier(previous), definition];
}

/** The versions of a type, if each but the first has the one before it and the way from there. */
function chainOf(versions: readonly EventDefinition[]): readonly EventDefinition[] {
  for (const [index, definition] of versions.entries()) {
    const before = versions[index - 1];
    if (definition.version !== index + 1)
      throw new Error(`Event type ${definition.type} has no version ${index + 1}; each stays for ever.`);
    if (definition.previous !== before || (before !== undefined && definition.upcast === undefined))
      throw new Error(`${nameOf(definition)} has no upcaster from the version before it.`);
    if (before !== undefined && before.aggregateType !== definition.aggregateType)
      throw new Error(`${nameOf(definition)} belongs to another aggregate than the version before it.`);
  }
  return versions;
}

/**
 * Checks a decided fact against its schema.
 * @returns the payload as it is stored (unknown fields dropped), or the refusal INVALID_INPUT that names the field.
 */
export function checkPayload(
  definition: EventDefinition,
  fact: NewEvent,
): { readonly payload: unknown } | { readonly refused: Refusal } {
  if (fact.reasonCode !== undefined && !definition.reasonCodes?.includes(fact.reasonCode)) {
    const known = definition.reasonCodes?.join(', ') ?? 'none';
    const message = `${fact.reasonCode} is no reason for ${fact.type}; known: ${known}.`;
    return { refused: refusal('INVALID_INPUT', message, 'reasonCode') };
  }
  const result = definition.payload.safeParse(fact.payload);
  if (result.success) return { payload: result.data };
  const { field, message } = complaintOf(result.error);
  return { refused: refusal('INVALID_INPUT', message, field) };
}
