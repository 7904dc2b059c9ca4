import type { Command } from 'commander';
import { z } from 'zod';
import { hashApiKey, newApiKey } from '../../access/authenticate.ts';
import { nameSchema } from '../../access/claims.ts';
import { type GraphqlClient, graphqlClient, RequestError } from '../../client/graphql-client.ts';
import { StartupError } from '../../mongo/startup-error.ts';
import { secretOf } from '../../process/secret.ts';
import { validBy } from '../argument.ts';
import type { CliContext } from '../context.ts';
import { wholeBetween } from '../number-option.ts';
import { printable } from '../printable.ts';
import {
  APPROVAL_FIELDS,
  approvalLine,
  approvalShape,
  approvalText,
  printedActions,
} from './approval-text.ts';

/** Whoever speaks is known by a token: a terminal does not tell who sits at it. */
interface Caller {
  readonly url: string;
  readonly token?: string;
}

interface Asking extends Caller {
  readonly arguments: string;
  readonly reason: string;
}

const PATIENCE_MS = 10_000;

const EPILOG = `
Each person speaks with a token of their own (--token, or WAYBILL_TOKEN), in the role admin. Who asks never approves; nobody approves
twice; approve shows what it approves and sends the hash of that, or of what you say to have seen by --hash. What is approved is done
by the running gateways within seconds.`;

/** Adds `waybill approval …`. */
export function addApprovalCommand(program: Command, context: CliContext): void {
  const group = program
    .command('approval')
    .description('ask others for what no one person may do alone, approve, veto and see')
    .addHelpText('after', EPILOG);
  const command = (name: string, description: string): Command =>
    group
      .command(name)
      .description(description)
      .option('--url <url>', 'the GraphQL endpoint', 'http://localhost:4000/graphql')
      .option('--token <token>', 'who speaks (default: WAYBILL_TOKEN)');
  const say = (text: string): void => context.console.log(text);

  const asking = (name: string, mutation: 'requestApproval' | 'breakGlass', description: string): void => {
    command(name, description)
      .argument('<action>', 'as `waybill approval actions` lists them')
      .requiredOption('--arguments <json>', "the action's arguments, as JSON")
      .requiredOption('--reason <text>', 'why, for those who approve and for auditors')
      .action(async (action: string, flags: Asking) => {
        const input = { action, arguments: jsonOf(flags.arguments), reason: flags.reason };
        say(approvalText(await give(clientOf(flags, context), mutation, input)));
      });
  };
  asking('ask', 'requestApproval', 'ask for a protected action; its dry run is made at once');
  asking('break-glass', 'breakGlass', 'in an emergency, do it alone, within one hour; everybody is told');

  command('ask-key', 'make an API key, print it, and ask that it be in force: only its hash is sent')
    .requiredOption('--carrier-id <id>', 'the carrier', validBy(nameSchema))
    .requiredOption('--name <name>', 'what people call the key', validBy(nameSchema))
    .requiredOption('--reason <text>', 'why')
    .action(
      async ({
        carrierId,
        name,
        reason,
        ...flags
      }: Caller & { carrierId: string; name: string; reason: string }) => {
        const key = newApiKey();
        const input = {
          action: 'api-key.create',
          arguments: { carrierId, name, keyHash: hashApiKey(key) },
          reason,
        };
        context.console.error(approvalText(await give(clientOf(flags, context), 'requestApproval', input)));
        context.console.error('The key, which is not shown again, and is good once it is approved:');
        say(key);
      },
    );

  command('approve', 'approve what somebody else asked for')
    .argument('<id>', 'the approval')
    .option('--hash <hash>', 'what you have seen (default: what is asked for now, which is shown)')
    .option('--comment <text>', 'what you say to it')
    .action(
      async (
        approvalId: string,
        { hash, comment, ...flags }: Caller & { hash?: string; comment?: string },
      ) => {
        const client = clientOf(flags, context);
        const seen = await show(client, approvalId);
        context.console.error(approvalText(seen));
        const input = {
          approvalId,
          hash: hash ?? seen.hash,
          vote: 'APPROVE',
          ...(comment === undefined ? {} : { reason: comment }),
        };
        say(approvalLine(await give(client, 'voteOnApproval', input)));
      },
    );

  command('reject', 'veto it: one veto ends it')
    .argument('<id>', 'the approval')
    .requiredOption('--reason <text>', 'why')
    .action(async (approvalId: string, { reason, ...flags }: Caller & { reason: string }) => {
      const client = clientOf(flags, context);
      const { hash } = await show(client, approvalId);
      say(approvalLine(await give(client, 'voteOnApproval', { approvalId, hash, vote: 'VETO', reason })));
    });

  command('cancel', 'call off what is not yet begun')
    .argument('<id>', 'the approval')
    .option('--reason <text>', 'why')
    .action(async (approvalId: string, { reason, ...flags }: Caller & { reason?: string }) => {
      const input = { approvalId, ...(reason === undefined ? {} : { reason }) };
      say(approvalLine(await give(clientOf(flags, context), 'cancelApproval', input)));
    });

  command('show', 'show one, whole')
    .argument('<id>', 'the approval')
    .action(async (id: string, flags: Caller) => say(approvalText(await show(clientOf(flags, context), id))));

  command('list', 'list them, the latest first, one a line')
    .option('--open', 'only those that are not at their end')
    .option('--limit <count>', 'at most so many', wholeBetween(1, 200), 50)
    .action(async ({ open, limit, ...flags }: Caller & { open?: true; limit: number }) => {
      const filter = open === true ? { status: ['REQUESTED', 'APPROVED', 'EXECUTING'] } : {};
      const shape = z.object({ approvals: z.object({ edges: z.array(z.object({ node: approvalShape })) }) });
      const document = `query ($filter: ApprovalFilter, $first: Int) { approvals(filter: $filter, first: $first) { edges { node { ${APPROVAL_FIELDS} } } } }`;
      const { approvals } = await execute(
        clientOf(flags, context),
        document,
        { filter, first: limit },
        shape,
      );
      for (const { node } of approvals.edges) say(approvalLine(node));
    });

  command('actions', 'list what no one person may do alone').action(async (flags: Caller) =>
    say(await printedActions((document, shape) => execute(clientOf(flags, context), document, {}, shape))),
  );
}

