import { backoff } from '../../backoff.ts';
import type { RowSnapshot, RowSnapshotChunk } from '../../projection/row-snapshot.ts';
import { mayReadAgain } from '../../projection/snapshot-session.ts';
import type { Placed, SnapshotSource } from './options.ts';

export interface SnapshotReaderOptions<D extends object, T extends Placed> {
  readonly source: SnapshotSource<D, T>;
  /** How often a snapshot is begun. */
  readonly tries: number;
  /** It broke off and is begun anew. @param told some of its rows were handed over already */
  onBreak(told: boolean): void;
}

/** A snapshot on its way to one subscriber: the next chunk whenever the client has taken the last. */
export class RetryingSnapshotReader<D extends object, T extends Placed> {
  readonly source: SnapshotSource<D, T>;
  readonly #options: Omit<SnapshotReaderOptions<D, T>, 'source'>;
  #reader: RowSnapshot<D> | undefined;
  #tries = 0;
  #told = false;
  #busy = false;
  #closed = false;

  constructor({ source, ...options }: SnapshotReaderOptions<D, T>) {
    this.source = source;
    this.#options = options;
  }

  /** A chunk is being read, or waits for its next try. */
  get isBusy(): boolean {
    return this.#busy;
  }

  /** @throws what MongoDB throws, once nothing can be hoped from another try; anything after `close` */
  async next(): Promise<RowSnapshotChunk<D>> {
    this.#busy = true;
    try {
      for (;;) {
        try {
          this.#reader ??= this.source.open();
          const chunk = await this.#reader.next();
          this.#told = true;
          return chunk;
        } catch (error) {
          await this.#beginAnew(error);
        }
      }
    } finally {
      this.#busy = false;
    }
  }

  close(): void {
    this.#closed = true;
    this.#letGo();
  }

  async #beginAnew(error: unknown): Promise<void> {
    const { tries, onBreak } = this.#options;
    this.#tries += 1;
    if (this.#closed || !mayReadAgain(error) || this.#tries >= tries) throw error;
    const told = this.#told;
    this.#told = false;
    this.#letGo();
    onBreak(told);
    await backoff(this.#tries);
    if (this.#closed) throw error;
  }

  #letGo(): void {
    this.#reader?.close();
    this.#reader = undefined;
  }
}
