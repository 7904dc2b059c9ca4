import type { Db } from 'mongodb';
import { checkpointIn } from './checkpoint.ts';
import type { CheckpointStore } from './copies.ts';
import type { ProofFinding } from './finding.ts';
import type { Verifier } from './keys.ts';
import { segmentId, segmentsOf } from './segment.ts';

/**
 * Holds the checkpoints of a tenant against those that are kept beside the log. One that is kept there, is signed, and is not in the
 * database was removed, unless the log says that it was restored to before it.
 */
export async function faultsOfCopies(
  db: Db,
  tenantId: string,
  { copies, verifiers }: { readonly copies?: CheckpointStore; readonly verifiers: readonly Verifier[] },
): Promise<ProofFinding[]> {
  if (copies === undefined) return [];
  const segments = segmentsOf(db);
  const findings: ProofFinding[] = [];
  const restored = await restoredTo(db, tenantId);
  for (const name of await copies.names(tenantId)) {
    const { segment, timeline } = name;
    const [copy, stored] = [
      await copies.get(name),
      await segments.findOne({ _id: segmentId(tenantId, segment) }),
    ];
    if (copy === stored?.checkpoint || !verifiers.some((verifier) => verifier.open(copy) !== undefined))
      continue;
    // What was sealed on a course that ended before this segment went with the restore.
    if (segment >= (restored.get(timeline) ?? Number.POSITIVE_INFINITY)) continue;
    const why =
      stored === null ? `it is not there, and ${copies.where} has it` : `${copies.where} has another one`;
    findings.push({ kind: 'checkpoint', tenantId, segment, why });
  }
  return findings;
}

/** The segment with which each earlier course ended, as the checkpoints of the log say. */
async function restoredTo(db: Db, tenantId: string): Promise<Map<number, number>> {
  const ends = new Map<number, number>();
  const notes = segmentsOf(db)
    .find({ tenantId, checkpoint: /^restored-from /m })
    .project<{ checkpoint: string }>({ checkpoint: 1 });
  for await (const { checkpoint } of notes) {
    const read = checkpointIn(checkpoint);
    if (read?.restoredFrom !== undefined) ends.set(read.restoredFrom, read.segment);
  }
  return ends;
}
