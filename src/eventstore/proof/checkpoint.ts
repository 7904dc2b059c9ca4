import { HASH_BYTES } from './merkle.ts';

/** What is signed of a segment, as lines of text (c2sp.org/tlog-checkpoint: origin, size, root, and lines of our own). */
export interface Checkpoint {
  readonly tenantId: string;
  /** Leaves of the tree: the events, and before them the checkpoint before this one. */
  readonly size: number;
  readonly root: Uint8Array;
  /** 1, 2, 3 … per tenant. */
  readonly segment: number;
  /** `log`: what was recorded, in its order. `import`: what an import added to what was sealed already. */
  readonly kind: SegmentKind;
  /** The hash of the checkpoint before this one, signatures included, as a leaf; of nothing for the first. It is leaf 0. */
  readonly previous: Uint8Array;
  /** Which course of the database this is (`timeline.ts`). */
  readonly timeline: number;
  /** The course that the checkpoint before is of, where that is another one: the log was restored between the two. */
  readonly restoredFrom?: number;
  /** When it was sealed, by the database's clock. */
  readonly sealedAt: Date;
}

export type SegmentKind = 'log' | 'import';

const ORIGIN = 'waybill/';

export function checkpointText(checkpoint: Checkpoint): string {
  const { tenantId, size, root, segment, kind, previous, timeline, restoredFrom, sealedAt } = checkpoint;
  const lines = [
    `${ORIGIN}${tenantId}`,
    String(size),
    base64(root),
    `segment ${segment}`,
    `kind ${kind}`,
    `previous ${base64(previous)}`,
    `timeline ${timeline}`,
    ...(restoredFrom === undefined ? [] : [`restored-from ${restoredFrom}`]),
    `sealed ${sealedAt.toISOString()}`,
  ];
  return `${lines.join('\n')}\n`;
}

/** @returns undefined for a text that is no checkpoint */
export function checkpointIn(text: string): Checkpoint | undefined {
  const [origin = '', size = '', root = '', ...lines] = text.split('\n');
  const fields = new Map(lines.map((line) => [line.split(' ', 1)[0], line.slice(line.indexOf(' ') + 1)]));
  const numberOf = (name: string): number => Number(fields.get(name) ?? Number.NaN);
  const kind = fields.get('kind');
  const restoredFrom = fields.has('restored-from') ? { restoredFrom: numberOf('restored-from') } : {};
  const checkpoint = {
    tenantId: origin.slice(ORIGIN.length),
    size: Number(size),
    root: Buffer.from(root, 'base64'),
    segment: numberOf('segment'),
    previous: Buffer.from(fields.get('previous') ?? '', 'base64'),
    timeline: numberOf('timeline'),
    ...restoredFrom,
    sealedAt: new Date(fields.get('sealed') ?? ''),
  };
  const { root: found, previous, sealedAt } = checkpoint;
  const isWhole =
    origin.startsWith(ORIGIN) &&
    [checkpoint.size, checkpoint.segment, checkpoint.timeline].every(Number.isSafeInteger) &&
    found.length === HASH_BYTES &&
    previous.length === HASH_BYTES &&
    !Number.isNaN(sealedAt.getTime());
  return isWhole && (kind === 'log' || kind === 'import') ? { ...checkpoint, kind } : undefined;
}

function base64(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString('base64');
}
