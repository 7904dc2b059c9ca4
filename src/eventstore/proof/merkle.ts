import { hash } from 'node:crypto';

// Merkle trees as RFC 6962 (section 2.1) makes them, over SHA-256. A leaf's hash begins with 0x00 and a node's with 0x01, so that
// neither can be passed off as the other.

export const HASH_BYTES = 32;

const LEAF = 0x00;
const NODE = 0x01;

function sha256(bytes: Uint8Array): Buffer {
  return hash('sha256', bytes, 'buffer');
}

/** The hash of nothing: the root of a tree without leaves. */
export const EMPTY_ROOT: Buffer = sha256(new Uint8Array(0));

/** The hash of a leaf. */
export function leafHash(leaf: Uint8Array): Buffer {
  const prefixed = Buffer.allocUnsafe(leaf.length + 1);
  prefixed[0] = LEAF;
  prefixed.set(leaf, 1);
  return sha256(prefixed);
}

function nodeHash(left: Uint8Array, right: Uint8Array): Buffer {
  const prefixed = Buffer.allocUnsafe(1 + 2 * HASH_BYTES);
  prefixed[0] = NODE;
  prefixed.set(left, 1);
  prefixed.set(right, 1 + HASH_BYTES);
  return sha256(prefixed);
}

/** The level above: pairs, and the last one alone where it has no partner. That is the split at a power of two of the RFC. */
function levelAbove(level: readonly Uint8Array[]): Uint8Array[] {
  const above: Uint8Array[] = [];
  for (let at = 0; at < level.length; at += 2) {
    const [left, right] = [level[at], level[at + 1]];
    if (left !== undefined) above.push(right === undefined ? left : nodeHash(left, right));
  }
  return above;
}

/** The root of the tree over these leaves, given by their hashes. */
export function rootOf(leaves: readonly Uint8Array[]): Uint8Array {
  let level = leaves;
  while (level.length > 1) level = levelAbove(level);
  return level[0] ?? EMPTY_ROOT;
}

/** What a leaf needs to get to the root: the hashes beside its way, from the bottom up. */
export function pathOf(leaves: readonly Uint8Array[], index: number): Uint8Array[] {
  const path: Uint8Array[] = [];
  let [level, at]: [readonly Uint8Array[], number] = [leaves, index];
  while (level.length > 1) {
    const beside = level[at ^ 1];
    if (beside !== undefined) path.push(beside);
    level = levelAbove(level);
    at >>= 1;
  }
  return path;
}

/**
 * The root to which a path leads (RFC 9162, section 2.1.3.2).
 * @returns undefined where the path has not the length that the leaf's place asks for
 */
export function rootByPath(
  leaf: Uint8Array,
  index: number,
  size: number,
  path: readonly Uint8Array[],
): Uint8Array | undefined {
  let [root, at, last] = [leaf, index, size - 1];
  const left = [...path];
  for (; last > 0; at >>= 1, last >>= 1) {
    if ((at & 1) === 0 && at === last) continue;
    const beside = left.shift();
    if (beside === undefined) return undefined;
    root = (at & 1) === 1 ? nodeHash(beside, root) : nodeHash(root, beside);
  }
  return left.length === 0 && index < size ? root : undefined;
}
