/**
 * What operations cost, in points (`graphql/cost.ts`): told before they run, so that what is too dear is not begun.
 *
 * 1. `points.ts` walks through a document, `sizes.ts` remembers what came of it.
 * 2. This file compares it with what the caller's role may ask for. Every path asks it, by `engine/guards.ts`.
 * 3. What is dear takes its turn by `turns.ts`, and its answer is made a piece at a time, `text.ts`.
 * 4. `rates.ts` takes it from the caller's `bucket.ts`; `level.ts` tells the other processes.
 */
import {
  type DocumentNode,
  type GraphQLError,
  type GraphQLSchema,
  getOperationAST,
  OperationTypeNode,
} from 'graphql';
import type { Access } from '../../access/access.ts';
import { subjectId } from '../../access/subjects.ts';
import type { Context } from '../../graphql/context.ts';
import { rateLimited, tooCostly } from '../../graphql/errors.ts';
import type { ClientLimits } from '../../metrics/limits.ts';
import type { Metrics } from '../../metrics/metrics.ts';
import { kindOf, type LimitByKind } from './caller-kind.ts';
import type { Variables } from './points.ts';
import type { Rates } from './rates.ts';
import { openPrices } from './sizes.ts';
import { DEAR, openTurns, type Turn } from './turns.ts';

/** An operation that is about to be executed: its document is valid, and it is known who asks. */
interface Asked {
  readonly document: DocumentNode;
  readonly operationName?: string | null | undefined;
  readonly variableValues?: Variables | null | undefined;
  readonly contextValue: Pick<Context, 'access' | 'hasLeft' | 'pace'>;
}

export type CostLimits = Pick<
  ClientLimits,
  'maxCost' | 'maxCostCarrier' | 'maxCostDevice' | 'maxDearPerCaller'
>;

/** What an operation that may be executed costs. */
export interface Priced {
  /** For `extensions` of its answer; undefined for who has not said who they are. */
  readonly told: { readonly cost: { readonly points: number; readonly limit: number } } | undefined;
  /**
   * Waits for a dear query's turn, and has its context work at its pace; undefined where nothing need be waited for.
   * Rejects with OVERLOADED where the caller has too many waiting, or where its client has left.
   */
  readonly takeTurn: (() => Promise<Turn>) | undefined;
}

export interface Costs {
  /** Prices an operation, and takes that from what its caller may use. @returns the refusal of what is too dear, or more than that is now */
  price(asked: Asked): GraphQLError | Priced;
}

/** Who has not said who they are may ask for next to nothing. */
const FREE: Priced = { told: undefined, takeTurn: undefined };

export function openCosts(
  schema: GraphQLSchema,
  { maxCost, maxCostCarrier, maxCostDevice, maxDearPerCaller }: CostLimits,
  rates: Pick<Rates, 'take'>,
  metrics: Pick<Metrics, 'limits'>,
): Costs {
  const priceOf = openPrices(schema);
  const limits: LimitByKind = {
    staff: [maxCost, 'cost'],
    carrier: [maxCostCarrier, 'cost_carrier'],
    device: [maxCostDevice, 'cost_device'],
  };
  const turns = openTurns({ maxDearPerCaller }, metrics);
  const take = async (access: Access, context: Asked['contextValue']): Promise<Turn> => {
    const turn = await turns.take(subjectId(access), context.hasLeft ?? (() => false));
    context.pace = turn.pace;
    return turn;
  };
  return {
    price(asked) {
      const { contextValue } = asked;
      const { access } = contextValue;
      if (access === null) return FREE;
      const [limit, label] = limits[kindOf(access)];
      const points = priceOf(asked);
      if (points > limit) {
        metrics.limits.inc({ limit: label });
        return tooCostly(points, limit);
      }
      const seconds = rates.take(access, points);
      if (seconds > 0) return rateLimited(seconds);
      const told = { cost: { points, limit } };
      if (points <= DEAR || !isQuery(asked)) return { told, takeTurn: undefined };
      return { told, takeTurn: () => take(access, contextValue) };
    },
  };
}

/** Commands wait in the queues of their streams, and must not be overtaken. */
function isQuery({ document, operationName }: Asked): boolean {
  return getOperationAST(document, operationName)?.operation === OperationTypeNode.QUERY;
}