type Approval = z.infer<typeof approvalShape>;

const INPUTS = {
  requestApproval: 'RequestApprovalInput',
  breakGlass: 'BreakGlassInput',
  voteOnApproval: 'VoteOnApprovalInput',
  cancelApproval: 'CancelApprovalInput',
} as const;

const resultShape = z.object({
  result: z.object({
    message: z.string().optional(),
    code: z.string().optional(),
    approval: approvalShape.optional(),
  }),
});

/** Gives a command. @throws StartupError with the refusal, where it is refused */
async function give(client: GraphqlClient, mutation: keyof typeof INPUTS, input: object): Promise<Approval> {
  const document = `mutation ($input: ${INPUTS[mutation]}!) { result: ${mutation}(input: $input) {
    ... on Refusal { code message } ... on ApprovalPayload { approval { ${APPROVAL_FIELDS} } } } }`;
  const idempotencyKey = newApiKey();
  const { result } = await execute(client, document, { input: { ...input, idempotencyKey } }, resultShape);
  if (result.approval !== undefined) return result.approval;
  throw new StartupError(`${result.message ?? 'It was refused.'} (${result.code ?? 'no code'})`);
}

async function show(client: GraphqlClient, id: string): Promise<Approval> {
  const document = `query ($id: ID!) { approval(id: $id) { ${APPROVAL_FIELDS} } }`;
  const { approval } = await execute(
    client,
    document,
    { id },
    z.object({ approval: approvalShape.nullable() }),
  );
  if (approval === null) throw new StartupError(`There is no approval ${printable(id)}.`);
  return approval;
}

/** @throws StartupError where the gateway cannot be reached or refuses */
async function execute<T>(
  client: GraphqlClient,
  document: string,
  variables: Record<string, unknown>,
  shape: z.ZodType<T>,
): Promise<T> {
  try {
    return await client.execute(document, variables, shape);
  } catch (error) {
    if (error instanceof RequestError) throw new StartupError(error.message);
    throw error;
  }
}

function clientOf({ url, token: given }: Caller, { variables }: CliContext): GraphqlClient {
  const token = given ?? secretOf('WAYBILL_TOKEN', variables);
  if (token === undefined)
    throw new StartupError(
      'Say who you are: --token, or WAYBILL_TOKEN. Each person has a token of their own.',
    );
  return graphqlClient({ url, token, patienceMs: PATIENCE_MS });
}

function jsonOf(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    throw new StartupError('--arguments must be JSON, such as \'{"required":3}\'.');
  }
}
