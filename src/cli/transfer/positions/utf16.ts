type Order = 'utf-16le' | 'utf-16be';

/**
 * Chunks of text in UTF-8, of chunks that may be UTF-16: with a byte order mark, or recognised by the empty half of its first
 * character. Anything else passes as it is.
 */
export async function* asUtf8(chunks: AsyncIterable<Buffer>): AsyncGenerator<Buffer> {
  let order: Order | 'none' | undefined;
  let decoder: InstanceType<typeof TextDecoder> | undefined;
  let held: Buffer<ArrayBufferLike> = Buffer.alloc(0);
  for await (const chunk of chunks) {
    let bytes: Buffer<ArrayBufferLike> = chunk;
    if (order === undefined) {
      held = Buffer.concat([held, chunk]);
      if (held.length < 2) continue;
      order = orderOf(held);
      if (order !== 'none') decoder = new TextDecoder(order);
      bytes = held;
    }
    yield decoder === undefined ? bytes : Buffer.from(decoder.decode(bytes, { stream: true }));
  }
  if (order === undefined && held.length > 0) yield held;
  const rest = decoder?.decode() ?? '';
  if (rest !== '') yield Buffer.from(rest);
}

function orderOf(bytes: Buffer): Order | 'none' {
  const [first = 0, second = 0] = bytes;
  if (first === 0xff && second === 0xfe) return 'utf-16le';
  if (first === 0xfe && second === 0xff) return 'utf-16be';
  if (first !== 0 && second === 0) return 'utf-16le';
  return first === 0 && second !== 0 ? 'utf-16be' : 'none';
}
