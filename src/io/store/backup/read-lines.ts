// Bytes to lines, without their newline. A last line without one is told apart: in a file that ends its lines it was cut off.
export type Line = { readonly bytes: Buffer; readonly isWhole: boolean };

/** In the order they come; a line longer than `most` bytes is given up and yielded as cut off. */
export async function* readLines(
  chunks: AsyncIterable<Uint8Array>,
  most: number,
): AsyncGenerator<readonly Line[]> {
  let rest = Buffer.alloc(0);
  for await (const chunk of chunks) {
    const bytes = Buffer.concat([rest, chunk]);
    const lines: Line[] = [];
    let start = 0;
    for (let end = bytes.indexOf(NEWLINE); end >= 0; end = bytes.indexOf(NEWLINE, start)) {
      lines.push({ bytes: bytes.subarray(start, end), isWhole: true });
      start = end + 1;
    }
    rest = bytes.subarray(start);
    if (lines.length > 0) yield lines;
    if (rest.length > most) break;
  }
  if (rest.length > 0) yield [{ bytes: rest, isWhole: false }];
}

const NEWLINE = 0x0a;
