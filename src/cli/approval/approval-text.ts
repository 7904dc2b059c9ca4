import { z } from 'zod';
import { printable } from '../printable.ts';

/** What the commands ask of an approval. */
export const APPROVAL_FIELDS = `id status action arguments hash reason required brokeGlass askedAt expiresAt summary
  askedBy { id role } counts { name count } votes { by { id } at }`;

const actor = z.object({ id: z.string() });

/** The same as it is answered. */
export const approvalShape = z.object({
  id: z.string(),
  status: z.string(),
  action: z.string(),
  arguments: z.unknown(),
  hash: z.string(),
  reason: z.string(),
  required: z.number(),
  brokeGlass: z.boolean(),
  askedAt: z.string(),
  expiresAt: z.string(),
  summary: z.string().nullable(),
  askedBy: actor,
  counts: z.array(z.object({ name: z.string(), count: z.number() })),
  votes: z.array(z.object({ by: actor, at: z.string() })),
});

type Approval = z.infer<typeof approvalShape>;

/** One approval a line, its fields between tabs. */
export function approvalLine(approval: Approval): string {
  const { id, status, action, askedBy, askedAt } = approval;
  return [id, status, action, `asked ${askedAt} by ${askedBy.id}`, votesOf(approval)]
    .map((field) => printable(field))
    .join('\t');
}

/** All that who approves has to see. */
export function approvalText(approval: Approval): string {
  const { id, status, action, hash, reason, askedBy, askedAt, expiresAt, summary, counts } = approval;
  const touched = counts.map(({ name, count }) => `${count.toLocaleString('en')} ${name}`).join(', ');
  return [
    `${id}: ${status}`,
    `action     ${action}`,
    `arguments  ${JSON.stringify(approval.arguments)}`,
    `would touch  ${touched === '' ? 'nothing that is counted' : touched}`,
    `reason     ${reason}`,
    `asked      ${askedAt} by ${askedBy.id}`,
    `approved   ${votesOf(approval)}`,
    `expires    ${expiresAt}`,
    ...(summary === null ? [] : [`outcome    ${summary}`]),
    `hash       ${hash}`,
  ]
    .map((line) => printable(line, 10_000))
    .join('\n');
}

function votesOf({ brokeGlass, votes, required }: Approval): string {
  if (brokeGlass) return 'by nobody: the glass was broken';
  const by = votes.length === 0 ? '' : ` (${votes.map((vote) => vote.by.id).join(', ')})`;
  return `by ${votes.length} of ${required}${by}`;
}

const actionsShape = z.object({
  protectedActions: z.array(
    z.object({
      name: z.string(),
      description: z.string(),
      mayAsk: z.array(z.string()),
      mayVote: z.array(z.string()),
    }),
  ),
});

/** What no one person may do alone, for people. */
export async function printedActions(
  execute: (document: string, shape: typeof actionsShape) => Promise<z.infer<typeof actionsShape>>,
): Promise<string> {
  const document = '{ protectedActions { name description mayAsk mayVote } }';
  const { protectedActions } = await execute(document, actionsShape);
  return protectedActions
    .map(({ name, description, mayAsk, mayVote }) =>
      [name, `asked by ${mayAsk.join(', ')}`, `approved by ${mayVote.join(', ')}`, description]
        .map((field) => printable(field, 2_000))
        .join('\t'),
    )
    .join('\n');
}
