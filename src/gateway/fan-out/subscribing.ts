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
import { ResultGroup } from './group.ts';
import { groupKeyOf } from './group-key.ts';
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
  /** Each with its key: the one text of it that is kept. */
  const groups = new Map<string, readonly [key: string, group: ResultGroup]>();

  /** @returns the group that these subscribers belong to, and how to leave it */
  const join = (args: SubscriptionArgs) => {
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
  };

  const masked = ({ errors, ...rest }: ExecutionResult): ExecutionResult =>
    errors === undefined ? rest : { ...rest, errors: errors.map((error) => mask(error)) };

  const subscribe = async (
    args: SubscriptionArgs,
  ): Promise<ExecutionResult | Results | RunningSubscription> => {
    const { contextValue } = args;
    const { transport } = contextValue;
    const source = await createSourceEventStream(args);
    if (!isStream(source)) return masked(source);
    contextValue.onStream?.();
    const field = fieldOf(args);
    const joined = join(args);
    // What was cached with the context while the subscription began is not kept for as long as it runs.
    const own = { ...args, rootValue: undefined, contextValue: { ...contextValue } };
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
        metrics.subscriptions.dec({ field });
      },
    });
    return transport === 'socket' ? new RunningSubscription(results) : results;
  };

  return {
    onSubscribe: ({ args: { contextValue }, setSubscribeFn }) =>
      setSubscribeFn((args) => subscribe({ ...args, contextValue })),
  };
}

/** Executes in the name of a whole group, in which nobody is anybody in particular. */
function runFor({ contextValue, ...args }: SubscriptionArgs) {
  const shared = { ...args, contextValue: contextValue.forGroup() };
  return (item: object) => execute({ ...shared, rootValue: item });
}

function isStream(source: ExecutionResult | AsyncIterable<unknown>): source is AsyncIterable<unknown> {
  return Symbol.asyncIterator in source;
}

/** The feed's own subscriptions hand over without promises; of any other stream they are made. */
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
