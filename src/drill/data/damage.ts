import type { Collection, Document } from 'mongodb';
import type { SeededRandom } from '../../client/seeded-random.ts';
import type { Store } from '../../eventstore/command/store.ts';
import { newId } from '../../eventstore/ids.ts';
import { readStream } from '../../eventstore/log/read.ts';
import { fold, type Row, rowId } from '../../eventstore/projection.ts';
import type { FindingKind } from '../../eventstore/verify/finding.ts';
import { DRILL_TENANT } from './commands.ts';
import type { StreamKind } from './stream-kinds.ts';

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

/** The row to be damaged. */
interface Target {
  readonly store: Store;
  readonly kind: StreamKind;
  readonly rows: Collection<Row>;
  /** Of the stream, a UUID in text form. */
  readonly id: string;
  readonly random: SeededRandom;
}

/** A tenant that the log does not know. */
const STRANGER = 'stranger';
/** Fields by which a row is found and compared: changing those is another kind of damage. */
const KEPT = ['_id', 'lastSequence'];

const DAMAGES = [
  changeField,
  removeRow,
  addRow,
  setBack,
  addField,
  removeRow,
  addRow,
  lowerSequence,
] as const;

/** Damages the row of a stream; `turn` chooses how: a wrong field, missing, extra, stale, and again. */
export function damage(
  store: Store,
  kind: StreamKind,
  id: string,
  turn: number,
  random: SeededRandom,
): Promise<Damage> {
  const rows = store.db.collection<Row>(store.live.collectionOf(kind.projection));
  const damageRow = DAMAGES[turn % DAMAGES.length] ?? changeField;
  return damageRow({ store, kind, rows, id, random });
}

/** One value, somewhere, is another one. */
async function changeField(target: Target): Promise<Damage> {
  const row = await rowOf(target);
  const { path, value } = target.random.pick(leavesOf(row));
  await target.rows.updateOne({ _id: row._id }, { $set: { [path]: otherThan(value) } });
  return { ...damaged(target, 'wrong'), field: path };
}

/** There is a field that no fold makes. */
async function addField(target: Target): Promise<Damage> {
  const { _id } = await rowOf(target);
  const unexpected: Document = { unexpected: true };
  await target.rows.updateOne({ _id }, { $set: unexpected });
  return { ...damaged(target, 'wrong'), field: 'unexpected' };
}

async function removeRow(target: Target): Promise<Damage> {
  await target.rows.deleteOne({ _id: rowId(DRILL_TENANT, target.id) });
  return damaged(target, 'missing');
}

/** A copy of the row for a stream that does not exist; now and then for a tenant that does not exist. */
async function addRow(target: Target): Promise<Damage> {
  const row = await rowOf(target);
  const id = newId();
  const tenantId = target.random.chance(0.2) ? STRANGER : DRILL_TENANT;
  const _id = rowId(tenantId, id);
  await target.rows.insertOne({ ...row, _id, tenantId, id });
  return { ...damaged(target, 'extra'), row: _id };
}

/** The row as it was before the last event, as if its write had been lost. */
async function setBack(target: Target): Promise<Damage> {
  const { store, kind, id } = target;
  const { projection } = kind;
  const { lastSequence } = await rowOf(target);
  let row: Row | null = null;
  const stream = { tenantId: DRILL_TENANT, aggregateType: projection.aggregateType, aggregateId: id };
  for await (const event of readStream(store, stream))
    if (event.sequence < lastSequence) row = fold(projection, row, event);
  if (row === null) throw new Error(`The stream ${id} is too short to be set back.`);
  const { _id, ...replacement } = row as Row;
  await target.rows.replaceOne({ _id }, replacement);
  return damaged(target, 'stale');
}

/** The row says that it is older than it is. */
async function lowerSequence(target: Target): Promise<Damage> {
  const { _id } = await rowOf(target);
  await target.rows.updateOne({ _id }, { $inc: { lastSequence: -1 } });
  return damaged(target, 'stale');
}

function damaged({ kind, id }: Target, finding: FindingKind): Damage {
  return { of: kind.projection.name, row: rowId(DRILL_TENANT, id), kind: finding };
}

async function rowOf({ rows, id }: Target): Promise<Row> {
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
