import { randomUUID } from 'node:crypto';
import type { ExecutionResult } from 'graphql';
import type { ResultMemo } from './memo.ts';
import { ReadyResult } from './transport.ts';

/** An item that tells of several rows, as they are for everyone. */
export interface Frame {
  readonly kind: string;
  readonly rows: readonly object[];
  readonly cursor: string;
}

/** What is remembered of a row: its text; null where it has none of its own; or that it is being made. */
export type RowText = string | null | Promise<void>;

/** Executes the group's operation on an item. */
export type Run = (item: object) => ExecutionResult | Promise<ExecutionResult>;

/** What is the same in all frames of an operation. */
interface Shell {
  /** The name of the list of rows in the result. */
  readonly list: string;
  /** The text of a result, with stand-ins for rows and cursor. */
  readonly text: string;
  /** What stands before the rows and what behind them, in parts: between any two is the cursor. */
  readonly before: readonly string[];
  readonly behind: readonly string[];
}

type Fields = Readonly<Record<string, unknown>>;

/** Stand for the rows and for the cursor in the text around them. */
const ROWS = randomUUID();
const CURSOR = randomUUID();

/**
 * Puts the texts of frames together from those of their rows, which are made once for all frames that they are in. The
 * operation must select the list of rows once; what it selects beside may depend on the cursor, but not on the rows.
 */
export class FrameTexts {
  readonly #run: Run;
  readonly #memo: ResultMemo<RowText>;
  /** Null where frames of this operation cannot be put together. */
  #shell: Shell | null | undefined;

  constructor(run: Run, memo: ResultMemo<RowText>) {
    this.#run = run;
    this.#memo = memo;
  }

  /** @returns null where the frame has to be executed as a whole */
  resultOf(frame: Frame): ReadyResult | null | Promise<ReadyResult | null> {
    if (this.#shell === null) return null;
    const unknown = frame.rows.filter((row) => this.#memo.get(row) === undefined);
    const learning = unknown.length > 0 ? this.#learn(frame, unknown) : undefined;
    const awaited = new Set<Promise<void>>();
    for (const row of frame.rows) {
      const text = this.#memo.get(row);
      if (text instanceof Promise) awaited.add(text);
    }
    if (learning === undefined && awaited.size === 0) return this.#compose(frame);
    return Promise.all([learning, ...awaited]).then(() => this.#compose(frame));
  }

  #compose({ rows, cursor }: Frame): ReadyResult | null {
    if (!this.#shell) return null;
    const texts: string[] = [];
    for (const row of rows) {
      const text = this.#memo.get(row);
      if (typeof text !== 'string') return null;
      texts.push(text);
    }
    const place = JSON.stringify(cursor);
    const { before, behind } = this.#shell;
    return new ReadyResult(`${before.join(place)}[${texts.join(',')}]${behind.join(place)}`);
  }

  /** Makes the texts of rows, all at once, and what is around them where that is not known. */
  #learn(frame: Frame, rows: readonly object[]): Promise<void> | undefined {
    const model = { ...frame, cursor: CURSOR };
    const empty = this.#shell === undefined ? this.#run({ ...model, rows: [] }) : undefined;
    const full = this.#run({ ...model, rows });
    if (!(empty instanceof Promise || full instanceof Promise)) {
      this.#take(empty, full, rows);
      return undefined;
    }
    const learning = Promise.all([empty, full])
      .then(([around, result]) => this.#take(around, result, rows))
      .catch(() => this.#giveUp(rows));
    for (const row of rows) this.#memo.set(row, learning, 0);
    return learning;
  }

  #take(empty: ExecutionResult | undefined, full: ExecutionResult, rows: readonly object[]): void {
    if (empty !== undefined && empty.errors === undefined && this.#shell === undefined)
      this.#shell = shellOf(empty);
    const list = this.#shell ? this.#listIn(full, this.#shell.list, rows.length) : undefined;
    for (const [index, row] of rows.entries()) {
      const text = list === undefined ? null : JSON.stringify(list[index]);
      this.#memo.set(row, text, text?.length ?? 0);
    }
  }

  #giveUp(rows: readonly object[]): void {
    for (const row of rows) this.#memo.set(row, null, 0);
  }

  /** The rows in a result, if what is around them is as with any other rows. */
  #listIn(result: ExecutionResult, name: string, length: number): readonly unknown[] | undefined {
    const list = fieldsOf(result)?.[name];
    if (!Array.isArray(list) || list.length !== length) return undefined;
    return textAround(result, name) === this.#shell?.text ? list : undefined;
  }
}

/** @param result of a frame without rows; @returns null where it has no such list, or several */
function shellOf(result: ExecutionResult): Shell | null {
  const lists = Object.entries(fieldsOf(result) ?? {}).filter(([, value]) => Array.isArray(value));
  const [list] = lists[0] ?? [];
  if (list === undefined || lists.length !== 1) return null;
  const text = textAround(result, list);
  const [before = '', behind = ''] = text.split(JSON.stringify(ROWS));
  const place = JSON.stringify(CURSOR);
  return { list, text, before: before.split(place), behind: behind.split(place) };
}

/** The fields of the item in a result without errors. */
function fieldsOf({ data, errors }: ExecutionResult): Fields | undefined {
  const items = Object.values(errors === undefined ? (data ?? {}) : {});
  const [item] = items;
  return items.length === 1 && typeof item === 'object' && item !== null ? (item as Fields) : undefined;
}

/** The text of a result with something else in the place of its rows. */
function textAround(result: ExecutionResult, list: string): string {
  const [[root = '', item] = []] = Object.entries(result.data ?? {});
  return JSON.stringify({ ...result, data: { [root]: { ...(item as Fields), [list]: ROWS } } });
}
