import { createHash } from 'node:crypto';
import { inspect } from 'node:util';
import {
  buildSchema,
  type GraphQLField,
  type GraphQLObjectType,
  type GraphQLOutputType,
  type GraphQLResolveInfo,
  type GraphQLSchema,
  isAbstractType,
  isEnumType,
  isLeafType,
  isListType,
  isNonNullType,
  isObjectType,
  isScalarType,
  printSchema,
} from 'graphql';

/** What resolvers are asked, and what they answer: the same whenever the same is asked. */
export interface World {
  readonly seed: number;
  /** How many of 1,000 values fail, in one of many ways. */
  readonly failing: number;
  /** Every call of a resolver, with all that it was given. */
  readonly calls: string[];
}

/** A schema of the same types and scalars, whose resolvers answer by `World`: with values, promises, nulls and failures. */
export function puppetSchema(model: GraphQLSchema): GraphQLSchema {
  const puppet = buildSchema(printSchema(model));
  for (const type of Object.values(puppet.getTypeMap())) {
    const original = model.getType(type.name);
    if (isScalarType(type) && isScalarType(original)) {
      const { serialize, parseValue, parseLiteral } = original;
      Object.assign(type, { serialize, parseValue, parseLiteral });
    }
    if (type.name.startsWith('__')) continue;
    if (isObjectType(type)) animate(type, puppet);
    // The others are known by their `__typename`.
    if (isAbstractType(type) && type.name.length % 2 === 0)
      type.resolveType = (value: unknown) => {
        const { __typename } = value as Puppet;
        return type.name.length % 4 === 0 ? Promise.resolve(__typename) : __typename;
      };
  }
  return puppet;
}

interface Puppet {
  readonly __typename: string;
}

function animate(type: GraphQLObjectType, schema: GraphQLSchema): void {
  if (type.name.length % 3 === 0)
    type.isTypeOf = (value: unknown) => {
      const isOne = (value as Puppet).__typename === type.name;
      return type.name.length % 2 === 0 ? Promise.resolve(isOne) : isOne;
    };
  for (const field of Object.values(type.getFields())) {
    if (isProperty(field)) continue;
    field.resolve = (_source, args, world: World, info: GraphQLResolveInfo) => {
      const key = placeOf(info);
      world.calls.push(`${key} ${info.parentType}.${info.fieldName} ${inspect(args, { depth: null })}`);
      return new Mind(world, schema).answer(field.type, key);
    };
  }
}

/** Some fields are properties of their objects, as they are in a schema that is written by hand. */
function isProperty(field: GraphQLField<unknown, unknown>): boolean {
  return field.args.length === 0 && field.name.length % 4 === 0;
}

function placeOf({ path, variableValues }: GraphQLResolveInfo): string {
  const keys: unknown[] = [];
  for (let at: GraphQLResolveInfo['path'] | undefined = path; at; at = at.prev) keys.unshift(at.key);
  return `${keys.join('.')} ${keys.length === 1 ? inspect(variableValues, { depth: null }) : ''}`;
}

/** Makes answers. */
class Mind {
  readonly #world: World;
  readonly #schema: GraphQLSchema;

  constructor(world: World, schema: GraphQLSchema) {
    this.#world = world;
    this.#schema = schema;
  }

  /** What a resolver, a property or an item of a list is. */
  answer(type: GraphQLOutputType, key: string): unknown {
    if (this.#below(key, 'fails', 1_000) < this.#world.failing) return this.#failure(key);
    const value = this.#value(type, key);
    return this.#below(key, 'later', 3) === 0 ? Promise.resolve(value) : value;
  }

  #failure(key: string): unknown {
    const error = new Error(`No ${key}`);
    const ways = [
      () => {
        throw error;
      },
      () => Promise.reject(error),
      () => error,
      () => Promise.resolve(error),
      () => null,
      () => undefined,
      () => ({ nothing: 'that fits' }),
      () => [key],
      () => 'text',
      () => Promise.resolve(null),
    ];
    return ways[this.#below(key, 'way', ways.length)]?.();
  }

  #value(type: GraphQLOutputType, key: string): unknown {
    if (isNonNullType(type)) return this.#present(type.ofType, key);
    return this.#below(key, 'null', 8) === 0 ? null : this.#present(type, key);
  }

  #present(type: GraphQLOutputType, key: string): unknown {
    if (isNonNullType(type)) return this.#present(type.ofType, key);
    if (isListType(type)) {
      const items = Array.from({ length: this.#below(key, 'length', 4) }, (_, n) => `${key}.${n}`);
      // A list may be anything that can be gone through.
      const answers = items.map((item) => settled(() => this.answer(type.ofType, item)));
      return this.#below(key, 'set', 4) === 0 ? new Set(answers) : answers;
    }
    if (isEnumType(type)) {
      const values = type.getValues();
      return values[this.#below(key, 'enum', values.length)]?.value;
    }
    if (isLeafType(type)) return this.#scalar(type.name, key);
    if (isObjectType(type)) return this.#object(type, key);
    const types = this.#schema.getPossibleTypes(type);
    const chosen = types[this.#below(key, 'type', types.length)];
    if (chosen === undefined) throw new Error(`Nothing is a ${type}.`);
    return this.#object(chosen, key);
  }

  #object(type: GraphQLObjectType, key: string): object {
    const properties: Record<string, unknown> = { __typename: type.name };
    for (const field of Object.values(type.getFields())) {
      if (!isProperty(field)) continue;
      const value = () => this.answer(field.type, `${key}.${field.name}`);
      properties[field.name] = this.#below(key, field.name, 5) === 0 ? value : settled(value);
    }
    return properties;
  }

  #scalar(name: string, key: string): unknown {
    const number = this.#below(key, 'number', 100);
    if (name === 'Int') return number;
    if (name === 'Float') return number / 8;
    if (name === 'Boolean') return number % 2 === 0;
    if (name === 'DateTime') return new Date(number * 1e10);
    return name === 'JSON' ? { number, at: new Date(number) } : `text ${number}`;
  }

  #below(key: string, what: string, limit: number): number {
    const digest = createHash('sha1').update(`${this.#world.seed} ${key} ${what}`).digest();
    return digest.readUInt32BE() % limit;
  }
}

/** A failure in the place of a value: what is thrown is no value. A promise that nobody asks for must not fail unheard. */
function settled(answer: () => unknown): unknown {
  try {
    const value = answer();
    if (value instanceof Promise) value.catch(() => {});
    return value;
  } catch (error) {
    return error;
  }
}
