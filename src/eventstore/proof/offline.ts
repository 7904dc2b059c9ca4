import { BSON } from 'mongodb';
import { z } from 'zod';
import { type Checkpoint, checkpointIn } from './checkpoint.ts';
import type { Verifier } from './keys.ts';
import { leafHash, rootByPath } from './merkle.ts';

const base64 = z.base64().transform((text) => Buffer.from(text, 'base64'));

/** A proof as `auditProof` gives it. */
const proofSchema = z.object({
  leaf: base64,
  inclusion: z
    .object({
      index: z.int().nonnegative(),
      size: z.int().positive(),
      path: z.array(base64).max(64),
      checkpoint: z.string(),
    })
    .nullish(),
});

/** The whole answer of a gateway counts, too. */
const fileSchema = z.union([
  proofSchema,
  z.object({ auditProof: proofSchema }).transform(({ auditProof }) => auditProof),
  z.object({ data: z.object({ auditProof: proofSchema }) }).transform(({ data }) => data.auditProof),
]);

/** What a proof says of an event. */
export type Verdict =
  | { readonly ok: true; readonly event: Record<string, unknown>; readonly checkpoint: Checkpoint }
  | { readonly ok: false; readonly why: string };

/** Checks a proof by nothing but public keys. */
export function checkProof(text: string, verifiers: readonly Verifier[]): Verdict {
  const read = fileSchema.safeParse(parsed(text));
  if (!read.success) return no('it is no proof as auditProof gives it');
  const { leaf, inclusion } = read.data;
  if (!inclusion) return no('the event is not sealed yet');
  const signed = verifiers
    .map((each) => each.open(inclusion.checkpoint))
    .find((opened) => opened !== undefined);
  if (signed === undefined) return no('the checkpoint is not signed by a key that was given');
  const checkpoint = checkpointIn(signed);
  if (checkpoint === undefined) return no('the checkpoint cannot be read');
  if (checkpoint.size !== inclusion.size) return no('the proof is of another tree than the checkpoint');
  const root = rootByPath(leafHash(leaf), inclusion.index, inclusion.size, inclusion.path);
  if (root === undefined || Buffer.compare(root, checkpoint.root) !== 0)
    return no('the event is not what was sealed: its hash does not lead to the root of the checkpoint');
  return { ok: true, event: BSON.deserialize(leaf), checkpoint };
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

function no(why: string): Verdict {
  return { ok: false, why };
}
