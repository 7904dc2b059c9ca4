import type { Collection, Document } from 'mongodb';
import type { SeededRandom } from '../../client/seeded-random.ts';
import type { Store } from '../../eventstore/command/store.ts';
import { newId } from '../../eventstore/ids.ts';
import { readStream } from '../../eventstore/log/read.ts';
import { fold, type Row, rowId } from '../../eventstore/projection.ts';
import type { FindingKind } from '../../eventstore/verify/finding.ts';
import { DRILL_TENANT, type StreamKind } from './stream-kinds.ts';

/** A row that was damaged, and what must be found of it. */
export interface Damage {
  /** The read model's name. */
  readonly of: string;
  /** The row's `_id`. */
  readonly row: string;
  readonly kind: FindingKind;
  /** The field, where one was changed. */
  readonly field?: string;
}

/** Where damage is done. */
interface Site {
  readonly store: Store;
  readonly kind: StreamKind;
  readonly rows: Collection<Row>;
  /** Of the stream, a UUID in text form. */
  readonly id: string;
  readonly random: SeededRandom;
}

/** A tenant that the log knows nothing of. */
const STRANGER = 'stranger';
/** What a row is found by and placed by is another kind of damage. */
const KEPT = ['_id', 'lastSequence'];

const DAMAGES = [changeField, removeRow, addRow, setBack, addField, removeRow, addRow, tellSequence] as const;

/** Damages the row of a stream; `turn` chooses how: a wrong field, missing, extra, stale, and again. */
export function damage(
  store: Store,
  kind: StreamKind,
  id: string,
  turn: number,
  random: SeededRandom,
): Promise<Damage> {
  const rows = store.db.collection<Row>(store.live.of(kind.projection));
  const way = DAMAGES[turn % DAMAGES.length] ?? changeField;
  return way({ store, kind, rows, id, random });
}

/** One value, somewhere, is another one. */
async function changeField(site: Site): Promise<Damage> {
  const row = await rowOf(site);
  const { path, value } = site.random.pick(leavesOf(row));
  await site.rows.updateOne({ _id: row._id }, { $set: { [path]: otherThan(value) } });
  return { ...told(site, 'wrong'), field: path };
}

/** There is a field that no fold makes. */
async function addField(site: Site): Promise<Damage> {
  const { _id } = await rowOf(site);
  const unexpected: Document = { unexpected: true };
  await site.rows.updateOne({ _id }, { $set: unexpected });
  return { ...told(site, 'wrong'), field: 'unexpected' };
}

async function removeRow(site: Site): Promise<Damage> {
  await site.rows.deleteOne({ _id: rowId(DRILL_TENANT, site.id) });
  return told(site, 'missing');
}

/** A copy of the row, of a stream that there is not; now and then of a tenant that there is not. */
async function addRow(site: Site): Promise<Damage> {
  const row = await rowOf(site);
  const id = newId();
  const tenantId = site.random.chance(0.2) ? STRANGER : DRILL_TENANT;
  const _id = rowId(tenantId, id);
  await site.rows.insertOne({ ...row, _id, tenantId, id });
  return { ...told(site, 'extra'), row: _id };
}

/** The row as it was before the last event, as if its write had been lost. */
async function setBack(site: Site): Promise<Damage> {
  const { store, kind, id } = site;
  const { projection } = kind;
  const { lastSequence } = await rowOf(site);
  let row: Row | null = null;
  const stream = { tenantId: DRILL_TENANT, aggregateType: projection.aggregateType, aggregateId: id };
  for await (const event of readStream(store, stream))
    if (event.sequence < lastSequence) row = fold(projection, row, event);
  if (row === null) throw new Error(`The stream ${id} is too short to be set back.`);
  const { _id, ...replacement } = row as Row;
  await site.rows.replaceOne({ _id }, replacement);
  return told(site, 'stale');
}

/** The row says that it is older than it is. */
async function tellSequence(site: Site): Promise<Damage> {
  const { _id } = await rowOf(site);
  await site.rows.updateOne({ _id }, { $inc: { lastSequence: -1 } });
  return told(site, 'stale');
}

function told({ kind, id }: Site, finding: FindingKind): Damage {
  return { of: kind.projection.name, row: rowId(DRILL_TENANT, id), kind: finding };
}

async function rowOf({ rows, id }: Site): Promise<Row> {
  const row = await rows.findOne({ _id: rowId(DRILL_TENANT, id) });
  if (row === null) throw new Error(`There is no row of ${id} to damage.`);
  return row;
}

interface Leaf {
  readonly path: string;
  readonly value: unknown;
}

/** Every single value of a document, with its place: `stops.0.name`. */
function leavesOf(document: object, prefix = ''): Leaf[] {
  return Object.entries(document).flatMap(([name, value]: [string, unknown]): Leaf[] => {
    const path = `${prefix}${name}`;
    if (KEPT.includes(path)) return [];
    if (isNested(value)) return leavesOf(value, `${path}.`);
    return [{ path, value }];
  });
}

function isNested(value: unknown): value is object {
  return (
    Array.isArray(value) || (Object.prototype.toString.call(value) === '[object Object]' && !isBson(value))
  );
}

function isBson(value: unknown): boolean {
  return typeof value === 'object' && value !== null && '_bsontype' in value;
}

function otherThan(value: unknown): unknown {
  if (typeof value === 'number') return value + 1;
  if (typeof value === 'boolean') return !value;
  if (value instanceof Date) return new Date(value.getTime() + 1);
  return typeof value === 'string' ? `${value}~` : 'something';
}
