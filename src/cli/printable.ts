/** Names in files are rarely longer; what is cut off is told by an ellipsis. */
const MAX_LENGTH = 200;

// Control characters of both sets, line separators, marks that turn the direction of writing, and lone surrogates.
const UNPRINTABLE = /[\p{Cc}\p{Cs}\u2028\u2029\u200e\u200f\u061c\u202a-\u202e\u2066-\u2069\ufeff]/gu;

/**
 * Text from a file, a gateway or an argument as it may be shown on a terminal: what a terminal would obey instead of showing
 * it is spelled out, `\x1b` for escape, and what is very long is cut.
 */
export function printable(text: string, maxLength = MAX_LENGTH): string {
  const shown = text.length > maxLength ? `${text.slice(0, maxLength)}…` : text;
  return shown.replaceAll(UNPRINTABLE, spelledOut);
}

/** The same for a text of several lines, none of which is cut. */
export function printableLines(text: string): string {
  return text
    .split('\n')
    .map((line) => printable(line, Number.POSITIVE_INFINITY))
    .join('\n');
}

function spelledOut(character: string): string {
  const code = character.codePointAt(0) ?? 0;
  return code < 0x100
    ? `\\x${code.toString(16).padStart(2, '0')}`
    : `\\u${code.toString(16).padStart(4, '0')}`;
}
