import { Buffer } from 'node:buffer';
import type { ExecutionResult } from 'graphql';
import type { Context } from '../../graphql/context.ts';
import type { Held } from './held.ts';

/** What an operation came over: the engine is given it beside the operation, and fan-out sends results to it. */
export interface Transport {
  readonly transport: 'http' | 'socket';
  /** The parameters of the request: also the protocol may keep them for as long as a subscription runs. */
  readonly params?: unknown;
  /** Called when the answer turns out to be a stream that does not end by itself, with how to end it. */
  readonly onStream?: (stream: EndableStream) => void;
  /** Takes what a subscription holds into account, before it begins. @returns gives it back @throws TOO_MUCH_OPEN */
  readonly hold?: (held: Held) => () => void;
  /** Where the ready results of a subscription go. Without one they go the protocol's way, as other results do. */
  readonly sink?: ReadySink;
  /** Authenticates, and binds store and feed to the tenant. @throws UNAUTHENTICATED for a proof that is not good */
  readonly open: () => Promise<Context>;
}

/** A stream of results, for whoever has to end it. */
export interface EndableStream {
  /** Its reader gets this yet, and then the end. What else waits for it is dropped. */
  endWith(last: ExecutionResult): void;
}

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
   * @param listener called when all of them have left, or never can
   */
  sendReady(results: readonly ReadyResult[], listener: FlushListener): void;
}

/** Whoever waits for what it has sent. */
export interface FlushListener {
  /** It has left the process, or never can. */
  flushed(): void;
}
