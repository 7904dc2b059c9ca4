import fc, { type GeneratorValue } from 'fast-check';
import {
  GraphQLBoolean,
  type GraphQLInputType,
  type GraphQLList,
  GraphQLNonNull,
  isEnumType,
  isInputObjectType,
  isListType,
  isNonNullType,
  isRequiredInputField,
} from 'graphql';

const DEPTH = 3;

interface Variable {
  readonly name: string;
  readonly type: GraphQLInputType;
  readonly byDefault: string;
}

/** Scalars as a document has them and as JSON has them; a whole number is a Float, and a number an ID. */
const LITERALS: Readonly<Record<string, readonly string[]>> = {
  Int: ['0', '7', '-3'],
  Float: ['0', '7', '-2.5', '1e3'],
  Boolean: ['true', 'false'],
  ID: ['"x"', '7', '"VGVuZGVyOjE="'],
  // What a compiler puts into its own code must stay a text.
  String: ['"text"', '""', '"a \\"quoted\\" \\u00e9"', '"""block"""', '"__MAGIC_DATE__33a9e76d"'],
  DateTime: ['"2026-03-01T09:00:00Z"', '"2026-03-01T10:00:00.5+01:00"'],
  JSON: ['{ a: [1, null] }', '"x"', '1.5'],
};
const GIVEN: Readonly<Record<string, readonly unknown[]>> = {
  Int: [0, 7, -3],
  Float: [0, 7, -2.5],
  Boolean: [true, false],
  ID: ['x', 7],
  String: ['text', '', 'a "quoted" \u00e9', '__proto__'],
  DateTime: ['2026-03-01T09:00:00Z', '2026-03-01T10:00:00.5+01:00'],
  JSON: [{ a: [1, null] }, 'x', 1.5],
};
/** Fits nothing, or little. */
const WRONG: readonly unknown[] = [
  'soon',
  2 ** 40,
  1.5,
  true,
  {},
  [],
  [[]],
  { nonsense: 1 },
  Number.NaN,
  { toString: 1 },
];

/** Values of arguments: literals, variables, and literals with variables in them; and what the variables are. */
export class RandomValues {
  readonly #g: GeneratorValue;
  readonly #variables: Variable[] = [];

  constructor(g: GeneratorValue) {
    this.#g = g;
  }

  definitions(): string {
    const list = this.#variables.map(({ name, type, byDefault }) => `$${name}: ${type}${byDefault}`);
    return list.length === 0 ? '' : `(${list.join(', ')})`;
  }

  /** Variables for so many requests: some absent, some null, some not fitting. */
  sets(count: number): readonly Record<string, unknown>[] {
    return Array.from({ length: count }, () => {
      const set: Record<string, unknown> = {};
      const mayBeWrong = this.#maybe(2);
      for (const { name, type } of this.#variables) {
        if (this.#maybe(isNonNullType(type) && !mayBeWrong ? 0 : 3)) {
          if (this.#maybe(1)) set[name] = undefined;
        } else set[name] = this.#given(type, mayBeWrong, DEPTH);
      }
      return set;
    });
  }

  /** What stands where a value of this type may stand. */
  of({ type }: { readonly type: GraphQLInputType }): string {
    return this.#value(type, DEPTH);
  }

  condition(): string {
    if (this.#maybe(2)) return this.#pick(['true', 'false']);
    const known = this.#variables.filter(({ name }) => name.startsWith('if'));
    const [first] = known;
    if (first !== undefined && this.#maybe(6)) return `$${this.#pick([first, ...known]).name}`;
    const required = new GraphQLNonNull(GraphQLBoolean);
    const [type, byDefault] = this.#pick<readonly [GraphQLInputType, string]>([
      [required, ''],
      [required, ' = true'],
      [GraphQLBoolean, ' = false'],
    ]);
    const name = `if${this.#variables.length}`;
    this.#variables.push({ name, type, byDefault });
    return `$${name}`;
  }

  #value(type: GraphQLInputType, depth: number): string {
    return this.#maybe(5) ? this.#variable(type) : this.#literal(type, depth, true);
  }

