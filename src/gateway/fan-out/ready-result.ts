import { Buffer } from 'node:buffer';
import type { Leaver } from './flush.ts';

/**
 * The result of an execution without errors, serialised already: as text it is what `JSON.stringify` makes of the
 * plain result. One object serves many subscribers.
 */
export class ReadyResult {
  /** Never there: it is in the text. */
  declare readonly data?: Record<string, unknown> | null;
  /** Yoga asks for the text by this name, as a bare function. */
  readonly stringify: () => string;
  #last: Buffer | undefined;

  constructor(text: string) {
    this.stringify = () => text;
  }

  /** As the last member of a message, with the brace behind it, in UTF-8. */
  get last(): Buffer {
    this.#last ??= Buffer.from(`${this.stringify()}}`);
    return this.#last;
  }
}

/** Where a subscriber's ready results go. */
export interface ReadySink {
  /**
   * Sends one or more, in order, in as few writes as it can.
   * @param leaver told when all of them have left, or never can
   */
  sendReady(results: readonly ReadyResult[], leaver: Leaver): void;
}
