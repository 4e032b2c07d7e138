// PEM as people paste it: byte order marks, CRLF, indentation, all on one line, text around the blocks.

export interface PemBlock {
  /** What stands behind BEGIN: 'CERTIFICATE', 'EC PRIVATE KEY', ... */
  readonly label: string;
  readonly der: Buffer;
  /** The block is encrypted in the old way, by headers (`Proc-Type: 4,ENCRYPTED`). */
  readonly encrypted: boolean;
}

export interface PemText {
  readonly blocks: readonly PemBlock[];
  /** What is wrong with the first block that could not be read. */
  readonly damage?: string;
}

const BEGIN = /-----BEGIN ([A-Z0-9 ]{1,64})-----/g;

/** All blocks of a text, in order. Never throws; what cannot be read is in `damage`. */
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
    if (!isBase64(base64)) return { blocks, damage: `the block BEGIN ${label} is not base64 throughout` };
    blocks.push({
      label,
      der: Buffer.from(base64, 'base64'),
      encrypted: /Proc-Type:\s*4,\s*ENCRYPTED/.test(body),
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

/** Non-empty standard base64, no blanks; missing padding is forgiven. */
export const isBase64 = (text: string): boolean =>
  /^[A-Za-z0-9+/]+={0,2}$/.test(text) && text.replace(/=+$/, '').length % 4 !== 1;

export const isCertificateLabel = (label: string): boolean =>
  label === 'CERTIFICATE' || label === 'X509 CERTIFICATE' || label === 'TRUSTED CERTIFICATE';

export const isPrivateKeyLabel = (label: string): boolean => label.endsWith('PRIVATE KEY');
