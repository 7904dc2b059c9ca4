/** Which stream. */
export interface StreamRef {
  readonly tenantId: string;
  readonly aggregateType: string;
  /** A UUID in text form. */
  readonly aggregateId: string;
}

/** A stream's name within one process: for caches, queues and ids. */
export function streamKey(stream: StreamRef): string {
  return `${stream.tenantId}/${stream.aggregateType}/${stream.aggregateId}`;
}

/** The order of the log: a stream's events stand together in it. Unique, and the hint of whoever reads streams. */
export const STREAM_INDEX = { tenantId: 1, aggregateType: 1, aggregateId: 1, sequence: 1 } as const;

/** The stream that a row is folded from, where the read model tells its aggregate type. */
export interface StreamOfRow {
  readonly tenantId: string;
  readonly aggregateId: string;
  /** How far it is known to reach; absent: the log tells. */
  readonly sequence?: number;
}
