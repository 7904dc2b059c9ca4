import { type DocumentNode, getOperationAST, Kind, type SelectionSetNode } from 'graphql';
import type { Plugin } from 'graphql-yoga';
import type { Context } from './context.ts';
import { unauthenticated } from './errors.ts';

/**
 * Lets nobody who has not proved who they are do anything but ask for `__typename`, and in development mode for the
 * schema. It looks at the whole operation, so that an anonymous one is not half answered.
 */
export function refuseAnonymous(development: boolean): Plugin<Context> {
  const harmless = new Set(development ? ['__typename', '__schema', '__type'] : ['__typename']);
  type Stop = (result: { errors: ReturnType<typeof unauthenticated>[] }) => void;
  interface Args {
    readonly contextValue: Context;
    readonly document: DocumentNode;
    readonly operationName?: string | null | undefined;
  }
  const check = ({ contextValue, document, operationName }: Args, stop: Stop): void => {
    if (contextValue.access !== null) return;
    const asked = rootFields(document, operationName);
    if ([...asked].every((field) => harmless.has(field))) return;
    stop({ errors: [unauthenticated()] });
  };
  return {
    onExecute: ({ args, setResultAndStopExecution }) => check(args, setResultAndStopExecution),
    onSubscribe: ({ args, setResultAndStopExecution }) => check(args, setResultAndStopExecution),
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
