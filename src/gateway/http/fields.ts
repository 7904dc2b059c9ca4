/**
 * Executes fields where nothing fails: it calls resolvers and completes what they give, as the interpreter does and in the
 * same order, but goes by what has been found out of the document before. Whatever fails is thrown as it is: no error is put
 * in its place in an answer here, the interpreter does that.
 */
import { defaultFieldResolver, defaultTypeResolver } from '@graphql-tools/executor';
import {
  type GraphQLAbstractType,
  type GraphQLFieldResolver,
  type GraphQLObjectType,
  type GraphQLOutputType,
  type GraphQLResolveInfo,
  type GraphQLSchema,
  getNullableType,
  isAbstractType,
  isLeafType,
  isListType,
  isNonNullType,
  isObjectType,
  type OperationDefinitionNode,
  type SelectionSetNode,
  TypeNameMetaFieldDef,
} from 'graphql';
import type { Context } from '../../graphql/context.ts';
import { argumentsReader } from './arguments.ts';
import type { Outcomes } from './replay.ts';
import type { SelectedField, Selection } from './selection.ts';
import type { Variables } from './variables.ts';

type Path = GraphQLResolveInfo['path'];

/** The answer for one object, by the names that its fields have there. */
export type Answer = Record<string, unknown>;

/** One execution of an operation. */
export interface Run {
  readonly contextValue: Context;
  readonly variables: Variables;
}

/** Completes what a resolver gave: serializes it, or executes the fields below. @param at the field's own place @param path the value's */
type Complete = (value: unknown, at: Path, path: Path, run: Run) => unknown;

/** What is the same for all executions of an operation whose conditions have the same values. */
export interface Prepared {
  readonly schema: GraphQLSchema;
  readonly operation: OperationDefinitionNode;
  readonly selection: Selection;
}

/** A field that is ready to be executed. */
export interface ReadyField extends SelectedField {
  readonly prepared: Prepared;
  /** True where the field is a property of its object, and no fields are below. */
  readonly isProperty: boolean;
  readonly arguments: (variables: Variables) => Record<string, unknown>;
  readonly complete: Complete;
}

/** Gets the fields ready that are selected of objects of a type. */
export function readyFields(
  prepared: Prepared,
  type: GraphQLObjectType,
  sets: readonly SelectionSetNode[],
): readonly ReadyField[] {
  return prepared.selection.fieldsOf(type, sets).map((selected) => readyField(prepared, selected));
}

/** Names in an answer that are no mere names to JavaScript: what comes of them, the interpreter is to say. */
const PECULIAR: ReadonlySet<string> = new Set(['__proto__', 'then']);

function readyField(prepared: Prepared, selected: SelectedField): ReadyField {
  const { name, definition, nodes } = selected;
  if (PECULIAR.has(name)) throw new Error('The interpreter has its own way with this name.');
  const named = { ...selected, prepared };
  return Object.assign(named, {
    isProperty: definition.resolve === undefined && isLeafBelow(definition.type),
    arguments: argumentsReader(definition, nodes[0]),
    complete: completionOf(named, definition.type),
  });
}

/** What a field is, as resolvers are told. */
function infoOf(field: Completing, path: Path, { variables }: Run): GraphQLResolveInfo {
  const { schema, operation, selection } = field.prepared;
  return {
    fieldName: field.definition.name,
    fieldNodes: field.nodes,
    returnType: field.definition.type,
    parentType: field.parentType,
    path,
    schema,
    fragments: selection.fragments,
    rootValue: undefined,
    operation,
    variableValues: variables as Record<string, unknown>,
  };
}

function isLeafBelow(type: GraphQLOutputType): boolean {
  return isNonNullType(type) ? isLeafBelow(type.ofType) : isLeafType(type);
}

