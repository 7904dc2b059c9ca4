import type { EventDefinition, StoredEvent } from './event.ts';

/**
 * An event that was brought up to date, with the one that is stored. That is kept in a private field, which copies do
 * not have: something may be withheld from a copy. (A property that is not enumerable costs ten times as much: 1.5 µs.)
 */
class Upcast {
  readonly #stored: StoredEvent;
  constructor(stored: StoredEvent) {
    this.#stored = stored;
  }
  static storedOf(event: StoredEvent): StoredEvent {
    return #stored in event ? event.#stored : event;
  }
}

/** Brings an event to the newest version of its type, as every fold, and whoever looks into payloads, needs it. */
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
    const payload = payloadAs(definition, event);
    return Object.assign(new Upcast(event), event, { version: definition.version, payload });
  };
}

/** The event as the log has it: what rows keep and clients are shown, with its own version beside its payload. */
export function asStored(event: StoredEvent): StoredEvent {
  return Upcast.storedOf(event);
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
