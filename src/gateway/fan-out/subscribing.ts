/**
 * Subscriptions: the engine asks for one, items of its feed come in, results go out to their transport.
 *
 * 1. This file begins the subscription, and puts it among those who are shown the same (`group.ts`).
 * 2. `results.ts` asks the feed for items, one subscriber at a time, and sends the results.
 * 3. `group.ts` makes the result of an item, once for its group; `frame-texts.ts` that of an item with several rows, from texts
 *    that are made once a row. `memo.ts` bounds what is remembered for that.
 * 4. `transport.ts` is what the transports get: ready results, and where they go.
 */
import {
  createSourceEventStream,
  type ExecutionArgs,
  type ExecutionResult,
  execute,
  type GraphQLError,
  getOperationAST,
  Kind,
} from 'graphql';
import type { Plugin } from 'graphql-yoga';
import type { Context } from '../../graphql/context.ts';
import type { Metrics } from '../../metrics/metrics.ts';
import { groupKeyOf, ResultGroup } from './group.ts';
import { heldBy } from './held.ts';
import { MemoBudget, type MemoLimits } from './memo.ts';
import { type ItemSource, Results } from './results.ts';
import type { Transport } from './transport.ts';

/** A subscription's arguments, as the engine passes them. */
interface SubscriptionArgs extends ExecutionArgs {
  readonly contextValue: Context & Transport;
}

export interface SubscribingOptions {
  /** Turns any error into one that may be shown to a client. */
  readonly mask: (error: unknown) => GraphQLError;
  readonly limits: MemoLimits;
  readonly metrics: Pick<Metrics, 'subscriptions' | 'results'>;
}

/**
 * A running subscription of a socket. It is no async iterable, so that the engine's plugins leave it alone: what they would
 * put around each result costs more than sending one, and what they would do is done already.
 */
export class RunningSubscription {
  readonly results: Results;

  constructor(results: Results) {
    this.results = results;
  }
}

/**
 * Answers subscriptions, in place of the engine's own function: what is the same for several subscribers is executed and
 * serialised once. Errors in results are masked, and who runs is counted.
 */
export function answerSubscriptions({
  mask,
  limits,
  metrics,
}: SubscribingOptions): Plugin<Transport & Context> {
  const budget = new MemoBudget(limits);
  metrics.results.bytes = () => budget.bytes;
  const groups: Groups = new Map();

  const masked = ({ errors, ...rest }: ExecutionResult): ExecutionResult =>
    errors === undefined ? rest : { ...rest, errors: errors.map((error) => mask(error)) };

  const subscribe = async (
    args: SubscriptionArgs,
  ): Promise<ExecutionResult | Results | RunningSubscription> => {
    const { contextValue } = args;
    const { transport } = contextValue;
    let release: (() => void) | undefined;
    try {
      release = contextValue.hold?.(heldBy(args.document, contextValue.params ?? args.variableValues));
    } catch (error) {
      return { errors: [mask(error)] };
    }
    const source = await createSourceEventStream(args).catch((error: unknown) => {
      release?.();
      throw error;
    });
    if (!isStream(source)) {
      release?.();
      return masked(source);
    }
    const field = fieldOf(args);
    const joined = join(groups, budget, args);
    // A copy, so that what was cached with the context in the beginning, or sent besides, is not kept for as long as it runs.
    const own = { ...args, rootValue: undefined, contextValue: { ...contextValue, params: undefined } };
    metrics.subscriptions.inc({ field });
    const results = new Results(itemsOf(source), {
      group: joined?.group,
      sink: contextValue.sink,
      alone: async (item) => {
        try {
          return masked(await execute({ ...own, rootValue: item }));
        } catch (error) {
          return { errors: [mask(error)] };
        }
      },
      tally: metrics.results,
      onEnd: () => {
        joined?.leave();
        release?.();
        metrics.subscriptions.dec({ field });
      },
    });
    contextValue.onStream?.(results);
    return transport === 'socket' ? new RunningSubscription(results) : results;
  };

  return {
    onSubscribe: ({ args: { contextValue }, setSubscribeFn }) =>
      setSubscribeFn((args) => subscribe({ ...args, contextValue })),
  };
}

/** With each group its key, so that only one text of it is kept: everyone who joins makes another. */
type Groups = Map<string, readonly [key: string, group: ResultGroup]>;

/** @returns the group of those who are shown the same, and how to leave it; undefined without access */
function join(groups: Groups, budget: MemoBudget, args: SubscriptionArgs) {
  const { access } = args.contextValue;
  if (access === null) return undefined;
  const key = groupKeyOf(args, access);
  const entry = groups.get(key) ?? [key, new ResultGroup(runFor(args), budget)];
  const [known, group] = entry;
  groups.set(known, entry);
  group.members += 1;
  return {
    group,
    leave: () => {
      group.members -= 1;
      if (group.members > 0) return;
      groups.delete(known);
      group.close();
    },
  };
}

/** Executes for a whole group, with the rights of each, but as nobody in particular. */
function runFor({ contextValue, ...args }: SubscriptionArgs) {
  const shared = { ...args, contextValue: contextValue.forGroup() };
  return (item: object) => execute({ ...shared, rootValue: item });
}

function isStream(source: ExecutionResult | AsyncIterable<unknown>): source is AsyncIterable<unknown> {
  return Symbol.asyncIterator in source;
}

/** The feed's subscriptions hand over items without promises; any other stream is asked by its `next`. */
function itemsOf(source: AsyncIterable<unknown>): ItemSource {
  const iterator: AsyncIterator<unknown> & Partial<ItemSource> = source[Symbol.asyncIterator]();
  if (iterator.ask !== undefined) return iterator as ItemSource;
  return {
    ask: ({ resolve, reject }) => void iterator.next().then(resolve, reject),
    return: () => iterator.return?.() ?? Promise.resolve(),
  };
}

function fieldOf({ document, operationName }: SubscriptionArgs): string {
  const selection = getOperationAST(document, operationName)?.selectionSet.selections[0];
  return selection?.kind === Kind.FIELD ? selection.name.value : 'other';
}