/** Executes fields of one object, beside each other. */
export function executeFields(
  fields: readonly ReadyField[],
  source: unknown,
  path: Path | undefined,
  run: Run,
): Answer | Promise<Answer> {
  const answer: Answer = {};
  let pending: Promise<void>[] | undefined;
  try {
    for (const field of fields) {
      const value = executeField(field, source, path, run);
      // A name has its place in the answer before its value is there.
      answer[field.name] = value;
      if (!isPromise(value)) continue;
      pending ??= [];
      pending.push(
        value.then((settled) => {
          answer[field.name] = settled;
        }),
      );
    }
  } catch (error) {
    if (pending !== undefined) abandon(pending);
    throw error;
  }
  return pending === undefined ? answer : Promise.all(pending).then(() => answer);
}

/** Executes the root fields of a mutation, one after another, and notes what each has come to. */
export async function executeSerially(
  fields: readonly ReadyField[],
  run: Run,
  outcomes: Outcomes,
): Promise<Answer> {
  const answer: Answer = {};
  for (const field of fields) {
    const at = { prev: undefined, key: field.name, typename: field.parentType.name };
    if (isTypename(field)) answer[field.name] = field.parentType.name;
    else answer[field.name] = await field.complete(await begin(field, at, run, outcomes), at, at, run);
  }
  return answer;
}

/** Calls a root field's resolver, and notes what it gives, which may be a promise that fails later. */
function begin(field: ReadyField, at: Path, run: Run, outcomes: Outcomes): unknown {
  const args = field.arguments(run.variables);
  try {
    const given: unknown = resolverOf(field)(undefined, args, run.contextValue, infoOf(field, at, run));
    outcomes.set(field.name, { given });
    return given;
  } catch (error) {
    outcomes.set(field.name, { error });
    throw error;
  }
}

const ANYWHERE: Path = { prev: undefined, key: '', typename: undefined };

function executeField(field: ReadyField, source: unknown, path: Path | undefined, run: Run): unknown {
  if (isTypename(field)) return field.parentType.name;
  if (field.isProperty && typeof source === 'object' && source !== null) {
    const value: unknown = (source as Record<string, unknown>)[field.definition.name];
    // A scalar or enum is completed alike wherever it stands.
    if (typeof value !== 'function' && !isPromise(value))
      return field.complete(value, ANYWHERE, ANYWHERE, run);
  }
  const at = { prev: path, key: field.name, typename: field.parentType.name };
  const args = field.arguments(run.variables);
  const value = resolverOf(field)(source, args, run.contextValue, infoOf(field, at, run));
  return isPromise(value)
    ? value.then((settled) => field.complete(settled, at, at, run))
    : field.complete(value, at, at, run);
}

function isTypename({ definition }: ReadyField): boolean {
  return definition === TypeNameMetaFieldDef;
}

function resolverOf({ definition }: ReadyField): GraphQLFieldResolver<unknown, unknown> {
  return definition.resolve ?? defaultFieldResolver;
}

/** A field whose values are completed. */
interface Completing extends SelectedField {
  readonly prepared: Prepared;
}

function completionOf(field: Completing, type: GraphQLOutputType): Complete {
  if (isLeafBelow(type)) return knownLeafCompletion(type);
  if (isNonNullType(type)) {
    const complete = completionOf(field, type.ofType);
    return (value, at, path, run) => {
      const completed = complete(value, at, path, run);
      if (completed === null) throw new Error('Null where there is to be a value.');
      return completed;
    };
  }
  const complete = completionOfPresent(field, type);
  return (value, at, path, run) => {
    if (value === null || value === undefined) return null;
    if (value instanceof Error) throw value;
    return complete(value, at, path, run);
  };
}

function completionOfPresent(field: Completing, type: GraphQLOutputType): Complete {
  if (isListType(type)) return listCompletion(completionOf(field, type.ofType));
  if (isObjectType(type)) return objectCompletion(field, type);
  if (isAbstractType(type)) return abstractCompletion(field, type);
  throw new Error(`${type} is of no known kind.`);
}

const leafCompletions = new WeakMap<GraphQLOutputType, Complete>();

