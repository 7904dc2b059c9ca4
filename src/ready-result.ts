import { randomUUID } from 'node:crypto';

/** Stands in a message for the text that `splice` puts there. No client can know it. */
const MARK = `ready-${randomUUID()}`;
/** How a message of graphql-transport-ws ends whose payload is a ready result. */
const TAIL = `${JSON.stringify(MARK)}}`;

let left: string | undefined;

/**
 * The result of an execution without errors, serialised already: as text it is what `JSON.stringify` makes of the
 * plain result. One object serves many subscribers.
 */
export class ReadyResult {
  /** Never there: it is in the text. */
  declare readonly data?: Record<string, unknown> | null;
  /** Yoga asks for the text by this name, as a bare function. */
  readonly stringify: () => string;
  readonly #text: string;

  constructor(text: string) {
    this.#text = text;
    this.stringify = () => text;
  }

  /** Leaves the text beside the message that is being made: `splice` puts it in there, right after. */
  toJSON(): string {
    left = this.#text;
    return MARK;
  }
}

/**
 * Puts the text of a ready result into the message that has just been made of it: what is ready is never serialised
 * again. Any other message is handed back as it is.
 */
export function splice(message: string): string {
  if (left === undefined) return message;
  const text = left;
  left = undefined;
  return message.endsWith(TAIL) ? `${message.slice(0, -TAIL.length)}${text}}` : message;
}
