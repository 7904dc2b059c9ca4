import { backoff } from '../../backoff.ts';
import type { RowSnapshot, RowSnapshotChunk } from '../../projection/row-snapshot.ts';
import { mayReadAgain } from '../../projection/rows-at.ts';

/** The snapshot broke off, before or after some of its rows were given out. The next call begins another. */
export type Broken = 'broken' | 'brokenAmid';

/** A snapshot for one subscriber, chunk by chunk; it begins again, some times, where it breaks off. */
export class SnapshotReader<D extends object> {
  readonly #open: () => RowSnapshot<D>;
  readonly #tries: number;
  #snapshot: RowSnapshot<D> | undefined;
  #failures = 0;
  #isPartial = false;
  #busy = false;
  #closed = false;

  /** @param tries how often a snapshot is begun */
  constructor(open: () => RowSnapshot<D>, tries: number) {
    this.#open = open;
    this.#tries = tries;
  }

  /** A chunk is being read, or waits for its next try. */
  get isBusy(): boolean {
    return this.#busy;
  }

  /** @throws what MongoDB throws, once nothing can be hoped from another try; anything after `close` */
  async next(): Promise<RowSnapshotChunk<D> | Broken> {
    this.#busy = true;
    try {
      if (this.#snapshot === undefined && this.#failures > 0) await this.#pause();
      this.#snapshot ??= this.#open();
      const chunk = await this.#snapshot.next();
      this.#isPartial = true;
      return chunk;
    } catch (error) {
      this.#failures += 1;
      if (this.#closed || !mayReadAgain(error) || this.#failures >= this.#tries) throw error;
      const broken = this.#isPartial ? 'brokenAmid' : 'broken';
      this.#isPartial = false;
      this.#letGo();
      return broken;
    } finally {
      this.#busy = false;
    }
  }

  close(): void {
    this.#closed = true;
    this.#letGo();
  }

  async #pause(): Promise<void> {
    await backoff(this.#failures);
    if (this.#closed) throw new Error('The snapshot is not wanted any more.');
  }

  #letGo(): void {
    this.#snapshot?.close();
    this.#snapshot = undefined;
  }
}