/** Most fields are leaves, and those of one type are all completed by one function. */
function knownLeafCompletion(type: GraphQLOutputType): Complete {
  const made = leafCompletions.get(type) ?? leafCompletion(type, isNonNullType(type));
  leafCompletions.set(type, made);
  return made;
}

function leafCompletion(type: GraphQLOutputType, isRequired: boolean): Complete {
  const leaf = getNullableType(type);
  if (!isLeafType(leaf)) throw new Error(`${type} has fields below.`);
  return (value) => {
    if (value === null || value === undefined) {
      if (isRequired) throw new Error('Null where there is to be a value.');
      return null;
    }
    if (value instanceof Error) throw value;
    const serialized: unknown = leaf.serialize(value);
    if (serialized === null || serialized === undefined) throw new Error(`No ${leaf} was made of a value.`);
    return serialized;
  };
}

function listCompletion(complete: Complete): Complete {
  return (value, at, path, run) => {
    if (typeof value !== 'object' || value === null || !(Symbol.iterator in value))
      throw new Error('No list where there is to be one.');
    const items: unknown[] = [];
    const pending: Promise<unknown>[] = [];
    try {
      for (const item of value as Iterable<unknown>) {
        const itemPath = { prev: path, key: items.length, typename: undefined };
        const completed = isPromise(item)
          ? item.then((settled) => complete(settled, at, itemPath, run))
          : complete(item, at, itemPath, run);
        if (isPromise(completed)) pending.push(completed);
        items.push(completed);
      }
    } catch (error) {
      abandon(pending);
      throw error;
    }
    return pending.length === 0 ? items : Promise.all(items);
  };
}

function objectCompletion(field: Completing, type: GraphQLObjectType): Complete {
  // Found out when the first such object comes: of many types that a field could be of, it mostly is of few.
  let fields: readonly ReadyField[] | undefined;
  const execute = (value: unknown, path: Path, run: Run): unknown => {
    fields ??= readyFields(
      field.prepared,
      type,
      field.nodes.flatMap(({ selectionSet }) => selectionSet ?? []),
    );
    return executeFields(fields, value, path, run);
  };
  if (type.isTypeOf === null || type.isTypeOf === undefined)
    return (value, _at, path, run) => execute(value, path, run);
  const isTypeOf = type.isTypeOf.bind(type);
  return (value, at, path, run) => {
    const after = (isOne: boolean): unknown => {
      if (!isOne) throw new Error(`A value is no ${type}.`);
      return execute(value, path, run);
    };
    const isOne = isTypeOf(value, run.contextValue, infoOf(field, at, run));
    return isPromise(isOne) ? isOne.then(after) : after(isOne);
  };
}

function abstractCompletion(field: Completing, type: GraphQLAbstractType): Complete {
  const { schema } = field.prepared;
  const completions = new Map<string, Complete>();
  const completionFor = (name: unknown): Complete => {
    if (typeof name !== 'string') throw new Error(`A value is of no type of ${type}.`);
    const known = completions.get(name);
    if (known !== undefined) return known;
    const runtimeType = schema.getType(name);
    if (!isObjectType(runtimeType) || !schema.isSubType(type, runtimeType))
      throw new Error(`${name} is no ${type}.`);
    const made = objectCompletion(field, runtimeType);
    completions.set(name, made);
    return made;
  };
  const resolveType = type.resolveType ?? defaultTypeResolver;
  return (value, at, path, run) => {
    const name = resolveType(value, run.contextValue, infoOf(field, at, run), type);
    if (!isPromise(name)) return completionFor(name)(value, at, path, run);
    return name.then((settled) => completionFor(settled)(value, at, path, run));
  };
}

/** Nobody will wait for these any more, and they must not fail unheard. */
function abandon(promises: readonly Promise<unknown>[]): void {
  for (const promise of promises) promise.catch(() => {});
}

function isPromise<T>(value: T | PromiseLike<T>): value is Promise<T> {
  return typeof value === 'object' && value !== null && typeof (value as PromiseLike<T>).then === 'function';
}
