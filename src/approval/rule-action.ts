import { z } from 'zod';
import { defineProtectedAction } from '../protected/action.ts';
import { RULE_ACTION } from './rule.ts';

/** More than this many people are never at hand. */
const MOST = 10;

/** Changes how many people have to approve. That it was approved and done is the change itself: nothing else holds the rule. */
export const approvalRule = defineProtectedAction({
  name: RULE_ACTION,
  doc: 'Changes how many people have to approve, beside who asks: { "required": 1 to 10 }.',
  mayAsk: ['admin'],
  mayVote: ['admin'],
  // One person who could do this alone could do everything alone afterwards.
  breakGlass: false,
  arguments: z.strictObject({ required: z.int().min(1).max(MOST) }),
  dryRun: async () => [],
  execute: async (_execution, { required }) => ({
    kind: 'done',
    summary: `From now on, ${required} have to approve.`,
  }),
});
