import { randomBytes } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { leafHash, pathOf, rootByPath, rootOf } from '../../../src/eventstore/proof/merkle.ts';

/** The vectors by which implementations of Certificate Transparency are tested: leaves, and the root of the first n of them. */
const LEAVES = [
  '',
  '00',
  '10',
  '2021',
  '3031',
  '40414243',
  '5051525354555657',
  '606162636465666768696a6b6c6d6e6f',
].map((hex) => leafHash(Buffer.from(hex, 'hex')));
const ROOTS = [
  '6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d',
  'fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125',
  'aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77',
  'd37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7',
  '4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4',
  '76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef',
  'ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c',
  '5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328',
];

const hex = (bytes: Uint8Array | undefined): string => Buffer.from(bytes ?? []).toString('hex');

describe('Merkle trees', () => {
  it('have the roots of RFC 6962', () => {
    for (const [at, root] of ROOTS.entries()) expect(hex(rootOf(LEAVES.slice(0, at + 1)))).toBe(root);
  });

  it('lead every leaf to the root by its path, and nothing else', () => {
    for (const size of [1, 2, 3, 5, 8, 13, 64, 100]) {
      const leaves = Array.from({ length: size }, () => randomBytes(32));
      const root = hex(rootOf(leaves));
      for (const [index, leaf] of leaves.entries()) {
        const path = pathOf(leaves, index);
        expect(hex(rootByPath(leaf, index, size, path))).toBe(root);
        expect(hex(rootByPath(randomBytes(32), index, size, path))).not.toBe(root);
        expect(rootByPath(leaf, index, size, [...path, leaf])).toBeUndefined();
        if (path.length > 0) expect(rootByPath(leaf, index, size, path.slice(1))).toBeUndefined();
      }
      expect(rootByPath(randomBytes(32), size, size, pathOf(leaves, 0))).toBeUndefined();
    }
  });
});
