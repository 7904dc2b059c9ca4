import { z } from 'zod';
import type { ClientLimit } from '../metrics/limits.ts';

/** The environment's variables, handed on by main.ts, the only one to read them from the process. */
export type Variables = Readonly<Record<string, string | undefined>>;

/** One setting of the environment: what it is for, and how its text becomes a value. */
export interface Setting<T> {
  /** The variable's name. */
  readonly name: string;
  /** What a value looks like, for the reader of the table. */
  readonly type: string;
  readonly unit?: string;
  /** The text that stands in for a variable that is not set; none: the setting is left undefined. */
  readonly fallback?: string;
  readonly doc: string;
  /** True for one that is never repeated, and may stand in a file: `secret.ts`. */
  readonly isSecret?: true;
  /** Gives the value, or throws a `SettingError` that says what is wanted. */
  read(text: string): T;
}

/** Says what is wrong with a value. Its message goes after the variable's name: "must be …". */
export class SettingError extends Error {
  override readonly name = 'SettingError';
}

/** What is said of any setting. */
export interface Described {
  readonly name: string;
  readonly doc: string;
  readonly fallback?: string;
  readonly unit?: string;
}

/** Any text, of at least one character. */
export function text<const D extends Described>(described: D): D & Setting<string> {
  return { ...described, type: 'text', read: (value) => value };
}

/** Text of a certain form; `wanted` goes after the variable's name. */
export function matching<const D extends Described>(
  form: RegExp,
  wanted: string,
  described: D,
): D & Setting<string> {
  return {
    ...described,
    type: 'text',
    read(value) {
      if (!form.test(value)) throw new SettingError(wanted);
      return value;
    },
  };
}

/** A whole number between two bounds, both included. */
export function integer<const D extends Described>(
  min: number,
  max: number,
  described: D,
): D & Setting<number> {
  const schema = z.coerce.number().int().min(min).max(max);
  return {
    ...described,
    type: `${min} to ${max}`,
    read(value) {
      const read = schema.safeParse(value.trim() === '' ? undefined : value);
      if (!read.success) throw new SettingError(`must be a whole number from ${min} to ${max}`);
      return read.data;
    },
  };
}

/** The settings of limits on clients, under their names; a limit's default is written down with the limit. */
export function limitSettings<Name extends string>(
  limits: Readonly<Record<Name, ClientLimit>>,
): Readonly<Record<Name, Setting<number> & { readonly fallback: string }>> {
  const settings = Object.entries<ClientLimit>(limits).map(
    ([name, { min, max, variable, unit, doc, ...limit }]) => [
      name,
      integer(min, max, { name: variable, unit, fallback: String(limit.default), doc }),
    ],
  );
  return Object.fromEntries(settings);
}

/** One of a closed list. */
export function choice<T extends string, const D extends Described>(
  of: readonly [T, ...T[]],
  described: D,
): D & Setting<T> {
  const schema = z.enum(of);
  return {
    ...described,
    type: of.join(', '),
    read(value) {
      const read = schema.safeParse(value);
      if (!read.success) throw new SettingError(`must be one of ${of.join(', ')}`);
      return read.data as T;
    },
  };
}

/** Some of a closed list, between commas. */
export function choices<T extends string, const D extends Described>(
  of: readonly [T, ...T[]],
  described: D,
): D & Setting<readonly T[]> {
  const schema = z.array(z.enum(of)).min(1);
  return {
    ...described,
    type: `some of ${of.join(', ')}`,
    read(value) {
      const read = schema.safeParse(value.split(',').map((part) => part.trim()));
      if (!read.success) throw new SettingError(`must name some of ${of.join(', ')}, between commas`);
      return read.data as T[];
    },
  };
}

/** A URL with one of the given protocols (each with its colon). */
export function url<const D extends Described>(protocols: readonly string[], described: D): D & Setting<URL> {
  const wanted = `must be a URL that begins with ${protocols.map((protocol) => `${protocol}//`).join(' or ')}`;
  return {
    ...described,
    type: 'URL',
    read(value) {
      const read = URL.canParse(value) ? new URL(value) : undefined;
      if (!read || !protocols.includes(read.protocol)) throw new SettingError(wanted);
      return read;
    },
  };
}

/** Origins of web pages (RFC 6454), between commas, brought to the form in which browsers name them. */
export function origins<const D extends Described>(described: D): D & Setting<readonly string[]> {
  return {
    ...described,
    type: 'origins',
    read: (value) => value.split(',').map((part) => originOf(part.trim())),
  };
}

function originOf(text: string): string {
  const [whole, scheme, host] = /^([a-z][a-z0-9+.-]*):\/\/([^/?#@\s*]+)\/?$/i.exec(text) ?? [];
  if (whole === undefined || !URL.canParse(whole))
    throw new SettingError('must name origins like https://app.example, between commas');
  const { origin } = new URL(whole);
  // URL gives no origin for the schemes of apps in a shell (capacitor://localhost).
  return origin === 'null' ? `${scheme}://${host}`.toLowerCase() : origin;
}

/** The values of a table of settings; those without a fallback may be undefined. */
export type Values<Table extends Readonly<Record<string, Setting<unknown>>>> = {
  readonly [K in keyof Table]: Table[K] extends Setting<infer T>
    ? Table[K] extends { readonly fallback: string }
      ? T
      : T | undefined
    : never;
};
