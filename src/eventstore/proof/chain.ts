import { type Checkpoint, checkpointIn } from './checkpoint.ts';
import type { ProofFinding, RestoreSeen } from './finding.ts';
import type { Verifier } from './keys.ts';
import { leafHash, rootOf } from './merkle.ts';
import { hashesIn, type Segment } from './segment.ts';

/** Goes along the checkpoints of a tenant, and says of each what is wrong with it. */
export class Chain {
  readonly #tenantId: string;
  readonly #verifiers: readonly Verifier[];
  #last: { readonly checkpoint: Checkpoint | undefined; readonly segment: number; readonly text: string } = {
    checkpoint: undefined,
    segment: 0,
    text: '',
  };
  readonly restores: RestoreSeen[] = [];

  constructor(tenantId: string, verifiers: readonly Verifier[]) {
    this.#tenantId = tenantId;
    this.#verifiers = verifiers;
  }

  /** Takes the next segment. @returns its checkpoint, as far as it can be read, and what is wrong */
  add(segment: Segment): { readonly checkpoint: Checkpoint | undefined; readonly findings: ProofFinding[] } {
    const { segment: number, checkpoint: text } = segment;
    const findings: ProofFinding[] = [];
    const wrong = (why: string, at = number): void =>
      void findings.push({ kind: 'checkpoint', tenantId: this.#tenantId, segment: at, why });
    for (let missing = this.#last.segment + 1; missing < number; missing++) wrong('it is not there', missing);
    const signed = this.#verifiers.map((each) => each.open(text)).find((opened) => opened !== undefined);
    if (signed === undefined) wrong('it is not signed by a key that is known here');
    const checkpoint = checkpointIn(signed ?? text);
    if (checkpoint === undefined) wrong('it cannot be read');
    else for (const why of this.#faultsOf(segment, checkpoint)) wrong(why);
    const earlier = this.#last.checkpoint?.timeline;
    if (checkpoint?.restoredFrom !== undefined && earlier !== undefined)
      this.restores.push({
        tenantId: this.#tenantId,
        segment: number,
        from: checkpoint.restoredFrom,
        to: checkpoint.timeline,
        sealedAt: checkpoint.sealedAt.toISOString(),
      });
    this.#last = { checkpoint, segment: number, text };
    return { checkpoint, findings };
  }

  #faultsOf(segment: Segment, checkpoint: Checkpoint): string[] {
    const { tenantId, segment: number, kind, root, size, previous, timeline, restoredFrom } = checkpoint;
    const last = this.#last;
    const faults: string[] = [];
    if (tenantId !== this.#tenantId || number !== segment.segment || kind !== segment.kind)
      faults.push('it is of another segment');
    if (last.segment === number - 1 && !leafHash(Buffer.from(last.text)).equals(previous))
      faults.push('it does not follow on the one before');
    const hashes = hashesIn(segment);
    if (size !== hashes.length + 1 || Buffer.compare(rootOf([previous, ...hashes]), root) !== 0)
      faults.push('the list of its events was changed');
    if (last.checkpoint !== undefined && timeline !== last.checkpoint.timeline && restoredFrom === undefined)
      faults.push('it is of another course of the database, and does not say so');
    return faults;
  }
}
