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
import type { Context } from '../../graphql/context.ts';
import { rateLimited, tooCostly } from '../../graphql/errors.ts';
import type { ClientLimits, Limit } from '../../metrics/limits.ts';
import type { Metrics } from '../../metrics/metrics.ts';
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

export interface Costs {
  /** What the operation costs, for `extensions` of its answer; undefined for who has not said who they are. */
  told(asked: Asked): { readonly cost: { readonly points: number; readonly limit: number } } | undefined;
  /**
   * Waits for a dear query's turn, and has its context work at its pace; undefined where nothing need be waited for.
   * Rejects with OVERLOADED where the caller has too many waiting, or where its client has left.
   */
  turnOf(asked: Asked): Promise<Turn> | undefined;
  /** The refusal of what is too dear, or more than the caller may use now; undefined where the operation may be executed. */
  refusalOf(asked: Asked): GraphQLError | undefined;
}

/** A limit with its name in the metrics. */
type Named = readonly [limit: number, label: Limit];

export function openCosts(
  schema: GraphQLSchema,
  limits: CostLimits,
  rates: Pick<Rates, 'take'>,
  metrics: Pick<Metrics, 'limits'>,
): Costs {
  const priceOf = openPrices(schema);
  const staff: Named = [limits.maxCost, 'cost'];
  const carrier: Named = [limits.maxCostCarrier, 'cost_carrier'];
  const device: Named = [limits.maxCostDevice, 'cost_device'];
  const limitOf = ({ role }: Access): Named => {
    if (role === 'carrier') return carrier;
    return role === 'driver' || role === 'rider' ? device : staff;
  };
  const turns = openTurns(limits, metrics);
  const take = async ({ tenantId, sub }: Access, context: Asked['contextValue']): Promise<Turn> => {
    const turn = await turns.take(`${tenantId}/${sub}`, context.hasLeft ?? (() => false));
    context.pace = turn.pace;
    return turn;
  };
  return {
    turnOf(asked) {
      const { contextValue, document, operationName } = asked;
      if (contextValue.access === null || priceOf(asked) <= DEAR) return undefined;
      const operation = getOperationAST(document, operationName)?.operation;
      // Commands wait in the queues of their streams, and must not be overtaken.
      return operation === OperationTypeNode.QUERY ? take(contextValue.access, contextValue) : undefined;
    },
    told(asked) {
      const { access } = asked.contextValue;
      return access === null ? undefined : { cost: { points: priceOf(asked), limit: limitOf(access)[0] } };
    },
    refusalOf(asked) {
      const { access } = asked.contextValue;
      if (access === null) return undefined;
      const [limit, label] = limitOf(access);
      const points = priceOf(asked);
      if (points > limit) {
        metrics.limits.inc({ limit: label });
        return tooCostly(points, limit);
      }
      const seconds = rates.take(access, points);
      return seconds === 0 ? undefined : rateLimited(seconds);
    },
  };
}
