import { isUtf8 } from 'node:buffer';
import { StartupError } from '../../../mongo/startup-error.ts';
import { linesOf } from '../file-lines.ts';
import { type ChosenColumns, type Field, fieldNamed, unitInName } from './columns.ts';
import { type FileRow, type FixSettings, fixOf, type ReadFix } from './fix.ts';
import { openElements } from './json-elements.ts';
import type { Value } from './values.ts';

export interface JsonOptions extends FixSettings {
  /** Names of fields that the caller gave. */
  readonly columns: ChosenColumns;
  /** Called with the name of a field that is not read, each time it is met. */
  onUnread?(names: readonly string[]): void;
}

/** Reads positions from lines that are JSON each; a line that is none costs itself only. */
export async function* jsonLineRows(
  chunks: AsyncIterable<Buffer>,
  options: JsonOptions,
): AsyncGenerator<FileRow> {
  for await (const lines of linesOf(chunks)) {
    for (const { number, bytes } of lines) {
      if (bytes === undefined || !isUtf8(bytes)) {
        yield { line: number, fault: bytes === undefined ? 'longer than any row' : 'not UTF-8' };
        continue;
      }
      const text = bytes.toString().trim();
      if (text === '') continue;
      for (const read of readingsIn(text, options)) yield { line: number, ...read };
    }
  }
}

/**
 * Reads positions from the lists of one JSON document: a GTFS-realtime feed, GeoJSON, or plain objects.
 * @throws StartupError where there is no list
 */
export async function* jsonRows(
  chunks: AsyncIterable<Buffer>,
  options: JsonOptions,
): AsyncGenerator<FileRow> {
  const elements = openElements();
  const decoder = new TextDecoder();
  const rowsOf = function* (found: ReturnType<typeof elements.add>): Generator<FileRow> {
    for (const element of found) {
      if ('fault' in element) yield element;
      else for (const read of fixesIn(element.value, options)) yield { line: element.line, ...read };
    }
  };
  for await (const chunk of chunks) yield* rowsOf(elements.add(decoder.decode(chunk, { stream: true })));
  yield* rowsOf(elements.end());
  if (!elements.hasList())
    throw new StartupError('The file begins as JSON does, but has no list of positions.');
}

function* readingsIn(text: string, options: JsonOptions): Generator<ReadFix> {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    yield { fault: 'not JSON' };
    return;
  }
  yield* fixesIn(value, options);
}

/** The positions of a value: one, or those of a list, of a whole feed or of a collection of features. */
function* fixesIn(value: unknown, options: JsonOptions): Generator<ReadFix> {
  const object = objectOf(value);
  const list = [value, object?.entity, object?.features].find((each) => Array.isArray(each));
  if (Array.isArray(list)) for (const each of list) yield* fixesIn(each, options);
  else if (object === undefined) yield { fault: 'not an object' };
  else if (object.type === 'Feature') yield featureFix(object, options);
  // An entity of a feed is a vehicle, or something else, which is no position at all.
  else if ('id' in object && ('tripUpdate' in object || 'trip_update' in object || 'alert' in object)) return;
  else if (objectOf(objectOf(object.vehicle)?.position) !== undefined)
    yield entityFix(objectOf(object.vehicle) ?? {}, options);
  else yield plainFix(object, options);
}

/** A vehicle of a GTFS-realtime feed, whose units are metres a second and metres. */
function entityFix(entity: Fields, options: JsonOptions): ReadFix {
  const position = objectOf(entity.position) ?? {};
  const vehicle = objectOf(entity.vehicle) ?? {};
  const plates = [vehicle.licensePlate, vehicle.license_plate, vehicle.id, vehicle.label];
  const fields: { readonly [F in Field]?: unknown } = {
    plate: plates.find((plate) => plate !== undefined && plate !== null && plate !== ''),
    time: entity.timestamp,
    latitude: position.latitude,
    longitude: position.longitude,
    speed: position.speed,
    heading: position.bearing,
    odometer: position.odometer,
  };
  return fixOf((field) => plainValue(fields[field]), { ...options, speedUnit: 'mps' });
}

/** A feature of GeoJSON (RFC 7946): a point, longitude first, with the other fields as its properties. */
function featureFix(feature: Fields, options: JsonOptions): ReadFix {
  const geometry = objectOf(feature.geometry);
  if (geometry?.type !== 'Point' || !Array.isArray(geometry.coordinates)) return { fault: 'not a point' };
  const [longitude, latitude, altitude] = geometry.coordinates;
  const properties = objectOf(feature.properties) ?? {};
  const { ofField, speedUnit } = namesIn(properties, options);
  const place: { readonly [F in Field]?: unknown } = { longitude, latitude, altitude };
  const read = (field: Field): unknown => place[field] ?? properties[ofField.get(field) ?? ''];
  return fixOf((field) => plainValue(read(field)), { ...options, speedUnit });
}

/** An object whose fields are named as columns are. */
function plainFix(object: Fields, options: JsonOptions): ReadFix {
  const { ofField, speedUnit } = namesIn(object, options);
  return fixOf((field) => plainValue(object[ofField.get(field) ?? '']), { ...options, speedUnit });
}

/** Which of an object's fields holds what. */
function namesIn(object: Fields, { columns, speedUnit, plate, onUnread }: JsonOptions) {
  const ofField = new Map<Field, string>();
  for (const [field, name] of Object.entries(columns) as [Field, string | undefined][])
    if (name !== undefined) ofField.set(field, name);
  const chosen = new Set(ofField.values());
  const unread: string[] = [];
  for (const name of Object.keys(object)) {
    if (chosen.has(name)) continue;
    const field = fieldNamed(name);
    if (field === undefined || ofField.has(field) || (field === 'plate' && plate !== undefined))
      unread.push(name);
    else ofField.set(field, name);
  }
  const unit = speedUnit ?? unitInName(ofField.get('speed') ?? '');
  const speed = ofField.get('speed');
  if (unit === undefined && speed !== undefined && speed in object) unread.push(speed);
  onUnread?.(unread);
  return { ofField, speedUnit: unit };
}

type Fields = Readonly<Record<string, unknown>>;

function objectOf(value: unknown): Fields | undefined {
  return typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as Fields) : undefined;
}

function plainValue(value: unknown): Value {
  if (typeof value === 'string') return value.trim();
  return typeof value === 'number' ? value : undefined;
}
