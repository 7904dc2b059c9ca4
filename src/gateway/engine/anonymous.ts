import { type DocumentNode, getOperationAST, Kind, type SelectionSetNode } from 'graphql';
import { unauthenticated } from '../../graphql/errors.ts';
import type { Guard } from './guards.ts';

/**
 * Lets nobody who has not proved who they are do anything but ask for `__typename`, and in development mode for the
 * schema. It looks at the whole operation, so that an anonymous one is not half answered.
 */
export function refuseAnonymous(development: boolean): Guard {
  const harmless = new Set(development ? ['__typename', '__schema', '__type'] : ['__typename']);
  return ({ contextValue, document, operationName }) => {
    if (contextValue.access !== null) return undefined;
    const asked = rootFields(document, operationName);
    return [...asked].every((field) => harmless.has(field)) ? undefined : unauthenticated();
  };
}

/** The names of the fields at the root of an operation, those in fragments too. The document is valid. */
function rootFields(document: DocumentNode, operationName: string | null | undefined): Set<string> {
  const fields = new Set<string>();
  const fragments = new Map<string, SelectionSetNode>();
  for (const node of document.definitions) {
    if (node.kind === Kind.FRAGMENT_DEFINITION) fragments.set(node.name.value, node.selectionSet);
  }
  const visit = (set: SelectionSetNode | undefined): void => {
    for (const node of set?.selections ?? []) {
      if (node.kind === Kind.FIELD) fields.add(node.name.value);
      else if (node.kind === Kind.INLINE_FRAGMENT) visit(node.selectionSet);
      else visit(fragments.get(node.name.value));
    }
  };
  visit(getOperationAST(document, operationName)?.selectionSet);
  return fields;
}
