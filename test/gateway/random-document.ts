import fc, { type GeneratorValue } from 'fast-check';
import {
  doTypesOverlap,
  type GraphQLCompositeType,
  type GraphQLField,
  type GraphQLSchema,
  getNamedType,
  isAbstractType,
  isCompositeType,
  isInterfaceType,
  isLeafType,
  isObjectType,
  isRequiredArgument,
} from 'graphql';
import { RandomValues } from './random-values.ts';

/** An operation in random words, and several sets of variables for it. */
export interface RandomOperation {
  readonly query: string;
  readonly variables: readonly Record<string, unknown>[];
}

const DEPTH = 4;
/** Fields and fragments of one document. */
const PARTS = 40;
/** Names that JavaScript has a use for, or that look like the place of another field. */
const ODD_ALIASES = ['__proto__', 'then', 'toJSON', 'constructor', 'a_b', 'data', 'hasOwnProperty'];

/**
 * Writes a document over a whole schema in random words: aliases, fields twice, fragments of both kinds, conditions, and
 * arguments whose values are literals, variables, or literals with variables in them. Most are valid.
 */
export function randomOperation(
  g: GeneratorValue,
  schema: GraphQLSchema,
  kind: 'query' | 'mutation',
): RandomOperation {
  const root = kind === 'query' ? schema.getQueryType() : schema.getMutationType();
  if (!root) throw new Error(`There is no ${kind}.`);
  const writer = new Writer(g, schema);
  const body = writer.selection(root, DEPTH);
  const variables = writer.values.sets(1 + g(fc.nat, { max: 2 }));
  return {
    query: [`${kind} ${writer.values.definitions()} ${body}`, ...writer.fragments].join('\n'),
    variables,
  };
}

class Writer {
  readonly values: RandomValues;
  readonly fragments: string[] = [];
  readonly #g: GeneratorValue;
  readonly #schema: GraphQLSchema;
  /** Fragments that are written to their end, by name, with their types. */
  readonly #written: { readonly name: string; readonly type: GraphQLCompositeType }[] = [];
  #names = 0;
  #partsLeft = PARTS;
  /** Each is given once, since two fields must not share a name. */
  readonly #odd = [...ODD_ALIASES];

  constructor(g: GeneratorValue, schema: GraphQLSchema) {
    this.#g = g;
    this.#schema = schema;
    this.values = new RandomValues(g);
  }

  selection(type: GraphQLCompositeType, depth: number): string {
    const parts: string[] = [];
    const again: string[] = [];
    // Checking a document takes long where many fields may be the same one.
    const count = Math.min(1 + this.#below(isAbstractType(type) ? 4 : 6), Math.max(this.#partsLeft, 1));
    this.#partsLeft -= count;
    for (let n = 0; n < count; n += 1) parts.push(this.#part(type, depth, again));
    return `{ ${parts.join(' ')} }`;
  }

  /** @param again beginnings of fields that have been written, to be written once more with other fields below */
  #part(type: GraphQLCompositeType, depth: number, again: string[]): string {
    const choice = this.#below(10);
    if (choice === 0) return `${this.#maybe(3) ? `${this.#name()}: ` : ''}__typename${this.#condition()}`;
    if (choice === 1 || (choice < 5 && isAbstractType(type))) return this.#inlineFragment(type, depth);
    if (choice === 2) return this.#spread(type, depth);
    const fields = isObjectType(type) || isInterfaceType(type) ? Object.values(type.getFields()) : [];
    const fitting = fields.filter((field) => depth > 0 || isLeafType(getNamedType(field.type)));
    const field = fitting[this.#below(fitting.length)];
    if (field === undefined) return '__typename';
    return this.#field(field, depth, again);
  }

  #field(field: GraphQLField<unknown, unknown>, depth: number, again: string[]): string {
    const type = getNamedType(field.type);
    const asked = field.args.filter((arg) => isRequiredArgument(arg) || this.#maybe(4));
    const args = asked.map((arg) => `${arg.name}: ${this.values.of(arg)}`);
    const isPlain = args.length === 0 && this.#maybe(isLeafType(type) ? 7 : 4);
    const alias = isPlain ? '' : `${this.#name()}: `;
    const head = `${alias}${field.name}${args.length === 0 ? '' : `(${args.join(', ')})`}`;
    const written = this.#fieldOf(head, type, depth);
    if (!this.#maybe(1)) return written;
    again.push(head);
    return `${written} ${this.#fieldOf(head, type, depth)}`;
  }

  #fieldOf(head: string, type: ReturnType<typeof getNamedType>, depth: number): string {
    const below = isCompositeType(type) ? ` ${this.selection(type, depth - 1)}` : '';
    return `${head}${this.#condition()}${below}`;
  }

  #inlineFragment(type: GraphQLCompositeType, depth: number): string {
    if (this.#maybe(2)) return `...${this.#condition()} ${this.selection(type, depth)}`;
    const on = this.#overlapping(type);
    return `... on ${on.name}${this.#condition()} ${this.selection(on, depth - (on === type ? 1 : 0))}`;
  }

  #spread(type: GraphQLCompositeType, depth: number): string {
    const known = this.#written.filter((fragment) => doTypesOverlap(this.#schema, fragment.type, type));
    const chosen = this.#maybe(5) ? known[this.#below(known.length)] : undefined;
    if (chosen !== undefined) return `...${chosen.name}${this.#condition()}`;
    const on = this.#overlapping(type);
    const name = this.#name();
    const text = `fragment ${name} on ${on.name} ${this.selection(on, depth - 1)}`;
    this.fragments.push(text);
    this.#written.push({ name, type: on });
    const spread = `...${name}${this.#condition()}`;
    return this.#maybe(2) ? `${spread} ...${name}${this.#condition()}` : spread;
  }

  #overlapping(type: GraphQLCompositeType): GraphQLCompositeType {
    const types = Object.values(this.#schema.getTypeMap()).filter(
      (other): other is GraphQLCompositeType =>
        isCompositeType(other) && !other.name.startsWith('__') && doTypesOverlap(this.#schema, type, other),
    );
    return types[this.#below(types.length)] ?? type;
  }

  #condition(): string {
    if (!this.#maybe(2)) return '';
    const one = (): string => `@${this.#maybe(5) ? 'include' : 'skip'}(if: ${this.values.condition()})`;
    if (!this.#maybe(1)) return ` ${one()}`;
    return ` @skip(if: ${this.values.condition()}) @include(if: ${this.values.condition()})`;
  }

  #name(): string {
    this.#names += 1;
    const odd = this.#below(40) === 0 ? this.#odd.pop() : undefined;
    return odd ?? `a${this.#names}`;
  }

  #maybe(inTen: number): boolean {
    return this.#below(10) < inTen;
  }

  #below(limit: number): number {
    return limit <= 1 ? 0 : this.#g(fc.nat, { max: limit - 1 });
  }
}
