import {
  BreakingChangeType,
  buildASTSchema,
  DangerousChangeType,
  type DocumentNode,
  findBreakingChanges,
  findDangerousChanges,
  type GraphQLSchema,
  isInputObjectType,
  parse,
} from 'graphql';
import { Unreadable } from './unreadable.ts';

/** A change of the public schema, in graphql-js's own words: `Tender.status was removed.` */
export interface SdlChange {
  readonly change: string;
  /** FIELD_REMOVED, ARG_DEFAULT_VALUE_CHANGE … */
  readonly kind: string;
}

/** A change that breaks clients. */
export interface SdlBreach extends SdlChange {
  /** True for a breach of nothing but the settled core, which it stays for ever. */
  readonly lasting: boolean;
}

/**
 * What would break clients that were written against the committed schema, or against its settled core. A default that
 * changes counts: the same document then means something else.
 * @param committed the SDL as it is committed
 * @param contract the settled core, which need not be complete
 */
export function findSdlBreaches(committed: string, contract: string, code: GraphQLSchema): SdlBreach[] {
  const before = parse(committed);
  const recent = breachesOf(buildASTSchema(before), code);
  const known = new Set(recent.map(({ change }) => change));
  const older = breachesOf(buildSettled(parse(contract), before), code);
  return [
    ...recent.map((each) => ({ ...each, lasting: false })),
    ...older.filter(({ change }) => !known.has(change)).map((each) => ({ ...each, lasting: true })),
  ];
}

function breachesOf(old: GraphQLSchema, code: GraphQLSchema): SdlChange[] {
  const defaults = findDangerousChanges(old, code).filter(isDefault);
  return [...findBreakingChanges(old, code), ...defaults].map(asChange).concat(inputDefaults(old, code));
}

/** What breaks no document, but may surprise a client that was written too narrowly: a new value, a new member. */
export function findSdlSurprises(committed: string, code: GraphQLSchema): SdlChange[] {
  return findDangerousChanges(buildASTSchema(parse(committed)), code)
    .filter((each) => !isDefault(each))
    .map(asChange);
}

function isDefault({ type }: { readonly type: string }): boolean {
  return type === DangerousChangeType.ARG_DEFAULT_VALUE_CHANGE;
}

function asChange({ type, description }: { readonly type: string; readonly description: string }): SdlChange {
  return { kind: type, change: description };
}

/** Changed defaults of input fields, which graphql-js does not look at. */
function inputDefaults(old: GraphQLSchema, code: GraphQLSchema): SdlChange[] {
  return Object.values(old.getTypeMap()).flatMap((type) => {
    const now = code.getType(type.name);
    if (!isInputObjectType(type) || !isInputObjectType(now)) return [];
    return Object.values(type.getFields()).flatMap(({ name, defaultValue }) => {
      const field = now.getFields()[name];
      if (field === undefined || JSON.stringify(field.defaultValue) === JSON.stringify(defaultValue))
        return [];
      const [was, is] = [defaultValue, field.defaultValue].map((value) => JSON.stringify(value) ?? 'none');
      const change = `${type.name}.${name} has changed its default from ${was} to ${is}.`;
      return [{ kind: DangerousChangeType.ARG_DEFAULT_VALUE_CHANGE, change }];
    });
  });
}

/** The settled core, completed by what it leaves open as that is committed. */
function buildSettled(contract: DocumentNode, committed: DocumentNode): GraphQLSchema {
  const names = new Set(contract.definitions.map(nameOf));
  const others = committed.definitions.filter((each) => !names.has(nameOf(each)));
  try {
    return buildASTSchema({ ...contract, definitions: [...contract.definitions, ...others] });
  } catch (error) {
    const [line] = String(error).split('\n');
    throw new Unreadable(
      `The settled core does not go together with the committed SDL (${line}): mend either.`,
    );
  }
}

function nameOf(definition: DocumentNode['definitions'][number]): string {
  const name = 'name' in definition ? definition.name?.value : undefined;
  return `${definition.kind === 'DirectiveDefinition' ? '@' : ''}${name ?? definition.kind}`;
}

/** Every kind of breaking change that there is: the tests try each. */
export const BREAKING_KINDS: readonly string[] = [
  ...Object.values(BreakingChangeType),
  DangerousChangeType.ARG_DEFAULT_VALUE_CHANGE,
];
