import {
  type DocumentNode,
  type ExecutionResult,
  GraphQLError,
  getOperationAST,
  Kind,
  type SelectionSetNode,
} from 'graphql';
import { isAsyncIterable, type Plugin } from 'graphql-yoga';
import type { Context } from '../../graphql/context.ts';
import { overloaded, unauthenticated } from '../../graphql/errors.ts';
import type { ClientLimits } from '../../metrics/limits.ts';
import type { Metrics } from '../../metrics/metrics.ts';
import type { Costs, Priced } from '../cost/costs.ts';
import { textOf } from '../cost/text.ts';
import type { Turn } from '../cost/turns.ts';
import type { Transport } from '../fan-out/transport.ts';
import { refuseDeepVariables, refuseNullConditions } from './text-limits.ts';

/** An operation that is about to be executed: its document is valid, and it is known who asks. */
export interface PendingOperation {
  readonly document: DocumentNode;
  readonly operationName?: string | null | undefined;
  readonly variableValues?: Readonly<Record<string, unknown>> | null | undefined;
  readonly contextValue: Context;
}

/** Says why an operation is not executed; undefined where it may be. */
export type Guard = (operation: PendingOperation) => GraphQLError | undefined;

/** What is asked before each operation is executed, be it on the fast path, by Yoga or on a socket. */
export interface Guards {
  /** The first guard's refusal; or, of an operation that may be executed, what it costs, and its turn where that is to be waited for. */
  ask(operation: PendingOperation): GraphQLError | Priced;
  /** Counts an operation that no guard refuses. */
  begun(operation: PendingOperation, transport: 'http' | 'socket'): void;
}

/** @param development whether anyone may read the schema */
export function openGuards(
  development: boolean,
  costs: Costs,
  { operations }: Pick<Metrics, 'operations'>,
): Guards {
  const guards: readonly Guard[] = [refuseAnonymous(development), refuseDeepVariables, refuseNullConditions];
  return {
    ask(operation) {
      for (const guard of guards) {
        const refusal = guard(operation);
        if (refusal !== undefined) return refusal;
      }
      return costs.price(operation);
    },
    begun({ document, operationName }, transport) {
      const operation = getOperationAST(document, operationName)?.operation ?? 'invalid';
      operations.inc({ operation, transport });
    },
  };
}

/** An answer with what is told beside it; as it is where nothing is. */
export function withTold(result: ExecutionResult, told: ExecutionResult['extensions']): ExecutionResult {
  return told === undefined ? result : { ...result, extensions: { ...result.extensions, ...told } };
}

/** Asks the guards wherever the engine executes: on Yoga's path and on sockets. The fast path asks by itself. */
export function askGuards(guards: Guards): Plugin<Transport & Context> {
  type Stop = (result: { errors: GraphQLError[] }) => void;
  /** Undefined where the operation is refused. */
  const ask = (
    args: PendingOperation & { readonly contextValue: Pick<Transport, 'transport'> },
    stop: Stop,
  ): Priced | undefined => {
    const answer = guards.ask(args);
    if (answer instanceof GraphQLError) {
      stop({ errors: [answer] });
      return undefined;
    }
    guards.begun(args, args.contextValue.transport);
    return answer;
  };
  return {
    onExecute({ args, executeFn, setExecuteFn, setResultAndStopExecution }) {
      const priced = ask(args, setResultAndStopExecution);
      const turn = priced?.takeTurn?.();
      if (turn === undefined)
        return {
          onExecuteDone({ result, setResult }) {
            if (!isAsyncIterable(result) && result.data !== undefined)
              setResult(withTold(result, priced?.told));
          },
        };
      setExecuteFn(async (given) => {
        try {
          return await inTurn(await turn, args.contextValue.transport, async () => {
            const result: ExecutionResult = await executeFn(given);
            return result.data === undefined ? result : withTold(result, priced?.told);
          });
        } catch (error) {
          if (error instanceof GraphQLError) return { errors: [error] };
          throw error;
        }
      });
      return undefined;
    },
    onSubscribe({ args, setResultAndStopExecution }) {
      ask(args, setResultAndStopExecution);
    },
  };
}

/** Executes in a dear query's turn; over HTTP the answer's text is made in it, too, as Yoga asks for it. */
async function inTurn(
  { pace, done }: Turn,
  transport: Transport['transport'],
  execute: () => Promise<ExecutionResult>,
): Promise<ExecutionResult> {
  try {
    const result = await execute();
    if (transport !== 'http' || result.errors !== undefined) return result;
    const text = await textOf(result, pace);
    return { ...result, stringify: () => text } as ExecutionResult;
  } finally {
    done();
  }
}

/**
 * Who has not proved who they are may ask for `__typename` only, and in development mode for the schema. The whole operation
 * is looked at, so that none is half answered.
 */
function refuseAnonymous(development: boolean): Guard {
  const harmless = new Set(development ? ['__typename', '__schema', '__type'] : ['__typename']);
  return ({ contextValue, document, operationName }) => {
    if (contextValue.access !== null) return undefined;
    const asked = rootFields(document, operationName);
    return [...asked].every((field) => harmless.has(field)) ? undefined : unauthenticated();
  };
}

/** The names of the fields at the root of an operation, those in fragments too, each of which is gone through once. The document is valid. */
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
      else {
        const fragment = fragments.get(node.name.value);
        fragments.delete(node.name.value);
        visit(fragment);
      }
    }
  };
  visit(getOperationAST(document, operationName)?.selectionSet);
  return fields;
}

/**
 * How much work a process takes on at once: commands that are being recorded or wait for it (each fix of a batch is one), and
 * bytes of the requests and messages that are being answered. More is refused at once, while it costs nothing yet.
 */
export type AdmissionLimits = Pick<ClientLimits, 'maxCommandsInHand' | 'maxRequestBytesInHand'>;

/** Lets work in, up to the limits. While nothing is in hand, anything is let in, however large. */
export interface Admission {
  /** Takes commands on for as long as `work` takes. @throws OVERLOADED, and work is not begun */
  commands<T>(count: number, work: () => Promise<T>): Promise<T>;
  /** Takes a request on. @returns to be called once it is answered, any number of times @throws OVERLOADED */
  request(bytes: number): () => void;
}

export function openAdmission(
  { maxCommandsInHand, maxRequestBytesInHand }: AdmissionLimits,
  { limits, inHand }: Pick<Metrics, 'limits' | 'inHand'>,
): Admission {
  const take = (what: 'commands' | 'request_bytes', amount: number, max: number): (() => void) => {
    if (inHand[what] > 0 && inHand[what] + amount > max) {
      limits.inc({ limit: what });
      throw overloaded();
    }
    inHand[what] += amount;
    let held = amount;
    return () => {
      inHand[what] -= held;
      held = 0;
    };
  };
  return {
    async commands(count, work) {
      const release = take('commands', count, maxCommandsInHand);
      try {
        return await work();
      } finally {
        release();
      }
    },
    request: (bytes) => take('request_bytes', bytes, maxRequestBytesInHand),
  };
}
