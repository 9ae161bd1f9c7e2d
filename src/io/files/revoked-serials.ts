// The serial numbers in revocation lists, which node checks at handshakes but does not tell. Only for connections that are open: their
// signatures are checked where lists are used for new ones.

type Element = { readonly tag: number; readonly content: Buffer };
const INTEGER = 0x02;
const SEQUENCE = 0x30;

/** Of PEM texts of one list each (RFC 5280 section 5.1), whoever's: a number stands for any certificate that has it. */
export function revokedSerials(lists: readonly string[]): ReadonlySet<bigint> {
  return new Set(
    lists.flatMap((pem) => serialsOf(Buffer.from(pem.replace(/-----[^-]+-----/g, ""), "base64"))),
  );
}

/** tbsCertList: [version], signature, issuer, thisUpdate, [nextUpdate], [revokedCertificates], [extensions]; so they are its third sequence. */
function serialsOf(der: Buffer): bigint[] {
  const [list] = elementsOf(der);
  const [signed] = list ? elementsOf(list.content) : [];
  const sequences = signed ? elementsOf(signed.content).filter(({ tag }) => tag === SEQUENCE) : [];
  return elementsOf(sequences[2]?.content ?? Buffer.alloc(0)).flatMap(({ content }) => {
    const [serial] = elementsOf(content);
    return serial?.tag === INTEGER ? [BigInt(`0x${serial.content.toString("hex") || "0"}`)] : [];
  });
}

/** DER (X.690 section 8.1): a tag, a length in one byte or in as many as the first says, the content. What is cut short ends it. */
function elementsOf(der: Buffer): Element[] {
  const elements: Element[] = [];
  for (let at = 0; at + 2 <= der.length;) {
    const [tag = 0, first = 0] = der.subarray(at, at + 2);
    const size = first & 0x80 ? Math.min(first & 0x7f, 6) : 0;
    if (at + 2 + size > der.length) break;
    const length = size > 0 ? der.readUIntBE(at + 2, size) : first;
    const start = at + 2 + size;
    elements.push({ tag, content: der.subarray(start, start + length) });
    at = start + length;
  }
  return elements;
}
