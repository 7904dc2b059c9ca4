import type { Access } from '../access/access.ts';
import { type CommandPayload, give, recordedFields } from '../audit/command-payload.ts';
import { present } from '../eventstore/payload.ts';
import { builder } from '../graphql/builder.ts';
import { type Context, requireAccess, stamp } from '../graphql/context.ts';
import { idOf } from '../graphql/global-id.ts';
import { isRefusal, resultUnion } from '../graphql/refusal.ts';
import type { ProtectedAction } from '../protected/action.ts';
import { type Refusal, refusal } from '../refusal.ts';
import { approval } from './approval.ts';
import { canonicalJson, hashSeen } from './canonical.ts';
import type { ApprovalCommand } from './commands.ts';
import { MAX_ARGUMENTS } from './events.ts';
import { BreakGlassInput, CancelApprovalInput, RequestApprovalInput, VoteOnApprovalInput } from './inputs.ts';
import { ApprovalRef } from './objects.ts';
import { type ApprovalRow, approvalsRead } from './projection.ts';
import { requiredNow } from './rule.ts';

type Given = CommandPayload<ApprovalRow> | Refusal;

const ApprovalPayload = builder.objectRef<CommandPayload<ApprovalRow>>('ApprovalPayload').implement({
  description: 'The command is recorded.',
  fields: (t) => ({
    approval: t.expose('row', { type: ApprovalRef, description: 'As the command left it.' }),
    ...recordedFields(t),
  }),
});

const ApprovalResult = resultUnion('ApprovalResult', ApprovalPayload);

/** True for people: no key, no service account, and nobody in the role of machines. */
function isPerson({ service, role }: Access): boolean {
  return service !== true && role !== 'system';
}

async function ask(
  context: Context,
  input: typeof RequestApprovalInput.$inferInput,
  alone: boolean,
): Promise<Given> {
  const access = requireAccess(context);
  // Before the dry run, which only those may have made who may ask.
  if (!isPerson(access)) return refusal('APPROVAL_PEOPLE_ONLY');
  if (!context.admin.actions.some(({ mayAsk }) => mayAsk.includes(access.role))) return refusal('FORBIDDEN');
  const action = context.admin.actions.find(({ name }) => name === input.action);
  if (action === undefined)
    return refusal('INVALID_INPUT', 'There is no protected action of this name.', 'action');
  if (!action.mayAsk.includes(access.role)) return refusal('FORBIDDEN');
  const read = action.read(input.arguments);
  if ('refusal' in read) return read.refusal;
  const args = canonicalJson(read.arguments);
  if (args.length > MAX_ARGUMENTS)
    return refusal('INVALID_INPUT', `arguments must have at most ${MAX_ARGUMENTS} characters.`, 'arguments');
  const { idempotencyKey: key, reason } = input;
  const id = context.store.newId('Approval', key);
  const rows = context.store.rows(approvalsRead);
  // Of a repeat it is known what was seen; what it asked for may be done by now.
  const before = key ? await rows.byId(id) : null;
  const counts = before?.counts ?? (await context.admin.dryRun(action, read.arguments));
  if (isRefusal(counts)) return counts;
  return told(context, action, id, null, {
    command: {
      type: 'RequestApproval',
      person: true,
      roles: action.mayAsk,
      action: action.name,
      arguments: args,
      hash: hashSeen(action.name, args, counts),
      counts,
      reason,
      required: await requiredNow(rows),
      ...(alone ? { breakGlass: { allowed: action.breakGlass } } : {}),
      ...stamp(context, input),
    },
    input,
    creates: true,
    ...present({ key }),
  });
}

async function vote(context: Context, input: typeof VoteOnApprovalInput.$inferInput): Promise<Given> {
  const found = await find(context, input.approvalId);
  if (isRefusal(found)) return found;
  const { row, action, id } = found;
  const { idempotencyKey: key, hash, reason } = input;
  const common = {
    person: isPerson(requireAccess(context)),
    roles: action.mayVote,
    ...stamp(context, input),
  };
  if (input.vote === 'VETO') {
    if (!reason) return refusal('INVALID_INPUT', 'A veto says why.', 'reason');
    const command = { type: 'VetoApproval', reason, ...common } as const;
    return told(context, action, id, row, { command, input, ...present({ key }) });
  }
  // Nobody who may not vote has a dry run made.
  const counts = mayVote(common, row)
    ? await context.admin.dryRun(action, JSON.parse(row.arguments))
    : row.counts;
  if (isRefusal(counts)) return counts;
  const freshHash = hashSeen(row.action, row.arguments, counts);
  const command = {
    type: 'VoteForApproval',
    hash,
    counts,
    freshHash,
    ...present({ comment: reason }),
    ...common,
  } as const;
  return told(context, action, id, row, { command, input, ...present({ key }) });
}

