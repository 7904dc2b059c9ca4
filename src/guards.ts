import type { DocumentNode, GraphQLError } from 'graphql';
import { getOperationAST } from 'graphql';
import { refuseAnonymous } from './anonymous.ts';
import type { Context } from './context.ts';
import type { Metrics } from './metrics.ts';

/** An operation that is about to be executed: its document is valid, and who asks is known. */
export interface Asked {
  readonly document: DocumentNode;
  readonly operationName?: string | null | undefined;
  readonly contextValue: Context;
}

/** Says why an operation is not executed; undefined where it may be. */
export type Guard = (asked: Asked) => GraphQLError | undefined;

/** To be asked before an operation is executed, by whichever lane it came. */
export type Admit = (asked: Asked, transport: 'http' | 'socket') => GraphQLError | undefined;

/** Makes the one check before execution that every lane asks: lets each guard look at the operation, and counts it. */
export function openGuards(development: boolean, { operations }: Pick<Metrics, 'operations'>): Admit {
  const guards: readonly Guard[] = [refuseAnonymous(development)];
  return (asked, transport) => {
    for (const guard of guards) {
      const refusal = guard(asked);
      if (refusal !== undefined) return refusal;
    }
    const operation = getOperationAST(asked.document, asked.operationName)?.operation ?? 'invalid';
    operations.inc({ operation, transport });
    return undefined;
  };
}
