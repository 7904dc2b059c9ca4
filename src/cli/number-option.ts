import { InvalidArgumentError } from 'commander';

/** Reads a command-line number between two bounds; commander prints the complaint and exits. */
export function numberBetween(least: number, most: number): (text: string) => number {
  return (text) => {
    const value = Number(text);
    if (text.trim() !== '' && value >= least && value <= most) return value;
    throw new InvalidArgumentError(`It must be a number from ${least} to ${most}.`);
  };
}

/** As `numberBetween`, for whole numbers. */
export function wholeBetween(least: number, most: number): (text: string) => number {
  const read = numberBetween(least, most);
  return (text) => {
    const value = read(text);
    if (Number.isInteger(value)) return value;
    throw new InvalidArgumentError('It must be a whole number.');
  };
}
