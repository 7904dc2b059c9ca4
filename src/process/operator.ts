import { userInfo } from 'node:os';
import type { Actor } from '../eventstore/event.ts';

/** Who works at this terminal, as far as the system knows. */
export function operator(): Actor {
  return { id: `cli:${userInfo().username}`, role: 'admin' };
}