  #variable(type: GraphQLInputType): string {
    const known = this.#variables.filter((variable) => String(variable.type) === String(type));
    const [first] = known;
    if (first !== undefined && this.#maybe(3)) return `$${this.#pick([first, ...known]).name}`;
    const bare = isNonNullType(type) ? type.ofType : type;
    const hasDefault = this.#maybe(3);
    // Where null may not stand, a variable that may be null may stand if it has another default.
    const isRequired = isNonNullType(type) ? !hasDefault || this.#maybe(5) : this.#maybe(2);
    const variable = {
      name: `v${this.#variables.length}`,
      type: isRequired ? new GraphQLNonNull(bare) : bare,
      byDefault: hasDefault ? ` = ${this.#literal(new GraphQLNonNull(bare), DEPTH, false)}` : '',
    };
    this.#variables.push(variable);
    return `$${variable.name}`;
  }

  #literal(type: GraphQLInputType, depth: number, withVariables: boolean): string {
    if (isNonNullType(type)) return this.#present(type.ofType, depth, withVariables);
    return this.#maybe(1) ? 'null' : this.#present(type, depth, withVariables);
  }

  #present(type: GraphQLInputType, depth: number, withVariables: boolean): string {
    const within = (of: GraphQLInputType): string =>
      withVariables ? this.#value(of, depth - 1) : this.#literal(of, depth - 1, false);
    if (isListType(type)) {
      const { ofType } = type as GraphQLList<GraphQLInputType>;
      // One that stands alone is a list of one.
      if (this.#maybe(2)) return this.#literal(ofType, depth, withVariables);
      return `[${Array.from({ length: this.#below(4) }, () => within(ofType)).join(', ')}]`;
    }
    if (isInputObjectType(type)) {
      const fields = Object.values(type.getFields()).filter(
        (field) => isRequiredInputField(field) || (depth > 0 && this.#maybe(4)),
      );
      return `{ ${fields.map((field) => `${field.name}: ${within(field.type)}`).join(', ')} }`;
    }
    if (isEnumType(type)) return this.#pick(type.getValues()).name;
    return this.#pick(LITERALS[String(type)] ?? ['"x"']);
  }

  /** As a client gives it in JSON. */
  #given(type: GraphQLInputType, mayBeWrong: boolean, depth: number): unknown {
    if (mayBeWrong && this.#maybe(1)) return this.#pick(WRONG);
    if (isNonNullType(type)) return this.#givenPresent(type.ofType, mayBeWrong, depth);
    return this.#maybe(3) ? null : this.#givenPresent(type, mayBeWrong, depth);
  }

  #givenPresent(type: GraphQLInputType, mayBeWrong: boolean, depth: number): unknown {
    if (isListType(type)) {
      const { ofType } = type as GraphQLList<GraphQLInputType>;
      if (this.#maybe(2)) return this.#given(ofType, mayBeWrong, depth);
      return Array.from({ length: this.#below(4) }, () => this.#given(ofType, mayBeWrong, depth - 1));
    }
    if (isInputObjectType(type)) {
      const object: Record<string, unknown> = {};
      for (const field of Object.values(type.getFields()))
        if (isRequiredInputField(field) || (depth > 0 && this.#maybe(5)))
          object[field.name] = this.#given(field.type, mayBeWrong, depth - 1);
      return object;
    }
    if (isEnumType(type)) return this.#pick(type.getValues()).name;
    return this.#pick(GIVEN[String(type)] ?? ['x']);
  }

  #pick<T>(from: readonly T[]): T {
    const [first] = from;
    const picked = from[this.#below(from.length)] ?? first;
    if (picked === undefined) throw new Error('Nothing to pick from.');
    return picked;
  }

  #maybe(inTen: number): boolean {
    return this.#below(10) < inTen;
  }

  #below(limit: number): number {
    return limit <= 1 ? 0 : this.#g(fc.nat, { max: limit - 1 });
  }
}
