/** A checkpoint as it is kept beside the log, where nobody can change or remove it. */
export interface CheckpointName {
  readonly tenantId: string;
  readonly segment: number;
  /** The course of the database: after a restore a number comes again, of another one. */
  readonly timeline: number;
}

/** Where checkpoints are kept beside the log: a folder, or locked object storage. */
export interface CheckpointStore {
  /** Where it is, for people. */
  readonly where: string;
  /** Keeps a checkpoint; does nothing where it is kept already. @throws OtherCopy where another one is kept under its name */
  put(name: CheckpointName, text: string): Promise<void>;
  get(name: CheckpointName): Promise<string>;
  /** All that are kept of a tenant. */
  names(tenantId: string): Promise<CheckpointName[]>;
  tenants(): Promise<string[]>;
}

/** Another checkpoint is kept under the same name. */
export class OtherCopy extends Error {
  override readonly name = 'OtherCopy';
}

/** `acme/00000012-1a2b3c4d.note`: in the order of segments, each course by itself. */
export function pathOfCopy({ tenantId, segment, timeline }: CheckpointName): string {
  return `${tenantId}/${String(segment).padStart(8, '0')}-${timeline.toString(16).padStart(8, '0')}.note`;
}

/** @returns undefined for the path of something else */
export function nameOfCopy(path: string): CheckpointName | undefined {
  const [, tenantId, segment, timeline] = /^([^/]+)\/(\d{8,})-([0-9a-f]{8})\.note$/.exec(path) ?? [];
  if (tenantId === undefined || segment === undefined || timeline === undefined) return undefined;
  return { tenantId, segment: Number(segment), timeline: Number.parseInt(timeline, 16) };
}
