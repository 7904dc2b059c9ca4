import { randomUUID } from 'node:crypto';
import type { ExecutionResult } from 'graphql';
import type { ResultMemo } from './memo.ts';
import { ReadyResult } from './transport.ts';

/** An item of the feed that has several rows, as they are for everyone. */
export interface Frame {
  readonly kind: string;
  readonly rows: readonly object[];
  readonly cursor: string;
}

/** What is remembered of a row: its text, null where the row has none of its own, a promise while it is being made. */
export type RowText = string | null | Promise<void>;

/** Executes the group's operation on an item. */
export type Run = (item: object) => ExecutionResult | Promise<ExecutionResult>;

/** What is the same in all frames of an operation. */
interface Template {
  /** The name of the list of rows in the result. */
  readonly list: string;
  /** The text of a result, with stand-ins for rows and cursor. */
  readonly text: string;
  /** What stands before the rows and what behind them, cut wherever the cursor stands. */
  readonly before: readonly string[];
  readonly behind: readonly string[];
}

type Fields = Readonly<Record<string, unknown>>;

/** Stand-ins for the rows and for the cursor. */
const ROWS = randomUUID();
const CURSOR = randomUUID();

/**
 * Puts the text of a frame together from the texts of its rows, which are made once for all frames that they are in. This is
 * possible where the operation selects the list of rows once, and what it selects beside depends at most on the cursor.
 */
export class FrameTexts {
  readonly #run: Run;
  readonly #memo: ResultMemo<RowText>;
  /** Null where frames of this operation cannot be put together. */
  #template: Template | null | undefined;

  constructor(run: Run, memo: ResultMemo<RowText>) {
    this.#run = run;
    this.#memo = memo;
  }

  /** @returns null where the frame has to be executed as a whole */
  resultOf(frame: Frame): ReadyResult | null | Promise<ReadyResult | null> {
    if (this.#template === null) return null;
    const unknown = frame.rows.filter((row) => this.#memo.get(row) === undefined);
    const making = unknown.length > 0 ? this.#makeTexts(frame, unknown) : undefined;
    const awaited = new Set<Promise<void>>();
    for (const row of frame.rows) {
      const text = this.#memo.get(row);
      if (text instanceof Promise) awaited.add(text);
    }
    if (making === undefined && awaited.size === 0) return this.#compose(frame);
    return Promise.all([making, ...awaited]).then(() => this.#compose(frame));
  }

  #compose({ rows, cursor }: Frame): ReadyResult | null {
    if (!this.#template) return null;
    const texts: string[] = [];
    for (const row of rows) {
      const text = this.#memo.get(row);
      if (typeof text !== 'string') return null;
      texts.push(text);
    }
    const place = JSON.stringify(cursor);
    const { before, behind } = this.#template;
    return new ReadyResult(`${before.join(place)}[${texts.join(',')}]${behind.join(place)}`);
  }

  /** Makes the texts of rows, all at once, and the template where that is not known yet. */
  #makeTexts(frame: Frame, rows: readonly object[]): Promise<void> | undefined {
    const model = { ...frame, cursor: CURSOR };
    const empty = this.#template === undefined ? this.#run({ ...model, rows: [] }) : undefined;
    const full = this.#run({ ...model, rows });
    if (!(empty instanceof Promise || full instanceof Promise)) {
      this.#keep(empty, full, rows);
      return undefined;
    }
    const making = Promise.all([empty, full])
      .then(([around, result]) => this.#keep(around, result, rows))
      .catch(() => this.#giveUp(rows));
    for (const row of rows) this.#memo.set(row, making, 0);
    return making;
  }

  #keep(empty: ExecutionResult | undefined, full: ExecutionResult, rows: readonly object[]): void {
    if (empty !== undefined && empty.errors === undefined && this.#template === undefined)
      this.#template = templateOf(empty);
    const list = this.#template ? this.#listIn(full, this.#template.list, rows.length) : undefined;
    for (const [index, row] of rows.entries()) {
      const text = list === undefined ? null : JSON.stringify(list[index]);
      this.#memo.set(row, text, text?.length ?? 0);
    }
  }

  #giveUp(rows: readonly object[]): void {
    for (const row of rows) this.#memo.set(row, null, 0);
  }

  /** The rows in a result, if the text around them is the template's. */
  #listIn(result: ExecutionResult, name: string, length: number): readonly unknown[] | undefined {
    const list = fieldsOf(result)?.[name];
    if (!Array.isArray(list) || list.length !== length) return undefined;
    return textAround(result, name) === this.#template?.text ? list : undefined;
  }
}

/** @param result of a frame without rows; @returns null where it has no such list, or several */
function templateOf(result: ExecutionResult): Template | null {
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
