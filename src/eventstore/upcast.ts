import type { EventDefinition, StoredEvent } from './event.ts';

/** Where an event that was brought up to date keeps the one that is stored; no field, so it is never stored itself. */
const STORED = Symbol('stored');

interface Upcast {
  readonly [STORED]?: StoredEvent;
}

/** An event as the newest version of its type has it: what every fold, and whoever looks into payloads, works on. */
export type Upcaster = (event: StoredEvent) => StoredEvent;

/**
 * Chains the upcasters of event types.
 * @param definitions the newest version of each type; the earlier ones come with it
 * @returns a function that gives the very same event back where it is of the newest version or of an unknown type,
 *   and else a copy with the payload and the version of the newest.
 *   It throws for an event of a version that this code does not know: that was written by a newer Waybill because
 *   an older one cannot read it. And it throws what an upcaster throws.
 */
export function openUpcaster(definitions: readonly EventDefinition[]): Upcaster {
  const known = new Map(definitions.map((definition) => [definition.type, definition]));
  const onlyFirst = definitions.every(({ version }) => version === 1);
  return (event) => {
    // Rebuilds call this a million times: no look-up and no allocation for what most events are.
    if (onlyFirst && event.version === 1) return event;
    const definition = known.get(event.type);
    if (definition === undefined || definition.version === event.version) return event;
    const newest = { ...event, version: definition.version, payload: payloadAs(definition, event) };
    // Not enumerable: a copy from which something is withheld must not bring along what it was withheld from.
    return Object.defineProperty(newest, STORED, { value: event });
  };
}

/** The event as the log has it: what rows keep and clients are shown, with its own version beside its payload. */
export function asStored(event: StoredEvent & Upcast): StoredEvent {
  return event[STORED] ?? event;
}

/** The chain, oldest step first. */
function payloadAs(definition: EventDefinition, event: StoredEvent): unknown {
  if (definition.version === event.version) return event.payload;
  const { previous } = definition;
  if (previous === undefined || definition.upcast === undefined || event.version > definition.version)
    throw new Error(
      `Event ${event._id} is ${event.type} v${event.version}, which this Waybill does not know; a newer one wrote it.`,
    );
  return definition.upcast(payloadAs(previous, event));
}
