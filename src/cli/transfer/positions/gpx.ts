import { StartupError } from '../../../mongo/startup-error.ts';
import type { Field } from './columns.ts';
import { type FileRow, type FixSettings, fixOf } from './fix.ts';

// GPX is read tag by tag as it comes, and not as one document: a point whose tags are broken then costs itself only, and a track
// of any length fits into memory. What is needed of XML for that is little: points have attributes and plain values.

/** A longer tag, or text between two, is none of GPX. */
const MAX_CHARACTERS = 65_536;

/** Values of a point, by the names of GPX 1.0, 1.1 and Garmin's extension of points, without their prefix. */
const VALUES: Readonly<Record<string, Field>> = {
  time: 'time',
  ele: 'altitude',
  speed: 'speed',
  course: 'heading',
};

const BROKEN = 'not a point of GPX';

/**
 * Reads the points of tracks; a vehicle is what the track is named, unless the caller names it. Speeds are metres a second.
 * @throws StartupError where the file is no GPX
 */
export async function* gpxRows(
  chunks: AsyncIterable<Buffer>,
  settings: FixSettings,
): AsyncGenerator<FileRow> {
  const points = openPoints({ ...settings, speedUnit: settings.speedUnit ?? 'mps' });
  const tags = openTags();
  const decoder = new TextDecoder();
  let isGpx = false;
  for await (const chunk of chunks) {
    for (const tag of tags.add(decoder.decode(chunk, { stream: true }))) {
      isGpx ||= /^(?:[\w.-]+:)?(?:gpx|trk)\b/.test(tag.text);
      yield* points.take(tag);
    }
  }
  yield* points.end();
  if (!isGpx) throw new StartupError('The file begins as XML does, but is no GPX.');
}

/** A tag and the text before it. */
interface Tag {
  readonly before: string;
  /** Between its brackets. */
  readonly text: string;
  readonly line: number;
}

function openTags() {
  let held = '';
  let line = 1;
  const newLines = (text: string): number => text.split('\n').length - 1;
  return {
    add(chunk: string): Tag[] {
      const tags: Tag[] = [];
      held += chunk;
      for (;;) {
        const start = held.indexOf('<');
        const [opening, closing] = held.startsWith('<!--', start) ? ['<!--', '-->'] : ['<', '>'];
        const end = start < 0 ? -1 : held.indexOf(closing, start + opening.length);
        if (end < 0) break;
        const before = held.slice(0, start);
        line += newLines(before);
        const text = held.slice(start + opening.length, end);
        if (opening === '<') tags.push({ before, text, line });
        line += newLines(text);
        held = held.slice(end + closing.length);
      }
      if (held.length > MAX_CHARACTERS) {
        line += newLines(held);
        held = '';
      }
      return tags;
    },
  };
}

interface Point {
  readonly line: number;
  readonly values: Map<Field, string>;
}

function openPoints(settings: FixSettings) {
  let point: Point | undefined;
  let [isTrack, isSegment] = [false, false];
  let name = '';
  /** What stands in a section of its own: `<![CDATA[…]]>`. */
  let section = '';

  const rowOf = ({ line, values }: Point): FileRow => {
    if (!values.has('plate')) values.set('plate', name);
    return { line, ...fixOf((field) => values.get(field), settings) };
  };
  const leave = (): FileRow[] => {
    const unfinished = point;
    point = undefined;
    return unfinished === undefined ? [] : [{ line: unfinished.line, fault: BROKEN }];
  };
  const opened = (tag: string, text: string, line: number): FileRow[] => {
    if (tag === 'trk') [isTrack, isSegment, name] = [true, false, ''];
    if (tag === 'trkseg') isSegment = true;
    if (tag !== 'trkpt') return [];
    const before = leave();
    const [latitude, longitude] = [attribute(text, 'lat'), attribute(text, 'lon')];
    if (latitude === undefined || longitude === undefined) return [...before, { line, fault: BROKEN }];
    const values = new Map<Field, string>([
      ['latitude', latitude],
      ['longitude', longitude],
    ]);
    if (!text.endsWith('/')) point = { line, values };
    return text.endsWith('/') ? [...before, rowOf({ line, values })] : before;
  };
  const closed = (tag: string, before: string): FileRow[] => {
    const field = VALUES[tag];
    if (field !== undefined) point?.values.set(field, before.trim());
    if (tag === 'name' && isTrack && !isSegment) name = plainText(before).trim();
    if (tag === 'trkseg' || tag === 'trk') return leave();
    if (tag !== 'trkpt' || point === undefined) return [];
    const row = rowOf(point);
    point = undefined;
    return [row];
  };
  return {
    take({ before, text, line }: Tag): FileRow[] {
      if (text.startsWith('![CDATA[')) {
        section += text.slice('![CDATA['.length).replace(/\]\]$/, '');
        return [];
      }
      const [, isClosing, tag = ''] = /^(\/?)(?:[\w.-]+:)?([\w.-]+)/.exec(text) ?? [];
      const value = section + before;
      section = '';
      return isClosing === '/' ? closed(tag, value) : opened(tag, text, line);
    },
    end: leave,
  };
}

function attribute(text: string, name: string): string | undefined {
  const [, , value] = new RegExp(`\\s${name}\\s*=\\s*(["'])([^"'<]*)\\1`).exec(text) ?? [];
  return value?.trim();
}

const ENTITIES: Readonly<Record<string, string>> = { amp: '&', lt: '<', gt: '>', quot: '"', apos: "'" };

function plainText(text: string): string {
  return text.replace(/&(?:#(\d+)|#x([\da-f]+)|(\w+));/gi, (whole, decimal, hex, name) => {
    if (name !== undefined) return ENTITIES[name] ?? whole;
    const code = decimal === undefined ? Number.parseInt(hex, 16) : Number(decimal);
    return code <= 0x10ffff ? String.fromCodePoint(code) : whole;
  });
}