function mayVote(
  { person, roles, by }: Pick<Extract<ApprovalCommand, { type: 'VetoApproval' }>, 'person' | 'roles' | 'by'>,
  { status, askedBy }: ApprovalRow,
): boolean {
  return person && roles.includes(by.role) && by.id !== askedBy.id && status === 'REQUESTED';
}

async function cancel(context: Context, input: typeof CancelApprovalInput.$inferInput): Promise<Given> {
  const found = await find(context, input.approvalId);
  if (isRefusal(found)) return found;
  const { row, action, id } = found;
  const { idempotencyKey: key, reason } = input;
  const command = {
    type: 'CancelApproval',
    person: isPerson(requireAccess(context)),
    roles: action.mayVote,
    ...present({ reason }),
    ...stamp(context, input),
  } as const;
  return told(context, action, id, row, { command, input, ...present({ key }) });
}

interface Found {
  readonly id: string;
  readonly row: ApprovalRow;
  readonly action: Pick<ProtectedAction, 'name' | 'mayVote' | 'dryRun'> & ProtectedAction;
}

async function find(context: Context, named: string): Promise<Found | Refusal> {
  const id = idOf('Approval', named, 'approvalId');
  if (isRefusal(id)) return id;
  const row = await context.store.rows(approvalsRead).byId(id);
  const action = context.admin.actions.find(({ name }) => name === row?.action);
  if (row === null || action === undefined)
    return refusal('NOT_FOUND', 'There is no approval with this id.', 'approvalId');
  return { id, row, action };
}

/** Gives the command, and notes in the admin log what came of it: also that somebody tried what was refused. */
async function told(
  context: Context,
  { name }: Pick<ProtectedAction, 'name'>,
  id: string,
  before: ApprovalRow | null,
  intent: { command: ApprovalCommand; input: unknown; key?: string; creates?: boolean },
): Promise<Given> {
  const given = await give(context, approvalsRead, { aggregate: approval, id, ...intent });
  if (!isRefusal(given) && given.repeated) return given;
  const refused = isRefusal(given) ? { refused: given.code } : {};
  await context.admin.note({
    what: `approval: ${intent.command.type}`,
    ...(before === null ? {} : { before: { status: before.status } }),
    ...(isRefusal(given) ? {} : { after: { status: given.row.status } }),
    details: { approvalId: id, action: name, ...refused },
  });
  return given;
}

builder.mutationFields((t) => ({
  requestApproval: t.field({
    type: ApprovalResult,
    description:
      'Asks for something that no one person may do alone. Its dry run is made at once; nothing is changed.',
    args: { input: t.arg({ type: RequestApprovalInput, required: true }) },
    resolve: (_root, { input }, context) => ask(context, input, false),
  }),
  voteOnApproval: t.field({
    type: ApprovalResult,
    description:
      'Approves or vetoes what somebody else asked for. With the last vote that is required it is done, within seconds.',
    args: { input: t.arg({ type: VoteOnApprovalInput, required: true }) },
    resolve: (_root, { input }, context) => vote(context, input),
  }),
  cancelApproval: t.field({
    type: ApprovalResult,
    description: 'Calls off what is asked for or approved and not yet begun: by who asked, or who may vote.',
    args: { input: t.arg({ type: CancelApprovalInput, required: true }) },
    resolve: (_root, { input }, context) => cancel(context, input),
  }),
  breakGlass: t.field({
    type: ApprovalResult,
    description:
      'In an emergency: does something protected alone, at once, within one hour. It is recorded as an event of its own, ' +
      'counted, and logged as an error, so that others are told.',
    args: { input: t.arg({ type: BreakGlassInput, required: true }) },
    resolve: (_root, { input }, context) => ask(context, input, true),
  }),
}));
