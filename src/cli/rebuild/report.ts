import type { StreamFault } from '../../eventstore/log/stream-fold.ts';
import type { FaultyStream } from '../../eventstore/rebuild/load.ts';

/** Damaged streams, one a line; none where all are sound. */
export function printedFaults(report: {
  readonly faulty: number;
  readonly faults: readonly FaultyStream[];
}): string[] {
  const { faulty, faults } = report;
  if (faulty === 0) return [];
  const unnamed = faulty - faults.length;
  return [
    `${faulty} damaged ${faulty === 1 ? 'stream' : 'streams'}:`,
    ...faults.map(({ row, fault }) => `  ${row}: ${printedFault(fault)}`),
    ...(unnamed > 0 ? [`  and ${unnamed} more`] : []),
  ];
}

/** What is wrong with a stream, in words. */
export function printedFault(fault: StreamFault): string {
  switch (fault.kind) {
    case 'hole':
      return fault.from === fault.to
        ? `event ${fault.from} is missing`
        : `events ${fault.from} to ${fault.to} are missing`;
    case 'double':
      return `there are two events ${fault.sequence}`;
    case 'newer':
      return `event ${fault.sequence} (${fault.eventId}) is ${fault.what}, which only a newer Waybill can fold`;
    case 'poison':
      return `event ${fault.sequence} (${fault.eventId}) cannot be folded: ${fault.error}`;
  }
}
