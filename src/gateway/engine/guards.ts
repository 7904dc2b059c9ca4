import type { DocumentNode, GraphQLError } from 'graphql';
import { getOperationAST } from 'graphql';
import type { Context } from '../../graphql/context.ts';
import type { Metrics } from '../../metrics/metrics.ts';
import { refuseAnonymous } from './anonymous.ts';

/** An operation that is about to be executed: its document is valid, and who asks is known. */
export interface Asked {
  readonly document: DocumentNode;
  readonly operationName?: string | null | undefined;
  readonly contextValue: Context;
}

/** Says why an operation is not executed; undefined where it may be. */
export type Guard = (asked: Asked) => GraphQLError | undefined;

/** What every lane asks before it executes an operation, by whichever lane that came. */
export interface Guards {
  /** The first guard's refusal; undefined where the operation may be executed. */
  refusalOf(asked: Asked): GraphQLError | undefined;
  /** Counts an operation that no guard refuses. */
  begun(asked: Asked, transport: 'http' | 'socket'): void;
}

/** @param development whether anyone may read the schema */
export function openGuards(development: boolean, { operations }: Pick<Metrics, 'operations'>): Guards {
  const guards: readonly Guard[] = [refuseAnonymous(development)];
  return {
    refusalOf(asked) {
      for (const guard of guards) {
        const refusal = guard(asked);
        if (refusal !== undefined) return refusal;
      }
      return undefined;
    },
    begun({ document, operationName }, transport) {
      const operation = getOperationAST(document, operationName)?.operation ?? 'invalid';
      operations.inc({ operation, transport });
    },
  };
}
