import {
  type GraphQLField,
  type GraphQLNamedType,
  type GraphQLSchema,
  getNamedType,
  isInputObjectType,
  isObjectType,
  isUnionType,
} from 'graphql';
import { MALFORMED_TEXT, malformedPath } from '../eventstore/payload.ts';
import { refusal } from '../refusal.ts';
import type { Context } from './context.ts';
import { invalidInput } from './errors.ts';
import { excessIn } from './list-bounds.ts';

// Every text that a client gives is looked at here, before any resolver has it. Literals in a document need no look: the
// parser takes none that are not well formed.

/** On a field whose resolver looks at its texts itself: one bad text of a long list is to cost itself only. */
export const CHECKS_OWN_TEXT = { checksOwnText: true } as const;

/**
 * Makes every field with arguments refuse texts that are not well formed, before it is resolved; those of reads, also lists that
 * are too long (`list-bounds.ts`): a mutation's own rules bound its lists.
 */
export function refuseMalformedText(schema: GraphQLSchema): GraphQLSchema {
  for (const type of Object.values(schema.getTypeMap())) {
    if (!isObjectType(type) || type.name.startsWith('__')) continue;
    for (const field of Object.values(type.getFields()))
      if (field.args.some(({ type: given }) => mayHoldText(getNamedType(given))) && !checksItself(field))
        guard(field, type === schema.getMutationType());
  }
  return schema;
}

type Field = GraphQLField<unknown, Context>;

function checksItself({ extensions }: Field): boolean {
  return 'checksOwnText' in extensions;
}

function mayHoldText(type: GraphQLNamedType): boolean {
  return isInputObjectType(type) || type.name === 'String' || type.name === 'ID';
}

function guard(field: Field, isMutation: boolean): void {
  const { resolve, subscribe } = field;
  // A mutation answers with a refusal where its result can be one.
  const refuses = isMutation && isUnionType(getNamedType(field.type));
  if (subscribe !== undefined) {
    field.subscribe = (root, args, context, info) => {
      refuseUnfit(args);
      return subscribe(root, args, context, info);
    };
    return;
  }
  if (resolve === undefined) return;
  field.resolve = (root, args, context, info) => {
    if (!refuses) {
      refuseUnfit(args);
      return resolve(root, args, context, info);
    }
    const at = malformedAt(args);
    if (at === undefined) return resolve(root, args, context, info);
    return refusal('INVALID_INPUT', complaintAbout(at), at);
  };
}

/** @throws INVALID_INPUT for the arguments of a read that are malformed, or more than one may ask with */
function refuseUnfit(args: object): void {
  const at = malformedAt(args);
  if (at !== undefined) throw invalidInput(complaintAbout(at), at);
  const excess = excessIn(args);
  if (excess !== undefined) throw invalidInput(excess.message, excess.at);
}

/** What is said of a text that is not well formed. */
export function complaintAbout(field: string): string {
  return `${field} ${MALFORMED_TEXT}.`;
}

/** Where the first malformed text is, without the argument that all mutations have. */
function malformedAt(args: object): string | undefined {
  return malformedPath(args)?.replace(/^input\./, '');
}
