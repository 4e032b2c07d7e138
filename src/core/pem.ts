// The only reader of PEM. It accepts PEM as people paste it: byte order marks, CRLF, indentation, everything on one line,
// text around the blocks.

export interface PemBlock {
  /** The text after BEGIN: 'CERTIFICATE', 'EC PRIVATE KEY', ... */
  readonly label: string;
  readonly der: Buffer;
  /** PKCS#8 with a passphrase (ENCRYPTED PRIVATE KEY), or the older form with the header `Proc-Type: 4,ENCRYPTED`. */
  readonly encrypted: boolean;
}

export interface PemText {
  readonly blocks: readonly PemBlock[];
  /** The fault of the first damaged block. */
  readonly damage?: string;
}

const BEGIN = /-----BEGIN ([A-Z0-9 ]{1,64})-----/g;

/** All blocks of a text, in order. Reading ends at the first block that is damaged. Never throws. */
export function readPem(text: string): PemText {
  const blocks: PemBlock[] = [];
  const plain = text.replaceAll('\\n', '\n').replaceAll('\\r', '');
  const begins = [...plain.matchAll(BEGIN)];
  for (const [at, begin] of begins.entries()) {
    const label = begin[1]!;
    const from = begin.index + begin[0].length;
    const to = plain.indexOf(`-----END ${label}-----`, from);
    if (to < 0 || to > (begins[at + 1]?.index ?? plain.length)) {
      return { blocks, damage: `the block BEGIN ${label} is cut off: its END line is missing` };
    }
    const body = plain.slice(from, to);
    const base64 = body.replace(/^[ \t]*[A-Za-z-]+:.*$/gm, '').replace(/\s/g, '');
    if (!isBase64(base64))
      return { blocks, damage: `the block BEGIN ${label} holds characters that are not base64` };
    blocks.push({
      label,
      der: Buffer.from(base64, 'base64'),
      encrypted: label === 'ENCRYPTED PRIVATE KEY' || /Proc-Type:\s*4,\s*ENCRYPTED/.test(body),
    });
  }
  return { blocks };
}

/** One clean block: LF, 64 characters a line, a newline at the end. */
export function pemOf(label: string, der: Uint8Array): string {
  const lines =
    Buffer.from(der)
      .toString('base64')
      .match(/.{1,64}/g) ?? [];
  return `-----BEGIN ${label}-----\n${lines.join('\n')}\n-----END ${label}-----\n`;
}

/** Non-empty standard base64, no blanks. Padding may be missing. */
export const isBase64 = (text: string): boolean =>
  /^[A-Za-z0-9+/]+={0,2}$/.test(text) && text.replace(/=+$/, '').length % 4 !== 1;

export const isCertificateLabel = (label: string): boolean =>
  label === 'CERTIFICATE' || label === 'X509 CERTIFICATE' || label === 'TRUSTED CERTIFICATE';

export const isPrivateKeyLabel = (label: string): boolean => label.endsWith('PRIVATE KEY');
