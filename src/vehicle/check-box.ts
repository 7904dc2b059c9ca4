import { invalidInput } from '../graphql/errors.ts';
import { type BoundingBox, faultOf } from './position.ts';

/** @throws INVALID_INPUT for a box that is none */
export function checkBox(box: BoundingBox | null | undefined): void {
  const fault = box ? faultOf(box) : null;
  if (fault !== null) throw invalidInput(fault.message, `filter.within.${fault.field}`);
}
